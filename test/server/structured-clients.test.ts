/** Answers that obey a schema, asked for by each client in its own way; and LangChain.js. The embedded model answers. */
import Anthropic from '@anthropic-ai/sdk'
import { ChatOpenAI } from '@langchain/openai'
import { generateObject, generateText, jsonSchema, Output, streamObject } from 'ai'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterAll, describe, expect, test } from 'vitest'
import { createMistralWebGPU } from '../../src/ai-sdk/index.ts'
import { LanguageModel, provideModel, releaseModel } from '../../src/prompt-api/index.ts'
import { appOf, type Json, type Step } from './fake-chat.ts'
import { servePocket, until } from './pocket.ts'

const { chat, app, answer, idle } = await servePocket()
afterAll(() => chat.dispose())

// The model is small enough to ramble in white space: 450 tokens are room for all that a schema lets in.
const question = 'What is a mistral?'
const schema = {
  type: 'object',
  properties: { kind: { enum: ['wind', 'rain'] }, speed: { type: 'integer', minimum: 0, maximum: 99 } },
  required: ['kind', 'speed'],
  additionalProperties: false,
} as const
function check(value: unknown): void {
  const { kind, speed, ...rest } = value as Json
  expect(['wind', 'rain']).toContain(kind)
  expect([Number.isInteger(speed), speed >= 0, speed <= 99, Object.keys(rest)]).toEqual([true, true, true, []])
}
const options = { apiKey: 'local', baseURL: 'http://localhost/v1', fetch: app.fetch as typeof fetch, maxRetries: 0 }
const openai = new OpenAI(options)

describe('a schema', () => {
  test('of chat completions', async () => {
    const response_format = { type: 'json_schema' as const, json_schema: { name: 'wind', schema, strict: true } }
    const messages = [{ role: 'user' as const, content: question }]
    const parsed = await openai.chat.completions.parse({ model: 'pocket', messages, response_format, max_tokens: 450 })
    check(parsed.choices[0]!.message.parsed)
    const stream = openai.chat.completions.stream({ model: 'pocket', messages, response_format, max_tokens: 450 })
    check(JSON.parse((await stream.finalContent())!))
  })

  test('of responses', async () => {
    const format = { type: 'json_schema' as const, name: 'wind', schema, strict: true }
    const request = { model: 'pocket', input: question, text: { format }, max_output_tokens: 450 }
    check((await openai.responses.parse(request)).output_parsed)
    check(JSON.parse((await openai.responses.stream(request).finalResponse()).output_text))
    const wrong = { ...format, schema: { type: 'colour' } }
    const refused = await openai.responses.create({ ...request, text: { format: wrong } }).catch((error) => error)
    expect([refused.status, refused.param]).toEqual([400, expect.stringMatching(/^text\.format/)])
  })

  test('of Anthropic’s messages', async () => {
    const client = new Anthropic({ ...options, baseURL: 'http://localhost' })
    const output_config = { format: { type: 'json_schema' as const, schema: schema as never } }
    const message = await client.messages.create({
      model: 'pocket',
      max_tokens: 450,
      messages: [{ role: 'user', content: question }],
      output_config,
    })
    check(JSON.parse((message.content[0] as Anthropic.TextBlock).text))
  })

  test('of Ollama', async () => {
    const client = new Ollama({ host: 'http://localhost:11434', fetch: app.fetch as typeof fetch })
    const asked = { model: 'pocket', options: { num_predict: 450 } }
    const { message } = await client.chat({ ...asked, messages: [{ role: 'user', content: question }], format: schema })
    check(JSON.parse(message.content))
    check(JSON.parse((await client.generate({ ...asked, prompt: question, format: schema })).response!))
    const json = await client.generate({
      model: 'pocket',
      prompt: question,
      format: 'json',
      options: { num_predict: 200, seed: 3 },
    })
    expect(['{', '[']).toContain(json.response!.trimStart()[0])
  })

  test('of the Prompt API, and a regular expression', async () => {
    provideModel(chat)
    const session = await LanguageModel.create()
    check(JSON.parse(await session.prompt(question, { responseConstraint: schema })))
    const rating = await session.prompt('Rate it', { responseConstraint: /[1-5] stars?/ })
    expect(rating).toMatch(/^[1-5] stars?$/)
    const unsupported = session.prompt('x', { responseConstraint: { $ref: 'https://example.com/a.json' } })
    await expect(unsupported).rejects.toMatchObject({ name: 'NotSupportedError' })
    const refused = session.prompt('x', { responseConstraint: /(a)\1/ })
    await expect(refused).rejects.toMatchObject({ name: 'NotSupportedError' })
    await releaseModel()
  })

  test('of the AI SDK, in process', async () => {
    const model = createMistralWebGPU(chat)()
    const output = Output.object({ schema: jsonSchema<{ kind: string; speed: number }>(schema as never) })
    check((await generateText({ model, prompt: question, output, maxOutputTokens: 450 })).output)
    const asked = { model, prompt: question, schema: jsonSchema<{ kind: string; speed: number }>(schema as never) }
    check((await generateObject({ ...asked, maxOutputTokens: 450 })).object)
    const stream = streamObject({ ...asked, maxOutputTokens: 450 })
    let parts = 0
    for await (const _ of stream.partialObjectStream) parts++
    expect(parts).toBeGreaterThan(1)
    check(await stream.object)
  })

  test('of LangChain.js', async () => {
    const model = langchain(app.fetch as typeof fetch, 90)
    check(await model.withStructuredOutput(schema as never, { name: 'wind', method: 'jsonSchema' }).invoke(question))
  })
})

