/** The worker's side: one model, and what its client asks of it. */
import type { ChatStream } from '../chat/chat-model.ts'
import { type ChatLoadOptions, MistralChat } from '../chat/mistral-chat.ts'
import type { ChatRequest } from '../chat/request.ts'
import { MistralError } from '../errors.ts'
import type { ModelSource } from '../formats/source.ts'
import type { LoadProgress } from '../model/load-progress.ts'
import type { WorkerPort } from '../platform/worker-types.ts'
import {
  type Ending,
  errorFromJson,
  errorJson,
  type FromHost,
  type Method,
  type ModelFacts,
  type ToHost,
} from './protocol.ts'
import { type OpenerMark, remoteSource } from './remote-opener.ts'

/** Progress is told at most this often, in milliseconds: each message costs the page time. */
const PROGRESS_MS = 50

/** A stream that is read for the client. */
class Stream {
  readonly controller = new AbortController()
  #room = 0
  #wake: () => void = () => {}
  left = false

  want(count: number): void {
    this.#room += count
    this.#wake()
  }

  leave(): void {
    this.left = true
    this.#wake()
  }

  /** Waits until the reader has room for one more chunk, or is gone. */
  async turn(): Promise<void> {
    while (this.#room === 0 && !this.left && !this.controller.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#room--
  }

  abort(): void {
    this.controller.abort()
    this.#wake()
  }
}

/** Answers the messages that come through a port, until the client disposes of the model. */
export class WorkerSession {
  #chat: MistralChat | undefined
  /** The load that runs, and what ends it. */
  #loading: { readonly done: Promise<unknown>; readonly signal: AbortController } | undefined
  #facts = ''
  readonly #streams = new Map<number, Stream>()
  readonly #calls = new Map<number, AbortController>()
  /** What waits for the caller's opener. */
  readonly #questions = new Map<number, (ending: Ending) => void>()
  #questionCount = 0

  constructor(private readonly port: WorkerPort) {
    port.listen((message) => this.#take(message as ToHost))
  }

  #take(message: ToHost): void {
    const { id, op } = message
    if (op === 'call') void this.#call(id, message.method, message.args)
    else if (op === 'stream') void this.#stream(id, message.request as ChatRequest)
    else if (op === 'want') this.#streams.get(id)?.want(message.count)
    else if (op === 'leave') this.#streams.get(id)?.leave()
    else if (op === 'answer') this.#questions.get(message.question)?.(message.ending)
    else {
      this.#streams.get(id)?.abort()
      this.#calls.get(id)?.abort()
    }
  }

  async #call(id: number, method: Method, args: readonly unknown[]): Promise<void> {
    const controller = new AbortController()
    this.#calls.set(id, controller)
    await this.#settle(id, () => this.#answer(id, method, args, controller.signal))
    this.#calls.delete(id)
  }

  /** Ends a call or a stream with what `work` gives or throws, after what that changed about the model. */
  async #settle(id: number, work: () => Promise<unknown>): Promise<void> {
    const ending = await work().then(
      (value): Ending => ({ id, op: 'value', value }),
      (error): Ending => ({ id, op: 'error', error: errorJson(error) }),
    )
    this.#tellFacts()
    this.#post(ending)
  }

  async #answer(id: number, method: Method, args: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    if (method === 'load') {
      const [source, options] = args as [ModelSource, ChatLoadOptions]
      const onProgress = thinned((progress) => this.#post({ id, op: 'progress', progress }))
      const own = new AbortController()
      const loading = MistralChat.load(this.#sourceOf(id, source), {
        ...options,
        signal: AbortSignal.any([signal, own.signal]),
        onProgress,
      })
      this.#loading = { done: loading.catch(() => {}), signal: own }
      this.#chat = await loading
      return undefined
    }
    if (method === 'dispose') return this.#dispose()
    const chat = this.#model
    const [first, second] = args as [never, object | undefined]
    switch (method) {
      case 'encode':
        return chat.encode(first)
      case 'decode':
        return chat.decode(first)
      case 'embed':
        return chat.embed(first, { ...second, signal })
      case 'status':
        return chat.status()
      case 'loadAdapter':
        return chat.loadAdapter(this.#sourceOf(id, first), { ...second, signal })
      case 'unloadAdapter':
        return chat.unloadAdapter(first)
    }
  }

  /** A source that may be an opener on the caller's side. */
  #sourceOf(id: number, source: ModelSource | OpenerMark): ModelSource {
    return remoteSource(source, async (what, args) => {
      const question = ++this.#questionCount
      const ending = await new Promise<Ending>((resolve) => {
        this.#questions.set(question, resolve)
        this.#post({ id, op: 'ask', question, what, args })
      })
      this.#questions.delete(question)
      if (ending.op === 'error') throw errorFromJson(ending.error)
      return ending.value
    })
  }

  async #dispose(): Promise<void> {
    this.#loading?.signal.abort()
    await this.#loading?.done
    this.#chat?.dispose()
  }

  async #stream(id: number, request: ChatRequest): Promise<void> {
    const stream = new Stream()
    this.#streams.set(id, stream)
    await this.#settle(id, async () => {
      const answer = this.#model.generate(request, { signal: stream.controller.signal })
      return this.#forward(id, stream, answer)
    })
    this.#streams.delete(id)
  }

  /** @returns the whole answer; undefined when the reader left before its end */
  async #forward(id: number, stream: Stream, answer: ChatStream): Promise<unknown> {
    for (;;) {
      await stream.turn()
      if (stream.left) {
        await answer.return()
        return undefined
      }
      const next = await answer.next()
      if (next.done) return await answer.completion
      this.#post({ id, op: 'chunk', chunk: next.value })
    }
  }

  get #model(): MistralChat {
    if (this.#chat === undefined) throw new MistralError('the worker has no model')
    return this.#chat
  }

  #tellFacts(): void {
    const chat = this.#chat
    if (chat === undefined) return
    const { contextLength, vocabSize, takesTools, templateOrigin, adapters, failure } = chat
    const told = { contextLength, vocabSize, takesTools, templateOrigin, adapters }
    const facts: ModelFacts = { ...told, failure: failure && errorJson(failure) }
    const text = JSON.stringify(facts)
    if (text === this.#facts) return
    this.#facts = text
    this.#post({ id: 0, op: 'facts', facts })
  }

  #post(message: FromHost): void {
    this.port.post(message)
  }
}

/** Leaves out progress that comes too soon after the last, unless it begins or ends a phase. */
function thinned(tell: (progress: LoadProgress) => void): (progress: LoadProgress) => void {
  let last: LoadProgress | undefined
  let at = 0
  return (progress) => {
    const now = performance.now()
    const notable = progress.phase !== last?.phase || progress.loaded === progress.total
    last = progress
    if (!notable && now - at < PROGRESS_MS) return
    at = now
    tell(progress)
  }
}
