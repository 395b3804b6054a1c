/**
 * GGUF, versions 2 and 3, little-endian: metadata, a table of tensors, the aligned tensor data. Read by range, so that a
 * file of any size costs its header only. Every count and length is checked before memory is spent on it.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { CheckpointError } from '../errors.ts'
import { BLOCK_TYPES } from './blocks.ts'
import type { ByteReader } from './byte-reader.ts'
import { type GgufMetadata, type PairPlace, quoted, readMetadata, readString } from './gguf-metadata.ts'
import { GGML_TYPES, type GgmlType } from './gguf-types.ts'
import { HeaderStream } from './header-stream.ts'
import {
  elementCount,
  readTensorPart,
  refuseOverlap,
  type Span,
  type TensorFile,
  type TensorInfo,
  type UnsupportedTensor,
} from './tensor-file.ts'
import { wholeIfSmall } from './whole-reader.ts'

const MAGIC = 0x46554747
/** A vocabulary of 260,000 pieces with merges takes some 20 MB. */
const MAX_HEADER_BYTES = 64 * 1024 * 1024
export const MAX_TENSORS = 200_000
const MAX_NAME_BYTES = 4096
const MAX_DIMS = 4
const DEFAULT_ALIGNMENT = 32
const MAX_ALIGNMENT = 1024 * 1024

/** An opened GGUF: its tensors as any checkpoint has them, and its metadata. */
export interface GgufFile extends TensorFile {
  readonly version: number
  readonly metadata: GgufMetadata
  /** A key with its value as they lie in the file. */
  readPair(key: string, signal?: AbortSignal): Promise<Uint8Array>
}

/**
 * Reads the header of a `.gguf`.
 * @throws CheckpointError naming file, tensor and fact for anything that is not a sound file
 */
export async function openGguf(reader: ByteReader, signal?: AbortSignal): Promise<GgufFile> {
  const file = reader.name
  const stream = new HeaderStream(reader, MAX_HEADER_BYTES, signal)
  await stream.need(24, 'the header')
  if (stream.u32() !== MAGIC) throw stream.error('is not a GGUF file: it does not begin with "GGUF"')
  const version = stream.u32()
  if (version !== 2 && version !== 3) {
    const why = version !== 0 && (version & 0xffff) === 0 ? 'is a big-endian GGUF' : `has GGUF version ${version}`
    throw stream.error(`${why}; versions 2 and 3 in little-endian are supported`)
  }
  const tensorCount = stream.u64()
  const places = new Map<string, PairPlace>()
  const metadata = await readMetadata(stream, stream.u64(), places)
  const entries = await readTensorTable(stream, tensorCount)
  const alignment = alignmentOf(file, metadata)
  const dataStart = Math.ceil(stream.position / alignment) * alignment
  const { tensors, unsupported } = layOut(file, entries, dataStart, alignment, reader.size)
  const types = entries.flatMap(({ type: { dtype } }) => (dtype !== undefined && dtype in BLOCK_TYPES ? dtype : []))
  if (types.length > 0) await (await import('./ggml-blocks.ts')).loadBlockTypes(types)
  const data = wholeIfSmall(reader)
  return {
    version,
    metadata,
    tensors,
    unsupported,
    async readPair(key, signal) {
      const { begin, end } = places.get(key)!
      return reader.read(begin, end - begin, signal)
    },
    read: async (tensor, offset, length, signal, into) => readTensorPart(data, tensor, offset, length, signal, into),
    close: () => reader.close(),
  }
}

interface TableEntry {
  readonly name: string
  /** Outermost first. */
  readonly shape: readonly number[]
  readonly type: GgmlType
  readonly byteLength: number
  readonly offset: bigint
}

