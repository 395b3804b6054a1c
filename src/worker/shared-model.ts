/** A tab's end of a model that tabs share: it asks the tab that leads, and leads itself when its turn comes. */
import { onAbort, unlessAborted } from '../async/abort.ts'
import type { ChatChunk } from '../chat/answer.ts'
import type { ChatCompletion } from '../chat/chat-model.ts'
import type { Begun } from '../chat/resume.ts'
import { ParameterError } from '../errors.ts'
import type { LoadProgress } from '../model/load-progress.ts'
import type { Tabs } from '../platform/tabs.ts'
import type { WorkerPort } from '../platform/worker-types.ts'
import { type GroupMessage, leaderLock, memberLock } from './group.ts'
import { KeptAnswer } from './kept-answer.ts'
import { type CallOptions, type ModelLink, WorkerError, WorkerLink } from './link.ts'
import { errorFromJson, type Method, type ModelFacts } from './protocol.ts'

/** Between two tries of one tab to lead, in milliseconds; others have their turn meanwhile. */
const PAUSE_MS = 250

/** What a tab needs to take part. */
export interface Membership {
  readonly tabs: Tabs
  /** The name of the group. */
  readonly group: string
  /** Starts the worker for the model, when this tab leads. */
  readonly start: () => WorkerPort
  /** Loads the model in it. */
  readonly load: (worker: WorkerLink, options: CallOptions) => Promise<unknown>
  /** How often in a row a model may be lost without a token between, and a tab may fail to load it again. */
  readonly most: number
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined
  readonly onTabs?: ((tabs: number) => void) | undefined
}

/** The tab that led is gone, or its worker is; the next goes on. */
class LeaderGone extends WorkerError {
  constructor() {
    super('the tab with the model is gone')
  }
}

export class SharedModel implements ModelLink {
  readonly #id = crypto.randomUUID()
  readonly #leaving = new AbortController()
  readonly #channel: WorkerPort
  facts: ModelFacts | undefined
  failure: Error | undefined
  /** To the model that leads, once it has told its facts. */
  #link: WorkerLink | undefined
  /** The same, before it has. */
  #asking: WorkerLink | undefined
  readonly #waiting = new Set<() => void>()
  /** Loads this tab's adapters again, where the model is another. */
  readonly #adapters = new Map<string, (link: WorkerLink) => Promise<unknown>>()
  #prepared: Promise<unknown> = Promise.resolve()
  /** Times in a row in which this tab led and failed. */
  #failures = 0
  #standing: Promise<void> = Promise.resolve()
  #release: () => void = () => {}

  private constructor(private readonly own: Membership) {
    this.#channel = own.tabs.channel(own.group)
    this.#channel.listen((message) => this.#hear(message as GroupMessage))
  }

