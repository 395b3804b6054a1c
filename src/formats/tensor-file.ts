/** What every checkpoint format offers the loader: named matrices that can be read by range. */
import { CheckpointError } from '../errors.ts'
import type { MatrixType } from './blocks.ts'
import type { ByteReader } from './byte-reader.ts'

/** One tensor of a checkpoint. Matrices are row-major [rows = outputs, cols = inputs]. */
export interface TensorInfo {
  /** The name in the file. */
  readonly name: string
  /** The file that holds it. */
  readonly file: string
  readonly dtype: MatrixType
  /** Outermost first (a GGUF's dimensions are already turned round). */
  readonly shape: readonly number[]
  readonly byteOffset: number
  readonly byteLength: number
}

/** A tensor whose elements are of a type that is not implemented. It is an error only when the model needs it. */
export interface UnsupportedTensor {
  readonly name: string
  readonly file: string
  /** The type's name in the format's own terms, for example `F8_E4M3` or `Q8_K`. */
  readonly type: string
  readonly shape: readonly number[]
  /** Where its bytes are, in formats whose types all have known sizes. */
  readonly bytes?: { readonly byteOffset: number; readonly byteLength: number }
}

/** Where a tensor's bytes lie in its file. */
export type TensorBytes = Pick<TensorInfo, 'name' | 'file' | 'byteOffset' | 'byteLength'>

/** An opened container: its tensors, and reading parts of them. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, TensorInfo>
  readonly unsupported: ReadonlyMap<string, UnsupportedTensor>
  /** Notes for the user, one sentence each. */
  readonly notes?: readonly string[]
  /** Why a tensor that one could expect is in neither map; undefined when there is nothing to say. */
  whyMissing?(name: string): CheckpointError | undefined
  /** `length` bytes of the tensor's data from `offset` (relative to the tensor); in `into`, which has as many, where that saves a copy. */
  read(
    tensor: TensorBytes,
    offset: number,
    length: number,
    signal?: AbortSignal,
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>
  close(): Promise<void>
}

/** Reads a part of one tensor and refuses to leave it. */
export function readTensorPart(
  reader: ByteReader,
  tensor: TensorBytes,
  offset: number,
  length: number,
  signal?: AbortSignal,
  into?: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const inside = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0
  if (!inside || length > tensor.byteLength - offset) {
    throw new CheckpointError(
      { file: tensor.file, tensor: tensor.name },
      `asked for ${length} bytes at ${offset} of its ${tensor.byteLength}`,
    )
  }
  return reader.read(tensor.byteOffset + offset, length, signal, into)
}

/** The product of a shape; undefined when it is no safe integer. */
export function elementCount(shape: readonly number[]): number | undefined {
  // A zero anywhere makes the product zero, but must not hide an overflow among the other dimensions.
  let product = 1
  for (const size of shape) {
    product *= Math.max(size, 1)
    if (!Number.isSafeInteger(product)) return undefined
  }
  return shape.includes(0) ? 0 : product
}

/** Where a tensor's bytes lie; for {@link refuseOverlap}. */
export interface Span {
  readonly name: string
  readonly begin: number
  readonly end: number
}

/** @throws CheckpointError when two tensors share a byte */
export function refuseOverlap(file: string, spans: readonly Span[]): void {
  const sorted = spans.filter((span) => span.end > span.begin).sort((a, b) => a.begin - b.begin)
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1]!
    const span = sorted[i]!
    if (span.begin < before.end) {
      throw new CheckpointError({ file, tensor: span.name }, `its bytes overlap those of ${before.name}`)
    }
  }
}
