/** `MistralChat` of `mistral-webgpu/worker`: the engine is in a worker, and this thread stays free. */

import { connectSharedWorker, startWorker } from '#worker'
import type { ChatChunk } from '../chat/answer.ts'
import { type ChatCompletion, type ChatModel, ChatStream } from '../chat/chat-model.ts'
import type { AnswerJournal } from '../chat/journal.ts'
import type { ChatLoadOptions } from '../chat/mistral-chat.ts'
import type { ChatRequest, PromptRequest } from '../chat/request.ts'
import type { Begun } from '../chat/resume.ts'
import { callback, check, checkParameter, oneOf, orElse } from '../checks.ts'
import { ParameterError } from '../errors.ts'
import type { ModelSource } from '../formats/source.ts'
import type { AdapterInfo, AdapterOptions } from '../generate/adapter-types.ts'
import type { Embedding, EmbedOptions } from '../generate/embedding.ts'
import type { ModelStatus } from '../generate/model-status.ts'
import { checkLoadOptions, checkRequestOptions, type RequestOptions } from '../generate/options.ts'
import type { CacheSource, RestoredCache, SaveCacheOptions } from '../generate/saved-cache-types.ts'
import type { AnyBlob, Disposes } from '../platform/globals.ts'
import {
  type PortLike,
  portOf,
  type SharedWorkerLike,
  sharedPortOf,
  type WorkerPort,
} from '../platform/worker-types.ts'
import { type CallOptions, type ModelLink, WorkerLink } from './link.ts'
import type { ModelFacts } from './protocol.ts'
import { isOpener, markOf, OpenerServer } from './remote-opener.ts'

export interface WorkerLoadOptions extends ChatLoadOptions {
  /**
   * The worker to use, which imports `mistral-webgpu/worker-host` and nothing else: for bundlers that do not follow
   * `new Worker(new URL(...))`; or a function that makes it when it is needed, or a `SharedWorker` where `host` is
   * `'shared-worker'`. Default: one is started.
   */
  worker?: PortLike | (() => PortLike | SharedWorkerLike) | undefined
  /**
   * Tabs of one origin that load the same source with the same options use one model, wherever that is (`host`), as long as
   * one of them is there. It is an option and no entry of its own, since nothing else changes for the caller.
   *
   * `true` takes addresses and names of models; a text is a name of your own for what is the same, which lets files and openers be
   * shared, and keeps apart what is not to be shared. Versions of this library share with their own kind only. `worker` must
   * be a function then: most tabs need none. Throws `ParameterError` where the runtime has no Web Locks.
   */
  shared?: boolean | string | undefined
  /**
   * Where the model is that tabs share. In a `'shared-worker'` no tab is missed that closes. With the `'leader'` it is in the worker
   * of the tab that was first; when that closes, another tab loads it from the local cache and goes on with the answers that
   * were running, in the same iterators, with the same text.
   *
   * `'auto'`, the default, takes a shared worker where one starts that has a GPU, and else a leader, as for sources that
   * are openers, and with a `worker` of your own: it says by itself which of the two it is. `'shared-worker'` throws `WorkerError` where there
   * is none to be had. `chat.status()` says where the model is.
   */
  host?: 'auto' | 'shared-worker' | 'leader' | undefined
  /** Hears how many tabs use the model, whenever that changes. */
  onTabs?: ((tabs: number) => void) | undefined
}

const SHARED = check(
  (value) => value === undefined || typeof value === 'boolean' || (typeof value === 'string' && value !== ''),
  'true, false or a name',
)

const HOST = oneOf('auto', 'shared-worker', 'leader')

/** The state of a model in a worker. */
export interface WorkerModelStatus extends ModelStatus {
  /** Where it is: in a worker of this tab alone, in one that all tabs have in common, or in the worker of the tab that leads. */
  readonly host: 'worker' | 'shared-worker' | 'leader'
}

export interface MistralChat extends Disposes {}

