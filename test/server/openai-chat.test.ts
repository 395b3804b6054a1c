import { describe, expect, test, vi } from 'vitest'
import { appOf, call, events, greeting, type Json, post, question } from './fake-chat.ts'

const CHAT = '/v1/chat/completions'

describe('chat completions', () => {
  test('answer in one piece', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_900 })
    const { app, chat } = appOf()
    const response = await post(app, CHAT, { ...question, temperature: 0.5, top_p: 0.95, max_tokens: 50 })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    const body = await response.json()
    vi.useRealTimers()
    expect(body).toEqual({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{24}$/),
      object: 'chat.completion',
      created: 1_700_000_000,
      model: 'mistral',
      choices: [
        { index: 0, message: { role: 'assistant', content: 'Hi there' }, logprobs: null, finish_reason: 'stop' },
      ],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 2,
        total_tokens: 12,
        prompt_tokens_details: { cached_tokens: 4 },
      },
    })
    expect(chat.requests).toEqual([{ messages: question.messages, temperature: 0.5, top_p: 0.95, max_tokens: 50 }])
  })

  test('stream in the order of the reference', async () => {
    const { app } = appOf()
    const response = await post(app, CHAT, { ...question, stream: true })
    expect(response.headers.get('content-type')).toMatch('text/event-stream')
    expect(response.headers.get('cache-control')).toMatch('no-cache')
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    const chunks = await events(response)
    const { id, created } = chunks[0]
    const chunk = (delta: object, finish_reason: string | null = null) => ({
      id,
      object: 'chat.completion.chunk',
      created,
      model: 'mistral',
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    })
    expect(chunks).toEqual([
      chunk({ role: 'assistant', content: '' }),
      chunk({ content: 'Hi' }),
      chunk({ content: ' there' }),
      chunk({}, 'stop'),
      '[DONE]',
    ])
  })

  // LlamaIndex reads the first of a chunk alone (findings/llamaindex-openai-streams.sh).
  test('stream each piece of a call in a chunk of its own', async () => {
    const tool_calls = [
      { index: 0, function: { arguments: '}' } },
      { index: 1, ...call, id: 'jklmnopqr' },
    ]
    const { app } = appOf([{ tool_calls: [{ index: 0, ...call }] }, { tool_calls, finish_reason: 'tool_calls' }])
    const chunks = await events(await post(app, CHAT, { ...question, stream: true }))
    const sent = chunks.slice(0, -1).flatMap(({ choices }) => choices[0].delta.tool_calls ?? [])
    expect(sent).toEqual([{ index: 0, ...call }, ...tool_calls])
    expect(chunks.filter((each) => each.choices?.[0].delta.tool_calls?.length > 1)).toEqual([])
    expect(chunks.at(-2).choices[0].finish_reason).toBe('tool_calls')
  })

  test('include_usage gives null on all chunks and a last one without choices', async () => {
    const { app } = appOf()
    const body = { ...question, stream: true, stream_options: { include_usage: true } }
    const chunks = await events(await post(app, CHAT, body))
    expect(chunks.map((chunk) => chunk.usage)).toEqual([
      null,
      null,
      null,
      null,
      { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12, prompt_tokens_details: { cached_tokens: 4 } },
      undefined,
    ])
    expect(chunks.at(-2).choices).toEqual([])
  })

  test('several choices keep their index, each with its role and its end', async () => {
    const { app } = appOf([
      { index: 1, text: 'b' },
      { index: 0, text: 'a', finish_reason: 'stop' },
      { index: 1, text: 'B', finish_reason: 'length' },
    ])
    const whole = await (await post(app, CHAT, { ...question, n: 2 })).json()
    expect(whole.choices.map((c: Json) => [c.index, c.message.content, c.finish_reason])).toEqual([
      [0, 'a', 'stop'],
      [1, 'bB', 'length'],
    ])
    const chunks = await events(await post(app, CHAT, { ...question, n: 2, stream: true }))
    const seen = chunks
      .slice(0, -1)
      .map(({ choices: [c] }) => [c.index, c.delta.role ?? c.delta.content ?? c.finish_reason])
    expect(seen).toEqual([
      [0, 'assistant'],
      [1, 'assistant'],
      [1, 'b'],
      [0, 'a'],
      [0, 'stop'],
      [1, 'B'],
      [1, 'length'],
    ])
  })

  test('logprobs have the shape of the API, also for the tokens of one character', async () => {
    const token = (token: string, logprob: number) => ({ token, token_id: 7, logprob, bytes: [1] })
    const entry = (text: string) => ({ ...token(text, -0.5), top_logprobs: [token(text, -0.5), token('x', -2)] })
    const { app } = appOf([
      { text: 'é', token_ids: [7, 7], logprobs: [entry('<0xC3>'), entry('<0xA9>')] },
      { text: 'Hi', logprobs: [entry('Hi')], finish_reason: 'stop' },
    ])
    const body = { ...question, logprobs: true, top_logprobs: 2 }
    const shown = (token: string) => ({
      token,
      logprob: -0.5,
      bytes: [1],
      top_logprobs: [
        { token, logprob: -0.5, bytes: [1] },
        { token: 'x', logprob: -2, bytes: [1] },
      ],
    })
    const whole = await (await post(app, CHAT, body)).json()
    expect(whole.choices[0].logprobs).toEqual({
      content: [shown('<0xC3>'), shown('<0xA9>'), shown('Hi')],
      refusal: null,
    })
    const chunks = await events(await post(app, CHAT, { ...body, stream: true }))
    expect(chunks.slice(1, 3).map(({ choices: [c] }) => [c.delta.content, c.logprobs.content])).toEqual([
      ['é', [shown('<0xC3>'), shown('<0xA9>')]],
      ['Hi', [shown('Hi')]],
    ])
  })

  test('tool calls: whole with null content, streamed as deltas', async () => {
    const call = { id: 'abcdefghi', type: 'function', function: { name: 'wind', arguments: '{"at":"Nice"}' } }
    const first = { index: 0, id: 'abcdefghi', type: 'function', function: { name: 'wind', arguments: '' } } as const
    const rest = { index: 0, function: { arguments: '{"at":"Nice"}' } }
    const { app, chat } = appOf((request) =>
      request.tool_choice === 'auto'
        ? ([{ tool_calls: [first] }, { tool_calls: [rest], finish_reason: 'tool_calls' }] as Json)
        : ([{ tool_calls: [call], finish_reason: 'tool_calls' }] as Json),
    )
    const tools = [{ type: 'function', function: { name: 'wind', parameters: { type: 'object' } } }]
    const body = { ...question, tools, parallel_tool_calls: false }
    const whole = await (await post(app, CHAT, body)).json()
    expect(whole.choices[0].message).toEqual({ role: 'assistant', content: null, tool_calls: [call] })
    expect(whole.choices[0].finish_reason).toBe('tool_calls')
    const chunks = await events(await post(app, CHAT, { ...body, tool_choice: 'auto', stream: true }))
    expect(chunks.slice(1, -1).map(({ choices: [c] }) => [c.delta, c.finish_reason])).toEqual([
      [{ tool_calls: [first] }, null],
      [{ tool_calls: [rest] }, null],
      [{}, 'tool_calls'],
    ])
    expect(chat.requests[0]).toEqual({ messages: question.messages, tools, parallel_tool_calls: false })
  })

  test('null, an empty list and empty texts are no stop', async () => {
    for (const stop of [null, [], '', ['', ''], Array(16).fill('a')])
      expect((await post(appOf().app, CHAT, { ...question, stop })).status).toBe(200)
  })

  test('fields about accounts change nothing; null is a missing field', async () => {
    const { app, chat } = appOf()
    const response = await post(app, CHAT, {
      ...question,
      user: 'me',
      metadata: { a: 'b' },
      store: false,
      service_tier: 'auto',
      stream: null,
      temperature: null,
      response_format: { type: 'text' },
      modalities: ['text'],
      tools: null,
      audio: null,
      logprobs: false,
      some_day_a_field: null,
    })
    expect(response.status).toBe(200)
    expect(chat.requests[0]).toMatchObject({ messages: question.messages })
    expect(chat.requests[0]).not.toHaveProperty('user')
  })

  const long = 'x'.repeat(300)
  test.each<[string, object, string, RegExp]>([
    ['no messages', { messages: undefined }, 'messages', /is required/],
    ['no model', { model: undefined }, 'model', /is required/],
    ['a long model name', { model: long }, 'model', /256/],
    ['a hot temperature', { temperature: 2.1 }, 'temperature', /from 0 to 2/],
    ['a text as a temperature', { temperature: '1' }, 'temperature', /from 0 to 2/],
    ['seventeen stops', { stop: Array(17).fill('a') }, 'stop', /at most 16/],
    ['a top_p of 2', { top_p: 2 }, 'top_p', /from 0 to 1/],
    ['a misspelt name', { temprature: 1 }, 'temprature', /did you mean "temperature"\?.*--lenient/],
    ['a misspelt name of the wire', { streem: true }, 'streem', /"stream"/],
    ['an unknown format', { response_format: { type: 'xml' } }, 'response_format', /json_schema/],
    ['stream options without a stream', { stream_options: {} }, 'stream_options', /"stream": true/],
    [
      'an unknown stream option',
      { stream: true, stream_options: { a: 1 } },
      'stream_options.a',
      /not a known field.*--lenient/,
    ],
    ['top_logprobs alone', { top_logprobs: 3 }, 'top_logprobs', /needs logprobs/],
    ['the deprecated functions', { functions: [] }, 'functions', /tools/],
    ['audio', { modalities: ['audio'] }, 'modalities', /text only/],
    ['a list as metadata', { metadata: [1] }, 'metadata', /an object whose values are strings/],
    ['a number in metadata', { metadata: { a: 1 } }, 'metadata.a', /an object whose values are strings/],
    ['a number as a stop', { stop: ['a', 1] }, 'stop', /list of at most 16 texts/],
    ['a bias of 101', { logit_bias: { 5: 101 } }, 'logit_bias', /-100 to 100/],
  ])('%s: a 400 that names the field', async (_, change, param, message) => {
    const { app, chat } = appOf()
    const response = await post(app, CHAT, { ...question, ...change })
    expect(response.status).toBe(400)
    const { error } = await response.json()
    expect(error).toEqual({ message: expect.stringMatching(message), type: 'invalid_request_error', param, code: null })
    expect(chat.requests).toEqual([])
  })

  test('a lenient server ignores what it does not know, and still checks what it does', async () => {
    const { app } = appOf(greeting, { lenient: true })
    const ignored = { temprature: 1, stream_options: null, audio: {}, __proto__x: 1, echo: true }
    expect((await post(app, CHAT, { messages: question.messages, ...ignored })).status).toBe(200)
    const options = { stream: true, stream_options: { include_usage: true, future: 1 } }
    for (const [path, body] of [
      [CHAT, question],
      ['/v1/completions', { model: 'm', prompt: 'a' }],
    ] as const) {
      const chunks = await events(await post(app, path, { ...body, ...options }))
      expect(chunks.at(-2)).toMatchObject({ choices: [], usage: { completion_tokens: 2 } })
      const wrong = { ...body, stream: true, stream_options: { include_usage: 1 } }
      expect((await post(app, path, wrong)).status).toBe(400)
    }
    expect((await post(app, CHAT, { messages: question.messages, top_p: 2 })).status).toBe(400)
  })

  test('any model name is answered, unless the server is strict', async () => {
    const { app } = appOf()
    const seeds = { ...question, model: 'mistral-7b' }
    expect((await (await post(app, CHAT, seeds)).json()).model).toBe('mistral')
    const strict = appOf(greeting, { strictModel: true, modelId: 'mistral-7b' }).app
    expect((await post(strict, CHAT, seeds)).status).toBe(200)
    const response = await post(strict, CHAT, question)
    expect(response.status).toBe(404)
    expect((await response.json()).error).toMatchObject({
      type: 'not_found_error',
      code: 'model_not_found',
      param: 'model',
    })
  })
})

