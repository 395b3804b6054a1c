/** The public API with the platform's own types, of the DOM or of Node: files, addresses, signals, requests. */
import { type FileOpener, MistralChat } from 'mistral-webgpu'
import { createApp } from 'mistral-webgpu/server'

export async function loads(file: File, files: File[], signal: AbortSignal): Promise<void> {
  await MistralChat.load(file, { signal })
  await MistralChat.load(files)
  await MistralChat.load(new URL('https://models.example/model.gguf'))
  const opener: FileOpener = { open: async (name, signal) => (await fetch(name, signal ? { signal } : {})).blob() }
  const chat = await MistralChat.load(opener)
  await chat.complete({ prompt: 'Hi' }, { signal: AbortSignal.timeout(1000) })
}

export async function serves(chat: MistralChat): Promise<unknown> {
  const app = createApp(chat, {
    refuse: (request) => (request.headers.get('x') ? { status: 403, message: '', code: '' } : undefined),
  })
  const asGlobal: (input: string | URL | Request, init?: RequestInit) => Promise<Response> = app.fetch
  const asServer: (request: Request, connection: { remoteAddr: string }) => Response | Promise<Response> = app.fetch
  const response = await app.fetch('http://localhost/v1/models', { method: 'GET' })
  return [asGlobal, asServer, response.status]
}

// @ts-expect-error No source is a number.
export const wrongSource = MistralChat.load(7)
// @ts-expect-error A signal is not a controller.
export const wrongSignal = (controller: AbortController) => MistralChat.load('x', { signal: controller })
