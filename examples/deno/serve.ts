/**
 * The HTTP API on Deno's own server and WebGPU:
 *
 *     deno add npm:mistral-webgpu
 *     deno run --allow-read --allow-net --allow-env serve.ts PATH_OR_URL 8080
 *
 * The app is a function from a request to a response, so this is all that a server takes. `Bun.serve({ fetch: app.fetch })`
 * is the same in Bun.
 */
import process from 'node:process'
import { MistralChat } from 'mistral-webgpu'
import { createApp } from 'mistral-webgpu/server'

declare const Deno: {
  serve(
    options: { hostname: string; port: number },
    handler: (request: Request) => Response | Promise<Response>,
  ): { shutdown(): Promise<void> }
}

const [source = 'pocket', port = '8080'] = process.argv.slice(2)
const loading = MistralChat.load(source, { maxSequences: 4, maxQueue: 64 })
const app = createApp(loading, {
  // Without a key, only these keep a page of somebody else's, which can give its own name this machine's address, away.
  allowedHosts: ['localhost', '127.0.0.1'],
  log: (record) => console.error(JSON.stringify(record)),
})
// Listens before the model is there: /health says "loading" until it is.
const server = Deno.serve({ hostname: '127.0.0.1', port: Number(port) }, (request) => app.fetch(request))

process.once('SIGTERM', async () => {
  await server.shutdown()
  const chat = await loading
  chat.dispose()
})
const { model } = await loading
console.log(`ready, with room for ${model.contextLength} tokens`)
