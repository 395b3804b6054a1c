/** The key-value pairs of a GGUF: typed values whose every length is checked against the file before it is believed. */
import { shortened } from '../errors/show.ts'
import type { HeaderStream } from './header-stream.ts'

/** 64-bit integers are numbers where that is exact, else bigints. Arrays of numbers are typed arrays. */
export type GgufScalar = number | bigint | boolean | string
export type GgufNumbers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array
export type GgufValue = GgufScalar | GgufNumbers | readonly string[] | readonly boolean[] | readonly GgufValue[]
/** Bytes of the file, from `begin` to before `end`. */
export interface PairPlace {
  readonly begin: number
  readonly end: number
}
export type GgufMetadata = ReadonlyMap<string, GgufValue>

const MAX_PAIRS = 65_536
const MAX_KEY_BYTES = 65_535
const MAX_STRING_BYTES = 16 * 1024 * 1024
const MAX_ARRAY_LENGTH = 4 * 1024 * 1024
/** Arrays of arrays cost far more memory than bytes in the file, and no known key uses them. */
const MAX_NESTED_ARRAYS = 4096
const MAX_NESTING = 2
const STRING = 8
const ARRAY = 9
const BOOL = 7

interface NumberType {
  readonly bytes: number
  readonly get: (view: DataView) => number | bigint
  readonly array: (buffer: ArrayBuffer) => GgufNumbers
}

/** By the numbers of `gguf_metadata_value_type`. */
const NUMBER_TYPES: Readonly<Record<number, NumberType>> = {
  0: { bytes: 1, get: (view) => view.getUint8(0), array: (buffer) => new Uint8Array(buffer) },
  1: { bytes: 1, get: (view) => view.getInt8(0), array: (buffer) => new Int8Array(buffer) },
  2: { bytes: 2, get: (view) => view.getUint16(0, true), array: (buffer) => new Uint16Array(buffer) },
  3: { bytes: 2, get: (view) => view.getInt16(0, true), array: (buffer) => new Int16Array(buffer) },
  4: { bytes: 4, get: (view) => view.getUint32(0, true), array: (buffer) => new Uint32Array(buffer) },
  5: { bytes: 4, get: (view) => view.getInt32(0, true), array: (buffer) => new Int32Array(buffer) },
  6: { bytes: 4, get: (view) => view.getFloat32(0, true), array: (buffer) => new Float32Array(buffer) },
  10: { bytes: 8, get: (view) => narrow(view.getBigUint64(0, true)), array: (buffer) => new BigUint64Array(buffer) },
  11: { bytes: 8, get: (view) => narrow(view.getBigInt64(0, true)), array: (buffer) => new BigInt64Array(buffer) },
  12: { bytes: 8, get: (view) => view.getFloat64(0, true), array: (buffer) => new Float64Array(buffer) },
}

function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/**
 * @param count as the header claims it
 * @param places gets the range of bytes of each pair in the file
 */
export async function readMetadata(
  stream: HeaderStream,
  count: bigint,
  places: Map<string, PairPlace>,
): Promise<Map<string, GgufValue>> {
  // A pair has 8 bytes of key length, 4 of type and 1 of value at least.
  if (count > BigInt(MAX_PAIRS) || count * 13n > BigInt(Math.max(stream.remaining, 0))) {
    throw stream.error(`claims ${count} metadata keys, more than the file can hold or the limit of ${MAX_PAIRS}`)
  }
  const metadata = new Map<string, GgufValue>()
  for (let i = 0; i < Number(count); i++) {
    const begin = stream.position
    const key = await readString(stream, `metadata key ${i}`, MAX_KEY_BYTES, true)
    if (metadata.has(key)) throw stream.error(`the metadata key ${quoted(key)} occurs twice`)
    const what = `metadata ${quoted(key)}`
    await stream.need(4, what)
    metadata.set(key, await readValue(stream, what, stream.u32(), 0))
    places.set(key, { begin, end: stream.position })
  }
  return metadata
}

