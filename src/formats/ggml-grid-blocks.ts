/**
 * GGUF's IQ1, IQ2 and IQ3 types, taken apart: their quants are indexes into a grid, of which an entry stands for several
 * weights, and signs. A sign or a shift is part of the quant here, as another entry of the type's values.
 */
import { type BlockParts, type BlockType, u16 } from './block-type.ts'
import type { GridName } from './blocks.ts'
import * as packed from './ggml-grids.ts'

const IQ2_VALUES = withNegatives([8, 25, 43])
const IQ3_XXS_VALUES = withNegatives([4, 12, 20, 28, 36, 44, 52, 62])
const IQ3_S_VALUES = withNegatives([1, 3, 5, 7, 9, 11, 13, 15])
/** Eight times -1, 0 and 1, shifted by an eighth up, then down. */
const IQ1_VALUES = [-7, 1, 9, -9, -1, 7]

function withNegatives(values: readonly number[]): readonly number[] {
  return [...values, ...values.map((value) => -value)]
}

/** The grid that a type's indexes mean: the codes of its entries, [entries, width]. */
export const GRIDS = {
  iq2_xxs: codes(packed.IQ2_XXS, 2),
  iq2_xs: codes(packed.IQ2_XS, 2),
  iq2_s: codes(packed.IQ2_S, 2),
  iq3_xxs: codes(packed.IQ3_XXS, 4),
  iq3_s: codes(packed.IQ3_S, 4),
  iq1: codes(packed.IQ1_S, 2),
}

/** @param bits of a code in `base64` */
function codes(base64: string, bits: 2 | 4): Uint8Array {
  const bytes = atob(base64)
  const perByte = 8 / bits
  const code = (i: number) => (bytes.charCodeAt(Math.floor(i / perByte)) >> (bits * (i % perByte))) & (2 ** bits - 1)
  return Uint8Array.from({ length: bytes.length * perByte }, (_, i) => code(i))
}

export const GRID_BLOCKS = {
  iq2_xxs: { elements: 256, bytes: 66, group: 32, value: IQ2_VALUES, unit: 1 / 8, unpack: unpackIq2Xxs },
  iq2_xs: { elements: 256, bytes: 74, group: 16, value: IQ2_VALUES, unit: 1 / 8, unpack: unpackIq2Xs },
  iq2_s: { elements: 256, bytes: 82, group: 16, value: IQ2_VALUES, unit: 1 / 8, unpack: unpackIq2S },
  iq3_xxs: { elements: 256, bytes: 98, group: 32, value: IQ3_XXS_VALUES, unit: 1 / 4, unpack: unpackIq3Xxs },
  iq3_s: { elements: 256, bytes: 110, group: 32, value: IQ3_S_VALUES, unpack: unpackIq3S },
  iq1_s: { elements: 256, bytes: 50, group: 32, value: IQ1_VALUES, unit: 1 / 8, unpack: unpackIq1S },
  iq1_m: { elements: 256, bytes: 56, group: 16, value: IQ1_VALUES, unit: 1 / 8, unpack: unpackIq1M },
} as const satisfies Record<GridName, BlockType>

/** Writes entry `index` of a grid to elements from `to` on; `signs` has a bit for each that is negative. */
function entry(parts: BlockParts, grid: Uint8Array, width: 4 | 8, index: number, to: number, signs: number): void {
  // The codes of negative values follow those of positive ones.
  const negative = width === 4 ? 8 : 3
  for (let i = 0; i < width; i++) parts.quants[to + i] = grid[index * width + i]! + ((signs >> i) & 1) * negative
}

/** Seven signs; the eighth makes their number even. */
function evenSigns(seven: number): number {
  let parity = seven ^ (seven >> 4)
  parity ^= parity >> 2
  parity ^= parity >> 1
  return seven | ((parity & 1) << 7)
}

function setScale(parts: BlockParts, j: number, bits: number): void {
  parts.scales[j] = 2 * bits + 1
}

function begin(parts: BlockParts, d: number): void {
  parts.d = d
  parts.dmin = 0
  parts.mins.fill(0)
}

/** Of each 32 elements: four indexes, then four times seven signs and a scale of four bits in a word. */
function unpackIq2Xxs(block: Uint8Array, parts: BlockParts): void {
  begin(parts, u16(block, 0))
  for (let j = 0; j < 8; j++) {
    const at = 2 + 8 * j
    const word = u16(block, at + 4) + u16(block, at + 6) * 65536
    for (let l = 0; l < 4; l++) {
      entry(parts, GRIDS.iq2_xxs, 8, block[at + l]!, 32 * j + 8 * l, evenSigns((word >>> (7 * l)) & 127))
    }
    setScale(parts, j, word >>> 28)
  }
}

