/** What clients leave before it has ended, whole answers and streams, with a schema too: the sequence is free again at once. */
import { createMistral } from '@ai-sdk/mistral'
import { ChatOpenAI } from '@langchain/openai'
import { generateText, streamText } from 'ai'
import { afterAll, describe, expect, test } from 'vitest'
import { collect } from '../support/garbage.ts'
import { patience } from '../support/patience.ts'
import { clientOf } from './mistral-scripts.ts'
import { anthropicOf, openaiOf } from './official-clients.ts'
import { messages, servePocket, until } from './pocket.ts'

const { chat, app, answer, idle } = await servePocket()
afterAll(() => chat.dispose())
// An answer that is drawn may be over after a few words, before its client has left.
const generate = chat.generate.bind(chat)
chat.generate = (request, options) => generate({ ...request, ignore_eos: true }, options)

const question = messages[0]!.content
const long = { temperature: 1, max_tokens: 900 }
/** Any list of texts, which has no end of its own. */
const schema = { type: 'array', items: { type: 'string' }, minItems: 400 } as const
const json_schema = { name: 'texts', schema, strict: true }
const fetch = app.fetch as typeof globalThis.fetch
const [openai, anthropic] = [openaiOf(app), anthropicOf(app)]
const sdk = createMistral({ baseURL: 'http://localhost/v1', apiKey: 'local', fetch })('pocket')
const langchain = new ChatOpenAI({
  ...{ apiKey: 'local', model: 'pocket', temperature: 1, maxTokens: 900, maxRetries: 0 },
  configuration: { baseURL: 'http://localhost/v1', fetch },
})
const chatBody = { model: 'pocket', messages, ...long }

const WHOLE: Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>> = {
  'openai chat with a schema': (signal) =>
    openai.chat.completions.create({ ...chatBody, response_format: { type: 'json_schema', json_schema } }, { signal }),
  'openai responses': (signal) =>
    openai.responses.create({ model: 'pocket', input: question, temperature: 1, max_output_tokens: 900 }, { signal }),
  'openai responses with a schema': (signal) =>
    openai.responses.create(
      {
        model: 'pocket',
        input: question,
        max_output_tokens: 900,
        text: { format: { type: 'json_schema', ...json_schema } },
      },
      { signal },
    ),
  '@anthropic-ai/sdk': (signal) => anthropic.messages.create(chatBody, { signal }),
  '@mistralai/mistralai': (signal) =>
    clientOf(app, signal).chat.complete({ model: 'pocket', messages, temperature: 1, maxTokens: 900 }),
  '@ai-sdk/mistral': (abortSignal) =>
    generateText({ model: sdk, prompt: question, temperature: 1, maxOutputTokens: 900, maxRetries: 0, abortSignal }),
  '@langchain/openai': (signal) => langchain.invoke(question, { signal }),
  '@langchain/openai with a schema': (signal) =>
    langchain
      .withStructuredOutput({ type: 'object', properties: { texts: schema }, required: ['texts'] } as never, {
        name: 'texts',
        method: 'jsonSchema',
      })
      .invoke(question, { signal }),
}

describe('whole answers', { timeout: patience(60_000) }, () => {
  test.each(Object.keys(WHOLE))('%s', async (name) => {
    const control = new AbortController()
    const asked = WHOLE[name]!(control.signal)
    const failed = asked.then(
      () => false,
      () => true,
    )
    await until(() => !idle())
    await collect()
    control.abort()
    expect(await failed).toBe(true)
    await until(idle)
  })
})

describe('streams', { timeout: patience(60_000) }, () => {
  test('@ai-sdk/mistral', async () => {
    const control = new AbortController()
    const stream = streamText({
      ...{ model: sdk, prompt: question, temperature: 1, maxOutputTokens: 900, maxRetries: 0 },
      abortSignal: control.signal,
      onError: () => {},
    })
    const kinds: string[] = []
    for await (const { type } of stream.fullStream) {
      kinds.push(type)
      if (type === 'text-delta') control.abort()
    }
    expect(kinds.at(-1)).toBe('abort')
    await until(idle)
  })

  test('openai chat, inside of a string that a schema asks for', async () => {
    const body = { ...chatBody, temperature: 0, response_format: { type: 'json_schema' as const, json_schema } }
    const stream = await openai.chat.completions.create({ ...body, stream: true })
    let text = ''
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? ''
      if (text.length > 20) break
    }
    expect(text).toMatch(/^\s*\[/)
    await until(idle)
    const { choices } = await openai.chat.completions.create({ ...chatBody, temperature: 0, max_tokens: 24 })
    expect(choices[0]!.message.content).toBe(answer)
  })
})
