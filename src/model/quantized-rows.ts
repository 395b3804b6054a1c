/** Rows of a quantized module in the form that `formats/grouped.ts` describes, made from what its tensors hold. */
import { CheckpointError } from '../errors.ts'
import { groupedRowBytes, quantBits, zerosAt } from '../formats/grouped.ts'
import type { RowType, ScaleType } from '../formats/row-type.ts'
import type { TensorBytes } from '../formats/tensor-file.ts'

/** A tensor as it is stored; `type` by the name of the format. */
export interface RawTensor extends TensorBytes {
  readonly type: string
  readonly shape: readonly number[]
}

/** A linear layer [rows = outputs, cols = inputs] whose weights were quantized. */
export interface QuantizedModule {
  readonly rows: number
  readonly cols: number
  readonly type: RowType
  /** Reads what cannot be read by rows. */
  load(signal?: AbortSignal): Promise<LoadedModule>
}

export interface LoadedModule {
  /** Reads what belongs to some rows; the result puts the quants of one of them into whole words that are zero. */
  rows(first: number, count: number, signal?: AbortSignal): Promise<(row: number, words: Uint32Array) => void>
  /** All scales, as they are stored. */
  readonly scales: Uint8Array
  /** The index of the scale of a row's group. */
  readonly scaleAt: (row: number, group: number) => number
  /** The stored zero point of a row's group. */
  readonly zeroOf?: ((row: number, group: number) => number) | undefined
}

export const SCALE_TYPES: Readonly<Record<string, ScaleType>> = { F16: 'f16', BF16: 'bf16', F32: 'f32' }

/** Rows of a module, one behind another. */
export async function packRows(
  { type, cols }: QuantizedModule,
  loaded: LoadedModule,
  first: number,
  count: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const { grouping } = type
  const sizes = groupedRowBytes(grouping, Math.ceil(cols / 32))
  const put = await loaded.rows(first, count, signal)
  const out = new Uint8Array(count * type.bytes)
  const words = new Uint32Array(sizes.quants / 4)
  const bytes = new Uint8Array(words.buffer)
  const bits = quantBits(grouping)
  const width = grouping.scale === 'f32' ? 4 : 2
  for (let row = first, at = 0; row < first + count; row++, at += type.bytes) {
    words.fill(0)
    put(row, words)
    out.set(bytes, at)
    const side = out.subarray(at + sizes.quants, at + type.bytes)
    for (let g = 0; g < grouping.groups; g++) {
      const from = loaded.scaleAt(row, g) * width
      for (let b = 0; b < width; b++) side[g * width + b] = loaded.scales[from + b]!
      if (!grouping.hasZeros) continue
      const place = zerosAt(grouping) + g * bits
      side[place >> 3]! |= loaded.zeroOf!(row, g) << (place & 7)
    }
  }
  return out
}

/** A view of the bytes, or of a copy where they lie at an odd place. */
export function wordsOf(bytes: Uint8Array<ArrayBuffer>): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 2)
}

/** @throws CheckpointError unless the tensor has this shape */
export function expectShape(tensor: RawTensor, shape: readonly number[], why: string): void {
  if (tensor.shape.length === shape.length && shape.every((size, d) => size === tensor.shape[d])) return
  throw new CheckpointError(
    { file: tensor.file, tensor: tensor.name },
    `has the shape [${tensor.shape.join(', ')}]; ${why}, it should be [${shape.join(', ')}]`,
  )
}
