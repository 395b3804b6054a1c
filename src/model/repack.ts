import { BLOCK_LAYOUT, decodeToF32, f16ToNumber, f32ToF16Bits } from '../formats/blocks.ts'
import type { StoredDtype } from '../formats/tensor-file.ts'
import { BLOCK, ceilDiv } from '../kernels/shape.ts'
import { hasScales, rowBytes, type WeightDtype } from '../kernels/weight.ts'

/** Rows in the GPU's layout, on their way there. Layouts are those of `shaders/weights_*.wgsl`. */
export interface PackedRows {
  readonly dtype: WeightDtype
  readonly cols: number
  readonly quants: Uint8Array<ArrayBuffer>
  /** f16 bits, one for each block; empty when the dtype has none. */
  readonly scales: Uint16Array<ArrayBuffer>
}

export function createPackedRows(dtype: WeightDtype, rows: number, cols: number): PackedRows {
  const scales = hasScales(dtype) ? rows * ceilDiv(cols, BLOCK) : 0
  return {
    dtype,
    cols,
    quants: new Uint8Array(rows * rowBytes(dtype, cols)),
    scales: new Uint16Array(Math.ceil(scales / 2) * 2),
  }
}

/** The file's own type where the GPU has it: nothing is lost. */
const NATIVE: Record<StoredDtype, WeightDtype> = { f32: 'f32', f16: 'f16', bf16: 'bf16', q8_0: 'q8', q4_0: 'q4' }

/**
 * The type that holds matrices of these file types together without loss: their own when they agree, `q8` for a mixture
 * of Q8_0 and Q4_0, else f32.
 */
export function nativeDtype(stored: readonly StoredDtype[]): WeightDtype {
  const types = new Set(stored.map((dtype) => NATIVE[dtype]))
  if (types.size === 1) return NATIVE[stored[0]!]
  return [...types].every(hasScales) ? 'q8' : 'f32'
}

/** Bytes of one row in the file. */
export function storedRowBytes(dtype: StoredDtype, cols: number): number {
  const layout = BLOCK_LAYOUT[dtype]
  return (cols / layout.elements) * layout.bytes
}

/** Converts one row of the file to row `index` of the packed rows; exactly where the target can hold it. */
export function packRow(from: StoredDtype, row: Uint8Array, to: PackedRows, index: number): void {
  const blocks = ceilDiv(to.cols, BLOCK)
  const bytes = rowBytes(to.dtype, to.cols)
  const quants = to.quants.subarray(index * bytes, (index + 1) * bytes)
  const scales = to.scales.subarray(index * blocks, (index + 1) * blocks)
  if (from === 'q8_0' && to.dtype === 'q8') packBlocks(row, 34, quants, scales, copyQ8)
  else if (from === 'q4_0' && to.dtype === 'q4') packBlocks(row, 18, quants, scales, copyQ4)
  else if (from === 'q4_0' && to.dtype === 'q8') packBlocks(row, 18, quants, scales, widenQ4)
  else if (NATIVE[from] === to.dtype) quants.set(row)
  else packValues(decodeToF32(from, row), to.dtype, quants, scales)
}

type BlockPacker = (block: Uint8Array, quants: Uint8Array) => void

/** Takes GGUF blocks (an f16 scale, then the quants) apart. */
function packBlocks(row: Uint8Array, size: number, quants: Uint8Array, scales: Uint16Array, pack: BlockPacker): void {
  const width = quants.length / scales.length
  for (let i = 0; i < scales.length; i++) {
    const block = row.subarray(i * size, (i + 1) * size)
    scales[i] = block[0]! | (block[1]! << 8)
    pack(block.subarray(2), quants.subarray(i * width, (i + 1) * width))
  }
}

function copyQ8(block: Uint8Array, quants: Uint8Array): void {
  quants.set(block)
}