function langchain(fetch: typeof globalThis.fetch, maxTokens = 24) {
  return new ChatOpenAI({
    apiKey: 'local',
    model: 'pocket',
    temperature: 0,
    maxTokens,
    maxRetries: 0,
    configuration: { baseURL: 'http://localhost/v1', fetch },
  })
}

describe('LangChain.js', () => {
  test('gets the text, whole and streamed, with usage', async () => {
    const model = langchain(app.fetch as typeof fetch)
    const whole = await model.invoke(question)
    expect(whole.text).toBe(answer)
    expect(whole.usage_metadata).toMatchObject({ input_tokens: 8, output_tokens: 24 })
    let text = ''
    for await (const chunk of await model.stream(question)) text += chunk.text
    expect(text).toBe(answer)
  })

  test('calls tools, aborts, and hears of errors', async () => {
    const call = {
      index: 0,
      id: 'abcdefghi',
      type: 'function' as const,
      function: { name: 'wind', arguments: '{"place":"Nice"}' },
    }
    const script: Step[] = [{ tool_calls: [call] }, { finish_reason: 'tool_calls' }]
    const { app: own, chat: fake } = appOf(script)
    const tool = {
      type: 'function' as const,
      function: { name: 'wind', description: 'How it blows', parameters: { type: 'object' } },
    }
    const bound = langchain(own.fetch as typeof fetch).bindTools([tool])
    const { tool_calls: calls } = await bound.invoke(question)
    expect(calls).toMatchObject([{ id: 'abcdefghi', name: 'wind', args: { place: 'Nice' } }])
    expect((fake.requests[0] as Json).tools).toMatchObject([tool])
    await expect(langchain(app.fetch as typeof fetch).invoke('x '.repeat(3000))).rejects.toMatchObject({ status: 400 })
    const control = new AbortController()
    const read = async () => {
      const model = langchain(app.fetch as typeof fetch, 900)
      for await (const _ of await model.stream('A wind', { signal: control.signal })) control.abort()
    }
    await expect(read()).rejects.toThrow()
    await until(idle)
  })
})

test('the openai client runs tools until there is an answer', async () => {
  const { app: own } = appOf((request) => {
    const last = (request.messages as Json[]).at(-1)
    if (last.role === 'tool') return [{ text: `It blows ${last.content}.`, finish_reason: 'stop' }]
    const call = {
      index: 0,
      id: 'abcdefghi',
      type: 'function' as const,
      function: { name: 'wind', arguments: '{"place":"Nice"}' },
    }
    return [{ tool_calls: [call] }, { finish_reason: 'tool_calls' }]
  })
  const client = new OpenAI({ ...options, fetch: own.fetch as typeof fetch })
  const places: unknown[] = []
  const run = ({ place }: { place: string }) => {
    places.push(place)
    return 'hard'
  }
  const fn = { name: 'wind', parameters: { type: 'object' }, parse: JSON.parse, function: run }
  for (const stream of [true, false] as const) {
    const runner = client.chat.completions.runTools({
      ...{ model: 'm', stream, messages: [{ role: 'user', content: 'Hi' }] },
      tools: [{ type: 'function', function: fn }],
    } as never) as unknown as { finalContent(): Promise<string> }
    expect(await runner.finalContent()).toBe('It blows hard.')
  }
  expect(places).toEqual(['Nice', 'Nice'])
})