async function readTensorTable(stream: HeaderStream, count: bigint): Promise<TableEntry[]> {
  // A row has 8 bytes of name length, 4 of dimensions, 4 of type and 8 of offset at least.
  if (count > BigInt(MAX_TENSORS) || count * 24n > BigInt(Math.max(stream.remaining, 0))) {
    throw stream.error(`claims ${count} tensors, more than the file can hold or the limit of ${MAX_TENSORS}`)
  }
  const entries: TableEntry[] = []
  const seen = new Set<string>()
  for (let i = 0; i < Number(count); i++) {
    const entry = await readTableEntry(stream, i)
    if (seen.has(entry.name)) throw stream.error('occurs twice', entry.name)
    seen.add(entry.name)
    entries.push(entry)
  }
  return entries
}

async function readTableEntry(stream: HeaderStream, index: number): Promise<TableEntry> {
  const name = await readString(stream, `the name of tensor ${index}`, MAX_NAME_BYTES, true)
  const what = `the entry of tensor ${quoted(name)}`
  await stream.need(4, what)
  const dims = stream.u32()
  if (dims > MAX_DIMS) throw stream.error(`has ${dims} dimensions, up to ${MAX_DIMS} are possible`, name)
  await stream.need(dims * 8 + 12, what)
  const shape: number[] = []
  for (let d = 0; d < dims; d++) {
    const size = stream.u64()
    if (size < 1n || size > BigInt(Number.MAX_SAFE_INTEGER)) throw stream.error(`has a dimension of ${size}`, name)
    shape.unshift(Number(size))
  }
  // gguf-py writes a lone number without a dimension. llama.cpp reads it as a row of one, which is what lacking dimensions are.
  if (dims === 0) shape.push(1)
  const typeId = stream.u32()
  const offset = stream.u64()
  const type = GGML_TYPES.get(typeId)
  if (type === undefined) throw stream.error(`has the unknown element type ${typeId}`, name)
  return { name, shape, type, byteLength: byteLengthOf(stream, name, shape, type), offset }
}

function byteLengthOf(stream: HeaderStream, name: string, shape: readonly number[], type: GgmlType): number {
  const cols = shape[shape.length - 1]!
  if (cols % type.blockElements !== 0) {
    throw stream.error(`rows of ${cols} are no whole number of ${type.name} blocks of ${type.blockElements}`, name)
  }
  const elements = elementCount(shape)
  const bytes = elements === undefined ? Number.NaN : (elements / type.blockElements) * type.blockBytes
  if (!Number.isSafeInteger(bytes)) throw stream.error(`the shape [${shape}] has too many elements`, name)
  return bytes
}

function layOut(file: string, entries: readonly TableEntry[], dataStart: number, alignment: number, size: number) {
  const tensors = new Map<string, TensorInfo>()
  const unsupported = new Map<string, UnsupportedTensor>()
  const spans: Span[] = []
  for (const { name, shape, type, byteLength, offset } of entries) {
    const at = { file, tensor: name }
    if (offset % BigInt(alignment) !== 0n) {
      throw new CheckpointError(at, `its offset ${offset} is no multiple of the alignment ${alignment}`)
    }
    if (offset + BigInt(dataStart + byteLength) > BigInt(size)) {
      throw new CheckpointError(
        at,
        `takes ${byteLength} bytes at ${BigInt(dataStart) + offset}, but the file has ${size}; is it complete?`,
      )
    }
    const byteOffset = dataStart + Number(offset)
    spans.push({ name, begin: byteOffset, end: byteOffset + byteLength })
    if (type.dtype === undefined) unsupported.set(name, { name, file, type: type.name, shape })
    else tensors.set(name, { name, file, dtype: type.dtype, shape, byteOffset, byteLength })
  }
  refuseOverlap(file, spans)
  return { tensors, unsupported }
}

function alignmentOf(file: string, metadata: GgufMetadata): number {
  const alignment = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT
  const isPower = typeof alignment === 'number' && Number.isInteger(alignment) && alignment > 0
  if (!isPower || alignment > MAX_ALIGNMENT || (alignment & (alignment - 1)) !== 0) {
    throw new CheckpointError(
      { file },
      `general.alignment is ${String(alignment).slice(0, 40)}, not a power of two up to ${MAX_ALIGNMENT}`,
    )
  }
  return alignment
}
