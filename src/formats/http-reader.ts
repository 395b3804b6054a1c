/**
 * Reading a file over HTTP by ranges. One first request tells existence and size and brings the head of the file, so
 * that a small file costs a single round trip. Transient failures are retried, and a transfer that broke goes on at the
 * byte it reached.
 */
import { throwIfAborted } from '../async/abort.ts'
import { CheckpointError } from '../errors.ts'
import { type ByteReader, blobReader, checkRange } from './byte-reader.ts'
import { Absence, type Origin } from './examined.ts'
import {
  discard,
  nextPiece,
  refusal,
  request,
  TransientError,
  versionOf,
  withoutCredentials,
  withRetries,
} from './http-request.ts'

/** The first request asks for this much. */
const HEAD_BYTES = 64 * 1024
/** A server without ranges makes us download the whole file; larger ones are refused. */
export const MAX_WHOLE_DOWNLOAD_BYTES = 256 * 1024 * 1024
/** Bytes that must arrive before the count of attempts starts again. */
const PROGRESS_BYTES = 1024 * 1024

/** A file that a server gave, and how. */
export interface Fetched {
  readonly reader: ByteReader
  readonly origin: Origin
}

/**
 * Opens `url`.
 * @returns undefined when the server says that there is no such file (404, 410), an absence when it says so in other words
 * @throws CheckpointError for every other refusal, with the status; AbortError when the signal fired
 */
export async function openHttp(
  url: string,
  name: string,
  signal?: AbortSignal,
): Promise<Fetched | Absence | undefined> {
  return withRetries(name, signal, async (signal) => {
    const response = await request(url, name, `bytes=0-${HEAD_BYTES - 1}`, signal)
    // A part of a compressed body cannot be unpacked, and not every server counts ranges before it compresses.
    const unusable = response.status === 416 || (response.status === 206 && isEncoded(response))
    if (!unusable) return opened(url, name, response, signal)
    await discard(response)
    return opened(url, name, await request(url, name, 'whole', signal), signal)
  })
}

/** What a first answer opens: a part with its place, or the whole. */
async function opened(
  url: string,
  name: string,
  response: Response,
  signal?: AbortSignal,
): Promise<Fetched | Absence | undefined> {
  const { status } = response
  if (status === 404 || status === 410 || status === 204) {
    await discard(response)
    return status === 204 ? new Absence('the server answered 204 No Content') : undefined
  }
  const origin = originOf(url, response)
  if (status === 206) return { reader: await openRanged(url, name, response, signal), origin }
  // An empty file has no byte at which a range could begin.
  if (status === 416) {
    await discard(response)
    return { reader: rangeReader({ url, name, size: 0, version: undefined }, new Uint8Array(0)), origin }
  }
  if (status === 200) return { reader: blobReader(name, await downloadWhole(response, name, signal)), origin }
  const refused = await refusal(response, name)
  if (refused instanceof Absence) return refused
  throw refused
}

