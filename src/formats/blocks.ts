/**
 * The element types of checkpoints: how elements lie in a file, and what f32 they stand for. All runtimes with WebGPU are
 * little-endian, as the files are, so typed arrays may view the bytes.
 */

import { type BlockParts, type BlockType, createBlockParts, GGML_BLOCKS } from './ggml-blocks.ts'
import type { RowType } from './row-type.ts'

/** One type of stored elements. */
export interface StoredType {
  /** Elements of one block; a row is a whole number of blocks. */
  readonly elements: number
  /** Bytes of one block. */
  readonly bytes: number
  /** Writes the f32 that whole blocks stand for, rounded once where they have no f32. */
  readonly decode: (bytes: Uint8Array, out: Float32Array) => void
  /** The weight layout that matrices of this type get on the GPU when they are not to be quantized. */
  readonly keptAs: string
}

/** By the lower-case names of the formats: `F16` in safetensors, `Q8_0` in GGUF. */
export const STORED_TYPES = {
  f32: { elements: 1, bytes: 4, decode: decodeF32, keptAs: 'f32' },
  f16: { elements: 1, bytes: 2, decode: decodeF16, keptAs: 'f16' },
  bf16: { elements: 1, bytes: 2, decode: decodeBf16, keptAs: 'bf16' },
  q8_0: { elements: 32, bytes: 34, decode: decodeQ8, keptAs: 'q8' },
  q4_0: { elements: 32, bytes: 18, decode: decodeQ4, keptAs: 'q4' },
  q4_1: ggmlBlocks('q4_1'),
  q5_0: ggmlBlocks('q5_0'),
  q5_1: ggmlBlocks('q5_1'),
  iq4_nl: ggmlBlocks('iq4_nl'),
  mxfp4: ggmlBlocks('mxfp4'),
  q2_k: ggmlBlocks('q2_k'),
  q3_k: ggmlBlocks('q3_k'),
  q4_k: ggmlBlocks('q4_k'),
  q5_k: ggmlBlocks('q5_k'),
  q6_k: ggmlBlocks('q6_k'),
  iq4_xs: ggmlBlocks('iq4_xs'),
  tq2_0: ggmlBlocks('tq2_0'),
} as const satisfies Record<string, StoredType>

export type StoredDtype = keyof typeof STORED_TYPES

/** The type of a matrix: a format's, by name, or one that was made for its rows. */
export type MatrixType = StoredDtype | RowType

function describe(type: MatrixType): Pick<StoredType, 'elements' | 'bytes' | 'decode'> {
  return typeof type === 'string' ? STORED_TYPES[type] : type
}

/** What to call a type in a message. */
export function typeName(type: MatrixType): string {
  return typeof type === 'string' ? type : type.grouping.kind
}

/** A type of `GGML_BLOCKS`, whose matrices keep its bits on the GPU. */
function ggmlBlocks<Name extends keyof typeof GGML_BLOCKS>(name: Name): StoredType & { readonly keptAs: Name } {
  const type: BlockType = GGML_BLOCKS[name]
  const decode = (bytes: Uint8Array, out: Float32Array) => decodeBlocks(type, bytes, out)
  return { elements: type.elements, bytes: type.bytes, decode, keptAs: name }
}

let parts: BlockParts | undefined

/** Every product and difference here is exact in f64, so the result is rounded once, as in the reference. */
function decodeBlocks(type: BlockType, bytes: Uint8Array, out: Float32Array): void {
  parts ??= createBlockParts()
  const { quants, scales, mins } = parts
  const { elements, bytes: size, group, value } = type
  for (let at = 0, to = 0; at < bytes.length; at += size, to += elements) {
    type.unpack(bytes.subarray(at, at + size), parts)
    const d = type.powerOfTwo === true ? 2 ** (parts.d - 128) : f16ToNumber(parts.d)
    const dmin = f16ToNumber(parts.dmin)
    for (let i = 0; i < elements; i++) {
      const j = Math.floor(i / group)
      const quant = typeof value === 'number' ? quants[i]! - value : value[quants[i]!]!
      out[to + i] = d * scales[j]! * quant - dmin * mins[j]!
    }
  }
}

/** The type that a format calls so; undefined when it is not implemented. */
export function storedType(name: string): StoredDtype | undefined {
  const key = name.toLowerCase()
  return Object.hasOwn(STORED_TYPES, key) ? (key as StoredDtype) : undefined
}

/** Bytes of a row, or of any whole number of blocks. */
export function storedBytes(dtype: MatrixType, elements: number): number {
  const type = describe(dtype)
  return (elements / type.elements) * type.bytes
}

