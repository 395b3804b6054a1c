import { HTTPValidationError, MistralError, SDKError } from '@mistralai/mistralai/models/errors'
import { afterAll, describe, expect, test } from 'vitest'
import { ContextLengthError } from '../../src/errors.ts'
import { SAFE_PROMPT } from '../../src/server/mistral-client.ts'
import { appOf, events, type Json, post, question, type Step } from './fake-chat.ts'
import { call, calling, clientOf, scripted } from './mistral-scripts.ts'
import { messages, servePocket, until } from './pocket.ts'

const { chat, app, answer, idle } = await servePocket()
afterAll(() => chat.dispose())

describe('@mistralai/mistralai', () => {
  const client = clientOf(app)
  const greedy = { model: 'pocket', messages, temperature: 0, maxTokens: 24 }

  test('gets the text, whole and streamed, with the usage at its end', async () => {
    const whole = await client.chat.complete(greedy)
    expect(whole.choices[0]!.message!.content).toBe(answer)
    let text = ''
    const usages: Json[] = []
    const reasons: unknown[] = []
    for await (const { data } of await client.chat.stream(greedy)) {
      text += data.choices[0]!.delta.content
      usages.push(data.usage)
      reasons.push(data.choices[0]!.finishReason)
    }
    expect(text).toBe(answer)
    expect(usages.pop()).toMatchObject({
      promptTokens: whole.usage.promptTokens,
      completionTokens: 24,
      totalTokens: 32,
    })
    expect(usages.every((usage) => usage === undefined)).toBe(true)
    expect(reasons.pop()).toBe(whole.choices[0]!.finishReason)
  })

  test('random_seed repeats a text', async () => {
    const ask = async (randomSeed: number) => {
      const { choices } = await client.chat.complete({ ...greedy, temperature: 2, topP: 1, randomSeed })
      return choices[0]!.message!.content
    }
    expect(await ask(11)).toBe(await ask(11))
    expect(await ask(11)).not.toBe(await ask(12))
  })

  test('several choices end each with its reason, the last with the usage', async () => {
    const script: Step[] = [
      { index: 1, text: 'b', finish_reason: 'length' },
      { index: 0, text: 'a', finish_reason: 'stop' },
    ]
    const seen: Json[] = []
    for await (const { data } of await scripted(script).client.chat.stream({ ...greedy, n: 2 })) {
      const [choice] = data.choices
      seen.push([choice!.index, choice!.delta.content, choice!.finishReason, data.usage?.completionTokens])
    }
    expect(seen).toEqual([
      [0, '', null, undefined],
      [1, '', null, undefined],
      [1, 'b', null, undefined],
      [0, 'a', null, undefined],
      [1, '', 'length', undefined],
      [0, '', 'stop', 2],
    ])
  })

  test('lists and shows the model, which it refuses without its kind and what it can do', async () => {
    const own = scripted(calling, { modelId: 'mine' }).client
    const [card] = (await own.models.list()).data!
    expect(card).toMatchObject({ id: 'mine', type: 'base', maxContextLength: 8192 })
    expect((card as Json).capabilities).toMatchObject({ completionChat: true, functionCalling: true, vision: false })
    expect(await own.models.retrieve({ modelId: 'mine' })).toMatchObject({ id: 'mine', type: 'base' })
    const [pocket] = (await client.models.list()).data as Json[]
    expect(pocket.capabilities.functionCalling).toBe(false)
  })

  test('runs tools, whole and streamed; a call comes in one piece', async () => {
    const { client: own, chat: fake } = scripted(calling)
    const tools = [{ type: 'function' as const, function: { name: 'wind', parameters: { type: 'object' } } }]
    const ask = { model: 'm', tools, toolChoice: 'any' as const, messages: [{ role: 'user' as const, content: 'Hi' }] }
    const deltas: Json[] = []
    for await (const { data } of await own.chat.stream(ask)) deltas.push(data.choices[0])
    expect(deltas.map(({ delta }) => delta.content)).toEqual(['', 'Let me see.', ''])
    expect(deltas.at(-1).finishReason).toBe('tool_calls')
    expect(deltas.at(-1).delta.toolCalls).toEqual([{ ...call, index: 0 }])
    const { toolCalls } = deltas.at(-1).delta
    const { choices } = await own.chat.complete({
      ...ask,
      messages: [
        ...ask.messages,
        { role: 'assistant', toolCalls },
        { role: 'tool', toolCallId: 'abcdefghi', name: 'wind', content: 'hard' },
      ],
    })
    expect(choices[0]!.message!.content).toBe('It blows.')
    expect(fake.requests.map((request) => request.tool_choice)).toEqual(['any', 'any'])
  })

  test('thoughts are parts of the content, before the text', async () => {
    const script: Step[] = [
      { reasoning_content: 'It is ' },
      { reasoning_content: 'morning.' },
      { text: 'Good morning', finish_reason: 'stop' },
    ]
    const { client: own } = scripted(script)
    const streamed: Json[] = []
    let usage: Json
    for await (const { data } of await own.chat.stream(greedy)) {
      streamed.push(data.choices[0]!.delta.content)
      usage = data.usage ?? usage
    }
    expect(JSON.stringify(usage)).toMatch(/"reasoning_?tokens":2/i)
    const thinking = (text: string) => ({ type: 'thinking', thinking: [{ type: 'text', text }] })
    expect(streamed).toEqual(['', [thinking('It is ')], [thinking('morning.')], 'Good morning', ''])
    const whole = await scripted(script.slice(1)).client.chat.complete(greedy)
    const text = { type: 'text', text: 'Good morning' }
    expect(whole.choices[0]!.message!.content).toEqual([thinking('morning.'), text])
  })

  test('errors are its own classes, in Mistral’s shape', async () => {
    const bad = await client.chat.complete({ ...greedy, temperature: 9 }).catch((error) => error)
    expect(bad).toBeInstanceOf(HTTPValidationError)
    expect(bad.detail).toEqual([
      {
        type: 'value_error',
        loc: ['body', 'temperature'],
        msg: 'parameter "temperature" (9): must be a number from 0 to 2',
      },
    ])
    expect([bad.statusCode, JSON.parse(bad.body)]).toEqual([
      422,
      {
        object: 'error',
        message: bad.detail[0].msg,
        type: 'invalid_request_error',
        param: 'temperature',
        code: null,
        detail: bad.detail,
      },
    ])
    const nested = await client.chat
      .complete({ ...greedy, messages: [{ role: 'user', content: null }] })
      .catch((e) => e)
    expect(nested.detail[0].loc).toEqual(['body', 'messages', 0, 'content'])
    const long = scripted([{ fail: new ContextLengthError(9, 8) }]).client
    const error = await long.chat.complete(greedy).catch((error) => error)
    expect(error).toBeInstanceOf(SDKError)
    expect([error.statusCode, JSON.parse(error.body).code]).toEqual([400, 'context_length_exceeded'])
    const locked = scripted(calling, { apiKeys: ['k'] }).client
    const refused = await locked.models.list().catch((error) => error)
    expect(refused).toBeInstanceOf(MistralError)
    expect([refused.statusCode, JSON.parse(refused.body).type]).toEqual([401, 'authentication_error'])
  })

  test('what fails on the way comes as its error, too', async () => {
    const { client: own } = scripted([{ text: 'Hi' }, { fail: new ContextLengthError(9, 8) }])
    const read = async () => {
      for await (const _ of await own.chat.stream(greedy));
    }
    await expect(read()).rejects.toThrow()
  })

  test('abort in mid-stream frees the sequence', async () => {
    const control = new AbortController()
    const long = { ...greedy, temperature: 1, maxTokens: 900 }
    const leaving = clientOf(app, control.signal)
    const read = async () => {
      for await (const _ of await leaving.chat.stream(long)) control.abort()
    }
    await expect(read()).rejects.toMatchObject({ name: 'AbortError' })
    await until(idle)
  })
})

