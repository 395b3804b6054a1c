/** What every checkpoint format offers the loader: named matrices that can be read by range. */

/** Element types as they lie in files. `q8_0` and `q4_0` are GGUF blocks of 32 elements along a row. */
export type StoredDtype = 'f32' | 'f16' | 'bf16' | 'q8_0' | 'q4_0'

/** One tensor of a checkpoint. Matrices are row-major [rows = outputs, cols = inputs]. */
export interface TensorInfo {
  /** The name in the file. */
  readonly name: string
  /** The file that holds it. */
  readonly file: string
  readonly dtype: StoredDtype
  /** Outermost first (a GGUF's dimensions are already turned round). */
  readonly shape: readonly number[]
  readonly byteOffset: number
  readonly byteLength: number
}

/** An opened container: its tensors, and reading parts of them. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, TensorInfo>
  /** `length` bytes of the tensor's data from `offset` (relative to the tensor). */
  read(tensor: TensorInfo, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  close(): Promise<void>
}
