/** What only a page has. */
import { MistralChat } from 'mistral-webgpu'
import { createMistralWebGPU } from 'mistral-webgpu/ai-sdk'
import { LanguageModel, provideModel } from 'mistral-webgpu/prompt-api'

export const fromFolder = (handle: FileSystemDirectoryHandle): Promise<MistralChat> => MistralChat.load(handle)

export async function promptApi(chat: MistralChat): Promise<string> {
  provideModel(chat)
  const session = await LanguageModel.create({ initialPrompts: [{ role: 'system', content: 'Be brief.' }] })
  const chunks: ReadableStream<string> = session.promptStreaming('Hi')
  await chunks.cancel()
  return session.prompt('Hi', { signal: AbortSignal.timeout(1000) })
}

export const provider = (chat: MistralChat): 'v3' => createMistralWebGPU(chat)('mistral').specificationVersion
