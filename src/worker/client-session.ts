/** The model's side: what one client asks of it. */
import type { ChatStream } from '../chat/chat-model.ts'
import type { MistralChat } from '../chat/mistral-chat.ts'
import type { ChatRequest } from '../chat/request.ts'
import type { Begun } from '../chat/resume.ts'
import { AbortError } from '../errors.ts'
import type { ModelSource } from '../formats/source.ts'
import type { AdapterInfo } from '../generate/adapter-types.ts'
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

export interface OtherCall {
  readonly id: number
  readonly method: 'load' | 'share' | 'join' | 'dispose'
  readonly args: readonly unknown[]
  readonly signal: AbortSignal
}

/** Answers the messages that come through a port. */
export abstract class ClientSession {
  #facts = ''
  readonly #streams = new Map<number, Stream>()
  readonly #calls = new Map<number, AbortController>()
  /** What waits for the caller's opener. */
  readonly #questions = new Map<number, (ending: Ending) => void>()
  #questionCount = 0
  #ended = false
  /** Names of the adapters that this client has loaded. */
  readonly #adapters = new Set<string>()

  constructor(private readonly port: WorkerPort) {
    port.listen((message) => this.#take(message as ToHost))
  }

  /** Throws `MistralError` while there is none. */
  protected abstract get chat(): MistralChat
  /** Answers what is not asked of a chat model itself. */
  protected abstract answerOther(call: OtherCall): Promise<unknown>
  /** Tells the client what changed about the model; others, too, where others have it. */
  protected abstract tellChanges(): void
  /** Of the model, besides what it says itself. */
  protected sharing(): ModelFacts['shared'] {
    return undefined
  }

  /** Ends everything that runs for the client. */
  end(): void {
    this.#ended = true
    for (const stream of this.#streams.values()) stream.abort()
    for (const call of this.#calls.values()) call.abort()
    for (const answer of this.#questions.values()) answer({ id: 0, op: 'error', error: errorJson(new AbortError()) })
    for (const name of this.#adapters) void this.#forget(name)
  }

  #take(message: ToHost): void {
    const { id, op } = message
    if (op === 'call') void this.#call(id, message.method, message.args)
    else if (op === 'stream') void this.#stream(id, message.request as ChatRequest, message.begun)
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
    this.tellChanges()
    this.post(ending)
  }

  async #answer(id: number, method: Method, args: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    if (method === 'load' || method === 'share' || method === 'join' || method === 'dispose') {
      return this.answerOther({ id, method, args, signal })
    }
    const { chat } = this
    const [first, second] = args as [never, object | undefined]
    switch (method) {
      case 'encode':
        return chat.encode(first)
      case 'decode':
        return chat.decode(first)
      case 'embed':
        return chat.embed(first, { ...second, signal })
      case 'saveCache':
        return chat.saveCache(first, { ...second, signal })
      case 'restoreCache':
        return chat.restoreCache(first, { signal })
      case 'status':
        return chat.status()
      case 'loadAdapter':
        return this.#loadAdapter(await chat.loadAdapter(this.sourceOf(id, first), { ...second, signal }))
      case 'unloadAdapter':
        await chat.unloadAdapter(first)
        this.#adapters.delete(first)
    }
  }

  async #forget(name: string): Promise<void> {
    await this.chat.unloadAdapter(name).catch(() => {})
    this.tellChanges()
  }

  #loadAdapter(info: AdapterInfo): AdapterInfo {
    this.#adapters.add(info.name)
    return info
  }

  /** A source that may be an opener on the caller's side. */
  protected sourceOf(id: number, source: ModelSource | OpenerMark): ModelSource {
    return remoteSource(source, async (what, args) => {
      if (this.#ended) throw new AbortError('the tab that could read this is gone')
      const question = ++this.#questionCount
      const ending = await new Promise<Ending>((resolve) => {
        this.#questions.set(question, resolve)
        this.post({ id, op: 'ask', question, what, args })
      })
      this.#questions.delete(question)
      if (ending.op === 'error') throw errorFromJson(ending.error)
      return ending.value
    })
  }

  async #stream(id: number, request: ChatRequest, begun: Begun | undefined): Promise<void> {
    const stream = new Stream()
    this.#streams.set(id, stream)
    await this.#settle(id, async () => {
      const { chat } = this
      const { signal } = stream.controller
      const answer = begun ? chat.goOn(request, begun, { signal }) : chat.generate(request, { signal })
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
      this.post({ id, op: 'chunk', chunk: next.value })
    }
  }

  /** Tells the client what the model says of itself, where that changed. */
  tellFacts(): void {
    const { contextLength, vocabSize, takesTools, templateOrigin, adapters, failure } = this.chat
    const told = { contextLength, vocabSize, takesTools, templateOrigin, adapters, shared: this.sharing() }
    const facts: ModelFacts = { ...told, failure: failure && errorJson(failure) }
    const text = JSON.stringify(facts)
    if (text === this.#facts) return
    this.#facts = text
    this.post({ id: 0, op: 'facts', facts })
  }

  protected post(message: FromHost): void {
    this.port.post(message)
  }
}
