/**
 * The quantized blocks of GGUF, taken apart: quants, scales and minimums as whole numbers. The layouts are those of
 * ggml's `ggml-common.h`; gguf-py's `quants.py` computes the same values (the tests compare them). The types whose
 * quants are indexes into a grid are in `ggml-grid-blocks.ts`.
 */
import { type BlockParts, type BlockType, createBlockParts, F16_ONE, u16 } from './block-type.ts'
import { BLOCK_TYPES, type BlockName, blockDecoders, type GridName, type StoredDtype } from './blocks.ts'
import { f16ToNumber } from './f16.ts'

/** The sixteen values of IQ4_NL and IQ4_XS (ggml `kvalues_iq4nl`). */
export const IQ4_VALUES = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113] as const

/** Twice the values of a 4-bit float, E2M1 (OCP Microscaling Formats 1.0, table 4). */
export const FP4_VALUES = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] as const

export const GGML_BLOCKS = {
  q4_1: { elements: 32, bytes: 20, group: 32, value: 0, unpack: unpackQ4With(true) },
  q5_0: { elements: 32, bytes: 22, group: 32, value: 16, unpack: unpackQ5With(false) },
  q5_1: { elements: 32, bytes: 24, group: 32, value: 0, unpack: unpackQ5With(true) },
  iq4_nl: { elements: 32, bytes: 18, group: 32, value: IQ4_VALUES, unpack: unpackQ4With(false) },
  mxfp4: { elements: 32, bytes: 17, group: 32, value: FP4_VALUES, unpack: unpackMxfp4, factor: halfPower },
  nvfp4: { elements: 64, bytes: 36, group: 16, value: FP4_VALUES, unpack: unpackNvfp4, scale: halfUe4m3 },
  q1_0: { elements: 128, bytes: 18, group: 32, value: [-1, 1], unpack: unpackQ1 },
  q2_k: { elements: 256, bytes: 84, group: 16, value: 0, unpack: unpackQ2K },
  q3_k: { elements: 256, bytes: 110, group: 16, value: 4, unpack: unpackQ3K },
  q4_k: { elements: 256, bytes: 144, group: 32, value: 0, unpack: unpackQ4K },
  q5_k: { elements: 256, bytes: 176, group: 32, value: 0, unpack: unpackQ5K },
  q6_k: { elements: 256, bytes: 210, group: 16, value: 32, unpack: unpackQ6K },
  iq4_xs: { elements: 256, bytes: 136, group: 32, value: IQ4_VALUES, unpack: unpackIq4Xs },
  tq1_0: { elements: 256, bytes: 54, group: 32, value: 1, unpack: unpackTq1 },
  tq2_0: { elements: 256, bytes: 66, group: 32, value: 1, unpack: unpackTq2 },
} as const satisfies Record<Exclude<BlockName, GridName>, BlockType>

/** Makes `decodeToF32` know the block types among these. Whoever opens a file calls it with what the file has. */
export async function loadBlockTypes(types: readonly StoredDtype[]): Promise<void> {
  for (const name of new Set(types)) {
    if (!Object.hasOwn(BLOCK_TYPES, name) || blockDecoders.has(name)) continue
    const type = await blockType(name as BlockName)
    const parts = createBlockParts()
    blockDecoders.set(name, (bytes, out) => decodeBlocks(type, parts, bytes, out))
  }
}

async function blockType(name: BlockName): Promise<BlockType> {
  return isInGrid(name) ? (await import('./ggml-grid-blocks.ts')).GRID_BLOCKS[name] : GGML_BLOCKS[name]
}

function isInGrid(name: BlockName): name is GridName {
  return !Object.hasOwn(GGML_BLOCKS, name)
}

/** Every product and difference here is exact in f64, so the result is rounded once, as in the reference. */
function decodeBlocks(type: BlockType, parts: BlockParts, bytes: Uint8Array, out: Float32Array): void {
  const { quants, scales, mins } = parts
  const { elements, bytes: size, group, value, unit = 1, factor = f16ToNumber, scale = Number } = type
  for (let at = 0, to = 0; at < bytes.length; at += size, to += elements) {
    type.unpack(bytes.subarray(at, at + size), parts)
    const d = factor(parts.d) * unit
    const dmin = f16ToNumber(parts.dmin)
    for (let i = 0; i < elements; i++) {
      const j = Math.floor(i / group)
      const quant = typeof value === 'number' ? quants[i]! - value : value[quants[i]!]!
      out[to + i] = d * scale(scales[j]!) * quant - dmin * mins[j]!
    }
  }
}

