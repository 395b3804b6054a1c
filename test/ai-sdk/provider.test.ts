/** The provider in process, asked by the AI SDK as it stands. */

import type { LanguageModelV3 } from '@ai-sdk/provider'
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMistralWebGPU } from '../../src/ai-sdk/index.ts'
import { ContextLengthError, type MistralChat } from '../../src/index.ts'
import { fakeChat, type Json, type Step } from '../server/fake-chat.ts'
import { loadPocket, until } from '../server/pocket.ts'
import { patience } from '../support/patience.ts'

function scripted(script: Parameters<typeof fakeChat>[0]) {
  const chat = fakeChat(script)
  return { chat, model: createMistralWebGPU(chat)() }
}

const call = { id: 'abcdefghi', type: 'function' as const, function: { name: 'wind', arguments: '' } }
const thoughtful: Step[] = [
  { reasoning_content: 'It is ' },
  { reasoning_content: 'morning.' },
  { text: 'Good ' },
  { text: 'morning' },
  { tool_calls: [{ index: 0, ...call }] },
  { tool_calls: [{ index: 0, function: { arguments: '{"place":' } }] },
  { tool_calls: [{ index: 0, function: { arguments: '"Nice"}' } }] },
  { finish_reason: 'tool_calls' },
]
const wind = tool({
  description: 'How it blows',
  inputSchema: jsonSchema<{ place: string }>({ type: 'object', properties: { place: { type: 'string' } } }),
  execute: async ({ place }) => `hard in ${place}`,
})
/** Calls the tool once, then says what it gave. */
const once = (request: Record<string, unknown>): Step[] => {
  const last = (request.messages as Json[]).at(-1)
  if (last.role === 'tool') return [{ text: `It blows ${last.content}.` }, { finish_reason: 'stop' }]
  return thoughtful
}
describe('the embedded model', () => {
  let chat: MistralChat
  beforeAll(async () => {
    chat = await loadPocket()
  }, patience(120_000))
  afterAll(() => chat?.dispose())
  const request = { prompt: 'What is a mistral?', temperature: 0, maxOutputTokens: 24 }

  test('gives the text, whole and streamed, with usage', async () => {
    const { text: expected, usage } = await chat.complete({
      messages: [{ role: 'user', content: request.prompt }],
      temperature: 0,
      max_tokens: 24,
    })
    const model = createMistralWebGPU(Promise.resolve(chat), { modelId: 'pocket' })()
    const result = await generateText({ model, ...request })
    expect(result.text).toBe(expected)
    expect([result.response.modelId, result.finishReason]).toEqual(['pocket', 'length'])
    expect(result.usage).toMatchObject({
      inputTokens: usage.prompt_tokens,
      outputTokens: 24,
      totalTokens: usage.total_tokens,
    })
    const stream = streamText({ model, ...request })
    let text = ''
    for await (const piece of stream.textStream) text += piece
    expect(text).toBe(expected)
    expect((await stream.usage).outputTokens).toBe(24)
  })

  test('aborting frees the sequence', async () => {
    const model = createMistralWebGPU(chat)()
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
    await until(() => chat.status().running === 0)
    await expect(generateText({ model, prompt: 'A', abortSignal: AbortSignal.abort() })).rejects.toThrow()
  })

  test('faults are named', async () => {
    const model = createMistralWebGPU(chat)()
    await expect(generateText({ model, prompt: 'x', topP: 3, maxRetries: 0 })).rejects.toThrow('"top_p"')
    const image = { type: 'image' as const, image: new Uint8Array([137, 80, 78, 71]) }
    const seen = generateText({ model, messages: [{ role: 'user', content: [image] }], maxRetries: 0 })
    await expect(seen).rejects.toThrow('"prompt[0].content[0].type"')
  })
})

