/** The interface of every chat model: `MistralChat`, one in a worker, a stand-in of a test. */
import { ResultStream } from '../async/result-stream.ts'
import type { AdapterInfo } from '../generate/adapter-types.ts'
import type { Timings } from '../generate/clock.ts'
import type { Embedding, EmbedOptions } from '../generate/embedding.ts'
import type { ModelStatus } from '../generate/model-status.ts'
import type { RequestOptions } from '../generate/options.ts'
import type { Usage } from '../generate/types.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { ChatChoice, ChatChunk } from './answer.ts'
import type { ChatRequest, PromptRequest } from './request.ts'

/** All answers to a request. The fields of an answer are those of the first. */
export interface ChatCompletion
  extends Pick<
    ChatChoice,
    'text' | 'reasoning_content' | 'reasoning_tokens' | 'token_ids' | 'logprobs' | 'tool_calls' | 'finish_reason'
  > {
  /** One unless the request asked for `n`. */
  readonly choices: readonly ChatChoice[]
  readonly prompt_token_ids: readonly number[]
  /** The prompt counts once, whatever `n` is. */
  readonly usage: Usage
  readonly timings: Timings
}

/**
 * An answer on its way: `for await` gives chunks as they come, and {@link completion} the whole. The work begins with the
 * first chunk that is asked for, or when the completion is. Leaving the loop frees the sequence.
 */
export class ChatStream extends ResultStream<ChatChunk, ChatCompletion> {
  /**
   * Text, usage, timings and finish reason, once the answer is over. It may be awaited before, during, after or instead of
   * the loop. It rejects with what the request failed with, and with `AbortError` when the loop was left before the end.
   */
  get completion(): Promise<ChatCompletion> {
    return this.result
  }
}

/** A chat model. Where it lives elsewhere, as in a worker, what it tells comes as promises. */
export interface ChatModel {
  /** Positions of one conversation, prompt and answer together. */
  readonly contextLength: number
  /** Token ids are below this. */
  readonly vocabSize: number
  /** Whether the chat template shows tools to the model. */
  readonly takesTools: boolean
  /** LoRA adapters that requests may name. */
  readonly adapters?: readonly Pick<AdapterInfo, 'name'>[] | undefined
  /** Why it answers no more, such as a lost GPU; undefined as long as it does. */
  readonly failure?: Error | undefined
  generate(request: ChatRequest, options?: RequestOptions): ChatStream
  /** The prompt's ids as the model sees them. */
  encode(request: PromptRequest): readonly number[] | Promise<readonly number[]>
  /** The text of ids, control tokens left out. */
  decode(tokenIds: readonly number[]): string | Promise<string>
  /** The model's vocabulary, where it is at hand. */
  readonly tokenizer?: Tokenizer | undefined
  /** One vector for a text or for token ids, as `MistralModel.embed` gives it; not every model has it. */
  embed?(text: string | readonly number[], options?: EmbedOptions): Promise<Embedding>
  status(): ModelStatus | Promise<ModelStatus>
  /** Frees everything. Safe to call twice. */
  dispose(): void | Promise<void>
}