async function readValue(stream: HeaderStream, what: string, type: number, depth: number): Promise<GgufValue> {
  if (type === STRING) return readString(stream, what, MAX_STRING_BYTES, false)
  if (type === ARRAY) return readArray(stream, what, depth)
  if (type === BOOL) {
    await stream.need(1, what)
    return readBool(stream, what)
  }
  const { bytes, get } = numberType(stream, what, type)
  await stream.need(bytes, what)
  const view = stream.bytes(bytes)
  return get(new DataView(view.buffer, view.byteOffset, bytes))
}

async function readArray(stream: HeaderStream, what: string, depth: number): Promise<GgufValue> {
  if (depth === MAX_NESTING) throw stream.error(`${what} nests arrays more than ${MAX_NESTING} deep`)
  await stream.need(12, what)
  const type = stream.u32()
  const claimed = stream.u64()
  const smallest = type === STRING ? 8 : type === ARRAY ? 12 : type === BOOL ? 1 : numberType(stream, what, type).bytes
  const limit = type === ARRAY ? MAX_NESTED_ARRAYS : MAX_ARRAY_LENGTH
  if (claimed > BigInt(limit) || claimed * BigInt(smallest) > BigInt(Math.max(stream.remaining, 0))) {
    throw stream.error(`${what} claims an array of ${claimed} items, more than the file can hold or the limit ${limit}`)
  }
  const length = Number(claimed)
  if (type === STRING) return readStrings(stream, what, length)
  if (type === ARRAY) {
    const items: GgufValue[] = []
    for (let i = 0; i < length; i++) items.push(await readArray(stream, what, depth + 1))
    return items
  }
  await stream.need(length * smallest, what)
  if (type === BOOL) return Array.from({ length }, () => readBool(stream, what))
  // A copy: typed arrays need their alignment, and the stream's window must not be kept alive.
  return numberType(stream, what, type).array(stream.bytes(length * smallest).slice().buffer)
}

async function readStrings(stream: HeaderStream, what: string, length: number): Promise<string[]> {
  const items: string[] = []
  for (let i = 0; i < length; i++) {
    // Awaiting costs a turn of the event loop's microtasks; a vocabulary has 100,000 strings, mostly at hand.
    if (!stream.has(8)) await stream.need(8, what)
    const bytes = stringLength(stream, what, MAX_STRING_BYTES)
    if (!stream.has(bytes)) await stream.need(bytes, what)
    items.push(lenient.decode(stream.bytes(bytes)))
  }
  return items
}

// A token may be U+FEFF or a piece of broken text: nothing may be dropped, and nothing refused.
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

/** @param exact refuses bytes that are not UTF-8, for names, which must not collide */
export async function readString(
  stream: HeaderStream,
  what: string,
  maxBytes: number,
  exact: boolean,
): Promise<string> {
  await stream.need(8, what)
  const length = stringLength(stream, what, maxBytes)
  await stream.need(length, what)
  const bytes = stream.bytes(length)
  try {
    return (exact ? strict : lenient).decode(bytes)
  } catch {
    throw stream.error(`${what} is not UTF-8 text`)
  }
}

function stringLength(stream: HeaderStream, what: string, maxBytes: number): number {
  const length = stream.length()
  if (length > maxBytes) throw stream.error(`${what} claims a string of ${length} bytes, the limit is ${maxBytes}`)
  return length
}

function readBool(stream: HeaderStream, what: string): boolean {
  const byte = stream.bytes(1)[0]!
  if (byte > 1) throw stream.error(`${what} is a boolean of value ${byte}`)
  return byte === 1
}

function numberType(stream: HeaderStream, what: string, type: number): NumberType {
  const found = NUMBER_TYPES[type]
  if (found === undefined) throw stream.error(`${what} has the unknown value type ${type}`)
  return found
}

/** A name from the file for a message. */
export function quoted(name: string): string {
  return JSON.stringify(shortened(name, 80))
}
