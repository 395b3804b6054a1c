/**
 * Reading a file over HTTP by ranges. One first request tells existence and size and brings the head of the file, so
 * that a small file costs a single round trip. Transient failures are retried, and a transfer that broke goes on at the
 * byte it reached.
 */
import { CheckpointError, throwIfAborted } from '../errors.ts'
import { type ByteReader, blobReader, checkRange, messageOf } from './byte-reader.ts'

/** The first request asks for this much. */
const HEAD_BYTES = 64 * 1024
/** A server without ranges makes us download the whole file; larger ones are refused. */
export const MAX_WHOLE_DOWNLOAD_BYTES = 256 * 1024 * 1024
/** Attempts in a row without progress before giving up. */
const MAX_ATTEMPTS = 5
/** Bytes that must arrive before the count of attempts starts again. */
const PROGRESS_BYTES = 1024 * 1024
const FIRST_BACKOFF_MS = 200
const MAX_BACKOFF_MS = 10_000
const RETRY_STATUS = new Set([408, 425, 429, 500, 502, 503, 504])

/**
 * Opens `url`; undefined when the server says that there is no such file (404, 410).
 * @throws CheckpointError for every other refusal, with the status; AbortError when the signal fired
 */
export async function openHttp(url: string, name: string, signal?: AbortSignal): Promise<ByteReader | undefined> {
  return withRetries(name, signal, async (signal) => {
    const response = await request(url, name, `bytes=0-${HEAD_BYTES - 1}`, signal)
    if (response.status === 404 || response.status === 410) {
      await discard(response)
      return undefined
    }
    if (response.status === 416) {
      await discard(response)
      return rangeReader(url, name, 0, new Uint8Array(0))
    }
    if (response.status === 206) return openRanged(url, name, response, signal)
    if (response.status === 200) return blobReader(name, await downloadWhole(response, name, signal))
    throw await refusal(response, name)
  })
}

async function openRanged(url: string, name: string, response: Response, signal?: AbortSignal): Promise<ByteReader> {
  const range = contentRange(response)
  if (range !== undefined && range.start !== 0) {
    await discard(response)
    throw new CheckpointError({ file: name }, `the server answered with bytes from ${range.start} instead of 0`)
  }
  let size = range?.total
  // A cross-origin server may hide Content-Range from us; Content-Length is always visible.
  if (size === undefined) size = await sizeByHead(url, name, signal)
  const head: Part = { url, name, size, offset: 0, bytes: new Uint8Array(Math.min(HEAD_BYTES, size)), filled: 0 }
  await fill(head, response)
  return rangeReader(url, name, size, head.bytes.subarray(0, head.filled))
}

function rangeReader(url: string, name: string, size: number, head: Uint8Array): ByteReader {
  return {
    name,
    size,
    async read(offset, length, signal) {
      throwIfAborted(signal)
      checkRange(name, size, offset, length)
      const part: Part = { url, name, size, offset, bytes: new Uint8Array(length), filled: 0 }
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
interface Part {
  readonly url: string
  readonly name: string
  readonly size: number
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
  if (response.status !== 206) throw await refusal(response, name)
  const range = contentRange(response)
  if (range !== undefined && (range.start !== start || (range.total !== undefined && range.total !== size))) {
    await discard(response)
    const answered = `byte ${range.start} of ${range.total}`
    throw new CheckpointError(
      { file: name },
      `asked for byte ${start} of ${size}, the server answered with ${answered}; has the file changed?`,
    )
  }
  await fill(part, response)
  // No byte at all, again and again, would go on for ever.
  if (part.offset + part.filled === start) throw new TransientError(`an empty answer at byte ${start}`)
}

async function fill(part: Part, response: Response): Promise<void> {
  if (response.body === null) return
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
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
    const { done, value } = await reader.read()
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

async function sizeByHead(url: string, name: string, signal?: AbortSignal): Promise<number> {
  const response = await request(url, name, undefined, signal)
  const size = response.ok ? contentLength(response) : undefined
  if (size === undefined) {
    throw new CheckpointError({ file: name }, 'the server does not tell its size (no Content-Range, no Content-Length)')
  }
  return size
}

/** A failure worth another attempt. */
class TransientError extends Error {
  constructor(
    message: string,
    readonly waitMs?: number,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** A GET with a Range, or a HEAD without one. */
async function request(url: string, name: string, range: string | undefined, signal?: AbortSignal): Promise<Response> {
  let target: Request
  try {
    const init: RequestInit = range === undefined ? { method: 'HEAD' } : { headers: { Range: range } }
    target = new Request(url, signal === undefined ? init : { ...init, signal })
  } catch (error) {
    throw new CheckpointError({ file: name }, `cannot be fetched: ${messageOf(error)}`, { cause: error })
  }
  return fetch(target)
}

async function refusal(response: Response, name: string): Promise<Error> {
  await discard(response)
  const status = `the server answered ${response.status}${response.statusText ? ` ${response.statusText}` : ''}`
  if (RETRY_STATUS.has(response.status)) {
    const after = Number(response.headers.get('retry-after') ?? Number.NaN)
    return new TransientError(status, Number.isFinite(after) && after >= 0 ? after * 1000 : undefined)
  }
  return new CheckpointError({ file: name }, status)
}

async function withRetries<T>(
  name: string,
  signal: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>,
  progressed: () => boolean = () => false,
): Promise<T> {
  let attempt = 1
  for (;;) {
    throwIfAborted(signal)
    try {
      return await linked(signal, run)
    } catch (error) {
      throwIfAborted(signal)
      if (!isTransient(error)) throw error
      if (progressed()) attempt = 1
      if (attempt >= MAX_ATTEMPTS) {
        throw new CheckpointError({ file: name }, `${messageOf(error)}, after ${attempt} attempts`, { cause: error })
      }
      const wait = (error instanceof TransientError && error.waitMs) || FIRST_BACKOFF_MS * 2 ** (attempt - 1)
      await sleep(Math.min(wait, MAX_BACKOFF_MS), signal)
      attempt++
    }
  }
}

/**
 * Runs one attempt under a signal of its own. A load makes thousands of requests, and each would leave listeners on the
 * caller's signal; and when an attempt fails, its half-read answer is dropped with it.
 */
async function linked<T>(signal: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const attempt = new AbortController()
  const forward = () => attempt.abort(signal?.reason)
  signal?.addEventListener('abort', forward)
  try {
    return await run(attempt.signal)
  } catch (error) {
    attempt.abort(error)
    throw error
  } finally {
    signal?.removeEventListener('abort', forward)
  }
}

/** `fetch` and its streams report network trouble so; everything else is a verdict or a bug. */
function isTransient(error: unknown): boolean {
  if (error instanceof TransientError || error instanceof TypeError) return true
  return error instanceof DOMException && error.name === 'NetworkError'
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}

/** Frees the connection of an answer that nobody will read. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {})
}

function contentRange(response: Response): { start: number; total: number | undefined } | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(response.headers.get('content-range') ?? '')
  if (match === null) return undefined
  return { start: Number(match[1]), total: match[3] === '*' ? undefined : Number(match[3]) }
}

/** Undefined too when the body is compressed: the header then counts other bytes than we get. */
function contentLength(response: Response): number | undefined {
  const text = response.headers.get('content-length')
  if (text === null || !/^\d{1,15}$/.test(text) || response.headers.has('content-encoding')) return undefined
  return Number(text)
}
