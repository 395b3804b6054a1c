/** `MistralChat`: a chat model, messages in, streamed text out. */
import { merge } from '../async/merge.ts'
import { changed } from '../checks.ts'
import type { Constraint } from '../constraints/constraint.ts'
import { ContextLengthError, ParameterError } from '../errors.ts'
import type { ModelSource } from '../formats/source.ts'
import type { AdapterInfo, AdapterOptions } from '../generate/adapter-types.ts'
import type { Embedding, EmbedOptions } from '../generate/embedding.ts'
import { MistralModel } from '../generate/mistral-model.ts'
import type { ModelStatus } from '../generate/model-status.ts'
import {
  type ConstraintOptions,
  checkConstraintOptions,
  checkLoadOptions,
  type LoadOptions,
  type RequestOptions,
} from '../generate/options.ts'
import type { CacheSource, RestoredCache, SaveCacheOptions } from '../generate/saved-cache-types.ts'
import { copyIds } from '../generate/token-loop.ts'
import { withCheckpoint } from '../generate/with-checkpoint.ts'
import type { AnyBlob, Disposes } from '../platform/globals.ts'
import { randomSeed } from '../sampling/random.ts'
import type { ChatTemplate } from '../tokenizer/chat-template.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { checkTools } from '../tokenizer/tools.ts'
import { Answer, type AnswerOptions, type ChatChunk } from './answer.ts'
import { answerOptions } from './answer-options.ts'
import { type ChatCompletion, type ChatModel, ChatStream } from './chat-model.ts'
import { type ChoiceResult, type ChoiceRun, type RunOptions, runChoice } from './choice-run.ts'
import type { AnswerJournal } from './journal.ts'
import { checkTemplateOptions, loadTemplate, type TemplateOptions } from './load-template.ts'
import {
  aboutTexts,
  type ChatRequest,
  characters,
  type ParsedRequest,
  type PromptRequest,
  parseRequest,
} from './request.ts'
import type { Begun } from './resume.ts'
import { longestToken, seedOf, tokenParams } from './run-params.ts'

export interface ChatLoadOptions extends LoadOptions, TemplateOptions {}
export interface MistralChat extends Disposes {}