describe('thoughts', () => {
  const script = [
    { reasoning_content: 'Let me ' },
    { reasoning_content: 'think.' },
    { text: 'Yes', finish_reason: 'stop' as const },
  ]

  test('stand beside the content, whole and streamed', async () => {
    const { app } = appOf(script)
    const { choices }: Json = await (await post(app, '/v1/chat/completions', question)).json()
    expect(choices[0].message).toEqual({ role: 'assistant', content: 'Yes', reasoning_content: 'Let me think.' })
    const parts = await events(await post(app, '/v1/chat/completions', { ...question, stream: true }))
    const deltas = parts.flatMap((part) => (part === '[DONE]' ? [] : [part.choices[0].delta]))
    expect(deltas).toEqual([
      { role: 'assistant', content: '' },
      { reasoning_content: 'Let me ' },
      { reasoning_content: 'think.' },
      { content: 'Yes' },
      {},
    ])
  })

  test('are in no answer without them', async () => {
    const { app } = appOf()
    const { choices }: Json = await (await post(app, '/v1/chat/completions', question)).json()
    expect(choices[0].message).not.toHaveProperty('reasoning_content')
  })

  test('are asked for with reasoning_effort, which goes to the model', async () => {
    const { app, chat } = appOf()
    await post(app, '/v1/chat/completions', { ...question, reasoning_effort: 'high' })
    expect(chat.requests[0]).toMatchObject({ reasoning_effort: 'high' })
    const wrong = await post(app, '/v1/chat/completions', { ...question, reasoning_effort: 7 })
    expect([wrong.status, ((await wrong.json()) as Json).error.param]).toEqual([400, 'reasoning_effort'])
  })
})
