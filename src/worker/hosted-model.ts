/** A model of a shared worker: it is loaded for the first of its tabs, and goes with the last. */
import { unlessAborted } from '../async/abort.ts'
import { type ChatLoadOptions, MistralChat } from '../chat/mistral-chat.ts'
import { MistralError } from '../errors.ts'
import type { ModelSource } from '../formats/source.ts'
import type { LoadProgress } from '../model/load-progress.ts'
import type { Tabs } from '../platform/tabs.ts'
import type { ClientSession } from './client-session.ts'
import { Members } from './members.ts'

/** A load that runs, or has ended well. */
interface Loading {
  readonly done: Promise<void>
  readonly controller: AbortController
  /** The tabs that wait for it. */
  readonly listeners: Set<(progress: LoadProgress) => void>
  /** How far it is: who comes in its middle hears so at once. */
  latest: LoadProgress | undefined
}

export class HostedModel {
  readonly members: Members
  #chat: MistralChat | undefined
  #loading: Loading | undefined
  #ended: Promise<void> | undefined

  /** @param onEnd hears that its last tab is gone: the next gets another */
  constructor(
    tabs: Tabs,
    group: string,
    private readonly onEnd: () => void,
  ) {
    this.members = new Members(tabs, group, () => {
      if (this.members.size > 0) return this.tellChanges()
      this.#ended = this.#end()
    })
  }

  get chat(): MistralChat {
    if (this.#chat === undefined) throw new MistralError('the model is not loaded')
    return this.#chat
  }

  tellChanges(): void {
    if (this.#chat !== undefined) this.members.tell()
  }

  /** A tab comes. */
  join(name: string, session: ClientSession): void {
    if (this.#chat?.failure !== undefined) {
      // A GPU that cannot be had again ends the model for those that use it; who comes later loads it anew.
      this.tellChanges()
      this.#drop()
    }
    this.members.add(name, session)
  }

  /** Waits for the model, which is loaded once for all that want it. Throws what loading throws, to each of them. */
  async load(
    source: ModelSource,
    options: ChatLoadOptions,
    onProgress: (progress: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    this.#loading ??= this.#begin(source, options)
    const { done, listeners, latest } = this.#loading
    listeners.add(onProgress)
    if (latest !== undefined) onProgress(latest)
    try {
      await unlessAborted(done, signal)
    } finally {
      listeners.delete(onProgress)
    }
  }

  /** A tab goes. Waits, where it was the last, until all memory is free. */
  async leave(name: string): Promise<void> {
    this.members.remove(name)
    await this.#ended
  }

  #begin(source: ModelSource, options: ChatLoadOptions): Loading {
    const controller = new AbortController()
    const begun: Omit<Loading, 'done'> = { controller, listeners: new Set(), latest: undefined }
    const onProgress = (progress: LoadProgress) => {
      begun.latest = progress
      for (const listener of begun.listeners) listener(progress)
    }
    const loading = MistralChat.load(source, { ...options, signal: controller.signal, onProgress })
    const done = loading.then(
      (chat) => {
        this.#chat = chat
      },
      (error) => {
        // Who comes later tries again.
        this.#loading = undefined
        throw error
      },
    )
    // Those that wait may all be gone.
    done.catch(() => {})
    return Object.assign(begun, { done })
  }

  #drop(): void {
    this.#chat?.dispose()
    this.#chat = undefined
    this.#loading = undefined
  }

  async #end(): Promise<void> {
    this.onEnd()
    this.members.close()
    this.#loading?.controller.abort()
    await this.#loading?.done.catch(() => {})
    this.#drop()
  }
}