/**
 * Decodes whole elements or blocks.
 * @param bytes a multiple of the dtype's block; any alignment
 * @param out receives the elements when given; must have exactly their number
 * @throws RangeError when the sizes do not fit, which is the caller's bug
 */
export function decodeToF32(dtype: MatrixType, bytes: Uint8Array, out?: Float32Array): Float32Array {
  const layout = describe(dtype)
  const blocks = bytes.byteLength / layout.bytes
  if (!Number.isInteger(blocks)) {
    throw new RangeError(
      `${bytes.byteLength} bytes are no whole number of ${typeName(dtype)} blocks of ${layout.bytes} bytes`,
    )
  }
  const target = out ?? new Float32Array(blocks * layout.elements)
  if (target.length !== blocks * layout.elements) {
    throw new RangeError(`${blocks * layout.elements} elements do not fit an output of ${target.length}`)
  }
  layout.decode(bytes, target)
  return target
}

function decodeF32(bytes: Uint8Array, out: Float32Array): void {
  // Byte by byte, since a NaN's payload must not pass through a number.
  new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes)
}

function decodeF16(bytes: Uint8Array, out: Float32Array): void {
  const table = f16Bits()
  const halves = u16View(bytes)
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length)
  for (let i = 0; i < halves.length; i++) words[i] = table[halves[i]!]!
}

function decodeBf16(bytes: Uint8Array, out: Float32Array): void {
  const halves = u16View(bytes)
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length)
  for (let i = 0; i < halves.length; i++) words[i] = halves[i]! << 16
}

function decodeQ8(bytes: Uint8Array, out: Float32Array): void {
  const quants = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0, to = 0; at < bytes.length; at += 34, to += 32) {
    const scale = f16ToNumber(bytes[at]! | (bytes[at + 1]! << 8))
    for (let i = 0; i < 32; i++) out[to + i] = scale * quants[at + 2 + i]!
  }
}

function decodeQ4(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; at < bytes.length; at += 18, to += 32) {
    const scale = f16ToNumber(bytes[at]! | (bytes[at + 1]! << 8))
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 2 + i]!
      out[to + i] = scale * ((pair & 15) - 8)
      out[to + 16 + i] = scale * ((pair >> 4) - 8)
    }
  }
}

/** A view where the alignment allows, else of a copy. */
function u16View(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes)
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2)
}

let table: Uint32Array | undefined

/** The f32 bit pattern of each of the 65,536 half-precision numbers. Made once, when first needed. */
function f16Bits(): Uint32Array {
  if (table === undefined) {
    table = new Uint32Array(65536)
    for (let half = 0; half < 65536; half++) table[half] = f16BitsToF32Bits(half)
  }
  return table
}

function f16BitsToF32Bits(half: number): number {
  const sign = (half & 0x8000) << 16
  const exponent = (half >> 10) & 31
  const mantissa = half & 1023
  if (exponent === 31) return (sign | 0x7f800000 | (mantissa << 13)) >>> 0
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (mantissa << 13)) >>> 0
  if (mantissa === 0) return sign >>> 0
  // Subnormal there, normal in f32: shift the leading one into the hidden place.
  const shift = Math.clz32(mantissa) - 21
  return (sign | ((113 - shift) << 23) | (((mantissa << shift) & 1023) << 13)) >>> 0
}

const scratch = new Float32Array(1)
const scratchBits = new Uint32Array(scratch.buffer)

/** The value of one half-precision number. */
export function f16ToNumber(half: number): number {
  scratchBits[0] = f16Bits()[half & 0xffff]!
  return scratch[0]!
}

/**
 * The half-precision bit pattern nearest to an f32, ties to even; beyond 65,520 infinity. A NaN stays a quiet NaN.
 * A number that is no f32 is rounded to one first.
 */
export function f32ToF16Bits(value: number): number {
  scratch[0] = value
  const bits = scratchBits[0]!
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x47800000) return sign | 0x7c00
  if (magnitude >= 0x38800000) {
    // Rounding may carry into the exponent, up to infinity: that is the right result.
    return sign | roundShift(magnitude - 0x38000000, 13)
  }
  if (magnitude < 0x33000000) return sign
  const mantissa = (magnitude & 0x7fffff) | 0x800000
  return sign | roundShift(mantissa, 126 - (magnitude >>> 23))
}

/** `bits / 2^shift`, to the nearest, ties to even. */
function roundShift(bits: number, shift: number): number {
  const kept = bits >>> shift
  const rest = bits & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept
}