describe('safe_prompt', () => {
  const system = (content: unknown) => ({ role: 'system', content })
  test.each<[string, Json[], Json[]]>([
    ['is a message of the system', [], [system(SAFE_PROMPT)]],
    ['is put before the one that is there', [system('Be brief.')], [system(`${SAFE_PROMPT}\n\nBe brief.`)]],
    ['replaces an empty one', [system('')], [system(SAFE_PROMPT)]],
    [
      'is a part before the parts of the one that is there',
      [{ ...system([{ type: 'text', text: 'Be brief.' }]), name: 'n' }],
      [{ ...system([SAFE_PROMPT, 'Be brief.'].map((text) => ({ type: 'text', text }))), name: 'n' }],
    ],
  ])('%s', async (_, before, after) => {
    for (const safe_prompt of [true, false]) {
      const { app: own, chat: fake } = appOf()
      const asked = [...before, ...question.messages]
      expect((await post(own, '/v1/chat/completions', { model: 'm', messages: asked, safe_prompt })).status).toBe(200)
      expect(fake.requests[0]).toEqual({ messages: safe_prompt ? [...after, ...question.messages] : asked })
    }
  })

  test('is refused by name where there are no messages, and does not hide what is wrong with them', async () => {
    const refused = await post(appOf().app, '/v1/completions', { model: 'm', prompt: 'a', safe_prompt: true })
    expect([refused.status, (await refused.json()).error.param]).toEqual([400, 'safe_prompt'])
    expect((await post(appOf().app, '/v1/completions', { model: 'm', prompt: 'a', safe_prompt: false })).status).toBe(
      200,
    )
    for (const [wrong, param] of [
      [5, 'messages'],
      [[], 'messages'],
      [[5], 'messages[0]'],
      [[...question.messages, { role: 7 }], 'messages[1].role'],
    ] as const) {
      const response = await post(app, '/v1/chat/completions', { model: 'm', messages: wrong, safe_prompt: true })
      expect([response.status, (await response.json()).error.param]).toEqual([400, param])
    }
  })
})

