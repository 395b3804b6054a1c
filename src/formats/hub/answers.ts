/** What the answer to one request for a range is worth: whether it fits the file, how long to wait, when to give up. */
import { CheckpointError } from '../../errors.ts'
import { Absence } from '../examined.ts'
import { discard, refusal, TransientError } from '../http-request.ts'

const FIRST_BACKOFF_MS = 200
const MAX_BACKOFF_MS = 20_000
/** A server may ask for more patience than we would have. */
const MAX_RETRY_AFTER_MS = 180_000
/** A connection on which nothing comes for so long is given up. */
export const IDLE_MS = 30_000

/** Calls back when nothing was alive for a while. */
export class IdleWatch {
  private timer: ReturnType<typeof setTimeout>

  constructor(private readonly onIdle: () => void) {
    this.timer = setTimeout(onIdle, IDLE_MS)
  }

  alive(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(this.onIdle, IDLE_MS)
  }

  stop(): void {
    clearTimeout(this.timer)
  }
}

export function checkRange(response: Response, at: number, size: number): void {
  if (/\S/.test((response.headers.get('content-encoding') ?? '').replace(/identity/i, ''))) {
    throw new TransientError('the server compressed a part of the file')
  }
  const header = response.headers.get('content-range')
  // A server of another origin may hide it; the hash tells then.
  if (header === null) return
  const match = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(header)
  if (match === null || Number(match[1]) !== at) {
    throw new TransientError(`asked for byte ${at}, the server answered with ${header.slice(0, 60)}`)
  }
  if (match[2] !== '*' && Number(match[2]) !== size) {
    throw new TransientError(`the server has a file of ${match[2]} bytes instead of ${size}`)
  }
}

export async function refusedBy(response: Response, name: string): Promise<Error> {
  const retryAfter = response.headers.get('retry-after')
  // The Hub lists what is in a gated repository to everybody, and gives out its files to some.
  if (response.status === 401 || response.headers.get('x-error-code') === 'GatedRepo') {
    await discard(response)
    const fact = `is gated or private (${response.status}): accept the conditions on the model's page, and pass a token of that account`
    return new CheckpointError({ file: name }, `${fact} (HF_TOKEN, or hub.token)`)
  }
  const refused = await refusal(response, name)
  if (refused instanceof Absence) return new CheckpointError({ file: name }, refused.fact)
  if (!(refused instanceof TransientError) || retryAfter === null) return refused
  const date = Date.parse(retryAfter)
  if (refused.waitMs !== undefined || Number.isNaN(date)) return refused
  return new TransientError(refused.message, Math.max(0, date - Date.now()))
}

export function waitOf(error: unknown, attempt: number): number {
  if (error instanceof TransientError && error.waitMs !== undefined) return Math.min(error.waitMs, MAX_RETRY_AFTER_MS)
  // Many who were cut off at once should not come back at once.
  const jitter = 0.75 + Math.random() / 2
  return Math.min(FIRST_BACKOFF_MS * 2 ** Math.max(0, attempt - 2), MAX_BACKOFF_MS) * jitter
}

/** Runtimes report trouble with the network as `TypeError`, or by names of their own. */
export function isTransient(error: unknown): boolean {
  if (error instanceof TransientError || error instanceof TypeError) return true
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown }
  return (
    name === 'NetworkError' || name === 'Http' || (typeof code === 'string' && /^(?:E[A-Z]+|UND_ERR_\w+)$/.test(code))
  )
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}

/** Runs a request that brings little: when it takes too long, it counts as one that failed and may be made again. */
export async function inTime<T>(signal: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const attempt = new AbortController()
  const forward = () => attempt.abort(signal.reason)
  signal.addEventListener('abort', forward)
  const watch = new IdleWatch(() => attempt.abort(new TransientError(`no answer came in ${IDLE_MS / 1000} s`)))
  try {
    return await run(attempt.signal)
  } catch (error) {
    throw attempt.signal.reason instanceof TransientError ? attempt.signal.reason : error
  } finally {
    watch.stop()
    signal.removeEventListener('abort', forward)
  }
}
