/** What only a page has. */
import { MistralChat } from 'mistral-webgpu'
import { createMistralWebGPU } from 'mistral-webgpu/ai-sdk'
import { LanguageModel, provideModel } from 'mistral-webgpu/prompt-api'
import { MistralChat as WorkerChat } from 'mistral-webgpu/worker'

export const fromInput = (files: FileList, entry: FileSystemEntry): Promise<MistralChat>[] => [
  MistralChat.load(files),
  MistralChat.load([entry]),
]
export const fromPicker = (handles: FileSystemFileHandle[]): Promise<MistralChat> => MistralChat.load(handles)
export const fromFolder = (handle: FileSystemDirectoryHandle): Promise<MistralChat> => MistralChat.load(handle)

export async function promptApi(chat: MistralChat): Promise<string> {
  provideModel(chat)
  const session = await LanguageModel.create({ initialPrompts: [{ role: 'system', content: 'Be brief.' }] })
  const chunks: ReadableStream<string> = session.promptStreaming('Hi')
  await chunks.cancel()
  return session.prompt('Hi', { signal: AbortSignal.timeout(1000) })
}

export const provider = (chat: MistralChat): 'v3' => createMistralWebGPU(chat)('mistral').specificationVersion

export async function sharedByTabs(show: (tabs: number) => void): Promise<number> {
  const worker = () => new Worker('/engine.js', { type: 'module' })
  const chat = await WorkerChat.load('owner/name', { shared: true, worker, onTabs: show })
  return chat.tabs
}

export async function inSharedWorker(): Promise<'worker' | 'shared-worker' | 'leader'> {
  const worker = () => new SharedWorker('/engine.js', { type: 'module' })
  const chat = await WorkerChat.load('owner/name', { shared: 'mine', host: 'shared-worker', worker })
  return (await chat.status()).host
}