/**
 * A Mistral chat model whose engine runs in a worker. What `MistralChat` of the root entry gives at once comes as a promise
 * where the worker must be asked.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the class has the method that the interface declares.
export class MistralChat implements ChatModel {
  readonly #link: ModelLink

  private constructor(link: ModelLink) {
    this.#link = link
  }

  /**
   * Starts a worker and loads a model there, as `MistralChat.load` of the root entry does here. Files, handles and
   * addresses travel; an object that opens files stays here, and the worker reads through it. Throws what loading throws, and `WorkerError` when there is no
   * worker to be had.
   */
  static async load(source: ModelSource, options: WorkerLoadOptions = {}): Promise<MistralChat> {
    const { worker, shared, host, onTabs, ...own } = options ?? {}
    const { signal, onProgress, ...rest } = own
    // The worker checks the others.
    checkLoadOptions({ signal, onProgress })
    checkParameter('shared', shared, SHARED)
    checkParameter('onTabs', onTabs, orElse(undefined, callback))
    checkParameter('host', host, orElse(undefined, HOST))
    const start = () =>
      worker === undefined ? startWorker() : ownPort(typeof worker === 'function' ? worker() : worker)
    const load = (link: WorkerLink, call: CallOptions) => {
      const [sent, opener] = travelling(source)
      return link.call('load', [sent, rest], { ...call, opener })
    }
    if (shared !== undefined && shared !== false) {
      if (worker !== undefined && typeof worker !== 'function') {
        throw new ParameterError('worker', worker, 'must be a function where the model is shared')
      }
      const { joinTabs } = await import('./join-tabs.ts')
      const connect = () => (worker === undefined ? connectSharedWorker() : ownSharedPort(worker()))
      const where = { shared, host: hostFor(host, source, worker), source, start, connect }
      return new MistralChat(await joinTabs({ ...where, options: own, onTabs, load }))
    }
    if (host !== undefined) throw new ParameterError('host', host, 'is for models that tabs share: see "shared"')
    const link = new WorkerLink(start())
    try {
      await load(link, { signal, onProgress })
      return new MistralChat(link)
    } catch (error) {
      void link.end('the model was not loaded')
      throw error
    }
  }

  get #facts(): ModelFacts {
    return this.#link.facts!
  }

  get contextLength(): number {
    return this.#facts.contextLength
  }

  get vocabSize(): number {
    return this.#facts.vocabSize
  }

  /** Whether requests may have tools. */
  get takesTools(): boolean {
    return this.#facts.takesTools
  }

  /** As `MistralChat.templateOrigin` of the root entry. */
  get templateOrigin(): ModelFacts['templateOrigin'] {
    return this.#facts.templateOrigin
  }

  /** How many tabs use the model, this one among them. */
  get tabs(): number {
    return this.#facts.shared?.tabs ?? 1
  }

  get adapters(): readonly AdapterInfo[] {
    return this.#facts.adapters
  }

  get failure(): Error | undefined {
    return this.#link.failure
  }

  generate(request: ChatRequest, options: RequestOptions = {}): ChatStream {
    return new ChatStream(this.#answers(request, options))
  }

  /** As `MistralChat.resume` of the root entry. */
  resume(journal: AnswerJournal, options: RequestOptions = {}): ChatStream {
    return new ChatStream(journal.follow((begun) => this.#answers(journal.request, options, begun)))
  }

  /** The whole answer at once. */
  complete(request: ChatRequest, options: RequestOptions = {}): Promise<ChatCompletion> {
    return this.generate(request, options).completion
  }

  async *#answers(
    request: ChatRequest,
    options: RequestOptions,
    begun?: Begun,
  ): AsyncGenerator<ChatChunk, ChatCompletion, undefined> {
    if (
      options !== null &&
      typeof options === 'object' &&
      'constraint' in options &&
      options.constraint !== undefined
    ) {
      throw new ParameterError(
        'constraint',
        undefined,
        'a function cannot be sent to a worker; use response_format, regex or grammar',
      )
    }
    checkRequestOptions(options)
    return yield* this.#link.stream(request, options.signal, begun)
  }

  encode(request: PromptRequest): Promise<readonly number[]> {
    return this.#link.call('encode', [request])
  }

  decode(tokenIds: readonly number[]): Promise<string> {
    return this.#link.call('decode', [tokenIds])
  }

  embed(text: string | readonly number[], { signal, ...options }: EmbedOptions = {}): Promise<Embedding> {
    return this.#link.call('embed', [text, options], { signal })
  }

  /** As `MistralChat.saveCache` of the root entry. */
  saveCache(request: PromptRequest, { signal, ...options }: SaveCacheOptions = {}): Promise<AnyBlob> {
    return this.#link.call('saveCache', [request, options], { signal })
  }

  /** As `MistralChat.restoreCache` of the root entry; a stream or response is read here first. */
  async restoreCache(source: CacheSource, { signal }: RequestOptions = {}): Promise<RestoredCache> {
    const body = source instanceof Response ? source.body : source
    const sent = body instanceof ReadableStream ? await new Response(body).blob() : body
    return this.#link.call('restoreCache', [sent], { signal })
  }

  async status(): Promise<WorkerModelStatus> {
    const status = await this.#link.call<ModelStatus>('status', [])
    return { ...status, host: this.#link.host }
  }

  loadAdapter(source: ModelSource, { signal, ...options }: AdapterOptions = {}): Promise<AdapterInfo> {
    const [sent, opener] = travelling(source)
    return this.#link.call('loadAdapter', [sent, options], { signal, opener })
  }

  unloadAdapter(name: string): Promise<void> {
    return this.#link.call('unloadAdapter', [name])
  }

  /** Frees everything on the GPU, then ends the worker. Safe to call twice. */
  dispose(): Promise<void> {
    return this.#link.end('the model was disposed of')
  }

  /** @internal Declared by `Disposes`. */
  [Symbol.dispose](): void {
    void this.dispose()
  }
}

/** An opener answers from its own tab, which a shared worker would outlive. */
function hostFor(
  host: WorkerLoadOptions['host'] = 'auto',
  source: ModelSource,
  worker: unknown,
): NonNullable<WorkerLoadOptions['host']> {
  if (host === 'shared-worker' && isOpener(source)) {
    throw new ParameterError('host', host, 'is for sources that every tab can read, and no opener')
  }
  return host === 'auto' && (worker !== undefined || isOpener(source)) ? 'leader' : host
}

function ownPort(worker: PortLike | SharedWorkerLike): WorkerPort {
  if ('postMessage' in worker) return portOf(worker)
  throw new ParameterError('worker', undefined, "must be no SharedWorker, but where host is 'shared-worker'")
}

function ownSharedPort(worker: PortLike | SharedWorkerLike): WorkerPort {
  if ('port' in worker) return sharedPortOf(worker)
  throw new ParameterError('worker', undefined, "must make a SharedWorker where host is 'shared-worker'")
}

/** What is sent in place of a source, and who answers for it where it stays here. */
function travelling(source: ModelSource): [unknown, OpenerServer | undefined] {
  if (source instanceof URL) return [source.href, undefined]
  return isOpener(source) ? [markOf(source), new OpenerServer(source)] : [source, undefined]
}
