/**
 * The element types of checkpoints: how elements lie in a file, and what f32 they stand for. All runtimes with WebGPU are
 * little-endian, as the files are, so typed arrays may view the bytes.
 */
import { f16Bits, f16ToNumber } from './f16.ts'
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

/** GGUF's block types. Matrices of them keep their bits on the GPU, each type in a layout of its own name. */
export const BLOCK_TYPES = {
  q4_1: ggmlBlock('q4_1', 32, 20),
  q5_0: ggmlBlock('q5_0', 32, 22),
  q5_1: ggmlBlock('q5_1', 32, 24),
  iq4_nl: ggmlBlock('iq4_nl', 32, 18),
  mxfp4: ggmlBlock('mxfp4', 32, 17),
  nvfp4: ggmlBlock('nvfp4', 64, 36),
  q1_0: ggmlBlock('q1_0', 128, 18),
  q2_k: ggmlBlock('q2_k', 256, 84),
  q3_k: ggmlBlock('q3_k', 256, 110),
  q4_k: ggmlBlock('q4_k', 256, 144),
  q5_k: ggmlBlock('q5_k', 256, 176),
  q6_k: ggmlBlock('q6_k', 256, 210),
  iq4_xs: ggmlBlock('iq4_xs', 256, 136),
  tq1_0: ggmlBlock('tq1_0', 256, 54),
  tq2_0: ggmlBlock('tq2_0', 256, 66),
  iq1_s: ggmlBlock('iq1_s', 256, 50),
  iq1_m: ggmlBlock('iq1_m', 256, 56),
  iq2_xxs: ggmlBlock('iq2_xxs', 256, 66),
  iq2_xs: ggmlBlock('iq2_xs', 256, 74),
  iq2_s: ggmlBlock('iq2_s', 256, 82),
  iq3_xxs: ggmlBlock('iq3_xxs', 256, 98),
  iq3_s: ggmlBlock('iq3_s', 256, 110),
} as const satisfies Record<string, StoredType>

export type BlockName = keyof typeof BLOCK_TYPES

/** The block types whose quants are indexes into a grid. */
export type GridName = Extract<BlockName, `iq${1 | 2 | 3}_${string}`>

export function isGridName(name: BlockName): name is GridName {
  return /^iq[123]/.test(name)
}

/** By the lower-case names of the formats: `F16` in safetensors, `Q8_0` in GGUF. */
export const STORED_TYPES = {
  f32: { elements: 1, bytes: 4, decode: decodeF32, keptAs: 'f32' },
  f16: { elements: 1, bytes: 2, decode: decodeF16, keptAs: 'f16' },
  bf16: { elements: 1, bytes: 2, decode: decodeBf16, keptAs: 'bf16' },
  q8_0: { elements: 32, bytes: 34, decode: decodeQ8, keptAs: 'q8' },
  q4_0: { elements: 32, bytes: 18, decode: decodeQ4, keptAs: 'q4' },
  ...BLOCK_TYPES,
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

type Decode = StoredType['decode']

/** How the blocks of a type are decoded: `loadBlockTypes` adds the types that some file has, since others need no code. */
export const blockDecoders = new Map<string, Decode>()

function ggmlBlock<Name extends string>(name: Name, elements: number, bytes: number) {
  const decode: Decode = (stored, out) => blockDecoders.get(name)!(stored, out)
  return { elements, bytes, decode, keptAs: name }
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
export function u16View(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes)
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2)
}
