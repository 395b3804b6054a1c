/** `LanguageModel`, as the draft of the web's Prompt API has it: sessions over the model that the page provided. */
import type { ChatModel } from '../chat/chat-model.ts'
import type { ChatRequest } from '../chat/request.ts'
import { answer, checkConstraint, constraintOf } from './answer.ts'
import { checkTools, orAborted, toolsOf, unsupported } from './capabilities.ts'
import { Conversation } from './conversation.ts'
import { CreateMonitor } from './create-monitor.ts'
import { notSupported, toDomException } from './errors.ts'
import { canonical, isEmptyList, type LanguageModelContent, type LanguageModelPrompt, prefixOf } from './messages.ts'
import {
  type AppendOptions,
  type Availability,
  type CloneOptions,
  type CreateCoreOptions,
  type CreateOptions,
  type LanguageModelTool,
  PARAMS,
  type PromptOptions,
  type Sampling,
  type SamplingMode,
  samplesInRange,
  samplingOf,
  type Thinking,
  thinkingOf,
  unexpected,
} from './options.ts'
import { currentProvider } from './provider.ts'
import { SessionQueue } from './session-queue.ts'

interface SessionState {
  readonly chat: ChatModel
  readonly conversation: Conversation
  readonly sampling: Sampling
  readonly thinking: Thinking | undefined
  readonly tools: readonly LanguageModelTool[]
}

/** Only this module makes sessions. */
const OWN = Symbol('own')

export class LanguageModel extends EventTarget {
  oncontextoverflow: ((event: Event) => void) | null = null
  /** The older name. */
  onquotaoverflow: ((event: Event) => void) | null = null
  readonly #state: SessionState
  readonly #queue = new SessionQueue()

  /** @internal Sessions are made by `create()` and `clone()`. */
  constructor(state: unknown, own?: symbol) {
    if (own !== OWN) throw new TypeError('Illegal constructor: use LanguageModel.create()')
    super()
    this.#state = state as SessionState
  }

  /** What `create()` with these options would need. Rejects with TypeError and RangeError for what no model could do. */
  static async availability(options: CreateCoreOptions = {}): Promise<Availability> {
    const { request } = thinkingOf(options.thinking)
    checkTools(options)
    if (unexpected(options) !== undefined || !samplesInRange(options)) return 'unavailable'
    const provider = currentProvider()
    if (provider === undefined) return 'unavailable'
    const chat = provider.loaded
    if (chat !== undefined && (await unsupported(chat, options, request)) !== undefined) return 'unavailable'
    return provider.availability
  }

  /** A session. Loads the model where that was not done. Rejects with the draft's exceptions. */
  static async create(options: CreateOptions = {}): Promise<LanguageModel> {
    const { signal = new AbortController().signal, monitor, initialPrompts, thinking } = options
    const tools = checkTools(options)
    const sampling = samplingOf(options)
    const { request } = thinkingOf(thinking)
    const initial = initialPrompts === undefined || isEmptyList(initialPrompts) ? [] : canonical(initialPrompts, false)
    signal.throwIfAborted()
    const reason = unexpected(options)
    if (reason !== undefined) throw reason
    const provider = currentProvider()
    if (provider === undefined) throw notSupported('there is no model: call provideModel() first')
    const progress = new CreateMonitor()
    monitor?.(progress)
    progress.report(0)
    try {
      const chat = await orAborted(
        provider.load((fraction) => {
          if (!signal.aborted) progress.report(fraction)
        }),
        signal,
      )
      progress.report(1)
      const fault = await unsupported(chat, options, request)
      if (fault !== undefined) throw fault
      const conversation = new Conversation(chat, initial, { tools: toolsOf(tools) })
      await conversation.makeRoom([])
      await conversation.measure()
      signal.throwIfAborted()
      const session = new LanguageModel({ chat, conversation, sampling, thinking, tools }, OWN)
      session.#queue.follow(signal)
      return session
    } catch (error) {
      throw toDomException(error, signal)
    }
  }

  /** Limits of `topK` and `temperature`; null where there is no model. */
  static async params(): Promise<typeof PARAMS | null> {
    return currentProvider() === undefined ? null : PARAMS
  }

  /**
   * The answer: a text. It is a list of parts instead where the session has tools without `execute` and the model calls
   * one, and where thoughts are included.
   */
  async prompt(input: LanguageModelPrompt, options: PromptOptions = {}): Promise<string> {
    const parts: LanguageModelContent[] = []
    for await (const part of this.#answer(input, options)) {
      const last = parts.at(-1)
      if (last?.type === part.type && part.type !== 'tool-call') {
        parts[parts.length - 1] = { type: part.type, value: `${last.value}${part.value}` }
      } else parts.push(part)
    }
    if (parts.some(({ type }) => type !== 'text')) return parts as unknown as string
    return (parts[0]?.value ?? '') as string
  }

