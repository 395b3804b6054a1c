/**
 * The `openai` client against a server: `npm install openai`, then
 *
 *     npx -p mistral-webgpu -p webgpu mistral-webgpu serve
 *     node examples/openai-client/chat.mjs "What is a mistral?"
 *
 * MISTRAL_WEBGPU_URL and MISTRAL_WEBGPU_API_KEY name another server, and its key.
 */
import OpenAI from 'openai'

const { MISTRAL_WEBGPU_URL = 'http://127.0.0.1:8080', MISTRAL_WEBGPU_API_KEY = 'none' } = process.env
const client = new OpenAI({ baseURL: `${MISTRAL_WEBGPU_URL}/v1`, apiKey: MISTRAL_WEBGPU_API_KEY })
const messages = [{ role: 'user', content: process.argv[2] ?? 'What is a mistral?' }]

const { data: models } = await client.models.list()
const model = models[0].id

const stream = await client.chat.completions.create({
  model,
  messages,
  max_tokens: 60,
  temperature: 0.5,
  seed: 7,
  stream: true,
  stream_options: { include_usage: true },
})
// Ctrl-C stops the answer, and with it the work on the server.
process.once('SIGINT', () => stream.controller.abort())
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? '')
  if (chunk.usage) console.log(`\n(${chunk.usage.prompt_tokens} + ${chunk.usage.completion_tokens} tokens)`)
}

// `top_k` and its like are not OpenAI's, but the server knows them.
const whole = await client.chat.completions.create({ model, messages, max_tokens: 20, temperature: 0, top_k: 1 })
console.log(whole.choices[0].message.content)
