/**
 * Fetches one file in several ranges at once and hands the bytes out in order. What broke goes on at the byte it reached; a server
 * without ranges is read in one go; answers that do not fit the file are not believed.
 */
import { throwIfAborted, unlessAborted } from '../../async/abort.ts'
import { CheckpointError } from '../../errors.ts'
import { messageOf } from '../byte-reader.ts'
import { discard, IDLE_MS, TransientError, versionOf, waitOf } from '../http-request.ts'
import { checkRange, IdleWatch, isTransient, pause, refusedBy } from './answers.ts'
import { hubFetch } from './fetch.ts'

/** What one request asks for. Each begins with a redirect to a store, so that small ones would cost their way there. */
export const SEGMENT_BYTES = 16 * 2 ** 20
/** Requests at a time; what they bring before its turn waits in memory. */
const CONNECTIONS = 4
const MAX_ATTEMPTS = 8

export interface RemoteFile {
  readonly url: string
  readonly token: string | undefined
  /** For errors. */
  readonly name: string
  /** Bytes, as they are known from elsewhere. */
  readonly size: number
  /** What every answer has to call its version, where that is known. */
  readonly version?: string | undefined
  /** What one request asks for, when it is not the usual. */
  readonly segmentBytes?: number | undefined
}

/** One range on its way. */
interface Segment {
  end: number
  /** The next byte that is wanted. */
  at: number
  /** Bytes that came before their turn. */
  readonly early: Uint8Array[]
  isHead: boolean
  done: boolean
}

/**
 * Hands the bytes from `start` to `end` to `take`, in order, each once. When it is done, or failed, nothing of it runs on.
 * @throws CheckpointError when the server refuses, or does not give the file after many attempts; what `take` throws; AbortError
 */
export async function fetchInOrder(
  file: RemoteFile,
  start: number,
  end: number,
  take: (bytes: Uint8Array) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stop = new AbortController()
  const forward = () => stop.abort(signal?.reason)
  signal?.addEventListener('abort', forward)
  if (signal?.aborted) forward()
  try {
    await new OrderedFetch(file, start, end, take, stop).run()
  } catch (error) {
    throwIfAborted(signal)
    throw error
  } finally {
    signal?.removeEventListener('abort', forward)
  }
}

class OrderedFetch {
  /** In order; the first is the one whose bytes are handed out as they come. */
  private readonly segments: Segment[] = []
  private next: number
  /** The address behind the redirect, as long as it works. */
  private direct: string | undefined
  private failure: { error: unknown } | undefined
  private turn: Promise<void> = Promise.resolve()
  private wake: () => void = () => {}

  private readonly signal: AbortSignal

  constructor(
    private readonly file: RemoteFile,
    start: number,
    private readonly end: number,
    private readonly take: (bytes: Uint8Array) => Promise<void>,
    private readonly stop: AbortController,
  ) {
    this.next = start
    this.signal = stop.signal
  }

  async run(): Promise<void> {
    // The first answer says whether the server knows ranges.
    await this.bringNext()
    await Promise.all(Array.from({ length: CONNECTIONS }, () => this.work()))
    await this.turn
    if (this.failure !== undefined) throw this.failure.error
  }

  private async work(): Promise<void> {
    for (;;) {
      while (this.segments.length > CONNECTIONS && this.failure === undefined) await this.room()
      if (!(await this.bringNext())) return
    }
  }

  /** False when there is nothing more to do, or no use in it. */
  private async bringNext(): Promise<boolean> {
    if (this.failure !== undefined || this.next >= this.end) return false
    try {
      await this.bring(this.open())
      return true
    } catch (error) {
      this.failure ??= { error }
      // The other requests of a download that failed end with it.
      this.stop.abort(error)
      this.wake()
      return false
    }
  }

