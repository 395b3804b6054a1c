import { ParameterError } from '../errors.ts'
import { type ModelSource, openSource } from '../formats/source.ts'
import { type LoadOptions, MistralModel, type RequestOptions } from '../generate/mistral-model.ts'
import { checkLoadOptions } from '../generate/options.ts'
import type { FinishReason, GenerationSummary, Timings, Usage } from '../generate/token-loop.ts'
import { type Checkpoint, openCheckpoint } from '../model/checkpoint.ts'
import { parseSamplingParams, type SamplingInput } from '../sampling/params.ts'
import type { ChatMessage } from '../tokenizer/chat-messages.ts'
import { ChatTemplate } from '../tokenizer/chat-template.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { StopFilter } from './stop-filter.ts'

/** A conversation to answer, or a text to continue; and how. */
export interface ChatRequest extends SamplingInput {
  /** The conversation, ending with the user's message. */
  messages?: readonly ChatMessage[] | undefined
  /** Instead of messages: text to go on from as it stands, without a template. */
  prompt?: string | undefined
}

/** A piece of the answer. All pieces' texts joined are the answer. */
export interface ChatChunk {
  readonly text: string
  /** The tokens that came since the piece before; their text may be part of a later piece. */
  readonly token_ids: readonly number[]
  /** Set on the last piece. */
  readonly finish_reason: FinishReason | null
}

export interface ChatCompletion {
  readonly text: string
  readonly token_ids: readonly number[]
  readonly prompt_token_ids: readonly number[]
  readonly finish_reason: FinishReason
  readonly usage: Usage
  readonly timings: Timings
}

export interface ChatLoadOptions extends LoadOptions {
  /** Jinja source to use instead of the checkpoint's own template. */
  chatTemplate?: string | undefined
}

/** A Mistral chat model: messages in, streamed text out. */
export class MistralChat {
  private constructor(
    readonly model: MistralModel,
    readonly tokenizer: Tokenizer,
    private readonly template: ChatTemplate,
  ) {}

  /** As `MistralModel.load`; throws `TokenizerError` too when the source has no tokenizer. */
  static async load(source: ModelSource, options: ChatLoadOptions = {}): Promise<MistralChat> {
    const { chatTemplate, ...load } = options ?? {}
    checkLoadOptions(load)
    if (chatTemplate !== undefined && typeof chatTemplate !== 'string') {
      throw new ParameterError('chatTemplate', chatTemplate, 'must be Jinja source')
    }
    const files = await openSource(source, { signal: options.signal })
    try {
      const checkpoint = await openCheckpoint(files, load)
      const template =
        chatTemplate === undefined
          ? ((await templateOf(checkpoint, options.signal)) ?? ChatTemplate.builtIn())
          : ChatTemplate.fromSource(chatTemplate)
      const model = await MistralModel.fromCheckpoint(checkpoint, load, true)
      return new MistralChat(model, model.tokenizer!, template)
    } finally {
      await files.close()
    }
  }

  /** `'built-in'`: the checkpoint has no chat template, and Mistral's own format for its vocabulary stands in. */
  get templateOrigin(): 'checkpoint' | 'built-in' {
    return this.template.origin
  }

  /** The prompt's ids as the model sees them. Throws `ParameterError`, `ChatTemplateError`. */
  encode({ messages, prompt }: Pick<ChatRequest, 'messages' | 'prompt'>): number[] {
    if ((messages === undefined) === (prompt === undefined)) {
      throw new ParameterError('messages', messages, 'a request has either messages or a prompt')
    }
    if (messages !== undefined) return this.template.encode(messages, this.tokenizer)
    if (typeof prompt !== 'string') throw new ParameterError('prompt', prompt, 'must be a string')
    const ids = this.tokenizer.encode(prompt, { bos: this.tokenizer.addsBos })
    if (ids.length === 0) throw new ParameterError('prompt', prompt, 'gives no tokens')
    return ids
  }

  /**
   * Streams the answer. Ends at the model's end of sequence, a stop text or id, `max_tokens`, or the end of the context.
   * Leaving the loop frees the sequence. The iterator returns the whole completion.
   */
  async *generate(
    request: ChatRequest,
    options: RequestOptions = {},
  ): AsyncGenerator<ChatChunk, ChatCompletion, undefined> {
    if (typeof request !== 'object' || request === null) {
      throw new ParameterError('request', request, 'must be an object with messages or a prompt')
    }
    const { messages, prompt, ...sampling } = request
    const params = parseSamplingParams(sampling, ['messages', 'prompt'])
    const promptIds = this.encode({ messages, prompt })
    // An answer begins without the space that the vocabulary puts before a word; a continuation keeps it.
    const text = this.tokenizer.stream(prompt === undefined ? {} : { after: promptIds })
    const filter = new StopFilter(params.stop)
    let fresh = ''
    const stopWhen = (tokenId: number) => {
      fresh += filter.push(text.push(tokenId))
      return filter.stopped
    }
    const steps = this.model.generate(promptIds, { ...params, stop: [] }, { ...options, stopWhen })
    const answer: number[] = []
    let whole = ''
    let reported = 0
    const chunk = (finish_reason: FinishReason | null): ChatChunk => {
      const piece = { text: fresh, token_ids: answer.slice(reported), finish_reason }
      whole += fresh
      fresh = ''
      reported = answer.length
      return piece
    }
    try {
      for (let step = await steps.next(); ; step = await steps.next()) {
        if (step.done) return { text: whole, token_ids: answer, prompt_token_ids: promptIds, ...step.value }
        answer.push(step.value.tokenId)
        const { finish_reason } = step.value
        if (finish_reason) fresh += filter.push(text.flush()) + filter.flush()
        if (fresh !== '' || finish_reason) yield chunk(finish_reason)
      }
    } finally {
      await steps.return(undefined as unknown as GenerationSummary)
    }
  }

  /** The whole answer at once. */
  async complete(request: ChatRequest, options: RequestOptions = {}): Promise<ChatCompletion> {
    const chunks = this.generate(request, options)
    for (let next = await chunks.next(); ; next = await chunks.next()) {
      if (next.done) return next.value
    }
  }

  /** Frees everything on the GPU and lets the process end. Safe to call twice. */
  dispose(): void {
    this.model.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** undefined when the checkpoint has none. */
async function templateOf({ files, gguf }: Checkpoint, signal?: AbortSignal): Promise<ChatTemplate | undefined> {
  return gguf === undefined ? ChatTemplate.fromSourceFiles(files, signal) : ChatTemplate.fromGguf(gguf)
}
