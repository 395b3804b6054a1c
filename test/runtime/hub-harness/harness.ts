/** Downloads in a page: the test calls these with the address of its Hub. */
import {
  type HubOptions,
  listCached,
  MistralError,
  MistralModel,
  pull,
  removeCached,
  type StorageError,
  verifyCached,
} from 'mistral-webgpu'
import { MistralChat } from 'mistral-webgpu/worker'

export interface PageResult {
  /** Empty when it went well. */
  readonly error: string
  readonly isTyped: boolean
  readonly missingBytes: number | undefined
  readonly phases: readonly string[]
}

/** @param abortAt the share of the weights at which it is aborted */
async function pullInPage(name: string, hub: HubOptions, abortAt?: number): Promise<PageResult> {
  const phases = new Set<string>()
  const abort = new AbortController()
  try {
    await pull(name, {
      hub,
      signal: abort.signal,
      onProgress: ({ phase, loaded, total }) => {
        phases.add(phase)
        if (abortAt !== undefined && total > 1e6 && phase === 'download' && loaded > abortAt * total) abort.abort()
      },
    })
    return { error: '', isTyped: true, missingBytes: undefined, phases: [...phases] }
  } catch (error) {
    const missingBytes = (error as StorageError).missingBytes
    return { error: String(error), isTyped: error instanceof MistralError, missingBytes, phases: [...phases] }
  }
}

/** The verdicts on all files that count. */
async function verdicts(): Promise<string[]> {
  const found: string[] = []
  for await (const { file, verdict } of verifyCached()) found.push(`${file} ${verdict}`)
  return found.sort()
}

async function answer(name: string, hub: HubOptions, cache?: boolean): Promise<number[]> {
  const model = await MistralModel.load(name, { hub, cache, contextLength: 32 })
  try {
    const ids: number[] = []
    for await (const { tokenId } of model.generate([1, 5, 9], { do_sample: false, max_tokens: 4 })) ids.push(tokenId)
    return ids
  } finally {
    model.dispose()
  }
}

/** A shared worker downloads by itself. */
async function sharedAnswer(name: string, hub: HubOptions): Promise<string> {
  const chat = await MistralChat.load(name, { hub, contextLength: 64, shared: true, host: 'shared-worker' })
  const messages = [{ role: 'user', content: 'What is a mistral?' }]
  const { text } = await chat.complete({ messages, temperature: 0, max_tokens: 8 })
  await chat.dispose()
  return text
}

const downloads = { pull: pullInPage, verdicts, answer, sharedAnswer, list: listCached, remove: removeCached }

declare global {
  interface Window {
    downloads: typeof downloads
  }
}

window.downloads = downloads