/** A Mistral chat model: messages in, streamed text out. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the class has the method that the interface declares.
export class MistralChat implements ChatModel {
  readonly #template: ChatTemplate
  readonly #neighbours: TemplateOptions['neighbours']
  /** Characters of the longest token. */
  #longestToken: number | undefined

  private constructor(
    readonly model: MistralModel,
    readonly tokenizer: Tokenizer,
    template: ChatTemplate,
    neighbours: TemplateOptions['neighbours'],
  ) {
    this.#template = template
    this.#neighbours = neighbours
  }

  /** As `MistralModel.load`; throws `TokenizerError` too when the source has no tokenizer. */
  static async load(source: ModelSource, options: ChatLoadOptions = {}): Promise<MistralChat> {
    const { chatTemplate, chatFormat, neighbours, ...given } = options ?? {}
    checkLoadOptions(given)
    const own = { chatTemplate, chatFormat, neighbours }
    checkTemplateOptions(own)
    return withCheckpoint(source, given, async (checkpoint, load) => {
      const template = loadTemplate(checkpoint, own, load.signal)
      template.catch(() => {})
      const model = await MistralModel.fromCheckpoint(checkpoint, load, { source, template })
      return new MistralChat(model, model.tokenizer!, await template, neighbours)
    })
  }

  /**
   * `'checkpoint'`: it brought a chat template. `'vendor'`: it is in Mistral's own layout, which has none, for the
   * vocabulary says the format. `'built-in'`: it has none, and Mistral's own format for its vocabulary stands in.
   */
  get templateOrigin(): 'checkpoint' | 'vendor' | 'built-in' {
    return this.#template.origin
  }

  get contextLength(): number {
    return this.model.contextLength
  }

  get vocabSize(): number {
    return this.tokenizer.vocabSize
  }

  get failure(): Error | undefined {
    return this.model.failure
  }

  /** Whether requests may have tools. */
  get takesTools(): boolean {
    return this.#template.takesTools(this.tokenizer)
  }

  /** The prompt's ids as the model sees them. Throws `ParameterError`, `ChatTemplateError`, `ContextLengthError`. */
  encode({ messages, prompt, tools: given, reasoning_effort, chat_template_kwargs }: PromptRequest): number[] {
    if ((messages === undefined) === (prompt === undefined)) {
      throw new ParameterError('messages', messages, 'a request has either messages or a prompt')
    }
    const tools = checkTools(given)
    this.#refuseTooLong({ messages, prompt, tools, chat_template_kwargs })
    if (messages !== undefined) {
      if (tools !== undefined && !this.takesTools) {
        throw new ParameterError('tools', tools, "the model's chat template has no tools")
      }
      const neighbours = this.#neighbours
      const settings = { reasoningEffort: reasoning_effort, variables: chat_template_kwargs, neighbours }
      return this.#template.encode(messages, this.tokenizer, { tools, ...settings })
    }
    if (Object.keys(chat_template_kwargs ?? {}).length > 0) {
      throw new ParameterError('chat_template_kwargs', chat_template_kwargs, 'needs messages: a prompt has no template')
    }
    if (tools !== undefined) throw new ParameterError('tools', tools, 'needs messages: a prompt is taken as it stands')
    if (reasoning_effort !== undefined && reasoning_effort !== null && reasoning_effort !== 'none') {
      throw new ParameterError('reasoning_effort', reasoning_effort, 'needs messages: a prompt is taken as it stands')
    }
    if (typeof prompt !== 'string') {
      if (typeof prompt === 'object' && prompt !== null) return [...copyIds(prompt)]
      throw new ParameterError('prompt', prompt, 'must be a string or a list of token ids')
    }
    const ids = this.tokenizer.encode(prompt, { bos: this.tokenizer.addsBos })
    if (ids.length === 0) throw new ParameterError('prompt', prompt, 'gives no tokens')
    return ids
  }

  /** As `MistralModel.embed`. */
  embed(text: string | Iterable<number>, options: EmbedOptions = {}): Promise<Embedding> {
    return this.model.embed(text, options)
  }

  /** As `MistralModel.saveCache`, of the tokens of a conversation or prompt. */
  async saveCache(request: PromptRequest, options: SaveCacheOptions = {}): Promise<AnyBlob> {
    return this.model.saveCache(this.encode(request), options)
  }

  /** As in `MistralModel`. */
  restoreCache(source: CacheSource, options: RequestOptions = {}): Promise<RestoredCache> {
    return this.model.restoreCache(source, options)
  }

  decode(tokenIds: readonly number[]): string {
    return this.tokenizer.decode(tokenIds)
  }

  status(): ModelStatus {
    return this.model.status()
  }

  /** As `MistralModel.adapters`. */
  get adapters(): readonly AdapterInfo[] {
    return this.model.adapters
  }

  /** As `MistralModel.loadAdapter`; a request names it in `adapter`. */
  loadAdapter(source: ModelSource, options: AdapterOptions = {}): Promise<AdapterInfo> {
    return this.model.loadAdapter(source, options)
  }

  /** As `MistralModel.unloadAdapter`. */
  unloadAdapter(name: string): Promise<void> {
    return this.model.unloadAdapter(name)
  }

  /** Refuses a prompt that cannot fit before it is tokenized, which takes seconds for a megabyte. */
  #refuseTooLong(request: PromptRequest): void {
    const { contextLength } = this.model
    this.#longestToken ??= longestToken(this.tokenizer)
    const least = Math.max(Math.ceil(characters(request) / this.#longestToken), request.messages?.length ?? 0)
    if (least > contextLength) throw new ContextLengthError(least, contextLength)
  }

  /**
   * Streams the answer. Ends at the model's end of sequence, a stop text or id, `max_tokens`, or the end of the context.
   * Leaving the loop frees the sequence. The stream's `completion` has the whole answer, usage and timings.
   */
  generate(request: ChatRequest, options: ConstraintOptions = {}): ChatStream {
    return new ChatStream(this.#answers(request, options))
  }

  /** @internal The chunks of the answers that a reader does not have. The completion is whole, but for log-probabilities. */
  goOn(request: ChatRequest, begun: Begun, options: ConstraintOptions = {}): ChatStream {
    return new ChatStream(this.#answers(request, options, begun))
  }

  /** Begins the answer to a journal's request, or goes on with it: the chunks that are not in the journal. */
  resume(journal: AnswerJournal, options: ConstraintOptions = {}): ChatStream {
    return new ChatStream(journal.follow((begun) => this.#answers(journal.request, options, begun)))
  }

  /** The whole answer at once. */
  complete(request: ChatRequest, options: ConstraintOptions = {}): Promise<ChatCompletion> {
    return this.generate(request, options).completion
  }

  async *#answers(
    request: ChatRequest,
    options: ConstraintOptions,
    begun?: Begun,
  ): AsyncGenerator<ChatChunk, ChatCompletion, undefined> {
    checkConstraintOptions(options)
    const parsed = parseRequest(request)
    const promptIds = this.encode({ ...parsed, tools: parsed.tools.tools })
    const results = yield* this.#together(parsed, promptIds, options, begun)
    const first = results[0]!
    const completion = results.reduce((sum, { choice }) => sum + choice.token_ids.length, 0)
    // The beginning of a forced call is part of the answer, though the model gets it with the prompt.
    const prompt_tokens = promptIds.length
    const cached_tokens = Math.min(first.summary.usage.cached_tokens, prompt_tokens)
    const { index: _, stop_reason: _stop, ...answer } = first.choice
    return {
      choices: results.map(({ choice }) => choice),
      ...answer,
      prompt_token_ids: promptIds,
      usage: {
        prompt_tokens,
        completion_tokens: completion,
        total_tokens: prompt_tokens + completion,
        cached_tokens,
      },
      timings: first.summary.timings,
    }
  }

  async *#together(
    request: ParsedRequest,
    promptIds: readonly number[],
    options: ConstraintOptions,
    begun: Begun | undefined,
  ): AsyncGenerator<ChatChunk, ChoiceResult[], undefined> {
    try {
      const answer = await answerOptions(this.tokenizer, this.#template, request, promptIds)
      const constraint = await this.#constraintOf(request, answer, options)
      return yield* merge(options.signal, (signal) =>
        this.#runs(request, promptIds, answer, begun?.seed, (index) => ({
          signal,
          constraint: constraint?.(),
          begun: begun?.choices[index],
        })),
      )
    } catch (error) {
      throw aboutTexts(error, request.params.text)
    }
  }

  /** Makes what each answer must keep to; undefined when the request asks for nothing. */
  async #constraintOf(
    request: ParsedRequest,
    answer: Omit<AnswerOptions, 'index'>,
    { constraint: own }: ConstraintOptions,
  ): Promise<(() => Constraint) | undefined> {
    if (request.params.text.format === undefined && (answer.tools === undefined || own !== undefined)) return own
    const { answerConstraint, answerShape } = await import('./answer-constraint.ts')
    const { tokenizer, model } = this
    return answerConstraint(tokenizer, model.eosTokenIds, answerShape(tokenizer, request, answer, own))
  }

  /** One run for each answer. Nothing starts before its first `next()`. */
  #runs(
    { params }: ParsedRequest,
    promptIds: readonly number[],
    answer: Omit<AnswerOptions, 'index'>,
    unseeded: number | undefined,
    options: (index: number) => RunOptions,
  ): ChoiceRun[] {
    const forced = answer.tools?.forced
    const ids = forced ? [...promptIds, ...forced.ids] : promptIds
    const { sampler, loop } = tokenParams(this.tokenizer, params, forced?.ids.length ?? 0)
    const seed = sampler.seed ?? unseeded ?? randomSeed()
    return Array.from({ length: params.text.n }, (_, index) => {
      const own = { loop, sampler: changed(sampler, { seed: seedOf(seed, index) }) }
      const writer = new Answer(this.tokenizer, { ...answer, index })
      return runChoice(this.model, ids, own, writer, { ...options(index), sibling: index > 0 })
    })
  }

  /** As `MistralModel.dispose`. */
  dispose(): Promise<void> {
    return this.model.dispose()
  }

  /** @internal Declared by `Disposes`. */
  [Symbol.dispose](): void {
    void this.dispose()
  }
}
