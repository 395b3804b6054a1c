import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateObject, generateText, jsonSchema, type LanguageModel, streamObject, streamText, tool } from 'ai'
import { afterAll, describe, expect, test } from 'vitest'
import type { MistralApp } from '../../src/server/index.ts'
import { appOf, type Json } from './fake-chat.ts'
import { messages, servePocket, until } from './pocket.ts'

const { chat, app, answer, idle } = await servePocket()
afterAll(() => chat.dispose())

const options = (target: MistralApp) => ({
  name: 'local',
  apiKey: 'local',
  baseURL: 'http://localhost/v1',
  fetch: target.fetch as typeof fetch,
})
const PROVIDERS: [string, (target: MistralApp) => (id: string) => LanguageModel][] = [
  [
    '@ai-sdk/openai-compatible',
    (target) => createOpenAICompatible({ ...options(target), supportsStructuredOutputs: true }),
  ],
  ['@ai-sdk/openai on chat completions', (target) => createOpenAI(options(target)).chat],
  ['@ai-sdk/openai on responses', (target) => createOpenAI(options(target))],
]

describe.each(PROVIDERS)('the AI SDK: %s', (_, provider) => {
  test('gets the text, whole and streamed, with usage', async () => {
    const model = provider(app)('pocket')
    const request = { model, prompt: messages[0]!.content, temperature: 0, maxOutputTokens: 24 }
    const whole = await generateText(request)
    expect(whole.text).toBe(answer)
    expect(whole.usage.outputTokens).toBeGreaterThan(3)
    const stream = streamText(request)
    let text = ''
    for await (const piece of stream.textStream) text += piece
    expect(text).toBe(answer)
    expect(['stop', 'length']).toContain(await stream.finishReason)
  })

  test('reports errors by their message, and aborts', async () => {
    const model = provider(app)('pocket')
    await expect(generateText({ model, prompt: 'x', temperature: 9, maxRetries: 0 })).rejects.toThrow('from 0 to 2')
    const control = new AbortController()
    const stream = streamText({
      model,
      prompt: 'A wind',
      maxOutputTokens: 900,
      abortSignal: control.signal,
      onError() {},
    })
    for await (const _ of stream.textStream) {
      control.abort()
      break
    }
    await until(idle)
  })

  test('runs tools that the model calls, whole and streamed', async () => {
    const call = {
      index: 0,
      id: 'abcdefghi',
      type: 'function',
      function: { name: 'wind', arguments: '{"place":"Nice"}' },
    }
    const { app: scripted } = appOf((request) => {
      const messages = request.messages as Json[]
      if (messages.at(-1).role === 'tool')
        return [{ text: `It blows ${messages.at(-1).content}.`, finish_reason: 'stop' }]
      if (messages[0].content !== 'streamed') return [{ tool_calls: [call as Json], finish_reason: 'tool_calls' }]
      const { arguments: whole } = call.function
      return [
        { tool_calls: [{ ...call, function: { ...call.function, arguments: '' } } as Json] },
        { tool_calls: [{ index: 0, function: { arguments: whole.slice(0, 5) } }] },
        { tool_calls: [{ index: 0, function: { arguments: whole.slice(5) } }], finish_reason: 'tool_calls' },
      ]
    })
    const places: unknown[] = []
    const wind = tool({
      inputSchema: jsonSchema<{ place: string }>({ type: 'object', properties: { place: { type: 'string' } } }),
      execute: async ({ place }) => {
        places.push(place)
        return 'hard'
      },
    })
    const model = provider(scripted)('pocket')
    const stopWhen = ({ steps }: { steps: unknown[] }) => steps.length === 2
    const whole = await generateText({ model, prompt: 'whole', tools: { wind }, stopWhen })
    expect(whole.text).toBe('It blows hard.')
    const stream = streamText({ model, prompt: 'streamed', tools: { wind }, stopWhen })
    expect(await stream.text).toBe('It blows hard.')
    expect(places).toEqual(['Nice', 'Nice'])
  })
  test('obeys a schema, whole and streamed', async () => {
    const properties = {
      kind: { enum: ['wind', 'rain'] },
      speed: { type: 'integer', minimum: 0, maximum: 99 },
    } as const
    const schema = jsonSchema<{ kind: string; speed: number }>({
      ...{ type: 'object', properties },
      ...{ required: ['kind', 'speed'], additionalProperties: false },
    })
    const request = { model: provider(app)('pocket'), prompt: 'What is a mistral?', schema, maxOutputTokens: 450 }
    const check = ({ kind, speed }: { kind: string; speed: number }) => {
      expect(['wind', 'rain']).toContain(kind)
      expect(Number.isInteger(speed) && speed >= 0 && speed <= 99).toBe(true)
    }
    check((await generateObject(request)).object)
    const stream = streamObject(request)
    let parts = 0
    for await (const _ of stream.partialObjectStream) parts++
    expect(parts).toBeGreaterThan(1)
    check(await stream.object)
  })
})
