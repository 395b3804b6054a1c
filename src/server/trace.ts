/** The record of one HTTP request, from its arrival to the end of its answer. */

import { plainJson } from '../json/value.ts'
import { CLIENT_LEFT, HttpError, toHttpError } from './errors.ts'
import type { RequestLevel, RequestRecord } from './records.ts'
import { RunTrace } from './run-trace.ts'

export interface Outcome {
  status: number
  aborted?: boolean
  error?: unknown
}

/** Takes the measures of one request, from its arrival to the end of its answer. */
export class RequestTrace {
  route = 'other'
  /** The field of the request that holds what the model is to answer. */
  promptField: 'messages' | 'prompt' | 'input' = 'messages'
  stream = false
  /** Set once the answer's body ends later than the handler: whoever writes it calls {@link finish}. */
  deferred = false
  private prompt: unknown
  private error: unknown
  private readonly startedAt = performance.now()
  private readonly runs: RunTrace[] = []
  private finished = false

  constructor(
    private readonly head: Pick<RequestRecord, 'requestId' | 'method' | 'path'>,
    private readonly options: {
      logPrompts: boolean
      /** `secondsPerToken`: between the tokens of one answer, the mean of all; undefined when none has two. */
      done: (record: RequestRecord, secondsPerToken: number | undefined) => void
    },
  ) {}

  get requestId(): string {
    return this.head.requestId
  }

  /** Messages or prompt, for servers that log them. */
  asked(prompt: unknown): void {
    // Loggers write JSON, which has no bigint.
    if (this.options.logPrompts) this.prompt = plainJson(prompt)
  }

  /** Measures one request to the model; an answer may take several. */
  run(): RunTrace {
    const run = new RunTrace()
    this.runs.push(run)
    return run
  }

  /** An error that becomes the answer; the middleware finishes the trace. */
  failed(error: unknown): void {
    this.error = error
  }

  /** The end of an answer that was streamed; its status went out long before. */
  readonly streamEnded = ({ aborted, error }: { aborted: boolean; error?: unknown }): void => {
    this.finish({ status: 200, aborted, error: error === undefined ? undefined : toHttpError(error) })
  }

  /** Only the first call counts. An aborted answer has an error when it was the server that gave it up. */
  finish({ status, aborted = status === CLIENT_LEFT, error = this.error }: Outcome): void {
    if (this.finished) return
    this.finished = true
    const { runs, startedAt } = this
    const sum = (count: (run: RunTrace) => number) => runs.reduce((all, run) => all + count(run), 0)
    const whole = runs.length > 0 && runs.every((run) => run.usage !== undefined)
    const tokens = sum((run) => run.completionTokens)
    const firstTokenAt = runs.reduce((least, run) => Math.min(least, run.firstTokenAt), Infinity)
    const record = {
      level: levelOf(error instanceof HttpError ? error.status : status, { aborted, error }),
      ...this.head,
      route: this.route,
      status,
      durationMs: performance.now() - startedAt,
      stream: this.stream,
      aborted,
      timeToFirstTokenMs: Number.isFinite(firstTokenAt) ? firstTokenAt - startedAt : undefined,
      promptTokens: whole ? sum((run) => run.usage?.prompt_tokens ?? 0) : undefined,
      completionTokens: whole || tokens > 0 ? tokens : undefined,
      cachedTokens: whole ? sum((run) => run.usage?.cached_tokens ?? 0) : undefined,
      finishReasons: runs.flatMap((run) => run.finishReasons),
      error: error === undefined ? undefined : errorText(error, this.options.logPrompts),
      prompt: this.prompt,
    }
    const present = Object.entries(record).filter(([, value]) => value !== undefined)
    const paces = runs.flatMap((run) => run.secondsPerToken())
    const pace = paces.length === 0 ? undefined : paces.reduce((all, one) => all + one) / paces.length
    this.options.done(Object.fromEntries(present) as unknown as RequestRecord, pace)
  }
}

/** Refusals of a server that is not up yet, or goes down as it was told to. */
const EXPECTED: readonly (string | null)[] = ['model_loading', 'shutting_down']

function levelOf(status: number, { aborted, error }: { aborted: boolean; error: unknown }): RequestLevel {
  if (aborted) return error === undefined || status === CLIENT_LEFT ? 'info' : 'warn'
  if (status >= 500) return error instanceof HttpError && EXPECTED.includes(error.code) ? 'info' : 'error'
  return status >= 400 ? 'warn' : 'info'
}

/** The cause of an error that was shown without its facts matters more to a log than what was shown. */
function errorText(error: unknown, logPrompts: boolean): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof HttpError && error.quotes && !logPrompts) {
    return `refused${error.param === null ? '' : ` for its ${error.param.slice(0, 80)}`}`
  }
  const cause = error.cause instanceof Error ? error.cause : undefined
  return cause === undefined ? error.message : withStack(cause)
}

/** Stacks of Firefox and Safari do not begin with what went wrong. */
function withStack(error: Error): string {
  const text = String(error)
  const { stack = text } = error
  return stack.startsWith(text) ? stack : `${text}\n${stack}`
}
