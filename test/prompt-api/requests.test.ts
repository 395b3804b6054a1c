/** What a `LanguageModel` asks for beside its prompts: options, constraints on the answer, tools. */
import { beforeEach, describe, expect, test } from 'vitest'
import {
  LanguageModel,
  type LanguageModelContent,
  LanguageModelToolCall,
  LanguageModelToolError,
  LanguageModelToolSuccess,
  releaseModel,
} from '../../src/prompt-api/index.ts'
import type { Json, Step } from '../server/fake-chat.ts'
import { conversation, echo, named, provide } from './support.ts'

beforeEach(() => releaseModel())

describe('options', () => {
  test.each([
    ['most-predictable', { do_sample: false }],
    ['balanced', {}],
    ['most-creative', { temperature: 1.5, top_p: 1, top_k: 0 }],
  ] as const)('samplingMode %s', async (samplingMode, params) => {
    const chat = provide(echo)
    const session = await LanguageModel.create({ samplingMode })
    await session.prompt('Hi')
    const { messages: _, max_new_tokens: _m, ...sent } = chat.requests[0]!
    expect([session.samplingMode, sent]).toEqual([samplingMode, params])
  })

  test('topK and temperature, with their limits', async () => {
    const chat = provide(echo)
    const session = await LanguageModel.create({ topK: 3.7, temperature: Number.POSITIVE_INFINITY })
    await session.prompt('Hi')
    expect(chat.requests[0]).toMatchObject({ top_k: 3, temperature: 2 })
    expect([session.topK, session.temperature, session.samplingMode]).toEqual([3, 2, null])
    expect((await LanguageModel.create()).samplingMode).toBe('balanced')
    expect(await LanguageModel.params()).toMatchObject({ defaultTopK: 50, defaultTemperature: 1, maxTemperature: 2 })
    await expect(LanguageModel.create({ temperature: -1 })).rejects.toThrow(RangeError)
    await expect(LanguageModel.create({ topK: 0 })).rejects.toThrow(RangeError)
    await expect(LanguageModel.create({ topK: 5, samplingMode: 'creative' })).rejects.toThrow(TypeError)
    await expect(LanguageModel.create({ samplingMode: 'wild' as never })).rejects.toThrow(TypeError)
  })

  test('expected inputs and outputs', async () => {
    provide(echo)
    const text = {
      expectedInputs: [{ type: 'text', languages: ['en', 'ja'] }],
      expectedOutputs: [{ type: 'text' }],
    } as const
    expect(await LanguageModel.availability(text)).toBe('available')
    expect(await (await LanguageModel.create(text)).prompt('Hi')).toBe('<Hi>')
    const audio = { expectedInputs: [{ type: 'audio' }] } as const
    expect(await LanguageModel.availability(audio)).toBe('unavailable')
    await expect(LanguageModel.create(audio)).rejects.toEqual(named('NotSupportedError'))
    await expect(
      LanguageModel.availability({ expectedInputs: [{ type: 'text', languages: ['no language'] }] }),
    ).rejects.toThrow(RangeError)
    await expect(LanguageModel.availability({ expectedOutputs: [{ type: 'smell' as never }] })).rejects.toThrow(
      TypeError,
    )
  })

  test('progress is told at the beginning and at the end, even of a loaded model', async () => {
    provide(echo)
    const events: number[] = []
    await LanguageModel.create({
      monitor: (m) => m.addEventListener('downloadprogress', (e) => events.push((e as ProgressEvent).loaded)),
    })
    expect(events).toEqual([0, 1])
  })

  test('thinking asks for it, keeps it out of the answer and of the session, or gives it', async () => {
    const chat = provide([
      { reasoning_content: 'Hm, ' },
      { reasoning_content: 'so.' },
      { text: 'Yes' },
      { text: '.', finish_reason: 'stop' },
    ])
    const session = await LanguageModel.create({ thinking: { effort: 'low' } })
    expect(await session.prompt('Well?')).toBe('Yes.')
    expect(chat.requests[0]).toMatchObject({ reasoning_effort: 'auto', max_reasoning_tokens: 256 })
    await session.prompt('And?', { thinking: { effort: 'none' } })
    expect(chat.requests[1]).not.toHaveProperty('reasoning_effort')
    expect(conversation(chat)).toEqual(['user: Well?', 'assistant: Yes.', 'user: And?'])
    const parts = (await session.prompt('Why?', { thinking: { includeThoughts: true } })) as unknown
    expect(parts).toEqual([
      { type: 'thought', value: 'Hm, so.' },
      { type: 'text', value: 'Yes.' },
    ])
    const streamed: unknown[] = []
    for await (const part of session.promptStreaming('Why?', { thinking: { includeThoughts: true } }))
      streamed.push(part)
    expect(streamed.map((part) => (part as LanguageModelContent).type)).toEqual(['thought', 'thought', 'text', 'text'])
    await expect(LanguageModel.create({ thinking: { effort: 'max' as never } })).rejects.toThrow(TypeError)
  })
})

