/** A tab's end of a model that tabs share: what was asked of a model that is gone is asked of the next. */
import { unlessAborted } from '../async/abort.ts'
import type { ChatChunk } from '../chat/answer.ts'
import type { ChatCompletion } from '../chat/chat-model.ts'
import type { Begun } from '../chat/resume.ts'
import { ParameterError } from '../errors.ts'
import type { LoadProgress } from '../model/load-progress.ts'
import type { Tabs } from '../platform/tabs.ts'
import type { WorkerPort } from '../platform/worker-types.ts'
import { memberLock } from './group.ts'
import { KeptAnswer } from './kept-answer.ts'
import { type CallOptions, type ModelLink, WorkerError, type WorkerLink } from './link.ts'
import { errorFromJson, type Method, type ModelFacts } from './protocol.ts'

/** What a tab needs to take part. */
export interface Membership {
  readonly tabs: Tabs
  /** The name of the group. */
  readonly group: string
  /** Starts the worker for the model, or connects to the one that there is. */
  readonly start: () => WorkerPort
  /** Loads the model in it. */
  readonly load: (worker: WorkerLink, options: CallOptions) => Promise<unknown>
  /** How often in a row a model may be lost without a token between, and a tab may fail to load it again. */
  readonly most: number
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined
  readonly onTabs?: ((tabs: number) => void) | undefined
}

/** The model is gone with its tab or its worker; the next goes on. */
class ModelGone extends WorkerError {
  constructor() {
    super('the worker with the model is gone')
  }
}

export abstract class SharedModel implements ModelLink {
  abstract readonly host: ModelLink['host']
  protected readonly id = crypto.randomUUID()
  protected readonly leaving = new AbortController()
  facts: ModelFacts | undefined
  failure: Error | undefined
  /** To the model, once it has told its facts. */
  protected link: WorkerLink | undefined
  /** The same, before it has. */
  protected asking: WorkerLink | undefined
  readonly #waiting = new Set<() => void>()
  /** Loads this tab's adapters again, where the model is another. */
  readonly #adapters = new Map<string, (link: WorkerLink) => Promise<unknown>>()
  #prepared: Promise<unknown> = Promise.resolve()
  #provided: Promise<void> = Promise.resolve()
  #release: () => void = () => {}
  /** Times in a row in which the model could not be had again. */
  #failures = 0

  constructor(protected readonly own: Membership) {}

  /** Waits for a model, or loads it. Throws what loading throws, and `AbortError`. */
  static async join<M extends SharedModel>(
    this: new (
      own: Membership,
    ) => M,
    own: Membership,
    signal?: AbortSignal,
  ): Promise<M> {
    const model = new this(own)
    try {
      await model.#join(signal)
      return model
    } catch (error) {
      await model.end('the model was not loaded')
      throw error
    }
  }

