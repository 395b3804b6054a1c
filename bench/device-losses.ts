/**
 * Destroys the device of the embedded model at random moments while it answers: every answer must be the one that an undisturbed
 * model gives. `npx tsx --conditions=mistral-webgpu-source bench/device-losses.ts [runs] [seed]`
 */
import { parseArgs } from 'node:util'
import { MistralChat } from '../src/chat/mistral-chat.ts'
import { randomFrom } from './load/requests.ts'

const { positionals } = parseArgs({ allowPositionals: true })
const [runs = 200, seed = 1] = positionals.map(Number)
const random = randomFrom(seed)

const requests = [
  { prompt: 'The mistral is', do_sample: false, max_tokens: 60, ignore_eos: true },
  { prompt: 'The sirocco brings', seed: 5, temperature: 1.3, max_tokens: 60, ignore_eos: true },
  { prompt: 'The bora '.repeat(60), seed: 6, max_tokens: 20, ignore_eos: true },
]
const chat = await MistralChat.load('pocket', { maxSequences: 2, maxRecoveries: 20 })
const wanted = await Promise.all(requests.map(async (request) => (await chat.complete(request)).text))
const { gpuBytes } = chat.status()
let wrong = 0
for (let run = 0; run < runs; run++) {
  const answers = Promise.all(requests.map(async (request) => (await chat.complete(request)).text))
  await new Promise((resolve) => setTimeout(resolve, 400 * random()))
  chat.model.loaded.gpu.device.destroy()
  const given = await answers.catch((error: unknown) => [String(error)])
  if (given.some((text, i) => text !== wanted[i])) {
    wrong++
    console.log(`run ${run}: ${JSON.stringify(given)}`)
  }
}
const more = chat.status().gpuBytes - gpuBytes
chat.dispose()
console.log(`${runs} losses, ${wrong} wrong, ${more} bytes more on the GPU`)
process.exitCode = wrong === 0 && more === 0 ? 0 : 1
