/** `MistralChat` of `mistral-webgpu/worker`: the engine is in a worker, and this thread stays free. */
import { startWorker } from '#worker'
import type { ChatChunk } from '../chat/answer.ts'
import { type ChatCompletion, type ChatModel, ChatStream } from '../chat/chat-model.ts'
import type { ChatLoadOptions } from '../chat/mistral-chat.ts'
import type { ChatRequest, PromptRequest } from '../chat/request.ts'
import { ParameterError } from '../errors.ts'
import type { ModelSource } from '../formats/source.ts'
import type { AdapterInfo, AdapterOptions } from '../generate/adapter-types.ts'
import type { Embedding, EmbedOptions } from '../generate/embedding.ts'
import type { ModelStatus } from '../generate/model-status.ts'
import { checkLoadOptions, checkRequestOptions, type RequestOptions } from '../generate/options.ts'
import type { Disposes } from '../platform/globals.ts'
import { type PortLike, portOf } from '../platform/worker-types.ts'
import { WorkerError, WorkerLink } from './link.ts'
import type { ModelFacts } from './protocol.ts'
import { isOpener, markOf, OpenerServer } from './remote-opener.ts'

export interface WorkerLoadOptions extends ChatLoadOptions {
  /**
   * The worker to use, which imports `mistral-webgpu/worker-host` and nothing else: for bundlers that do not follow
   * `new Worker(new URL(...))`. Default: one is started.
   */
  worker?: PortLike | undefined
}

export interface MistralChat extends Disposes {}

/**
 * A Mistral chat model whose engine runs in a worker. What `MistralChat` of the root entry gives at once comes as a promise
 * where the worker must be asked.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the class has the method that the interface declares.
export class MistralChat implements ChatModel {
  readonly #link: WorkerLink

  private constructor(link: WorkerLink) {
    this.#link = link
  }

  /**
   * Starts a worker and loads a model there, as `MistralChat.load` of the root entry does here. Files, handles and
   * addresses travel; an object that opens files stays here, and the worker reads through it. Throws what loading throws, and `WorkerError` when there is no
   * worker to be had.
   */
  static async load(source: ModelSource, options: WorkerLoadOptions = {}): Promise<MistralChat> {
    const { worker, signal, onProgress, ...rest } = options ?? {}
    // The worker checks the others.
    checkLoadOptions({ signal, onProgress })
    const link = new WorkerLink(worker === undefined ? startWorker() : portOf(worker))
    try {
      const [sent, opener] = travelling(source)
      await link.call('load', [sent, rest], { signal, onProgress, opener })
      return new MistralChat(link)
    } catch (error) {
      void endWorker(link, 'the model was not loaded')
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

  get adapters(): readonly AdapterInfo[] {
    return this.#facts.adapters
  }

  get failure(): Error | undefined {
    return this.#link.failure
  }

  generate(request: ChatRequest, options: RequestOptions = {}): ChatStream {
    return new ChatStream(this.#answers(request, options))
  }

  /** The whole answer at once. */
  complete(request: ChatRequest, options: RequestOptions = {}): Promise<ChatCompletion> {
    return this.generate(request, options).completion
  }

  async *#answers(request: ChatRequest, options: RequestOptions): AsyncGenerator<ChatChunk, ChatCompletion, undefined> {
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
    return yield* this.#link.stream<ChatCompletion>(request, options.signal)
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

  status(): Promise<ModelStatus> {
    return this.#link.call('status', [])
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
    return endWorker(this.#link, 'the model was disposed of')
  }

  /** @internal Declared by `Disposes`. */
  [Symbol.dispose](): void {
    void this.dispose()
  }
}

/** What is sent in place of a source, and who answers for it where it stays here. */
function travelling(source: ModelSource): [unknown, OpenerServer | undefined] {
  if (source instanceof URL) return [source.href, undefined]
  return isOpener(source) ? [markOf(source), new OpenerServer(source)] : [source, undefined]
}

/** Ends the worker, once it has freed what it holds: a thread that ends before takes Node with it. */
async function endWorker(link: WorkerLink, why: string): Promise<void> {
  try {
    if (link.alive) await link.call('dispose', [])
  } catch {
    // It is gone already.
  } finally {
    link.fail(new WorkerError(why))
  }
}