describe('who gets which errors', () => {
  const sent = { ...question, top_p: 3 }
  const bodyFor = async (agent: string, fields: object = {}) => {
    const headers = { 'user-agent': agent }
    const response = await post(appOf().app, '/v1/chat/completions', { ...sent, ...fields }, { headers })
    return [response.status, Object.keys(await response.json())]
  }
  const flat = ['object', 'message', 'type', 'param', 'code']

  test.each<[string, object, number, string[]]>([
    ['OpenAI/JS 6.0.0', {}, 400, ['error']],
    ['curl/8.0', {}, 400, ['error']],
    ['mistral-client-typescript/2.7.0', {}, 422, [...flat, 'detail']],
    ['mistral-client-python/1.9.0', {}, 422, [...flat, 'detail']],
    ['speakeasy-sdk/typescript 2.7.0 2.884.13 1.0.0 @mistralai/mistralai', {}, 422, [...flat, 'detail']],
    ['ai/6.0.326 ai-sdk/mistral/3.0.69 runtime/node.js/20', {}, 422, [...flat, 'detail']],
    ['ai/6.0.326 ai-sdk/provider-utils/4.0.56 runtime/node.js/20', {}, 400, ['error', ...flat]],
    ['OpenAI/Python 2.0.0', { random_seed: 7 }, 400, ['error', ...flat]],
    ['python-httpx/0.28', { safe_prompt: false }, 400, ['error', ...flat]],
  ])('%s, %j', async (agent, fields, status, keys) => {
    expect(await bodyFor(agent, fields)).toEqual([status, keys])
  })

  test('the predict route has its own way for all', async () => {
    const headers = { 'user-agent': 'mistral-client-typescript/2.7.0' }
    const response = await post(appOf().app, '/predict', sent, { headers })
    expect([response.status, Object.keys(await response.json())]).toEqual([400, ['error']])
  })

  test('a failure in mid-stream has the shape of the route’s client', async () => {
    const fail = new ContextLengthError(9, 8)
    const ask = async (agent: string) => {
      const { app: own } = appOf([{ text: 'a' }, { fail }])
      const init = { headers: { 'user-agent': agent } }
      return (await events(await post(own, '/v1/chat/completions', { ...question, stream: true }, init))).at(-2)
    }
    expect(Object.keys(await ask('curl'))).toEqual(['error'])
    expect(Object.keys(await ask('mistral-client-typescript/1'))).toEqual(flat)
  })
})