  async #join(signal: AbortSignal | undefined): Promise<void> {
    const { group, tabs } = this.own
    this.#release = await tabs.lock(memberLock(group, this.id), this.leaving.signal)
    this.#provided = this.provide().catch((error) => {
      // One that leaves waits for no model any more.
      if (!this.leaving.signal.aborted) this.fail(error)
    })
    await this.#ready(signal)
  }

  /** Sees to it that there is a model, until this tab leaves. Throws why there will be none. */
  protected abstract provide(): Promise<void>

  async call<T>(method: Method, args: readonly unknown[], options: CallOptions = {}): Promise<T> {
    const result = await this.#again(options.signal, (link) => link.call<T>(method, args, options))
    if (method === 'loadAdapter') {
      const { name } = result as { name: string }
      this.#adapters.set(name, (link) => link.call(method, args, { opener: options.opener }))
    } else if (method === 'unloadAdapter') this.#adapters.delete(args[0] as string)
    return result
  }

  async #again<T>(signal: AbortSignal | undefined, ask: (link: WorkerLink) => Promise<T>): Promise<T> {
    for (let losses = 1; ; losses++) {
      const link = await this.#ready(signal)
      try {
        return await ask(link)
      } catch (error) {
        this.#goOn(error, losses)
      }
    }
  }

  async *stream(
    request: unknown,
    signal: AbortSignal | undefined,
    begun?: Begun,
  ): AsyncGenerator<ChatChunk, ChatCompletion, undefined> {
    const asked = copyOf(request)
    const kept = new KeptAnswer(begun)
    for (let losses = 1, tokens = 0; ; losses++) {
      const link = await this.#ready(signal)
      const chunks = link.stream(asked, signal, kept.begun)
      try {
        let next = await chunks.next()
        for (; !next.done; next = await chunks.next()) {
          kept.add(next.value)
          yield next.value
        }
        return kept.whole(next.value)
      } catch (error) {
        if (kept.tokens > tokens) losses = 1
        tokens = kept.tokens
        this.#goOn(error, losses)
      } finally {
        await chunks.return(undefined as never)
      }
    }
  }

  /** Throws what is no loss of the model, or one too many. */
  #goOn(error: unknown, losses: number): void {
    if (!(error instanceof ModelGone)) throw error
    if (losses > this.own.most) throw new WorkerError(`the model was lost ${losses} times in a row`, { cause: error })
  }

  async end(why: string): Promise<void> {
    this.fail(new WorkerError(why))
    await this.#provided
  }

  /** The model that there is now, or the next. Throws why there will be none. */
  async #ready(signal: AbortSignal | undefined): Promise<WorkerLink> {
    for (;;) {
      if (this.failure !== undefined) throw this.failure
      const link = this.link
      if (link !== undefined) {
        await unlessAborted(this.#prepared, signal)
        if (link === this.link) return link
        continue
      }
      let wake = () => {}
      const news = new Promise<void>((resolve) => {
        wake = resolve
      })
      this.#waiting.add(wake)
      try {
        await unlessAborted(news, signal)
      } finally {
        this.#waiting.delete(wake)
      }
    }
  }

  /** A model has told what changed about it, the first time that it can be asked. */
  protected take(link: WorkerLink, facts: ModelFacts): void {
    const before = this.facts?.shared?.tabs
    this.facts = facts
    const now = facts.shared!.tabs
    if (now !== before) this.own.onTabs?.(now)
    // A GPU that cannot be had again ends the model for those that use it; who loads it anew begins anew.
    if (facts.failure !== undefined) this.fail(errorFromJson(facts.failure))
    if (link !== this.asking) return
    this.asking = undefined
    this.link = link
    this.#prepared = Promise.allSettled([...this.#adapters.values()].map((load) => load(link)))
    for (const wake of [...this.#waiting]) wake()
  }

  /** There is a model. */
  protected succeeded(): void {
    this.#failures = 0
  }

  /** There is none, or none any more. Throws the error when this tab has tried enough. */
  protected failed(error: unknown): void {
    this.lose()
    // Nobody waits for what failed at once: whoever loads hears of it.
    if (!this.leaving.signal.aborted && (this.facts === undefined || ++this.#failures > this.own.most)) throw error
  }

  /** What was asked is asked again, as soon as there is a model. */
  protected lose(): void {
    for (const link of this.#letGo()) link.fail(new ModelGone())
  }

  protected fail(error: Error): void {
    if (this.failure !== undefined) return
    this.failure = error
    this.leaving.abort()
    for (const link of this.#letGo()) this.leave(link, error)
    for (const wake of [...this.#waiting]) wake()
    this.#release()
  }

  /** What waits for an answer of this model gets the error. */
  protected leave(link: WorkerLink, error: Error): void {
    link.fail(error)
  }

  #letGo(): WorkerLink[] {
    const links = [this.link, this.asking].filter((link) => link !== undefined)
    this.link = undefined
    this.asking = undefined
    return links
  }
}

/** The request as it is now: it may be sent again when the caller has changed it. */
function copyOf(request: unknown): unknown {
  try {
    return structuredClone(request)
  } catch (error) {
    throw new ParameterError('request', undefined, `cannot be sent to a worker: ${(error as Error).message}`)
  }
}