  /**
   * As {@link prompt}, in pieces: texts, or parts where thoughts or calls are given. The answer is made whether it is read or
   * not, so that what is asked next need not wait for the reader; cancelling ends it. Throws where `prompt` would reject at once.
   */
  promptStreaming(input: LanguageModelPrompt, options: PromptOptions = {}): ReadableStream<string> {
    const left = new AbortController()
    const signal = AbortSignal.any([this.#signal(options.signal), left.signal])
    signal.throwIfAborted()
    const parts = this.#answer(input, { ...options, signal })
    const { includeThoughts } = thinkingOf({ ...this.#state.thinking, ...options.thinking })
    return new ReadableStream<string>({
      async start(controller) {
        // What was made and not yet read is dropped with it.
        signal.addEventListener('abort', () => controller.error(signal.reason), { once: true })
        for await (const part of parts) {
          controller.enqueue((part.type === 'text' && !includeThoughts ? part.value : part) as string)
        }
        controller.close()
      },
      cancel: (reason) => left.abort(reason),
    })
  }

  /** Adds messages without asking for an answer. */
  async append(input: LanguageModelPrompt, { signal }: AppendOptions = {}): Promise<void> {
    await this.#queue.run(signal, async (own) => {
      const { conversation } = this.#state
      if (isEmptyList(input)) return
      const messages = canonical(input, conversation.begun)
      await this.#makeRoom(messages)
      own.throwIfAborted()
      await conversation.push(messages)
    })
  }

  /** Tokens that the prompt would add to {@link contextUsage}. */
  async measureContextUsage(input: LanguageModelPrompt, options: PromptOptions = {}): Promise<number> {
    constraintOf(options)
    const signal = this.#signal(options.signal)
    signal.throwIfAborted()
    try {
      const usage = await orAborted(this.#state.conversation.added(canonical(input, false)), signal)
      signal.throwIfAborted()
      return usage
    } catch (error) {
      throw toDomException(error, signal)
    }
  }

  /** The older name of {@link measureContextUsage}. */
  measureInputUsage(input: LanguageModelPrompt, options: PromptOptions = {}): Promise<number> {
    return this.measureContextUsage(input, options)
  }

  /** Tokens of all that the session holds. */
  get contextUsage(): number {
    return this.#state.conversation.usage
  }

  /** Tokens that a session can hold. */
  get contextWindow(): number {
    return this.#state.chat.contextLength
  }

  /** The older name of {@link contextUsage}. */
  get inputUsage(): number {
    return this.contextUsage
  }

  /** The older name of {@link contextWindow}. */
  get inputQuota(): number {
    return this.contextWindow
  }

  get topK(): number {
    return this.#state.sampling.topK
  }

  get temperature(): number {
    return this.#state.sampling.temperature
  }

  /** null where `topK` or `temperature` was given. */
  get samplingMode(): SamplingMode | null {
    return this.#state.sampling.mode
  }

  /** A session that goes on from the same messages by itself. */
  async clone({ signal }: CloneOptions = {}): Promise<LanguageModel> {
    const either = this.#signal(signal)
    either.throwIfAborted()
    // Until then it can be aborted.
    await Promise.resolve()
    either.throwIfAborted()
    const { conversation } = this.#state
    return new LanguageModel({ ...this.#state, conversation: conversation.copy() }, OWN)
  }

  /** Ends what runs, and the session. The model stays loaded. */
  destroy(): void {
    this.#queue.destroy(new DOMException('the session was destroyed', 'AbortError'))
  }

  /** Aborts with the session, and with the caller's signal. */
  #signal(given: AbortSignal | undefined): AbortSignal {
    return given === undefined ? this.#queue.signal : AbortSignal.any([this.#queue.signal, given])
  }

  async *#answer(
    input: LanguageModelPrompt,
    options: PromptOptions,
  ): AsyncGenerator<LanguageModelContent, void, undefined> {
    const { chat, conversation, sampling, thinking, tools } = this.#state
    const { responseConstraint: constraint } = options
    const constrained = constraintOf(options)
    const { includeThoughts, request } = thinkingOf({ ...thinking, ...options.thinking })
    yield* this.#queue.generate(
      options.signal,
      async function* (this: LanguageModel, signal: AbortSignal) {
        const messages = canonical(input, conversation.begun)
        await this.#makeRoom(messages)
        const prefix = prefixOf(messages)
        const asked: object = {
          ...sampling.input,
          ...request,
          ...constrained,
          ...(prefix !== '' && constraint && { constrain_prefix: true }),
          ...(tools.length > 0 && { tools: toolsOf(tools) }),
          max_new_tokens: chat.contextLength,
        }
        const parts = answer({
          ...{ chat, before: conversation.messages, input: messages, tools, includeThoughts, signal },
          request: asked as ChatRequest,
        })
        let text = prefix
        let called = false
        for (;;) {
          const next = await parts.next()
          if (next.done) {
            if (!called) checkConstraint(text, constraint)
            return await conversation.push(next.value)
          }
          if (next.value.type === 'text') text += next.value.value
          called ||= next.value.type === 'tool-call'
          yield next.value
        }
      }.bind(this),
    )
  }

  async #makeRoom(messages: Parameters<Conversation['makeRoom']>[0]): Promise<void> {
    if (!(await this.#state.conversation.makeRoom(messages))) return
    for (const [type, handler] of [
      ['contextoverflow', this.oncontextoverflow],
      ['quotaoverflow', this.onquotaoverflow],
    ] as const) {
      const event = new Event(type)
      this.dispatchEvent(event)
      handler?.call(this, event)
    }
  }
}
