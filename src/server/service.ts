/** The state that all routes share, and the model, which may still be loading or may be lost. */
import type { Context } from 'hono'
import type { ChatModel } from '../chat/chat-model.ts'
import type { KeyCheck } from './auth.ts'
import { type ErrorFamily, HttpError } from './errors.ts'
import { inServerTerms } from './flags.ts'
import type { Metrics } from './metrics.ts'
import type { AppConfig } from './options.ts'
import type { ResponseStore } from './responses/store.ts'
import type { RequestTrace } from './trace.ts'

/** `family`: how errors are told. */
export type AppEnv = { Variables: { trace: RequestTrace; family: ErrorFamily } }
export type AppContext = Context<AppEnv>

/** The state that all routes of one app share. */
export interface Service {
  readonly config: AppConfig
  readonly model: ServedModel
  readonly metrics: Metrics
  readonly keys: KeyCheck
  readonly responses: ResponseStore
}

export type ModelState = 'loading' | 'ready' | 'failed'

/** The model, which may still be loading, and may be lost with its device. */
export class ServedModel {
  private chat: ChatModel | undefined
  private ownError: unknown

  constructor(chat: ChatModel | Promise<ChatModel>) {
    if ('then' in chat) {
      chat.then(
        (loaded) => {
          this.chat = loaded
        },
        (error) => {
          this.ownError = error ?? new Error('it did not load')
        },
      )
    } else this.chat = chat
  }

  /** A GPU may be lost while nobody asks anything, and no request then brings the news: so the model is asked. */
  private get error(): unknown {
    return this.ownError ?? this.chat?.failure
  }

  get state(): ModelState {
    if (this.error !== undefined) return 'failed'
    return this.chat === undefined ? 'loading' : 'ready'
  }

  /** undefined unless ready. */
  get ready(): ChatModel | undefined {
    return this.error === undefined ? this.chat : undefined
  }

  /** Why the model answers no request now; undefined when it does. */
  get unready(): HttpError | undefined {
    const { error } = this
    if (error !== undefined) {
      // Further lines hold the driver's own words.
      const [fact] = (error instanceof Error ? inServerTerms(error) : String(error)).split('\n')
      return new HttpError(503, `the model failed: ${fact}`, { code: 'model_failed' })
    }
    if (this.chat !== undefined) return undefined
    return new HttpError(503, 'the model is loading', { code: 'model_loading', headers: { 'retry-after': '5' } })
  }

  fail(error: unknown): void {
    this.ownError ??= error
  }

  /** @throws HttpError 503 unless ready */
  use(): ChatModel {
    const { unready } = this
    if (unready !== undefined) throw unready
    return this.chat!
  }
}