  /** Waits until a segment is done. */
  private room(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.wake
      this.wake = () => {
        before()
        resolve()
      }
    })
  }

  private open(): Segment {
    const end = Math.min(this.end, this.next + (this.file.segmentBytes ?? SEGMENT_BYTES))
    const segment: Segment = { end, at: this.next, early: [], isHead: this.segments.length === 0, done: false }
    this.next = end
    this.segments.push(segment)
    return segment
  }

  /** Brings one segment, with as many attempts as it takes while each makes progress. */
  private async bring(segment: Segment): Promise<void> {
    let attempt = 1
    while (segment.at < segment.end) {
      const before = segment.at
      try {
        await this.attempt(segment)
      } catch (error) {
        throwIfAborted(this.signal)
        if (!isTransient(error)) throw error
        this.direct = undefined
        attempt = segment.at > before ? 1 : attempt + 1
        if (attempt > MAX_ATTEMPTS) {
          const fact = `${messageOf(error)}, after ${MAX_ATTEMPTS} attempts`
          throw new CheckpointError({ file: this.file.name }, fact, { cause: error })
        }
        await pause(waitOf(error, attempt - 1), this.signal)
      }
    }
    segment.done = true
    await this.advance()
  }

  private async attempt(segment: Segment): Promise<void> {
    const { url, token, name, size, version } = this.file
    const attempt = new AbortController()
    const forward = () => attempt.abort(this.signal.reason)
    this.signal.addEventListener('abort', forward)
    const watch = new IdleWatch(() => attempt.abort(new TransientError(`nothing came for ${IDLE_MS / 1000} s`)))
    try {
      const range = `bytes=${segment.at}-${segment.end - 1}`
      // Another request may find out meanwhile that the address does not work any more.
      const direct = this.direct
      const secret = direct === undefined ? token : undefined
      const response = await hubFetch(direct ?? url, { token: secret, range, signal: attempt.signal })
      watch.alive()
      if (direct !== undefined && response.status >= 400 && response.status < 500) {
        await discard(response)
        throw new TransientError(
          `the address that ${new URL(url).host} gave does not work any more (${response.status})`,
        )
      }
      if (version !== undefined && response.ok && versionOf(response) !== version) {
        throw new CheckpointError({ file: name }, 'has changed on the server while it was downloaded; load it again')
      }
      if (response.ok && /^text\/html/i.test(response.headers.get('content-type') ?? '')) {
        throw new TransientError('a web page came in place of the file')
      }
      if (response.status === 200) return await this.readWhole(response, segment, watch, attempt.signal)
      if (response.status !== 206) throw await refusedBy(response, this.file)
      checkRange(response, segment.at, size)
      // Behind a redirect of the same host the token is still wanted.
      const isElsewhere = response.url !== '' && new URL(response.url).origin !== new URL(url).origin
      if (isElsewhere) this.direct = response.url
      await this.read(response, segment, watch, attempt.signal)
    } catch (error) {
      if (attempt.signal.aborted && attempt.signal.reason instanceof TransientError) throw attempt.signal.reason
      throw error
    } finally {
      watch.stop()
      this.signal.removeEventListener('abort', forward)
      // A half-read answer is dropped with its connection.
      attempt.abort()
    }
  }

  // In Node a read of a body that has come but for its end is never settled when the signal fires.
  private async read(response: Response, segment: Segment, watch: IdleWatch, signal: AbortSignal): Promise<void> {
    const reader = response.body?.getReader()
    while (reader !== undefined) {
      const { done, value } = await unlessAborted(reader.read(), signal)
      if (done) break
      watch.alive()
      if (value.byteLength > segment.end - segment.at) throw new TransientError('more bytes came than were asked for')
      segment.at += value.byteLength
      await this.put(segment, value)
    }
    if (segment.at < segment.end) {
      throw new TransientError(`the connection ended at byte ${segment.at} of ${this.file.size}`)
    }
  }

  /** The answer of a server without ranges is the whole file: what is here already is passed over. */
  private async readWhole(response: Response, segment: Segment, watch: IdleWatch, signal: AbortSignal): Promise<void> {
    const { size } = this.file
    const length = response.headers.get('content-length')
    const isEncoded = /\S/.test((response.headers.get('content-encoding') ?? '').replace(/identity/i, ''))
    if (!isEncoded && length !== null && Number(length) !== size) {
      throw new TransientError(`the server sent a file of ${length} bytes instead of ${size}`)
    }
    // One connection brings all that is left, unless others are on their way.
    if (segment.isHead && this.segments.length === 1) {
      this.next = this.end
      segment.end = this.end
    }
    const reader = response.body?.getReader()
    let at = 0
    while (reader !== undefined && segment.at < segment.end) {
      const { done, value } = await unlessAborted(reader.read(), signal)
      if (done) break
      watch.alive()
      const fresh = value.subarray(Math.min(value.byteLength, Math.max(0, segment.at - at)))
      at += value.byteLength
      const bytes = fresh.subarray(0, segment.end - segment.at)
      segment.at += bytes.byteLength
      if (bytes.byteLength > 0) await this.put(segment, bytes)
    }
    if (segment.at < segment.end) throw new TransientError(`the file ended at byte ${at} of ${size}`)
    await reader?.cancel().catch(() => {})
  }

  private async put(segment: Segment, bytes: Uint8Array): Promise<void> {
    if (segment.isHead) await this.queue(() => this.take(bytes))
    else segment.early.push(bytes)
  }

  /** Hands out what waited, once the segments before it are done. Nothing else happens while it looks. */
  private advance(): Promise<void> {
    let last: Promise<void> = Promise.resolve()
    for (;;) {
      const [head] = this.segments
      if (head === undefined) break
      head.isHead = true
      const early = head.early.splice(0)
      if (early.length > 0) {
        last = this.queue(async () => {
          for (const bytes of early) await this.take(bytes)
        })
      }
      if (!head.done) break
      this.segments.shift()
    }
    const wake = this.wake
    this.wake = () => {}
    wake()
    return last
  }

  /** One piece of work after the other. */
  private queue(work: () => Promise<void>): Promise<void> {
    const result = this.turn.then(work)
    this.turn = result.catch((error: unknown) => {
      this.failure ??= { error }
    })
    return result
  }
}
