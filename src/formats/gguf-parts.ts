/**
 * GGUFs that were split: `NAME-00001-of-00003.gguf` and so on, of which the first has the metadata and each has a part of
 * the tensors. Any of them names the model.
 */
import { CheckpointError } from '../errors.ts'
import { type GgufFile, MAX_TENSORS, openGguf } from './gguf.ts'
import type { GgufMetadata } from './gguf-metadata.ts'
import { missing, type SourceFiles } from './source.ts'
import type { TensorInfo, UnsupportedTensor } from './tensor-file.ts'

const PART_NAME = /-(\d{5})-of-(\d{5})(\.gguf)$/i
/** Names have five digits, and the number of a part is an unsigned 16-bit one. */
const MAX_PARTS = 65_535
const COUNT = 'split.count'
const NUMBER = 'split.no'
const TENSORS = 'split.tensors.count'

interface Part {
  readonly name: string
  readonly gguf: GgufFile
}

/** What one part says of all. */
interface Split {
  readonly count: number
  /** The name of part `index`, counted from 0. */
  readonly nameOf: (index: number) => string
}

/**
 * Opens a GGUF and, where it is one of several parts, all others beside it. Its metadata is that of the first part.
 * @param name any part, in `files`
 * @throws CheckpointError naming the part that is missing, damaged or of another model
 */
export async function openGgufParts(files: SourceFiles, name: string, signal?: AbortSignal): Promise<GgufFile> {
  const named = { name, gguf: await openPart(files, name, signal) }
  const split = splitOf(named)
  if (split === undefined) return named.gguf
  const parts: Part[] = []
  for (let index = 0; index < split.count; index++) {
    const part = split.nameOf(index)
    parts.push(part === name ? named : { name: part, gguf: await openOther(files, named, part, split, signal) })
    refuseForeign(parts, index, split)
  }
  return joined(parts)
}

/**
 * The metadata of a GGUF, of whose parts none but the first needs to be there.
 * @throws CheckpointError
 */
export async function ggufMetadata(files: SourceFiles, name: string, signal?: AbortSignal): Promise<GgufMetadata> {
  const named = { name, gguf: await openPart(files, name, signal) }
  const split = splitOf(named)
  const first = split?.nameOf(0)
  if (split === undefined || first === undefined || first === name) return named.gguf.metadata
  const part = { name: first, gguf: await openOther(files, named, first, split, signal) }
  refuseForeign([part], 0, split)
  return part.gguf.metadata
}

async function openPart(files: SourceFiles, name: string, signal?: AbortSignal): Promise<GgufFile> {
  const reader = await files.open(name, signal)
  if (reader === undefined) throw missing(files, name, `is missing from ${files.label}`)
  return openGguf(reader, signal)
}

async function openOther(files: SourceFiles, named: Part, name: string, { count }: Split, signal?: AbortSignal) {
  const reader = await files.open(name, signal)
  if (reader === undefined) {
    throw missing(files, name, `is missing; ${named.name} is one of ${count} parts that must lie together`)
  }
  return openGguf(reader, signal)
}

/** undefined for a file that is the whole model. */
function splitOf({ name, gguf: { metadata } }: Part): Split | undefined {
  const at = { file: name }
  const count = metadata.get(COUNT)
  if (count === undefined || count === 0 || count === 1) return undefined
  if (!isIndex(count, MAX_PARTS + 1)) {
    throw new CheckpointError(at, `${COUNT} is ${shown(count)}, not a whole number up to ${MAX_PARTS}`)
  }
  const match = PART_NAME.exec(name)
  const number = metadata.get(NUMBER)
  if (!isIndex(number, count)) {
    throw new CheckpointError(at, `${NUMBER} is ${shown(number)}, not a whole number below its ${COUNT} of ${count}`)
  }
  const ending = `-${digits(number + 1)}-of-${digits(count)}.gguf`
  if (match === null || Number(match[1]) !== number + 1 || Number(match[2]) !== count) {
    throw new CheckpointError(
      at,
      `is part ${number + 1} of ${count}, but its name does not end in ${ending}, by which the others are found`,
    )
  }
  const stem = name.slice(0, match.index)
  return { count, nameOf: (index) => `${stem}-${digits(index + 1)}-of-${digits(count)}${match[3]}` }
}

function digits(number: number): string {
  return String(number).padStart(5, '0')
}

function isIndex(value: unknown, end: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < end
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : String(value).slice(0, 40)
}

/** A part says which it is, and nothing that the first part says differently. */
function refuseForeign(parts: readonly Part[], index: number, { count }: Split): void {
  const [first] = parts
  const { name, gguf } = parts[index]!
  const wanted: readonly (readonly [key: string, value: unknown])[] = [
    [COUNT, count],
    [NUMBER, index],
    [TENSORS, first!.gguf.metadata.get(TENSORS)],
  ]
  for (const [key, value] of wanted) {
    const own = gguf.metadata.get(key)
    if (own === value) continue
    const fact = `${key} is ${shown(own)} where ${shown(value)} belongs: it is no part of this model`
    throw new CheckpointError({ file: name }, fact)
  }
  for (const [key, value] of gguf.metadata) {
    const other = first!.gguf.metadata.get(key)
    if (key === NUMBER || other === undefined || typeof other === 'object' || other === value) continue
    const fact = `${key} is ${shown(value)}, but ${shown(other)} in ${first!.name}: these are parts of two models`
    throw new CheckpointError({ file: name }, fact)
  }
}

function joined(parts: readonly Part[]): GgufFile {
  const tensors = new Map<string, TensorInfo>()
  const unsupported = new Map<string, UnsupportedTensor>()
  for (const { name: file, gguf } of parts) {
    for (const tensor of [...gguf.tensors.keys(), ...gguf.unsupported.keys()]) {
      const other = tensors.get(tensor) ?? unsupported.get(tensor)
      if (other === undefined) continue
      throw new CheckpointError({ file, tensor }, `is also in ${other.file}: these are parts of two models`)
    }
    for (const [tensor, info] of gguf.tensors) tensors.set(tensor, info)
    for (const [tensor, info] of gguf.unsupported) unsupported.set(tensor, info)
    if (tensors.size + unsupported.size > MAX_TENSORS) {
      throw new CheckpointError({ file }, `brings the model to more than ${MAX_TENSORS} tensors`)
    }
  }
  const { name: file, gguf: first } = parts[0]!
  const total = first.metadata.get(TENSORS)
  if (total !== undefined && total !== tensors.size + unsupported.size) {
    const fact = `${TENSORS} is ${shown(total)}, but its ${parts.length} parts hold ${tensors.size + unsupported.size}`
    throw new CheckpointError({ file }, fact)
  }
  const byFile = new Map(parts.map(({ name, gguf }) => [name, gguf]))
  return {
    version: first.version,
    metadata: first.metadata,
    tensors,
    unsupported,
    readPair: first.readPair,
    async read(tensor, offset, length, signal, into) {
      const gguf = byFile.get(tensor.file)
      if (gguf === undefined) {
        throw new CheckpointError({ file: tensor.file, tensor: tensor.name }, 'belongs to another checkpoint')
      }
      return gguf.read(tensor, offset, length, signal, into)
    },
    async close() {
      await Promise.all(parts.map(({ gguf }) => gguf.close()))
    },
  }
}
