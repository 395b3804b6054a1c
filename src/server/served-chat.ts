import type { ChatChoice, ChatChunk } from '../chat/answer.ts'
import type { ChatCompletion } from '../chat/mistral-chat.ts'
import type { ChatRequest } from '../chat/request.ts'
import type { ModelStatus } from '../generate/mistral-model.ts'
import type { AnyAbortSignal } from '../platform/globals.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

/** What the app needs of a chat model: `MistralChat` has it, and so can a stand-in for one in a worker. */
export interface ServedChat {
  generate(
    request: ChatRequest,
    options: { signal?: AnyAbortSignal | undefined },
  ): AsyncGenerator<ChatChunk, ServedCompletion, undefined>
  encode(request: ChatRequest): readonly number[] | Promise<readonly number[]>
  /** Whether the model knows tools. */
  readonly takesTools?: boolean | undefined
  readonly tokenizer: Pick<Tokenizer, 'decode' | 'vocabSize'>
  readonly model: {
    status(): ModelStatus
    readonly contextLength: number
    /** Why it answers no more, such as a lost GPU; undefined as long as it does. */
    readonly failure?: Error | undefined
  }
}

/** The part of a completion that answers are made of. */
export interface ServedCompletion extends Pick<ChatCompletion, 'usage'> {
  readonly choices: readonly ChatChoice[]
}
