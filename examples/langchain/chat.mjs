/**
 * LangChain.js: `npm install @langchain/openai @langchain/core`, then
 *
 *     npx -p mistral-webgpu -p webgpu mistral-webgpu serve
 *     node examples/langchain/chat.mjs "What is a mistral?"
 *
 * MISTRAL_WEBGPU_URL and MISTRAL_WEBGPU_API_KEY name another server, and its key.
 */
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'

const { MISTRAL_WEBGPU_URL = 'http://127.0.0.1:8080', MISTRAL_WEBGPU_API_KEY = 'none' } = process.env
const connection = {
  apiKey: MISTRAL_WEBGPU_API_KEY,
  configuration: { baseURL: `${MISTRAL_WEBGPU_URL}/v1` },
  // In one process with the model, without a server: configuration: { fetch: createApp(chat).fetch }
}
const question = process.argv[2] ?? 'What is a mistral?'

const model = new ChatOpenAI({ ...connection, model: 'mistral', temperature: 0.5, maxTokens: 60 })
for await (const chunk of await model.stream(question)) process.stdout.write(chunk.text)
process.stdout.write('\n')

const wind = {
  type: 'object',
  properties: { name: { type: 'string', maxLength: 20 }, speed: { type: 'integer', minimum: 0, maximum: 99 } },
  required: ['name', 'speed'],
  additionalProperties: false,
}
// The answer obeys the schema, whatever the model would have said.
const patient = new ChatOpenAI({ ...connection, model: 'mistral', maxTokens: 450 })
const structured = patient.withStructuredOutput(wind, { name: 'wind', method: 'jsonSchema' })
console.log(JSON.stringify(await structured.invoke(question)))

const embeddings = new OpenAIEmbeddings({ ...connection, model: 'mistral' })
const vector = await embeddings.embedQuery(question)
console.log(`${vector.length} numbers`)