/** Nibbles of `length` bytes: the low ones are the first `length` elements, the high ones the next. */
function nibbles(bytes: Uint8Array, at: number, length: number, quants: Uint8Array, to: number): void {
  for (let i = 0; i < length; i++) {
    const pair = bytes[at + i]!
    quants[to + i] = pair & 15
    quants[to + length + i] = pair >> 4
  }
}

/** Q4_1 has a minimum that is added, so it stands here with the sign turned. IQ4_NL is alike without one. */
function unpackQ4With(minimum: boolean): BlockType['unpack'] {
  return (block, parts) => {
    parts.d = u16(block, 0)
    setMinimum(parts, minimum ? u16(block, 2) : undefined)
    nibbles(block, minimum ? 4 : 2, 16, parts.quants, 0)
  }
}

function unpackQ5With(minimum: boolean): BlockType['unpack'] {
  return (block, parts) => {
    parts.d = u16(block, 0)
    setMinimum(parts, minimum ? u16(block, 2) : undefined)
    const at = minimum ? 4 : 2
    nibbles(block, at + 4, 16, parts.quants, 0)
    // One high bit for each of the 32 elements, in order.
    for (let i = 0; i < 32; i++) parts.quants[i]! |= ((block[at + (i >> 3)]! >> (i & 7)) & 1) << 4
  }
}

/** `bits`: the f16 that is added to every element. */
function setMinimum(parts: BlockParts, bits: number | undefined): void {
  parts.scales[0] = 1
  parts.mins[0] = bits === undefined ? 0 : 1
  parts.dmin = bits === undefined ? 0 : bits ^ 0x8000
}

/** Not an f16: `d` is the biased exponent. */
function unpackMxfp4(block: Uint8Array, parts: BlockParts): void {
  parts.d = block[0]!
  setMinimum(parts, undefined)
  nibbles(block, 1, 16, parts.quants, 0)
}

/** 2^(e - 127), halved because {@link FP4_VALUES} are doubled. */
function halfPower(e: number): number {
  return 2 ** (e - 128)
}

/** E4M3 without a sign, halved likewise; 127, which is NaN elsewhere, is zero (ggml `ggml_ue4m3_to_fp32`). */
function halfUe4m3(byte: number): number {
  const e = (byte >> 3) & 15
  const m = byte & 7
  if (byte === 127) return 0
  return e === 0 ? m * 2 ** -10 : (1 + m / 8) * 2 ** (e - 8)
}

/** Four scales, then four times eight bytes: low nibbles first. */
function unpackNvfp4(block: Uint8Array, parts: BlockParts): void {
  parts.d = F16_ONE
  parts.dmin = 0
  parts.mins.fill(0)
  for (let j = 0; j < 4; j++) {
    parts.scales[j] = block[j]!
    nibbles(block, 4 + 8 * j, 8, parts.quants, 16 * j)
  }
}

function unpackQ1(block: Uint8Array, parts: BlockParts): void {
  for (let i = 0; i < 128; i++) parts.quants[i] = (block[2 + (i >> 3)]! >> (i & 7)) & 1
  setTernary(parts, u16(block, 0))
}

/** Elements of `bits` bits: byte `i` of a run of 32 holds elements `i`, `32 + i`, `64 + i`, … from its lowest bits on. */
function planes(bytes: Uint8Array, at: number, bits: number, put: (element: number, value: number) => void): void {
  const perByte = 8 / bits
  const mask = (1 << bits) - 1
  for (let element = 0; element < 256; element++) {
    const run = Math.floor(element / (32 * perByte))
    const plane = Math.floor(element / 32) % perByte
    put(element, (bytes[at + run * 32 + (element & 31)]! >> (plane * bits)) & mask)
  }
}

function unpackQ2K(block: Uint8Array, parts: BlockParts): void {
  for (let j = 0; j < 16; j++) {
    parts.scales[j] = block[j]! & 15
    parts.mins[j] = block[j]! >> 4
  }
  const { quants } = parts
  planes(block, 16, 2, (i, value) => {
    quants[i] = value
  })
  parts.d = u16(block, 80)
  parts.dmin = u16(block, 82)
}

