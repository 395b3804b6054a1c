/** What the web platform tests of the Prompt API check of any implementation, said in our own words: tools, and answers of a model. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { MistralChat } from '../../src/index.ts'
import {
  LanguageModel,
  type LanguageModelTool,
  LanguageModelToolError,
  LanguageModelToolSuccess,
  provideModel,
  releaseModel,
} from '../../src/prompt-api/index.ts'
import type { Json } from '../server/fake-chat.ts'
import { loadPocket, until } from '../server/pocket.ts'
import { patience } from '../support/patience.ts'
import { echo, named, provide } from './support.ts'

beforeEach(() => releaseModel())

describe('tools', () => {
  const tool = { name: 'wind', description: 'How it blows', inputSchema: { type: 'object', properties: {} } }
  const open = { expectedInputs: [{ type: 'tool-response' }], expectedOutputs: [{ type: 'tool-call' }] } as const
  const circular: Json = { type: 'object', properties: {} }
  circular.self = circular

  test.each<[string, object]>([
    ['no schema', { inputSchema: undefined }],
    ['null for a schema', { inputSchema: null }],
    ['a text for a schema', { inputSchema: 'object' }],
    ['a schema without a type', { inputSchema: { properties: {} } }],
    ['a schema of a text', { inputSchema: { type: 'string' } }],
    ['properties that are none', { inputSchema: { type: 'object', properties: 'a' } }],
    ['a text for required', { inputSchema: { type: 'object', required: 'a' } }],
    ['a schema that holds itself', { inputSchema: circular }],
    ['an empty name', { name: '' }],
    ['an empty description', { description: '' }],
    ['no function to execute', { execute: 'wind' }],
  ])('one with %s is refused', async (_, fault) => {
    provide(echo)
    const tools = [tool, { ...tool, name: 'other', ...fault }] as LanguageModelTool[]
    await expect(LanguageModel.create({ ...open, tools })).rejects.toThrow(TypeError)
    await expect(LanguageModel.availability({ ...open, tools })).rejects.toThrow(TypeError)
  })

  test('two of one name are refused; what a schema throws is the error', async () => {
    provide(echo)
    await expect(LanguageModel.create({ ...open, tools: [tool, tool] })).rejects.toThrow(TypeError)
    const error = new Error('of the getter')
    const fails = () => {
      throw error
    }
    const schemas = [
      Object.defineProperty({ type: 'object' }, 'more', { get: fails, enumerable: true }),
      { type: 'object', toJSON: fails },
      new Proxy({ type: 'object' } as Json, { get: (target, key) => (key === 'properties' ? fails() : target[key]) }),
    ]
    for (const inputSchema of schemas) {
      await expect(LanguageModel.create({ ...open, tools: [{ ...tool, inputSchema }] })).rejects.toBe(error)
    }
  })

  test('none, or an expected call without one, change nothing', async () => {
    provide(echo)
    expect(await (await LanguageModel.create({ tools: [] })).prompt('Hello')).toBe('<Hello>')
    expect(await (await LanguageModel.create(open)).prompt('Hello')).toBe('<Hello>')
  })

  test('results are texts or plain JSON', async () => {
    const chat = provide((request) => {
      if ((request.messages as Json[]).at(-1).role === 'tool') return echo(request)
      const call = { index: 0, id: 'call0', type: 'function' as const, function: { name: 'wind', arguments: '{}' } }
      return [{ tool_calls: [call] as Json }, { finish_reason: 'tool_calls' }]
    })
    const ask = async (type: string, value: unknown) => {
      const session = await (await LanguageModel.create({ ...open, tools: [tool] })).clone()
      const [part] = (await session.prompt('?')) as unknown as Json[]
      const { callID, name } = part.value
      const result = [{ type, value }] as never
      const success = new LanguageModelToolSuccess({ callID, name, result })
      return session.prompt([{ role: 'user', content: [{ type: 'tool-response', value: success }] }])
    }
    expect(await ask('text', 'hard')).toBe('<hard>')
    expect(await ask('text', { nested: [1, 2] })).toBe('<{"nested":[1,2]}>')
    expect(await ask('object', [1, 'a'])).toBe('<[1,"a"]>')
    const self: Json = {}
    self.self = self
    for (const value of [self, () => {}, 5n, undefined, new Map()]) {
      await expect(ask('text', value)).rejects.toEqual(named('DataError'))
      await expect(ask('object', value)).rejects.toEqual(named('DataError'))
    }
    for (const type of ['image', 'audio']) await expect(ask(type, self)).rejects.toEqual(named('NotSupportedError'))
    expect(() => new LanguageModelToolSuccess({ callID: 'a', name: 'b', result: [{ type: 'soup' }] as never })).toThrow(
      TypeError,
    )
    expect(new LanguageModelToolError({ callID: 'a', name: 'b', errorMessage: 'c' })).toMatchObject({ callID: 'a' })
    expect((chat.requests[1] as Json).messages.at(-1)).toMatchObject({ role: 'tool', tool_call_id: 'call0' })
  })
})

describe('the embedded model', () => {
  let chat: MistralChat
  beforeAll(async () => {
    chat = await loadPocket()
  }, patience(120_000))
  afterAll(() => chat?.dispose())

  const rating = {
    type: 'object',
    required: ['Rating'],
    additionalProperties: false,
    properties: { Rating: { type: 'number', minimum: 0, maximum: 5 } },
  }

  test.each<[object, (value: unknown) => boolean]>([
    [{ type: 'boolean' }, (value) => typeof value === 'boolean'],
    [{ type: 'number', minimum: -1, maximum: 1 }, (value) => (value as number) >= -1 && (value as number) <= 1],
    [{ type: 'string', maxLength: 8 }, (value) => typeof value === 'string'],
    [{ type: 'array', items: { type: 'boolean' }, maxItems: 3 }, Array.isArray],
    [rating, (value) => typeof (value as Json).Rating === 'number'],
  ])('answers %j', async (responseConstraint, fits) => {
    provideModel(chat)
    const session = await LanguageModel.create()
    const answer = JSON.parse(await session.prompt('hello', { responseConstraint }))
    expect([answer, fits(answer)]).toEqual([answer, true])
  })

  test.each([/^-?\d(\.\d{1,9})?$/, /^([^,]{1,9},){1,2}[^,]{1,9}$/, /hello/, /^[a-z]$/])(
    'answers %s',
    async (responseConstraint) => {
      provideModel(chat)
      const text = await (await LanguageModel.create()).prompt('hello', { responseConstraint })
      expect(text).toMatch(responseConstraint)
    },
  )

  test('a constraint holds for a prefix and its answer together', async () => {
    provideModel(chat)
    const session = await LanguageModel.create()
    const input = (content: string) =>
      [
        { role: 'user', content: 'hello' },
        { role: 'assistant', content, prefix: true },
      ] as const
    const prefix = '{ "Rating": '
    const answer = await session.prompt(input(prefix), { responseConstraint: rating })
    expect(Object.keys(JSON.parse(prefix + answer))).toEqual(['Rating'])
    await expect(session.prompt(input('invalid'), { responseConstraint: rating })).rejects.toEqual(
      named('NotSupportedError'),
    )
    expect(await session.prompt(input('ye'), { responseConstraint: /yes|no/ })).toBe('s')
  })

  test('what is no schema is not supported', async () => {
    provideModel(chat)
    const session = await LanguageModel.create()
    const circular: Json = {}
    circular.self = circular
    for (const responseConstraint of [circular, { type: 'soup' }]) {
      await expect(session.prompt('hello', { responseConstraint })).rejects.toEqual(named('NotSupportedError'))
    }
    expect(session.contextUsage).toBe(0)
  })

  test('usage grows by what was measured; a clone has the same', async () => {
    provideModel(chat)
    const session = await LanguageModel.create({ samplingMode: 'most-predictable' })
    const usage = await session.measureContextUsage('What is a mistral?')
    const result = await session.prompt('What is a mistral?')
    const added = chat.tokenizer.encode(result).length
    expect(Math.abs(session.contextUsage - usage - added)).toBeLessThanOrEqual(5)
    const clone = await session.clone()
    expect([clone.contextUsage, clone.contextWindow, clone.topK, clone.temperature, clone.samplingMode]).toEqual([
      session.contextUsage,
      session.contextWindow,
      session.topK,
      session.temperature,
      session.samplingMode,
    ])
    expect(await clone.prompt('And?')).toBe(await session.prompt('And?'))
  })

  test('the event of an overflow comes where older prompts are dropped for a new one', async () => {
    provideModel(chat)
    const session = await LanguageModel.create()
    const overflow = new Promise((resolve) => session.addEventListener('contextoverflow', resolve))
    const long = 'Please write a sentence in English. '.repeat(10)
    await session.append(long)
    const times = Math.floor(session.contextWindow / session.contextUsage)
    const control = new AbortController()
    const asked = session.prompt(long.repeat(times), { signal: control.signal })
    await overflow
    control.abort()
    await expect(asked).rejects.toEqual(named('AbortError'))
    await until(() => chat.status().running === 0)
  })
})
