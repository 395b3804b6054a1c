/** The facts of a request that the parts of the server share: its measures, and the answer it came to. */
import type { ChatCompletion } from '../chat/chat-model.ts'

/** The part of a completion that answers are made of. */
export type ServedCompletion = Pick<ChatCompletion, 'choices' | 'usage' | 'timings'>

/** `info` is expected, `warn` the client's doing, `error` the server's. */
export type RequestLevel = 'info' | 'warn' | 'error'

/** The record of one request for the log. Times are milliseconds; token counts are of all choices together. */
export interface RequestRecord {
  readonly level: RequestLevel
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
  /** Counts answers that broke off, too: what had come until then. */
  readonly completionTokens?: number | undefined
  readonly cachedTokens?: number | undefined
  readonly finishReasons?: readonly string[] | undefined
  /** The message the client got without what it quotes, or the error behind it with its stack. */
  readonly error?: string | undefined
  /** Messages or prompt, when the server was told to log them. */
  readonly prompt?: unknown
}
