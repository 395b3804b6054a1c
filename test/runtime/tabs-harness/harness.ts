/** One tab of several: the test loads the model in it and asks. */
import { type ChatChunk, type ChatCompletion, type ChatModel, type ChatRequest, MistralChat } from 'mistral-webgpu'
import { MistralChat as WorkerChat, type WorkerLoadOptions } from 'mistral-webgpu/worker'

export interface Answered {
  readonly text: string
  readonly chunks: readonly ChatChunk[]
  readonly completion: ChatCompletion
}

let chat: ChatModel
let chunks: ChatChunk[] = []
let answer: Promise<Answered>
let controller: AbortController
/** Lets the answer that is held go on. */
let goOn = () => {}

const tab = {
  async load(options: WorkerLoadOptions, where: 'page' | 'worker' = 'worker'): Promise<void> {
    const source = new URL(import.meta.env.POCKET, location.href)
    chat = await (where === 'page' ? MistralChat.load(source) : WorkerChat.load(source, options))
  },
  /**
   * Begins an answer.
   * @param held after so many chunks nothing more is read until `goOn`, so that it cannot be over before, however fast it is
   */
  ask(request: ChatRequest, held = Infinity): void {
    chunks = []
    controller = new AbortController()
    answer = read(chunks, request, held, controller.signal)
    answer.catch(() => {})
  },
  goOn: () => goOn(),
  /** Chunks that have come. */
  count: () => chunks.length,
  answer: () => answer,
  abort(): void {
    controller.abort('enough')
    goOn()
  },
  /** What the answer ended with, in words. */
  error: () => answer.then(String, (error: Error) => `${error.name}: ${error.cause}`),
  tabs: () => (chat as WorkerChat).tabs,
  running: async () => (await chat.status()).running,
  host: async () => (await (chat as WorkerChat).status()).host,
  dispose: () => chat.dispose(),
}

async function read(chunks: ChatChunk[], request: ChatRequest, held: number, signal: AbortSignal): Promise<Answered> {
  const wait = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const stream = chat.generate(request, { signal })
  for await (const chunk of stream) if (chunks.push(chunk) === held) await wait
  return { text: chunks.map(({ text }) => text).join(''), chunks, completion: await stream.completion }
}

declare global {
  interface Window {
    tab: typeof tab
  }
}

window.tab = tab
