/**
 * safetensors: 8 bytes of header length, a JSON header, the tensors. The files of the Hub come from anybody, so the
 * header is read with every count and offset checked before anything is built from it.
 * Format: https://github.com/huggingface/safetensors#format
 */
import { shortened } from '../errors/show.ts'
import { CheckpointError } from '../errors.ts'
import { storedType } from './blocks.ts'
import type { ByteReader } from './byte-reader.ts'
import { JsonScanner, JsonSyntaxError } from './json-scanner.ts'
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

/** The limit of the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000
const MAX_TENSORS = 200_000
const MAX_DIMS = 8

/** Bytes per element; a type that is not listed is recorded without checking its size. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
  C64: 8,
}

/**
 * Reads the header of one `.safetensors` file.
 * @throws CheckpointError naming file, tensor and fact for anything that is not a sound file
 */
export async function openSafetensors(reader: ByteReader, signal?: AbortSignal): Promise<TensorFile> {
  const file = reader.name
  if (reader.size < 8) throw new CheckpointError({ file }, `has ${reader.size} bytes, a safetensors file has 8 or more`)
  const prefix = await reader.read(0, 8, signal)
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true)
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new CheckpointError({ file }, `its header claims ${length} bytes, the limit is ${MAX_HEADER_BYTES}`)
  }
  const headerBytes = Number(length)
  if (headerBytes > reader.size - 8) {
    throw new CheckpointError(
      { file },
      `its header claims ${headerBytes} bytes, but the file has ${reader.size}; is it complete?`,
    )
  }
  const entries = parseHeader(file, await reader.read(8, headerBytes, signal))
  const { tensors, unsupported } = layOut(file, entries, 8 + headerBytes, reader.size)
  const data = wholeIfSmall(reader)
  return {
    tensors,
    unsupported,
    read: async (tensor, offset, count, signal, into) => readTensorPart(data, tensor, offset, count, signal, into),
    close: () => reader.close(),
  }
}

interface HeaderEntry {
  name: string
  dtype: string
  shape: number[]
  begin: number
  end: number
}

function parseHeader(file: string, bytes: Uint8Array): HeaderEntry[] {
  const text = decodeUtf8(file, bytes, 'its header')
  const entries: HeaderEntry[] = []
  let tensor: string | undefined
  try {
    const scanner = new JsonScanner(text)
    scanner.object((name) => {
      tensor = name
      if (name === '__metadata__') scanner.skip()
      else entries.push(parseEntry(scanner, name))
      tensor = undefined
    }, MAX_TENSORS)
    scanner.end()
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    throw new CheckpointError({ file, tensor: shortName(tensor) }, `bad header: ${error.message}`, { cause: error })
  }
  return entries
}

function parseEntry(scanner: JsonScanner, name: string): HeaderEntry {
  let dtype: string | undefined
  let shape: number[] | undefined
  let offsets: number[] | undefined
  const integers = (limit: number) => {
    const list: number[] = []
    scanner.array(() => list.push(scanner.integer()), limit)
    return list
  }
  scanner.object((key) => {
    if (key === 'dtype') dtype = scanner.string()
    else if (key === 'shape') shape = integers(MAX_DIMS)
    else if (key === 'data_offsets') offsets = integers(2)
    else scanner.skip()
  }, 16)
  const [begin, end] = offsets ?? []
  if (dtype === undefined) throw scanner.error('no dtype')
  if (shape === undefined) throw scanner.error('no shape')
  if (begin === undefined || end === undefined) throw scanner.error('data_offsets must be two numbers')
  return { name, dtype, shape, begin, end }
}

function layOut(file: string, entries: readonly HeaderEntry[], dataStart: number, size: number) {
  const tensors = new Map<string, TensorInfo>()
  const unsupported = new Map<string, UnsupportedTensor>()
  const spans: Span[] = []
  for (const { name, dtype, shape, begin, end } of entries) {
    const at = { file, tensor: shortName(name) }
    if (begin > end) throw new CheckpointError(at, `data_offsets begin at ${begin} and end before, at ${end}`)
    if (end > size - dataStart) {
      throw new CheckpointError(
        at,
        `data_offsets end at ${end}, but the file holds ${size - dataStart} bytes of data; is it complete?`,
      )
    }
    const elements = elementCount(shape)
    if (elements === undefined) throw new CheckpointError(at, `the shape [${shape}] has too many elements`)
    const width = Object.hasOwn(ELEMENT_BYTES, dtype) ? ELEMENT_BYTES[dtype] : undefined
    if (width !== undefined && elements * width !== end - begin) {
      throw new CheckpointError(
        at,
        `${dtype} [${shape}] takes ${elements * width} bytes, data_offsets give it ${end - begin}`,
      )
    }
    spans.push({ name, begin, end })
    // GGUF's blocks have no name in this format, whatever a file says.
    const stored = width === undefined ? undefined : storedType(dtype)
    const bytes = { byteOffset: dataStart + begin, byteLength: end - begin }
    if (stored !== undefined) tensors.set(name, { name, file, dtype: stored, shape, ...bytes })
    else {
      const refused = { name, file, type: dtype.slice(0, 40), shape }
      unsupported.set(name, width === undefined ? refused : { ...refused, bytes })
    }
  }
  refuseOverlap(file, spans)
  return { tensors, unsupported }
}

function shortName(name: string | undefined): string | undefined {
  return name === undefined ? undefined : shortened(name, 200)
}

/** @throws CheckpointError when the bytes are not UTF-8 */
export function decodeUtf8(file: string, bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new CheckpointError({ file }, `${what} is not UTF-8 text`, { cause: error })
  }
}