/** Q4_0 keeps element j in the low nibble of byte j and element 16 + j in the high one. */
function q4Element(block: Uint8Array, element: number): number {
  return element < 16 ? block[element]! & 15 : block[element - 16]! >> 4
}

function copyQ4(block: Uint8Array, quants: Uint8Array): void {
  for (let byte = 0; byte < 16; byte++) {
    const first = 8 * (byte >> 2) + (byte & 3)
    quants[byte] = q4Element(block, first) | (q4Element(block, first + 4) << 4)
  }
}

function widenQ4(block: Uint8Array, quants: Uint8Array): void {
  for (let element = 0; element < 32; element++) quants[element] = q4Element(block, element) - 8
}

function packValues(values: Float32Array, dtype: WeightDtype, quants: Uint8Array, scales: Uint16Array): void {
  if (dtype === 'f32') {
    quants.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  } else if (dtype === 'q8') {
    for (let block = 0; block < scales.length; block++) {
      scales[block] = quantizeQ8(values, block * BLOCK, quants.subarray(block * 32, block * 32 + 32))
    }
  } else if (dtype === 'q4') {
    for (let block = 0; block < scales.length; block++) {
      scales[block] = quantizeQ4(values, block * BLOCK, quants.subarray(block * 16, block * 16 + 16))
    }
  } else {
    throw new RangeError(`nothing is converted to ${dtype}`)
  }
}

/**
 * Symmetric 8-bit: scale = max |w| / 127, as GGUF's Q8_0. Quantized against the scale as f16 rounds it, so the error of
 * an element is at most half a step (of up to 65504: larger ones saturate). A block of zeros has scale 0. Returns the
 * scale's f16 bits.
 */
function quantizeQ8(values: Float32Array, first: number, quants: Uint8Array): number {
  const largest = ofLargestMagnitude(values, first)
  const bits = scaleBits(Math.abs(largest) / 127, 127)
  const inverse = inverseScale(bits)
  for (let i = 0; i < BLOCK; i++) quants[i] = clamp(Math.round((values[first + i] ?? 0) * inverse), -127, 127)
  return bits
}

/**
 * 4-bit with the element of largest magnitude at -8, as GGUF's Q4_0: the scale carries its sign. Elements of the other
 * sign reach 7 steps, so the error is at most half a step, at that end a whole one (one and a half where the scale is so
 * small that f16 rounds it coarsely). Returns the scale's f16 bits.
 */
function quantizeQ4(values: Float32Array, first: number, quants: Uint8Array): number {
  const largest = ofLargestMagnitude(values, first)
  const bits = scaleBits(largest / -8, 8)
  const inverse = inverseScale(bits)
  const element = (i: number) => clamp(Math.round((values[first + i] ?? 0) * inverse) + 8, 0, 15)
  for (let byte = 0; byte < 16; byte++) {
    const low = 8 * (byte >> 2) + (byte & 3)
    quants[byte] = element(low) | (element(low + 4) << 4)
  }
  return bits
}

/** The element of the block that is farthest from zero, with its sign. */
function ofLargestMagnitude(values: Float32Array, first: number): number {
  let largest = 0
  const end = Math.min(first + BLOCK, values.length)
  for (let i = first; i < end; i++) if (Math.abs(values[i]!) > Math.abs(largest)) largest = values[i]!
  return largest
}

/**
 * The scale as f16. Where f16 is so coarse (below 6e-5) that rounding down would leave the largest element, `steps` steps
 * away, more than half a step beyond the range, it is rounded up.
 */
function scaleBits(scale: number, steps: number): number {
  const bits = f32ToF16Bits(clamp(scale, -65504, 65504))
  const reach = Math.abs(f16ToNumber(bits)) * (steps + 0.5)
  return reach < Math.abs(scale) * steps && (bits & 0x7fff) < 0x7bff ? bits + 1 : bits
}

function inverseScale(bits: number): number {
  const scale = f16ToNumber(bits)
  return scale === 0 ? 0 : 1 / scale
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}
