/** One HTTP request for (a part of) a file: which failures are worth another attempt, and what a refusal means. */
import { throwIfAborted, unlessAborted } from '../async/abort.ts'
import { CheckpointError } from '../errors.ts'
import { messageOf } from './byte-reader.ts'
import { Absence } from './examined.ts'
import { decodeName } from './file-names.ts'

/** When to give up. */
export interface Patience {
  /** In a row without progress. */
  readonly attempts: number
  /** The longest time to wait for the next one; a server may ask for more. */
  readonly waitMs: number
}

const PATIENCE: Patience = { attempts: 5, waitMs: Number.POSITIVE_INFINITY }
const FIRST_BACKOFF_MS = 200
const MAX_BACKOFF_MS = 20_000
/** A server may ask for more patience than we would have. */
const MAX_RETRY_AFTER_MS = 300_000
/** A connection on which nothing comes for so long is given up. */
export const IDLE_MS = 30_000
const RETRY_STATUS = new Set([408, 425, 429, 500, 502, 503, 504])

/** A failure worth another attempt. */
export class TransientError extends Error {
  constructor(
    message: string,
    readonly waitMs?: number,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** What is asked for: `HEAD`, the whole file, or a value of the header `Range`. */
export type Wanted = 'head' | 'whole' | `bytes=${number}-${number}`

export async function request(url: string, name: string, wanted: Wanted, signal?: AbortSignal): Promise<Response> {
  let target: Request
  const { address, authorization } = withoutCredentials(url)
  try {
    const headers = { ...(wanted !== 'whole' && wanted !== 'head' && { Range: wanted }), ...authorization }
    target = new Request(address, { method: wanted === 'head' ? 'HEAD' : 'GET', headers })
  } catch (error) {
    throw new CheckpointError({ file: name }, `cannot be fetched: ${messageOf(error)}`, { cause: error })
  }
  // Node forgets the signal of a request that has been collected, while its answer is still being read.
  return orIdle(fetch(target, signal === undefined ? {} : { signal }))
}

/** `https://user:password@host/…` in the two parts in which `fetch` takes it. It sends them to no other host. */
export function withoutCredentials(url: string): { address: string; authorization?: { authorization: string } } {
  if (!/^https?:\/\/[^/?#]*@/i.test(url) || !URL.canParse(url)) return { address: url }
  const parsed = new URL(url)
  const words = `${decodeName(parsed.username)}:${decodeName(parsed.password)}`
  parsed.username = ''
  parsed.password = ''
  const basic = btoa(String.fromCharCode(...new TextEncoder().encode(words)))
  return { address: parsed.href, authorization: { authorization: `Basic ${basic}` } }
}

/** The next bytes of an answer. Throws `TransientError` when none come for a while: the attempt that this ends drops the rest. */
export function nextPiece(reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>) {
  return orIdle(reader.read())
}

async function orIdle<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const idle = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TransientError(`nothing came for ${IDLE_MS / 1000} s`)), IDLE_MS)
  })
  try {
    return await Promise.race([work, idle])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The error, or the absence, that an answer other than success means. Stores like S3 answer 403 for a file that is not
 * there, when the public may read their files and not list them.
 */
export async function refusal(response: Response, name: string): Promise<Error | Absence> {
  const status = statusOf(response)
  if (RETRY_STATUS.has(response.status)) {
    await discard(response)
    return new TransientError(status, retryAfterMs(response))
  }
  const code = response.status === 403 ? storeCode(await textStart(response)) : undefined
  await discard(response)
  if (code !== undefined) return new Absence(`${status} (${code})`)
  return new CheckpointError({ file: name }, status)
}

/** What the server asks to wait for: seconds, or a date. */
function retryAfterMs({ headers, status }: Response): number | undefined {
  // The Hub says only when its window ends: `"api";r=0;t=55`. By the next second it is over.
  const window = status === 429 ? /;\s*r\s*=\s*0\s*;\s*t\s*=\s*(\d{1,9})/.exec(headers.get('ratelimit') ?? '') : null
  if (window !== null) return (Number(window[1]) + 1) * 1000
  const text = headers.get('retry-after')?.trim() ?? ''
  if (/^\d{1,9}(?:\.\d+)?$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}

/** The Hugging Face Hub says in a header why it refuses. */
function statusOf(response: Response): string {
  const why = response.headers.get('x-error-message')?.slice(0, 300)
  const text = response.statusText === '' ? '' : ` ${response.statusText}`
  return `the server answered ${response.status}${text}${why ? `: ${why}` : ''}`
}

function storeCode(body: string): string | undefined {
  return /^\s*(?:<\?xml[^>]*\?>\s*)?<Error>[\s\S]*<Code>([A-Za-z]+)</.exec(body)?.[1]
}

/** The first bytes of an answer's text, whose rest stays unread. */
async function textStart(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  const decoder = new TextDecoder()
  let text = ''
  while (text.length < 4096) {
    const { done, value } = await reader.read()
    if (done) break
    text += decoder.decode(value, { stream: true })
  }
  reader.releaseLock()
  return text
}

/**
 * Runs `run` again after failures that may pass.
 * @param progressed asked after a failure; true starts the count of attempts again
 * @throws CheckpointError when the last attempt failed, too; AbortError when the signal fired
 */
export async function withRetries<T>(
  name: string,
  signal: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>,
  progressed: () => boolean = () => false,
  { attempts, waitMs } = PATIENCE,
): Promise<T> {
  let attempt = 1
  for (;;) {
    throwIfAborted(signal)
    try {
      return await linked(signal, run)
    } catch (error) {
      throwIfAborted(signal)
      if (error instanceof TypeError && isVerdict(error)) {
        throw new CheckpointError({ file: name }, `cannot be fetched: ${messageOf(error)}`, { cause: error })
      }
      if (!isTransient(error)) throw error
      if (progressed()) attempt = 1
      const wait = waitOf(error, attempt)
      if (attempt >= attempts || wait > waitMs) {
        const fact = `${messageOf(error)}, after ${attempt === 1 ? 'one attempt' : `${attempt} attempts`}`
        throw new CheckpointError({ file: name }, fact, { cause: error })
      }
      await sleep(wait, signal)
      attempt++
    }
  }
}

/** How long to wait after a failed attempt, the first of which is 1: at least what the server asks for. */
export function waitOf(error: unknown, attempt: number): number {
  // Many who were cut off at once should not come back at once.
  const jitter = 0.75 + Math.random() / 2
  const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** Math.max(0, attempt - 1), MAX_BACKOFF_MS) * jitter
  const asked = error instanceof TransientError ? (error.waitMs ?? 0) : 0
  return Math.max(backoff, Math.min(asked, MAX_RETRY_AFTER_MS))
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
    // In Node a read of a body that has come but for its end is never settled when the signal fires.
    return await unlessAborted(run(attempt.signal), signal)
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

/** What `fetch` will say again, however often it is asked. */
export function isVerdict({ cause }: TypeError): boolean {
  return cause instanceof Error && /^(?:redirect count exceeded|bad port|unknown scheme)/.test(cause.message)
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

/** What a server calls the version of a file; undefined where it says nothing that changes with every byte. */
export function versionOf({ headers }: Response): string | undefined {
  const etag = headers.get('etag')
  return etag === null || etag.startsWith('W/') ? (headers.get('last-modified') ?? undefined) : etag
}

/** Frees the connection of an answer that nobody will read. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {})
}
