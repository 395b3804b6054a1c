/**
 * The `openai` client without a server: its `fetch` calls the app in this process, and nothing leaves it.
 *
 *     npm install mistral-webgpu webgpu openai
 *     node examples/openai-client/in-process.mjs PATH_OR_URL "What is a mistral?"
 */
import { MistralChat } from 'mistral-webgpu'
import { createApp } from 'mistral-webgpu/server'
import OpenAI from 'openai'

const [source = 'pocket', question = 'What is a mistral?'] = process.argv.slice(2)
// Two conversations can be answered at the same time.
const chat = await MistralChat.load(source, { maxSequences: 2 })
try {
  const client = new OpenAI({ apiKey: 'local', fetch: createApp(chat).fetch })
  const ask = async (content) => {
    const messages = [{ role: 'user', content }]
    const answer = await client.chat.completions.create({ model: 'mistral', messages, max_tokens: 40, temperature: 0 })
    return answer.choices[0].message.content
  }
  for (const answer of await Promise.all([ask(question), ask('Who are you?')])) console.log(answer)
} finally {
  chat.dispose()
}
