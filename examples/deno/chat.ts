/**
 * One question to a model, with Deno's own WebGPU:
 *
 *     deno add npm:mistral-webgpu
 *     deno run --allow-read --allow-net chat.ts PATH_OR_URL "Your question"
 */
import process from 'node:process'
import { MistralChat } from 'mistral-webgpu'

const [source, question = 'Who are you?'] = process.argv.slice(2)
if (source === undefined) throw new Error('usage: chat.ts PATH_OR_URL "Your question"')

const chat = await MistralChat.load(source)
try {
  const messages = [{ role: 'user', content: question }]
  for await (const { text } of chat.generate({ messages, max_tokens: 256 })) process.stdout.write(text)
  process.stdout.write('\n')
} finally {
  chat.dispose()
}
