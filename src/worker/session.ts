/** The worker's side: its one model, and what whoever started it asks. */
import { type ChatLoadOptions, MistralChat } from '../chat/mistral-chat.ts'
import { MistralError } from '../errors.ts'
import type { ModelSource } from '../formats/source.ts'
import { devicesLeft } from '../gpu/asked.ts'
import { type Tabs, tabsOfOrigin } from '../platform/tabs.ts'
import type { WorkerPort } from '../platform/worker-types.ts'
import { ClientSession, type OtherCall } from './client-session.ts'
import { ModelHost } from './model-host.ts'
import { thinned } from './thinned.ts'

/** Loads a model, answers for it, and shares it with other tabs, until the client disposes of it. */
export class WorkerSession extends ClientSession {
  #chat: MistralChat | undefined
  /** The load that runs, and what ends it. */
  #loading: { readonly done: Promise<unknown>; readonly signal: AbortController } | undefined
  #host: ModelHost | undefined

  /** @param tabs makes what tabs share */
  constructor(
    port: WorkerPort,
    private readonly tabs: () => Tabs = tabsOfOrigin,
  ) {
    super(port)
  }

  protected get chat(): MistralChat {
    if (this.#chat === undefined) throw new MistralError('the worker has no model')
    return this.#chat
  }

  protected tellChanges(): void {
    if (this.#chat !== undefined) this.tellFacts()
  }

  protected async answerOther({ id, method, args, signal }: OtherCall): Promise<unknown> {
    if (method === 'dispose') return this.#dispose()
    if (method === 'share') {
      const [group, term] = args as [string, string]
      this.#host = new ModelHost(this.chat, this.tabs(), group, term)
      return undefined
    }
    if (method === 'join') throw new MistralError('this worker has one client alone')
    const [source, options] = args as [ModelSource, ChatLoadOptions]
    const onProgress = thinned((progress) => this.post({ id, op: 'progress', progress }))
    const own = new AbortController()
    const loading = MistralChat.load(this.sourceOf(id, source), {
      ...options,
      signal: AbortSignal.any([signal, own.signal]),
      onProgress,
    })
    this.#loading = { done: loading.catch(() => {}), signal: own }
    this.#chat = await loading
    return undefined
  }

  async #dispose(): Promise<void> {
    // Other tabs hear no error of a model that goes: the next that leads goes on with their answers.
    this.#host?.close()
    this.#loading?.signal.abort()
    await this.#loading?.done
    void this.#chat?.dispose()
    // Whoever hears of it ends this thread.
    await devicesLeft()
  }
}
