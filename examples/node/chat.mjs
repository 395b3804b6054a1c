/**
 * One question to a model: `node examples/node/chat.mjs PATH_OR_URL "Your question"`.
 *
 * Node has no WebGPU of its own: `npm install mistral-webgpu webgpu`.
 */
import { MistralChat } from 'mistral-webgpu'

const [source, question = 'Who are you?'] = process.argv.slice(2)
if (source === undefined) throw new Error('usage: node chat.mjs PATH_OR_URL "Your question"')

const chat = await MistralChat.load(source)
try {
  // Ctrl-C stops the answer; the program then ends by itself.
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  const messages = [{ role: 'user', content: question }]
  for await (const { text } of chat.generate({ messages, max_tokens: 256 }, { signal: stop.signal })) {
    process.stdout.write(text)
  }
  process.stdout.write('\n')
} finally {
  chat.dispose()
}
