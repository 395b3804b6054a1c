import type { ChatChunk } from '../chat/answer.ts'
import { CLIENT_LEFT, HttpError } from './errors.ts'
import type { ServedCompletion } from './served-chat.ts'

/** What the log gets of one request. Times are milliseconds; token counts are of all choices together. */
export interface RequestRecord {
  readonly requestId: string
  readonly method: string
  /** The route's pattern, such as `/v1/models/:id`; `other` when there is none. */
  readonly route: string
  readonly path: string
  readonly status: number
  readonly durationMs: number
  readonly stream: boolean
  /** The client left before the end of its answer. */
  readonly aborted: boolean
  readonly timeToFirstTokenMs?: number | undefined
  readonly promptTokens?: number | undefined
  readonly completionTokens?: number | undefined
  readonly cachedTokens?: number | undefined
  readonly finishReasons?: readonly string[] | undefined
  /** The message the client got without what it quotes, or the error behind it with its stack. */
  readonly error?: string | undefined
  /** Messages or prompt, when the server was told to log them. */
  readonly prompt?: unknown
}

export interface Outcome {
  status: number
  aborted?: boolean
  error?: unknown
}

/** Takes the measures of one request, from its arrival to the end of its answer. */
export class RequestTrace {
  route = 'other'
  stream = false
  /** Set once the answer's body ends later than the handler: whoever writes it calls {@link finish}. */
  deferred = false
  private prompt: unknown
  private error: unknown
  private readonly startedAt = performance.now()
  private firstTokenAt: number | undefined
  private readonly completions: ServedCompletion[] = []
  private finished = false

  constructor(
    private readonly head: Pick<RequestRecord, 'requestId' | 'method' | 'path'>,
    private readonly options: {
      logPrompts: boolean
      done: (record: RequestRecord, secondsPerToken: number | undefined) => void
    },
  ) {}

  /** What the model is asked, for servers that log it. */
  asked(prompt: unknown): void {
    if (this.options.logPrompts) this.prompt = prompt
  }

  piece({ token_ids, text }: ChatChunk): void {
    if (token_ids.length > 0 || text !== '') this.firstTokenAt ??= performance.now()
  }

  completed(completion: ServedCompletion): void {
    this.completions.push(completion)
  }

  /** An error that becomes the answer; the middleware finishes the trace. */
  failed(error: unknown): void {
    this.error = error
  }

  /** Only the first call counts. */
  finish({ status, aborted = status === CLIENT_LEFT, error = this.error }: Outcome): void {
    if (this.finished) return
    this.finished = true
    const now = performance.now()
    const sum = (count: (completion: ServedCompletion) => number) =>
      this.completions.length === 0 ? undefined : this.completions.reduce((total, one) => total + count(one), 0)
    const record = {
      ...this.head,
      route: this.route,
      status,
      durationMs: now - this.startedAt,
      stream: this.stream,
      aborted,
      timeToFirstTokenMs: this.firstTokenAt === undefined ? undefined : this.firstTokenAt - this.startedAt,
      promptTokens: sum(({ usage }) => usage.prompt_tokens),
      completionTokens: sum(({ usage }) => usage.completion_tokens),
      cachedTokens: sum(({ usage }) => usage.cached_tokens),
      finishReasons: this.completions.flatMap(({ choices }) => choices.map((choice) => choice.finish_reason)),
      error: error === undefined ? undefined : errorText(error, this.options.logPrompts),
      prompt: this.prompt,
    }
    const present = Object.entries(record).filter(([, value]) => value !== undefined)
    this.options.done(Object.fromEntries(present) as unknown as RequestRecord, this.secondsPerToken(now))
  }

  /** After the first token, over all choices; undefined for answers of one token. */
  private secondsPerToken(now: number): number | undefined {
    const tokens = this.completions.reduce((total, { usage }) => total + usage.completion_tokens, 0)
    if (this.firstTokenAt === undefined || tokens < 2) return undefined
    return (now - this.firstTokenAt) / 1000 / (tokens - 1)
  }
}

/** What stands behind an error that was shown without its facts matters more to a log than what was shown. */
function errorText(error: unknown, logPrompts: boolean): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof HttpError && error.quotes && !logPrompts) {
    return `refused${error.param === null ? '' : ` for its ${error.param.slice(0, 80)}`}`
  }
  const cause = error.cause instanceof Error ? error.cause : undefined
  return cause === undefined ? error.message : (cause.stack ?? cause.message)
}