/** Nine bits of index and seven signs for each eight elements, then scales of four bits. */
function unpackIq2Xs(block: Uint8Array, parts: BlockParts): void {
  begin(parts, u16(block, 0))
  for (let l = 0; l < 32; l++) {
    const bits = u16(block, 2 + 2 * l)
    entry(parts, GRIDS.iq2_xs, 8, bits & 511, 8 * l, evenSigns(bits >> 9))
  }
  for (let j = 0; j < 16; j++) setScale(parts, j, (block[66 + (j >> 1)]! >> (4 * (j & 1))) & 15)
}

/** Eight low bits of the indexes, all signs, two high bits, scales of four bits. */
function unpackIq2S(block: Uint8Array, parts: BlockParts): void {
  begin(parts, u16(block, 0))
  for (let l = 0; l < 32; l++) {
    const high = (block[66 + (l >> 2)]! >> (2 * (l & 3))) & 3
    entry(parts, GRIDS.iq2_s, 8, block[2 + l]! | (high << 8), 8 * l, block[34 + l]!)
  }
  for (let j = 0; j < 16; j++) setScale(parts, j, (block[74 + (j >> 1)]! >> (4 * (j & 1))) & 15)
}

/** An index for each four elements; then for each 32 four times seven signs and a scale of four bits. */
function unpackIq3Xxs(block: Uint8Array, parts: BlockParts): void {
  begin(parts, u16(block, 0))
  for (let j = 0; j < 8; j++) {
    const word = u16(block, 66 + 4 * j) + u16(block, 68 + 4 * j) * 65536
    for (let l = 0; l < 8; l++) {
      const signs = evenSigns((word >>> (7 * (l >> 1))) & 127) >> (4 * (l & 1))
      entry(parts, GRIDS.iq3_xxs, 4, block[2 + 8 * j + l]!, 32 * j + 4 * l, signs)
    }
    setScale(parts, j, word >>> 28)
  }
}

/** Eight low bits of the indexes, a ninth bit of each, all signs, scales of four bits. */
function unpackIq3S(block: Uint8Array, parts: BlockParts): void {
  begin(parts, u16(block, 0))
  for (let l = 0; l < 64; l++) {
    const high = (block[66 + (l >> 3)]! >> (l & 7)) & 1
    entry(parts, GRIDS.iq3_s, 4, block[2 + l]! | (high << 8), 4 * l, block[74 + (l >> 1)]! >> (4 * (l & 1)))
  }
  for (let j = 0; j < 8; j++) setScale(parts, j, (block[106 + (j >> 1)]! >> (4 * (j & 1))) & 15)
}

/** Eight low bits of the indexes; for each 32 elements four times three high bits, a scale of three and the shift. */
function unpackIq1S(block: Uint8Array, parts: BlockParts): void {
  begin(parts, u16(block, 0))
  for (let j = 0; j < 8; j++) {
    const high = u16(block, 34 + 2 * j)
    const shift = high >> 15 === 1 ? 255 : 0
    for (let l = 0; l < 4; l++) {
      entry(parts, GRIDS.iq1, 8, block[2 + 4 * j + l]! | (((high >> (3 * l)) & 7) << 8), 32 * j + 8 * l, shift)
    }
    setScale(parts, j, (high >> 12) & 7)
  }
}

/** Three high bits of the index and the shift for each eight elements; scales of three bits, with the bits of d among them. */
function unpackIq1M(block: Uint8Array, parts: BlockParts): void {
  let d = 0
  for (let k = 0; k < 4; k++) d |= (u16(block, 48 + 2 * k) >> 12) << (4 * k)
  begin(parts, d)
  for (let l = 0; l < 32; l++) {
    const high = (block[32 + (l >> 1)]! >> (4 * (l & 1))) & 15
    entry(parts, GRIDS.iq1, 8, block[l]! | ((high & 7) << 8), 8 * l, high >> 3 === 1 ? 255 : 0)
  }
  for (let j = 0; j < 16; j++) setScale(parts, j, (u16(block, 48 + 2 * (j >> 2)) >> (3 * (j & 3))) & 7)
}
