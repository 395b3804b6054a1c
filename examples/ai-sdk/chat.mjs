/**
 * Vercel's AI SDK: `npm install ai @ai-sdk/openai-compatible`, then
 *
 *     npx -p mistral-webgpu -p webgpu mistral-webgpu serve
 *     node examples/ai-sdk/chat.mjs "What is a mistral?"
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, streamText } from 'ai'

const { MISTRAL_WEBGPU_URL = 'http://127.0.0.1:8080', MISTRAL_WEBGPU_API_KEY } = process.env
const provider = createOpenAICompatible({
  name: 'mistral-webgpu',
  baseURL: `${MISTRAL_WEBGPU_URL}/v1`,
  includeUsage: true,
  ...(MISTRAL_WEBGPU_API_KEY && { apiKey: MISTRAL_WEBGPU_API_KEY }),
  // In one process with the model, without a server: fetch: createApp(chat).fetch
})
const model = provider('mistral')
const prompt = process.argv[2] ?? 'What is a mistral?'

const result = streamText({ model, prompt, maxOutputTokens: 60, temperature: 0.5 })
for await (const text of result.textStream) process.stdout.write(text)
const { inputTokens, outputTokens } = await result.usage
console.log(`\n(${inputTokens} + ${outputTokens} tokens)`)

const { text, finishReason } = await generateText({ model, prompt, maxOutputTokens: 20, temperature: 0 })
console.log(`${text} (${finishReason})`)
