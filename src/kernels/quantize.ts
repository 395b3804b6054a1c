/** Rows of weights on their way to the GPU: bytes of the file taken over as they are, and f32 rounded to fewer bits. */
import { f16ToNumber, f32ToF16Bits } from '../formats/blocks.ts'
import { BLOCK } from './shape.ts'

/** One row of a matrix in the layout that it gets on the GPU, padded with zeros to whole blocks. */
export interface PackedRow {
  readonly quants: Uint8Array<ArrayBuffer>
  /** Empty where the layout has no scales. */
  readonly scales: Uint8Array<ArrayBuffer>
}

/** Takes the bytes of a row as they lie in the file. */
export type Copy = (stored: Uint8Array, row: PackedRow) => void

/** Takes the values of a row. */
export type Pack = (values: Float32Array, row: PackedRow) => void

/** For layouts that are the file's own. */
export const copyBytes: Copy = (stored, { quants }) => quants.set(stored)

export const packF32: Pack = (values, { quants }) => {
  quants.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
}

/** Rounds to the nearest; what is too large becomes the largest number of its sign. */
export const packF16: Pack = (values, { quants }) => {
  const halves = halvesOf(quants)
  for (let i = 0; i < values.length; i++) halves[i] = f32ToF16Bits(clamp(values[i]!, -65504, 65504))
}

/** Rounds to the nearest, ties to even. */
export const packBf16: Pack = (values, { quants }) => {
  const halves = halvesOf(quants)
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!
    // The upper half of a NaN is one as long as a bit of it stays.
    const isNan = (word & 0x7fffffff) > 0x7f800000
    halves[i] = isNan ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16
  }
}

/** Takes GGUF blocks (an f16 scale, then the quants) apart. */
function copyBlocks(size: number, copyQuants: (block: Uint8Array, quants: Uint8Array) => void): Copy {
  return (stored, { quants, scales }) => {
    const blocks = scales.length / 2
    const width = quants.length / blocks
    for (let i = 0; i < blocks; i++) {
      const block = stored.subarray(i * size, (i + 1) * size)
      scales.set(block.subarray(0, 2), 2 * i)
      copyQuants(block.subarray(2), quants.subarray(i * width, (i + 1) * width))
    }
  }
}

export const copyQ8: Copy = copyBlocks(34, (block, quants) => quants.set(block))

/** Byte j of word i holds input 8i + j in its low nibble and input 8i + 4 + j in its high one. */
export const copyQ4: Copy = copyBlocks(18, (block, quants) => {
  for (let byte = 0; byte < 16; byte++) {
    const first = 8 * (byte >> 2) + (byte & 3)
    quants[byte] = q4Element(block, first) | (q4Element(block, first + 4) << 4)
  }
})

/** Four bits as eight, which loses nothing. */
export const widenQ4: Copy = copyBlocks(18, (block, quants) => {
  for (let element = 0; element < 32; element++) quants[element] = q4Element(block, element) - 8
})

/** Q4_0 keeps element j in the low nibble of byte j and element 16 + j in the high one. */
function q4Element(block: Uint8Array, element: number): number {
  return element < 16 ? block[element]! & 15 : block[element - 16]! >> 4
}

/** Quantizes block by block; `quantize` returns the f16 bits of the block's scale. */
function packBlocks(quantize: (values: Float32Array, first: number, quants: Uint8Array) => number): Pack {
  return (values, { quants, scales }) => {
    const halves = halvesOf(scales)
    const width = quants.length / halves.length
    for (let i = 0; i < halves.length; i++) {
      halves[i] = quantize(values, i * BLOCK, quants.subarray(i * width, (i + 1) * width))
    }
  }
}

/**
 * Symmetric 8-bit: scale = max |w| / 127, as GGUF's Q8_0. Quantized against the scale as f16 rounds it, so the error of
 * an element is at most half a step (of up to 65504: larger ones saturate). A block of zeros has scale 0.
 */
export const packQ8: Pack = packBlocks((values, first, quants) => {
  const largest = ofLargestMagnitude(values, first)
  const bits = scaleBits(Math.abs(largest) / 127, 127)
  const inverse = inverseScale(bits)
  for (let i = 0; i < BLOCK; i++) quants[i] = clamp(Math.round((values[first + i] ?? 0) * inverse), -127, 127)
  return bits
})

/**
 * 4-bit with the element of largest magnitude at -8, as GGUF's Q4_0: the scale carries its sign. Elements of the other
 * sign reach 7 steps, so the error is at most half a step, at that end a whole one (one and a half where the scale is so
 * small that f16 rounds it coarsely).
 */
export const packQ4: Pack = packBlocks((values, first, quants) => {
  const largest = ofLargestMagnitude(values, first)
  const bits = scaleBits(largest / -8, 8)
  const inverse = inverseScale(bits)
  const element = (i: number) => clamp(Math.round((values[first + i] ?? 0) * inverse) + 8, 0, 15)
  for (let byte = 0; byte < 16; byte++) {
    const low = 8 * (byte >> 2) + (byte & 3)
    quants[byte] = element(low) | (element(low + 4) << 4)
  }
  return bits
})

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

function halvesOf(bytes: Uint8Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2)
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}
