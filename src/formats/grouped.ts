/**
 * Rows of matrices that were quantized in groups of inputs, each with a scale and perhaps a zero point: what AWQ, GPTQ,
 * compressed-tensors and FP8 have in common. They lie in files in as many ways; here they have one.
 */

import { f8E4m3ToNumber } from './f8.ts'
import { f16ToNumber } from './f16.ts'
import type { Grouping, RowType, ScaleType } from './row-type.ts'

const SCALE_BYTES: Readonly<Record<ScaleType, number>> = { f16: 2, bf16: 2, f32: 4 }

export function quantBits({ kind }: Grouping): 4 | 8 {
  return kind === 'int4' ? 4 : 8
}

/** Bytes of a row of n blocks of 32 inputs: the quants; then the scales, and behind them the zero points. */
export function groupedRowBytes(grouping: Grouping, n: number): { quants: number; scales: number } {
  const { groups, scale, hasZeros } = grouping
  const bits = quantBits(grouping)
  const scales = groups * SCALE_BYTES[scale] + (hasZeros ? Math.ceil((groups * bits) / 8) : 0)
  const unit = SCALE_BYTES[scale]
  return { quants: n * 4 * bits, scales: Math.ceil(scales / unit) * unit }
}

/** Bits of a row's scales, behind which its zero points are. */
export function zerosAt({ groups, scale }: Grouping): number {
  return groups * SCALE_BYTES[scale] * 8
}

/** The type of rows of `cols` inputs. */
export function rowType(grouping: Grouping, cols: number): RowType {
  const { quants, scales } = groupedRowBytes(grouping, Math.ceil(cols / 32))
  return {
    elements: cols,
    bytes: quants + scales,
    decode: (bytes, out) => decodeRows(grouping, cols, bytes, out),
    grouping,
  }
}

function decodeRows(grouping: Grouping, cols: number, bytes: Uint8Array, out: Float32Array): void {
  const { kind, group, groups, hasZeros, zero, columns } = grouping
  const sizes = groupedRowBytes(grouping, Math.ceil(cols / 32))
  const bits = quantBits(grouping)
  const scales = new Float32Array(groups)
  const zeros = new Float32Array(groups).fill(zero)
  for (let row = 0, at = 0; at < bytes.length; row++, at += sizes.quants + sizes.scales) {
    const side = bytes.subarray(at + sizes.quants)
    for (let g = 0; g < groups; g++) {
      scales[g] = scaleAt(grouping.scale, side, g)
      if (hasZeros) zeros[g] = zero + bitsAt(side, zerosAt(grouping) + g * bits, bits)
    }
    for (let i = 0; i < cols; i++) {
      const g = columns?.[i] ?? Math.floor(i / group)
      const quant = kind === 'int4' ? nibbleAt(bytes, at, i) : bytes[at + i]!
      out[row * cols + i] = scales[g]! * (kind === 'f8_e4m3' ? f8E4m3ToNumber(quant) : quant - zeros[g]!)
    }
  }
}

const scratch = new DataView(new ArrayBuffer(4))

function scaleAt(type: ScaleType, bytes: Uint8Array, index: number): number {
  const at = index * SCALE_BYTES[type]
  const low = bytes[at]! | (bytes[at + 1]! << 8)
  if (type === 'f16') return f16ToNumber(low)
  scratch.setUint32(0, type === 'bf16' ? low << 16 : low | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
  return scratch.getFloat32(0)
}

function bitsAt(bytes: Uint8Array, at: number, bits: 4 | 8): number {
  return (bytes[at >> 3]! >> (at & 7)) & (2 ** bits - 1)
}

/** Byte j of word i of a block holds input 8i + j in its low nibble and input 8i + 4 + j in its high one. */
function nibbleAt(bytes: Uint8Array, row: number, input: number): number {
  return (bytes[row + 4 * (input >> 3) + (input & 3)]! >> (input & 4)) & 15
}

/** Eight nibbles, the lowest first, in the order of `nibbleAt`. */
export function spreadNibbles(word: number): number {
  return spread(word & 0xffff) | (spread(word >>> 16) << 4)
}

/** Four nibbles as four bytes. */
function spread(nibbles: number): number {
  const pairs = (nibbles | (nibbles << 8)) & 0x00ff00ff
  return (pairs | (pairs << 4)) & 0x0f0f0f0f
}
