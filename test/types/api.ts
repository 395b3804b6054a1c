/** The public API as a TypeScript project uses it, with no types of the platform loaded. */
import {
  type ChatChunk,
  type ChatCompletion,
  type ChatMessage,
  type ChatModel,
  type FileOpener,
  type LoadOptions,
  MistralChat,
  MistralError,
  MistralModel,
  type ModelSource,
  processLogits,
  type SamplingContext,
  type SamplingInput,
  Tokenizer,
} from 'mistral-webgpu'
import pocket from 'mistral-webgpu/pocket'
import { type AppOptions, createApp, type MistralApp } from 'mistral-webgpu/server'

const opener: FileOpener = { open: async (name) => (name === 'config.json' ? '{}' : undefined) }
export const sources: readonly ModelSource[] = ['model.gguf', opener, pocket]
export const options: LoadOptions = { weights: 'q4', contextLength: 512, onProgress: ({ phase }) => phase.length }

export async function chats(messages: readonly ChatMessage[]): Promise<ChatCompletion> {
  const chat = await MistralChat.load(pocket, options)
  try {
    let last: ChatChunk | undefined
    for await (const chunk of chat.generate({ messages, max_tokens: 8 })) last = chunk
    const reason: 'stop' | 'length' | 'tool_calls' | null | undefined = last?.finish_reason
    return await chat.complete({ messages, stop: reason ?? 'stop' })
  } catch (error) {
    throw error instanceof MistralError ? error : new MistralError(String(error))
  } finally {
    chat.dispose()
  }
}

export async function generates(tokenizer: Tokenizer): Promise<number> {
  const model = await MistralModel.load('folder')
  const params: SamplingInput = { do_sample: false }
  for await (const { tokenId } of model.generate(tokenizer.encode('Hi', { bos: true }), params)) return tokenId
  const context: SamplingContext = { promptLength: 1 }
  const [row] = await model.logits([1])
  return processLogits(row ?? new Float32Array(4), [1], params, context).length
}

export const appOf = (chat: ChatModel, appOptions: AppOptions): MistralApp => createApp(chat, appOptions)
export const loadsTokenizer = (): Promise<Tokenizer> => Tokenizer.load('tokenizer.json')

// @ts-expect-error What is internal is not declared.
export const loaded = (model: MistralModel) => model.loaded
// @ts-expect-error Parameters have their types.
export const wrong: SamplingInput = { max_tokens: 'many' }
