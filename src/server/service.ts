import type { Context } from 'hono'
import type { KeyCheck } from './auth.ts'
import { HttpError } from './errors.ts'
import type { Metrics } from './metrics.ts'
import type { AppConfig } from './options.ts'
import type { ServedChat } from './served-chat.ts'
import type { RequestTrace } from './trace.ts'

export type AppEnv = { Variables: { trace: RequestTrace } }
export type AppContext = Context<AppEnv>

/** What all routes of one app share. */
export interface Service {
  readonly config: AppConfig
  readonly model: ServedModel
  readonly metrics: Metrics
  readonly keys: KeyCheck
}

export type ModelState = 'loading' | 'ready' | 'failed'

/** The model, which may still be loading, and may be lost with its device. */
export class ServedModel {
  private chat: ServedChat | undefined
  private error: unknown

  constructor(chat: ServedChat | Promise<ServedChat>) {
    if ('then' in chat) {
      chat.then(
        (loaded) => {
          this.chat = loaded
        },
        (error) => {
          this.error = error ?? new Error('it did not load')
        },
      )
    } else this.chat = chat
  }

  get state(): ModelState {
    if (this.error !== undefined) return 'failed'
    return this.chat === undefined ? 'loading' : 'ready'
  }

  /** undefined unless ready. */
  get ready(): ServedChat | undefined {
    return this.error === undefined ? this.chat : undefined
  }

  /** Why the model answers no request now; undefined when it does. */
  get unready(): HttpError | undefined {
    if (this.error !== undefined) {
      const fact = this.error instanceof Error ? this.error.message : String(this.error)
      return new HttpError(503, `the model failed: ${fact}`, { code: 'model_failed' })
    }
    if (this.chat !== undefined) return undefined
    return new HttpError(503, 'the model is loading', { code: 'model_loading', headers: { 'retry-after': '5' } })
  }

  fail(error: unknown): void {
    this.error ??= error
  }

  /** @throws HttpError 503 unless ready */
  use(): ServedChat {
    const { unready } = this
    if (unready !== undefined) throw unready
    return this.chat!
  }
}