function originOf(url: string, response: Response): Origin {
  const type = (response.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
  const redirectedTo = response.redirected ? withoutQuery(response.url) : undefined
  return { url: withoutQuery(url), status: response.status, type, version: versionOf(response), redirectedTo }
}

/** A query may hold a signature or a token, which no message should show. */
function withoutQuery(url: string): string {
  return withoutCredentials(url).address.replace(/[?#].*$/s, '')
}

async function openRanged(url: string, name: string, response: Response, signal?: AbortSignal): Promise<ByteReader> {
  const range = contentRange(response)
  if (range !== undefined && range.start !== 0) {
    await discard(response)
    throw new CheckpointError({ file: name }, `the server answered with bytes from ${range.start} instead of 0`)
  }
  let size = range?.total
  // A cross-origin server may hide Content-Range from us; Content-Length is always visible.
  if (size === undefined) {
    const found = await sizeOrWhole(url, name, signal)
    if (typeof found !== 'number') {
      await discard(response)
      return blobReader(name, found)
    }
    size = found
  }
  const file: RangedFile = { url, name, size, version: versionOf(response) }
  const head: Part = { ...file, offset: 0, bytes: new Uint8Array(Math.min(HEAD_BYTES, size)), filled: 0 }
  await fill(head, response)
  return rangeReader(file, head.bytes.subarray(0, head.filled))
}

interface RangedFile {
  readonly url: string
  readonly name: string
  readonly size: number
  /** What the server called the version of the first bytes. */
  readonly version: string | undefined
}

function rangeReader(file: RangedFile, head: Uint8Array): ByteReader {
  const { name, size } = file
  return {
    name,
    size,
    isRemote: true,
    async read(offset, length, signal) {
      throwIfAborted(signal)
      checkRange(name, size, offset, length)
      const part: Part = { ...file, offset, bytes: new Uint8Array(length), filled: 0 }
      if (offset < head.byteLength) {
        part.bytes.set(head.subarray(offset, offset + length))
        part.filled = Math.min(length, head.byteLength - offset)
      }
      let counted = part.filled
      const run = async (signal: AbortSignal) => {
        while (part.filled < length) await readRange(part, signal)
      }
      await withRetries(name, signal, run, () => {
        const progressed = part.filled - counted >= PROGRESS_BYTES
        if (progressed) counted = part.filled
        return progressed
      })
      return part.bytes
    },
    async close() {},
  }
}

/** One read on its way: `bytes` are wanted from `offset` of the file, the first `filled` of them have come. */
interface Part extends RangedFile {
  readonly offset: number
  readonly bytes: Uint8Array<ArrayBuffer>
  filled: number
}

/** One request for what is missing of a part. The server may answer with less. */
async function readRange(part: Part, signal?: AbortSignal): Promise<void> {
  const { name, size } = part
  const start = part.offset + part.filled
  const response = await request(part.url, name, `bytes=${start}-${part.offset + part.bytes.byteLength - 1}`, signal)
  if (response.status === 200) {
    await discard(response)
    throw new CheckpointError({ file: name }, 'the server stopped honouring Range requests, or the file changed')
  }
  if (response.status !== 206) throw await refused(response, name)
  const range = contentRange(response)
  if (range !== undefined && (range.start !== start || (range.total !== undefined && range.total !== size))) {
    await discard(response)
    const answered = `byte ${range.start} of ${range.total}`
    throw new CheckpointError(
      { file: name },
      `asked for byte ${start} of ${size}, the server answered with ${answered}; has the file changed?`,
    )
  }
  const version = versionOf(response)
  if (part.version !== undefined && version !== undefined && version !== part.version) {
    await discard(response)
    throw new CheckpointError({ file: name }, 'has changed on the server while it was read; load it again')
  }
  await fill(part, response)
  // No byte at all, again and again, would go on for ever.
  if (part.offset + part.filled === start) throw new TransientError(`an empty answer at byte ${start}`)
}

async function fill(part: Part, response: Response): Promise<void> {
  if (response.body === null) return
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await nextPiece(reader)
    if (done) return
    if (value.byteLength > part.bytes.byteLength - part.filled) {
      await reader.cancel().catch(() => {})
      throw new CheckpointError({ file: part.name }, 'the server sent more bytes than were asked for')
    }
    part.bytes.set(value, part.filled)
    part.filled += value.byteLength
  }
}

async function downloadWhole(response: Response, name: string, signal?: AbortSignal): Promise<Blob> {
  const declared = contentLength(response)
  const tooLarge = (what: string) =>
    new CheckpointError(
      { file: name },
      `the server does not honour Range requests and the file has ${what}, the limit without them is ` +
        `${MAX_WHOLE_DOWNLOAD_BYTES} bytes; use a server with Range support`,
    )
  if (declared !== undefined && declared > MAX_WHOLE_DOWNLOAD_BYTES) {
    await discard(response)
    throw tooLarge(`${declared} bytes`)
  }
  const parts: Uint8Array<ArrayBuffer>[] = []
  let total = 0
  const reader = response.body?.getReader()
  while (reader !== undefined) {
    const { done, value } = await nextPiece(reader)
    if (done) break
    throwIfAborted(signal)
    total += value.byteLength
    if (total > MAX_WHOLE_DOWNLOAD_BYTES) {
      await reader.cancel().catch(() => {})
      throw tooLarge('more')
    }
    parts.push(value)
  }
  if (declared !== undefined && total !== declared) {
    throw new TransientError(`the download ended after ${total} of ${declared} bytes`)
  }
  return new Blob(parts)
}

/** The size by HEAD, by the head of a GET where HEAD is refused, or else the file itself. */
async function sizeOrWhole(url: string, name: string, signal?: AbortSignal): Promise<number | Blob> {
  const head = await request(url, name, 'head', signal)
  const told = head.ok ? contentLength(head) : undefined
  if (told !== undefined) return told
  const whole = await request(url, name, 'whole', signal)
  if (whole.status !== 200) throw await refused(whole, name)
  const size = contentLength(whole)
  if (size === undefined) return downloadWhole(whole, name, signal)
  await discard(whole)
  return size
}

/** For a file that was there a moment ago: every refusal is an error. */
async function refused(response: Response, name: string): Promise<Error> {
  const error = await refusal(response, name)
  return error instanceof Absence ? new CheckpointError({ file: name }, error.fact) : error
}

function contentRange(response: Response): { start: number; total: number | undefined } | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(response.headers.get('content-range') ?? '')
  if (match === null) return undefined
  return { start: Number(match[1]), total: match[3] === '*' ? undefined : Number(match[3]) }
}

/** Undefined too when the body is compressed: the header then counts other bytes than we get. */
function contentLength(response: Response): number | undefined {
  const text = response.headers.get('content-length')
  if (text === null || !/^\d{1,15}$/.test(text) || isEncoded(response)) return undefined
  return Number(text)
}

function isEncoded(response: Response): boolean {
  return !/^(?:|identity)$/i.test(response.headers.get('content-encoding')?.trim() ?? '')
}