/** The third bit of an element is kept in the high mask. */
function unpackQ3K(block: Uint8Array, parts: BlockParts): void {
  const { quants, scales, mins } = parts
  planes(block, 32, 2, (i, value) => {
    quants[i] = value
  })
  planes(block, 0, 1, (i, value) => {
    quants[i]! |= value << 2
  })
  // Sixteen scales of 6 bits: eight bytes of low nibbles, then four bytes of two high bits each.
  for (let j = 0; j < 16; j++) {
    const low = (block[96 + (j & 7)]! >> (4 * (j >> 3))) & 15
    const high = (block[104 + (j & 3)]! >> (2 * (j >> 2))) & 3
    scales[j] = (low | (high << 4)) - 32
  }
  mins.fill(0)
  parts.d = u16(block, 108)
  parts.dmin = 0
}

/** Eight scales and eight minimums of 6 bits in twelve bytes (ggml `get_scale_min_k4`). */
function scalesAndMins(block: Uint8Array, at: number, { scales, mins }: BlockParts): void {
  for (let j = 0; j < 4; j++) {
    scales[j] = block[at + j]! & 63
    mins[j] = block[at + 4 + j]! & 63
    scales[4 + j] = (block[at + 8 + j]! & 15) | ((block[at + j]! >> 6) << 4)
    mins[4 + j] = (block[at + 8 + j]! >> 4) | ((block[at + 4 + j]! >> 6) << 4)
  }
}

function unpackQ4K(block: Uint8Array, parts: BlockParts): void {
  parts.d = u16(block, 0)
  parts.dmin = u16(block, 2)
  scalesAndMins(block, 4, parts)
  for (let pair = 0; pair < 4; pair++) nibbles(block, 16 + 32 * pair, 32, parts.quants, 64 * pair)
}

function unpackQ5K(block: Uint8Array, parts: BlockParts): void {
  parts.d = u16(block, 0)
  parts.dmin = u16(block, 2)
  scalesAndMins(block, 4, parts)
  const { quants } = parts
  for (let pair = 0; pair < 4; pair++) nibbles(block, 48 + 32 * pair, 32, quants, 64 * pair)
  planes(block, 16, 1, (i, value) => {
    quants[i]! |= value << 4
  })
}

function unpackQ6K(block: Uint8Array, parts: BlockParts): void {
  const { quants, scales, mins } = parts
  for (let half = 0; half < 2; half++) nibbles(block, 64 * half, 64, quants, 128 * half)
  planes(block, 128, 2, (i, value) => {
    quants[i]! |= value << 4
  })
  for (let j = 0; j < 16; j++) scales[j] = (block[192 + j]! << 24) >> 24
  mins.fill(0)
  parts.d = u16(block, 208)
  parts.dmin = 0
}

function unpackIq4Xs(block: Uint8Array, parts: BlockParts): void {
  parts.d = u16(block, 0)
  parts.dmin = 0
  const high = u16(block, 2)
  for (let j = 0; j < 8; j++) {
    const low = (block[4 + (j >> 1)]! >> (4 * (j & 1))) & 15
    parts.scales[j] = (low | (((high >> (2 * j)) & 3) << 4)) - 32
    nibbles(block, 8 + 16 * j, 16, parts.quants, 32 * j)
  }
  parts.mins.fill(0)
}

/** Five digits to base 3 in a byte, which stands for a fraction: digit n is that before the point of 3^(n + 1) times it. */
function unpackTq1(block: Uint8Array, parts: BlockParts): void {
  let element = 0
  const run = (at: number, length: number, planes: number) => {
    for (let n = 0; n < planes; n++) {
      for (let i = 0; i < length; i++) parts.quants[element++] = (((block[at + i]! * 3 ** n) & 255) * 3) >> 8
    }
  }
  run(0, 32, 5)
  run(32, 16, 5)
  run(48, 4, 4)
  setTernary(parts, u16(block, 52))
}

function unpackTq2(block: Uint8Array, parts: BlockParts): void {
  const { quants } = parts
  planes(block, 0, 2, (i, value) => {
    quants[i] = value
  })
  setTernary(parts, u16(block, 64))
}

function setTernary(parts: BlockParts, d: number): void {
  parts.scales.fill(1)
  parts.mins.fill(0)
  parts.d = d
  parts.dmin = 0
}