describe('answers', () => {
  test('hold thoughts, texts and calls, whole and streamed', async () => {
    const { model } = scripted([
      ...thoughtful.slice(0, 4),
      {
        tool_calls: [{ index: 0, ...call, function: { name: 'wind', arguments: '{"place":"Nice"}' } }],
        finish_reason: 'tool_calls',
      },
    ])
    const idle = tool({ inputSchema: jsonSchema({ type: 'object' }) }) as never
    const result = await generateText({ model, prompt: 'Hi', tools: { wind: idle } })
    expect([result.text, result.reasoningText, result.finishReason]).toEqual([
      'Good morning',
      'It is morning.',
      'tool-calls',
    ])
    expect(result.toolCalls).toMatchObject([{ toolCallId: 'abcdefghi', toolName: 'wind', input: { place: 'Nice' } }])
    expect(result.usage.outputTokenDetails.reasoningTokens).toBe(2)
    const types: string[] = []
    const { model: streamed } = scripted(thoughtful)
    for await (const { type } of streamText({ model: streamed, prompt: 'Hi', tools: { wind: idle } }).fullStream)
      types.push(type)
    expect(types).toEqual([
      ...['start', 'start-step'],
      ...['reasoning-start', 'reasoning-delta', 'reasoning-delta', 'reasoning-end'],
      ...['text-start', 'text-delta', 'text-delta', 'text-end'],
      ...['tool-input-start', 'tool-input-delta', 'tool-input-delta', 'tool-input-end', 'tool-call'],
      ...['finish-step', 'finish'],
    ])
  })

  test('tools are run', async () => {
    const { chat, model } = scripted(once)
    const stream = streamText({ model, prompt: 'Hi', tools: { wind }, stopWhen: stepCountIs(2) })
    expect(await stream.text).toBe('It blows hard in Nice.')
    expect((chat.requests[1] as Json).messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: 'Good morning',
        reasoning_content: 'It is morning.',
        tool_calls: [{ id: 'abcdefghi', type: 'function', function: { name: 'wind', arguments: { place: 'Nice' } } }],
      },
      { role: 'tool', tool_call_id: 'abcdefghi', name: 'wind', content: 'hard in Nice' },
    ])
  })

  test('a call that was cut off is none', async () => {
    const { model } = scripted([...thoughtful.slice(4, 6), { finish_reason: 'length' }])
    const stream = streamText({ model, prompt: 'Hi', tools: { wind } })
    expect(await stream.toolCalls).toEqual([])
    expect(await stream.finishReason).toBe('length')
  })

  test('a failure before the first piece fails the call; one later is a part of the stream', async () => {
    const fail = new ContextLengthError(9, 8)
    await expect(scripted([{ fail }]).model.doStream({ prompt: [] })).rejects.toBe(fail)
    const errors: unknown[] = []
    const stream = streamText({
      ...scripted([{ text: 'a' }, { fail }]),
      prompt: 'Hi',
      onError: ({ error }) => void errors.push(error),
    })
    let text = ''
    for await (const piece of stream.textStream) text += piece
    expect([text, errors]).toEqual(['a', [fail]])
  })
})

describe('requests', () => {
  const done: Step[] = [{ text: 'ok', finish_reason: 'stop' }]

  test('settings become the request’s, with those of the provider', async () => {
    const made = { ...call, index: 0, function: { name: 'wind', arguments: '{"place":"Nice"}' } }
    const { chat, model } = scripted([{ tool_calls: [made], finish_reason: 'tool_calls' }])
    await generateText({
      model,
      system: 'Be brief.',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
      ...{
        maxOutputTokens: 9,
        temperature: 0.5,
        topP: 0.9,
        topK: 3,
        presencePenalty: 0.1,
        frequencyPenalty: 0.2,
        seed: 7,
      },
      stopSequences: ['.'],
      tools: { wind },
      toolChoice: { type: 'tool', toolName: 'wind' },
      providerOptions: { 'mistral-webgpu': { min_p: 0.1, reasoning_effort: 'high' } },
    })
    expect(chat.requests[0]).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
      ],
      ...{
        max_new_tokens: 9,
        temperature: 0.5,
        top_p: 0.9,
        top_k: 3,
        presence_penalty: 0.1,
        frequency_penalty: 0.2,
        seed: 7,
      },
      stop: ['.'],
      tools: [{ type: 'function', function: { name: 'wind', description: 'How it blows' } }],
      tool_choice: { type: 'function', function: { name: 'wind' } },
      ...{ min_p: 0.1, reasoning_effort: 'high' },
    })
  })

  test('the format of the answer is that of chat completions', async () => {
    const { chat, model } = scripted(done)
    const schema = { type: 'object', properties: { a: { type: 'string' } } } as const
    await model.doGenerate({ prompt: [], responseFormat: { type: 'json', schema, name: 'x' } })
    await model.doGenerate({ prompt: [], responseFormat: { type: 'json' } })
    expect(chat.requests.map(({ response_format }) => response_format)).toEqual([
      { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } },
      { type: 'json_object' },
    ])
  })

  test('results of tools of every kind are texts', async () => {
    const { chat, model } = scripted(done)
    const outputs = [
      { type: 'text', value: 'a' },
      { type: 'json', value: { b: 1 } },
      { type: 'error-text', value: 'c' },
      { type: 'error-json', value: [4] },
      { type: 'execution-denied', reason: 'no' },
      {
        type: 'content',
        value: [
          { type: 'text', text: 'e' },
          { type: 'text', text: 'f' },
        ],
      },
    ]
    const content = outputs.map((output, i) => ({ type: 'tool-result', toolCallId: `${i}`, toolName: 't', output }))
    await model.doGenerate({ prompt: [{ role: 'tool', content }] })
    const shown = (chat.requests[0] as Json).messages.map((message: Json) => message.content)
    expect(shown).toEqual(['a', '{"b":1}', 'Error: c', 'Error: [4]', 'Error: the user did not allow it: no', 'e\nf'])
  })

  test('tools of providers are told of', async () => {
    const { chat, model } = scripted(done)
    const { warnings } = await model.doGenerate({
      prompt: [],
      tools: [{ type: 'provider', id: 'a.b', name: 'search', args: {} } as never],
    })
    expect(warnings).toMatchObject([{ type: 'unsupported', feature: 'tool search' }])
    expect(chat.requests[0]).not.toHaveProperty('tools')
  })

  test('the model is one of the SDK', () => {
    const model: LanguageModelV3 = createMistralWebGPU(fakeChat(done)).languageModel('x')
    expect([model.specificationVersion, model.modelId, model.provider]).toEqual(['v3', 'x', 'mistral-webgpu'])
  })
})