describe('responseConstraint', () => {
  const schema = { type: 'object', required: ['rating'], properties: { rating: { type: 'number' } } }

  test('is passed as response_format or regex, and the answer is checked', async () => {
    const chat = provide([{ text: '{"rating":5}' }, { finish_reason: 'stop' }])
    const session = await LanguageModel.create()
    expect(JSON.parse(await session.prompt('Rate', { responseConstraint: schema }))).toEqual({ rating: 5 })
    expect(chat.requests[0]!.response_format).toEqual({
      type: 'json_schema',
      json_schema: { name: 'response', schema, strict: true },
    })
    expect(await session.prompt('Rate', { responseConstraint: /\{.*\}/, omitResponseConstraintInput: true })).toContain(
      'rating',
    )
    expect(chat.requests[1]!.regex).toBe('\\{.*\\}')
    await expect(session.prompt('Rate', { responseConstraint: /[ab]+/ })).rejects.toEqual(named('SyntaxError'))
    provide([{ text: '{"rating"' }, { finish_reason: 'length' }])
    await expect((await LanguageModel.create()).prompt('Rate', { responseConstraint: schema })).rejects.toEqual(
      named('SyntaxError'),
    )
  })

  test.each<[string, object, unknown]>([
    ['a text', { responseConstraint: 'json' }, expect.any(TypeError)],
    ['a list', { responseConstraint: [] }, expect.any(TypeError)],
    ['nothing that could be left out', { omitResponseConstraintInput: true }, expect.any(TypeError)],
    ['flags that change what matches', { responseConstraint: /a/i }, named('NotSupportedError')],
  ])('cannot be %s', async (_, options, error) => {
    provide(echo)
    const session = await LanguageModel.create()
    await expect(session.prompt('Hi', options)).rejects.toEqual(error)
    await expect(session.measureContextUsage('Hi', options)).rejects.toEqual(error)
  })
})

describe('tools', () => {
  const weather = {
    name: 'get_weather',
    description: 'Get the weather in a location.',
    inputSchema: { type: 'object', properties: { location: { type: 'string' } } },
  }
  const calling = (request: Record<string, unknown>): Step[] => {
    const last = (request.messages as Json[]).at(-1)
    if (last.role === 'tool') return [{ text: `It is ${last.content}.` }, { finish_reason: 'stop' }]
    const call = (index: number, location: string) => ({
      ...{ index, id: `call${index}`, type: 'function' as const },
      function: { name: 'get_weather', arguments: JSON.stringify({ location }) },
    })
    return [
      { text: 'Let me see.' },
      { tool_calls: [call(0, 'Seattle'), call(1, 'Tokyo')] as Json },
      { finish_reason: 'tool_calls' },
    ]
  }
  const open = {
    tools: [weather],
    expectedInputs: [{ type: 'tool-response' }],
    expectedOutputs: [{ type: 'tool-call' }],
  } as const

  test('are called by the page: the open loop', async () => {
    const chat = provide(calling)
    const session = await LanguageModel.create(open)
    const result = (await session.prompt('Weather?')) as unknown as LanguageModelContent[]
    expect(result.map(({ type }) => type)).toEqual(['text', 'tool-call', 'tool-call'])
    const calls = result.slice(1).map(({ value }) => value as LanguageModelToolCall)
    expect(calls[0]).toBeInstanceOf(LanguageModelToolCall)
    expect(calls[0]).toEqual({ callID: 'call0', name: 'get_weather', arguments: { location: 'Seattle' } })
    const { callID, name } = calls[0]!
    const content = [
      {
        type: 'tool-response',
        value: new LanguageModelToolSuccess({
          callID,
          name,
          result: [{ type: 'object', value: { temperature: '55F' } }],
        }),
      },
      { type: 'tool-response', value: new LanguageModelToolError({ callID: 'call1', name, errorMessage: 'unknown' }) },
    ] as const
    expect(await session.prompt([{ role: 'user', content }])).toBe('It is Error: unknown.')
    const { messages, tools } = chat.requests[1] as Json
    expect(tools).toEqual([
      { type: 'function', function: { name, description: weather.description, parameters: weather.inputSchema } },
    ])
    expect(messages.slice(2)).toEqual([
      { role: 'tool', tool_call_id: 'call0', name, content: '{"temperature":"55F"}' },
      { role: 'tool', tool_call_id: 'call1', name, content: 'Error: unknown' },
    ])
    expect(messages[1].tool_calls).toHaveLength(2)
  })

  test('are called by the session: the closed loop', async () => {
    const chat = provide(calling)
    const asked: unknown[] = []
    const execute = async ({ location }: { location: string }) => {
      asked.push(location)
      if (location === 'Tokyo') throw new Error('no such place')
      return 'mild'
    }
    const session = await LanguageModel.create({ tools: [{ ...weather, execute }] })
    expect(await session.prompt('Weather?')).toBe('Let me see.It is Error: no such place.')
    expect(asked).toEqual(['Seattle', 'Tokyo'])
    expect((chat.requests[1] as Json).messages.map(({ role }: Json) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'tool',
    ])
    await session.prompt('And now?')
    expect((chat.requests[2] as Json).messages.map(({ role }: Json) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'tool',
      'assistant',
      'user',
    ])
  })

  test('without execute() need the output to be expected', async () => {
    provide(calling)
    await expect(LanguageModel.create({ tools: [weather] })).rejects.toThrow(TypeError)
  })
})
