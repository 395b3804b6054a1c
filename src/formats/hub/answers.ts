/** What the answer to one request for a range is worth: whether it fits the file, how long to wait, when to give up. */
import { unlessAborted } from '../../async/abort.ts'
import { CheckpointError } from '../../errors.ts'
import { Absence } from '../examined.ts'
import { discard, IDLE_MS, isVerdict, refusal, TransientError } from '../http-request.ts'
import { saidBy } from './fetch.ts'

/** What was asked for, and with what. */
interface RefusedFile {
  readonly name: string
  readonly url: string
  readonly token: string | undefined
}

/** Calls back when nothing was alive for a while. */
export class IdleWatch {
  private timer: ReturnType<typeof setTimeout>

  constructor(
    private readonly onIdle: () => void,
    private readonly ms = IDLE_MS,
  ) {
    this.timer = setTimeout(onIdle, ms)
  }

  alive(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(this.onIdle, this.ms)
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

export async function refusedBy(response: Response, { name, url, token }: RefusedFile): Promise<Error> {
  // The Hub lists what is in a gated repository to everybody, and gives out its files to some.
  if (response.status === 401 || response.headers.get('x-error-code') === 'GatedRepo') {
    await discard(response)
    const what =
      token === undefined ? 'pass a token of that account (HF_TOKEN, or hub.token)' : 'use a token of that account'
    const page = url.replace(/\/resolve\/.*$/s, '')
    const fact = `is gated or private (${response.status}): accept the conditions at ${page}, and ${what}${saidBy(response)}`
    return new CheckpointError({ file: name }, fact)
  }
  const refused = await refusal(response, name)
  return refused instanceof Absence ? new CheckpointError({ file: name }, refused.fact) : refused
}

/** Runtimes report trouble with the network as `TypeError`, or by names of their own. */
export function isTransient(error: unknown): boolean {
  if (error instanceof TransientError) return true
  if (error instanceof TypeError) return !isVerdict(error)
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
export async function inTime<T>(
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
  ms = IDLE_MS,
): Promise<T> {
  const attempt = new AbortController()
  const forward = () => attempt.abort(signal.reason)
  signal.addEventListener('abort', forward)
  const watch = new IdleWatch(() => attempt.abort(new TransientError(`no answer came in ${ms / 1000} s`)), ms)
  try {
    return await unlessAborted(run(attempt.signal), attempt.signal)
  } catch (error) {
    throw attempt.signal.reason instanceof TransientError ? attempt.signal.reason : error
  } finally {
    watch.stop()
    signal.removeEventListener('abort', forward)
  }
}