  /** Waits for a model, or loads it. Throws what loading throws, and `AbortError`. */
  static async join(own: Membership, signal?: AbortSignal): Promise<SharedModel> {
    const model = new SharedModel(own)
    try {
      model.#release = await own.tabs.lock(memberLock(own.group, model.#id), model.#leaving.signal)
      model.#standing = model.#stand()
      model.#ask()
      await model.#ready(signal)
      return model
    } catch (error) {
      await model.end('the model was not loaded')
      throw error
    }
  }

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
    if (!(error instanceof LeaderGone)) throw error
    if (losses > this.own.most) throw new WorkerError(`the model was lost ${losses} times in a row`, { cause: error })
  }

  async end(why: string): Promise<void> {
    this.#fail(new WorkerError(why))
    await this.#standing
  }

  /** The model that leads now, or the next. Throws why there will be none. */
  async #ready(signal: AbortSignal | undefined): Promise<WorkerLink> {
    for (;;) {
      if (this.failure !== undefined) throw this.failure
      const link = this.#link
      if (link !== undefined) {
        await unlessAborted(this.#prepared, signal)
        if (link === this.#link) return link
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

  /** Leads whenever the tab that did is gone, until this one leaves. */
  async #stand(): Promise<void> {
    const { signal } = this.#leaving
    try {
      while (!signal.aborted) {
        const release = await this.own.tabs.lock(leaderLock(this.own.group), signal)
        try {
          await this.#lead()
        } finally {
          release()
        }
        await unlessAborted(new Promise((resolve) => setTimeout(resolve, PAUSE_MS)), signal)
      }
    } catch (error) {
      // One that leaves does not wait for the lock any more.
      if (!signal.aborted) this.#fail(error as Error)
    }
  }

  /** Returns when this tab should try again. Throws when it has tried enough. */
  async #lead(): Promise<void> {
    const { group, start, load, most } = this.own
    const { signal } = this.#leaving
    const term = crypto.randomUUID()
    this.#tell({ op: 'gone', next: term })
    this.#lose()
    let worker: WorkerLink | undefined
    try {
      worker = new WorkerLink(start())
      await load(worker, { signal, onProgress: (progress) => this.#progress(progress) })
      await worker.call('share', [group, term], { signal })
      this.#failures = 0
      throw await Promise.race([worker.closed, fired(signal)])
    } catch (error) {
      this.#lose()
      // Nobody waits for what failed at once: whoever loads hears of it.
      if (!signal.aborted && (this.facts === undefined || ++this.#failures > most)) throw error
    } finally {
      await worker?.end('another tab leads')
    }
  }

  #progress(progress: LoadProgress): void {
    this.#tell({ op: 'progress', progress })
    this.#hear({ op: 'progress', progress })
  }

  #tell(message: GroupMessage): void {
    this.#channel.post(message)
  }

  #hear(message: GroupMessage): void {
    const term = this.#link?.facts?.shared?.term
    if (message.op === 'gone' && message.next !== term) this.#lose()
    else if (message.op === 'leading' && message.term !== term) {
      this.#lose()
      this.#ask()
    } else if (message.op === 'progress' && this.facts === undefined) this.own.onProgress?.(message.progress)
  }

  /** Asks whoever leads for its facts; nobody answers while none does. */
  #ask(): void {
    const port = `${this.own.group} ${crypto.randomUUID()}`
    const link = new WorkerLink(this.own.tabs.channel(port), (facts) => this.#take(link, facts))
    this.#asking = link
    this.#tell({ op: 'hello', member: this.#id, port })
  }

  #take(link: WorkerLink, facts: ModelFacts): void {
    const before = this.facts?.shared?.tabs
    this.facts = facts
    const now = facts.shared!.tabs
    if (now !== before) this.own.onTabs?.(now)
    // A GPU that cannot be had again ends the model for those that use it; who loads it anew begins anew.
    if (facts.failure !== undefined) this.#fail(errorFromJson(facts.failure))
    if (link !== this.#asking) return
    this.#asking = undefined
    this.#link = link
    this.#prepared = Promise.allSettled([...this.#adapters.values()].map((load) => load(link)))
    for (const wake of [...this.#waiting]) wake()
  }

  /** What was asked is asked again, as soon as there is a model. */
  #lose(): void {
    const links = [this.#link, this.#asking]
    this.#link = undefined
    this.#asking = undefined
    for (const link of links) link?.fail(new LeaderGone())
  }

  #fail(error: Error): void {
    if (this.failure !== undefined) return
    this.failure = error
    this.#leaving.abort()
    for (const link of [this.#link, this.#asking]) link?.fail(error)
    for (const wake of [...this.#waiting]) wake()
    this.#channel.close()
    this.#release()
  }
}

function fired(signal: AbortSignal): Promise<Error> {
  return new Promise((resolve) => {
    onAbort(signal, () => resolve(new WorkerError('this tab leaves')))
  })
}

/** The request as it is now: it may be sent again when the caller has changed it. */
function copyOf(request: unknown): unknown {
  try {
    return structuredClone(request)
  } catch (error) {
    throw new ParameterError('request', undefined, `cannot be sent to a worker: ${(error as Error).message}`)
  }
}
