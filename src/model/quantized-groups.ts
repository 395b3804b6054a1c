/** What the methods of quantization have in common: the parts of a module, and the groups of its inputs. */
import { CheckpointError } from '../errors.ts'
import type { Grouping } from '../formats/row-type.ts'
import type { Quantization } from './quantization-hf.ts'
import { expectShape, type RawTensor, SCALE_TYPES } from './quantized-rows.ts'
import type { RawTensors } from './raw-tensors.ts'

/** What each method needs to describe a module. */
export interface Parts {
  readonly files: RawTensors
  readonly quantization: Quantization
  readonly main: RawTensor
  readonly stem: string
  readonly signal: AbortSignal | undefined
}

/** The types that scales may have. */
export const SCALES = Object.keys(SCALE_TYPES)

/** Rows whose bytes are kept in their order. */
export async function plainRows(
  files: RawTensors,
  tensor: RawTensor,
  { first, count, bytes }: { first: number; count: number; bytes: number },
  signal?: AbortSignal,
): Promise<(row: number, words: Uint32Array) => void> {
  const data = await files.read(tensor, first * bytes, count * bytes, signal)
  return (row, words) => {
    new Uint8Array(words.buffer).set(data.subarray((row - first) * bytes, (row - first + 1) * bytes))
  }
}

interface GroupFacts {
  readonly bits: 4 | 8
  readonly cols: number
  readonly groups: number
  /** What the config says. */
  readonly groupSize: number | undefined
  /** The group of each input, where a tensor says it and they are not runs. */
  readonly columns: Uint16Array | undefined
  /** Added to stored zero points; undefined where there are none. */
  readonly zero: number | undefined
}

/** Groups that are runs of whole blocks of 32 inputs are read as such, others input by input. */
export function makeGrouping(scale: RawTensor, facts: GroupFacts): Grouping {
  const { bits, cols, groups, groupSize, columns, zero } = facts
  const whole = Math.ceil(cols / 32) * 32
  const fits = groupSize !== undefined && Math.ceil(cols / groupSize) === groups
  const group = groups === 1 ? whole : fits ? groupSize : cols / groups
  if (!Number.isInteger(group) && columns === undefined) {
    const at = { file: scale.file, tensor: scale.name }
    throw new CheckpointError(at, `has ${groups} groups, which do not divide ${cols} inputs`)
  }
  const runs = (): Uint16Array => Uint16Array.from({ length: cols }, (_, i) => Math.floor(i / group))
  return {
    kind: bits === 4 ? 'int4' : 'int8',
    group,
    groups,
    scale: SCALE_TYPES[scale.type]!,
    hasZeros: zero !== undefined,
    zero: zero ?? 2 ** (bits - 1),
    columns: columns ?? (group % 32 === 0 ? undefined : runs()),
  }
}

/**
 * The size of groups by which a row of `cols` inputs has its number of scales; undefined where the config names no sizes.
 * The last group of a row may be short, so that sizes which give the same number give other groups.
 * @throws CheckpointError when none of the config's sizes fits, or several do
 */
export function fittingSize(
  scale: RawTensor,
  { cols, groups }: { cols: number; groups: number },
  sizes: readonly number[],
): number | undefined {
  if (sizes.length === 0) return undefined
  const fitting = sizes.filter((size) => Math.max(1, Math.ceil(cols / size)) === groups)
  if (fitting.length === 1 || (fitting.length > 1 && groups === 1)) return fitting[0]
  const listed = (fitting.length > 1 ? fitting : sizes)
    .map((size) => (size < Infinity ? size : 'a whole row'))
    .join(', ')
  throw new CheckpointError(
    { file: scale.file, tensor: scale.name },
    `has ${groups} scale${groups === 1 ? '' : 's'} for a row of ${cols} inputs, which ${fitting.length > 1 ? 'more than one' : 'none'} of the config's group sizes would give: ${listed}`,
  )
}

/** undefined where there is no such tensor, or groups are the runs of inputs that they are without it. */
export async function columnsOf(
  files: RawTensors,
  tensor: RawTensor | undefined,
  { cols, groups, groupSize }: { cols: number; groups: number; groupSize?: number | undefined },
  signal: AbortSignal | undefined,
): Promise<Uint16Array | undefined> {
  if (tensor === undefined) return undefined
  files.need(tensor.name, tensor.file, ['I32', 'I64'])
  expectShape(tensor, [cols], `for ${cols} inputs`)
  const list = integers(tensor, await files.read(tensor, 0, undefined, signal))
  if (list.every((group) => group === -1)) return undefined
  const bad = list.find((group) => group < 0 || group >= groups)
  if (bad !== undefined) {
    throw new CheckpointError({ file: tensor.file, tensor: tensor.name }, `names group ${bad}; there are ${groups}`)
  }
  const size = groupSize !== undefined && Math.ceil(cols / groupSize) === groups ? groupSize : cols / groups
  return list.every((group, i) => group === Math.floor(i / size)) ? undefined : Uint16Array.from(list)
}

export function integers({ type }: RawTensor, bytes: Uint8Array<ArrayBuffer>): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const width = type === 'I64' ? 8 : 4
  return Array.from({ length: bytes.byteLength / width }, (_, i) =>
    width === 8 ? Number(view.getBigInt64(i * 8, true)) : view.getInt32(i * 4, true),
  )
}
