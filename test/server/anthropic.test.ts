/** `/v1/messages`, asked by Anthropic's client as it stands. */
import Anthropic, { APIError, AuthenticationError, BadRequestError } from '@anthropic-ai/sdk'
import { describe, expect, test } from 'vitest'
import { ContextLengthError, DeviceLostError, QueueFullError } from '../../src/errors.ts'
import type { AppOptions } from '../../src/server/index.ts'
import { appOf, type Json, post, thoughtful } from './fake-chat.ts'
import { anthropicOf } from './official-clients.ts'

function scripted(script: Parameters<typeof appOf>[0], options: AppOptions = {}) {
  const { app, chat } = appOf(script, options)
  return { app, chat, client: anthropicOf(app) }
}

const asked = { model: 'm', max_tokens: 24, messages: [{ role: 'user' as const, content: 'Hi' }] }
const content = [
  { type: 'thinking', thinking: 'It is morning.', signature: '' },
  { type: 'text', text: 'Good morning', citations: null },
  { type: 'tool_use', id: 'abcdefghi', name: 'wind', input: { place: 'Nice' }, caller: { type: 'direct' } },
  { type: 'tool_use', id: 'jklmnopqr', name: 'wind', input: {}, caller: { type: 'direct' } },
]
const wind = {
  name: 'wind',
  description: 'How it blows',
  input_schema: { type: 'object' as const, properties: { place: { type: 'string' } } },
}

describe('answers', () => {
  test('are blocks, whole and streamed', async () => {
    const whole = await scripted(thoughtful).client.messages.create({ ...asked, tools: [wind] })
    expect(whole).toMatchObject({ type: 'message', role: 'assistant', stop_reason: 'tool_use', stop_sequence: null })
    expect(whole.content).toEqual(content)
    expect(whole.usage).toMatchObject({
      input_tokens: 6,
      cache_read_input_tokens: 4,
      output_tokens: 9,
      output_tokens_details: { thinking_tokens: 2 },
    })
    const final = await scripted(thoughtful).client.messages.stream(asked).finalMessage()
    expect(final.content.map((block) => ({ ...block }))).toEqual(content)
    expect(final.usage).toEqual(whole.usage)
  })

  test('events come in order', async () => {
    const stream = await scripted(thoughtful).client.messages.create({ ...asked, stream: true })
    const types: string[] = []
    for await (const event of stream)
      types.push(event.type.replace('content_block_', '') + ('index' in event ? event.index : ''))
    const block = (index: number, deltas: number) => [
      `start${index}`,
      ...Array.from({ length: deltas }, () => `delta${index}`),
      `stop${index}`,
    ]
    const blocks = [...block(0, 2), ...block(1, 2), ...block(2, 2), ...block(3, 1)]
    expect(types).toEqual(['message_start', ...blocks, 'message_delta', 'message_stop'])
  })

  test('an empty one has no blocks', async () => {
    const { client } = scripted([{ finish_reason: 'stop' }])
    expect((await client.messages.create(asked)).content).toEqual([])
    expect((await client.messages.stream(asked).finalMessage()).content).toEqual([])
  })

  test('thoughts can be left out', async () => {
    const thinking = { type: 'adaptive' as const, display: 'omitted' as const }
    const whole = await scripted(thoughtful).client.messages.create({ ...asked, thinking })
    expect(whole.content).toEqual(content.slice(1))
  })

  test('the client runs its tools', async () => {
    const { client, chat } = scripted((request) => {
      const last = (request.messages as Json[]).at(-1)
      return last.role === 'tool'
        ? [{ text: `It blows ${last.content}.`, finish_reason: 'stop' }]
        : thoughtful.slice(4, 7).concat([{ finish_reason: 'tool_calls' }])
    })
    const places: unknown[] = []
    const run = (input: unknown) => {
      places.push((input as Json).place)
      return 'hard'
    }
    const tools = [{ ...wind, run, parse: (value: unknown) => value }]
    const message = await client.beta.messages.toolRunner({ ...asked, tools: tools as never })
    expect(message.content).toMatchObject([{ type: 'text', text: 'It blows hard.' }])
    expect(places).toEqual(['Nice'])
    // The newest client asks the server to keep the conversation, hears that it does not, and sends it whole.
    expect((chat.requests[1] as Json).messages[1].tool_calls[0]).toMatchObject({
      id: 'abcdefghi',
      function: { name: 'wind' },
    })
  })
})

describe('requests', () => {
  test('blocks become messages; the fields of the face become the request’s', async () => {
    const { client, chat } = scripted(thoughtful)
    const sent = {
      ...asked,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      messages: [
        { role: 'user', content: 'How does it blow?' },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Ask.', signature: 's' },
            { type: 'text', text: 'Let me see.' },
            { type: 'tool_use', id: 'abcdefghi', name: 'wind', input: { place: 'Nice' } },
            { type: 'tool_use', id: 'jklmnopqr', name: 'wind', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'abcdefghi', content: [{ type: 'text', text: 'hard' }] },
            { type: 'tool_result', tool_use_id: 'jklmnopqr', content: 'no place', is_error: true },
            { type: 'text', text: 'Well?' },
          ],
        },
      ],
      tools: [{ ...wind, cache_control: { type: 'ephemeral' } }],
      tool_choice: { type: 'tool', name: 'wind', disable_parallel_tool_use: true },
      stop_sequences: ['.'],
      temperature: 0.5,
      top_k: 3,
      top_p: 0.9,
      metadata: { user_id: 'u' },
      thinking: { type: 'disabled' },
    }
    // The newest client has no types for sampling; older ones, and other clients, send it.
    await client.messages.create(sent as Anthropic.MessageCreateParamsNonStreaming)
    const called = (id: string, args: object) => ({ id, type: 'function', function: { name: 'wind', arguments: args } })
    const { input_schema: parameters, ...fn } = wind
    expect(chat.requests[0]).toEqual({
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
        { role: 'user', content: 'How does it blow?' },
        {
          role: 'assistant',
          content: [{ type: 'text', text: 'Let me see.' }],
          reasoning_content: 'Ask.',
          tool_calls: [called('abcdefghi', { place: 'Nice' }), called('jklmnopqr', {})],
        },
        { role: 'tool', tool_call_id: 'abcdefghi', content: 'hard' },
        { role: 'tool', tool_call_id: 'jklmnopqr', content: 'Error: no place' },
        { role: 'user', content: [{ type: 'text', text: 'Well?' }] },
      ],
      tools: [{ type: 'function', function: { ...fn, parameters } }],
      tool_choice: { type: 'function', function: { name: 'wind' } },
      parallel_tool_calls: false,
      stop: ['.'],
      max_tokens: 24,
      temperature: 0.5,
      top_k: 3,
      top_p: 0.9,
      reasoning_effort: 'none',
    })
  })

  test.each([
    ['any', 'any'],
    ['auto', 'auto'],
    ['none', 'none'],
  ] as const)('tool_choice %s', async (type, choice) => {
    const { client, chat } = scripted(thoughtful)
    await client.messages.create({ ...asked, tools: [wind], tool_choice: { type } })
    expect(chat.requests[0]!.tool_choice).toBe(choice)
  })

  test.each<[RegExp, object]>([
    [/^parameter "max_tokens".*is required$/, { max_tokens: undefined }],
    [/"model"/, { model: undefined }],
    [/"messages"/, { messages: 'Hi' }],
    [/"messages\[0\].role"/, { messages: [{ role: 'tool', content: 'a' }] }],
    [
      /"messages\[0\].content\[0\].type".*reads text only/,
      { messages: [{ role: 'user', content: [{ type: 'image' }] }] },
    ],
    [/"messages\[0\].content\[0\].tool_use_id"/, { messages: [{ role: 'user', content: [{ type: 'tool_result' }] }] }],
    [
      /"messages\[0\].content\[0\].input"/,
      { messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'b' }] }] },
    ],
    [/"system\[0\].type"/, { system: [{ type: 'image' }] }],
    [/"tools\[0\].type"/, { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    [/"tools\[0\].input_schema"/, { tools: [{ name: 'a' }] }],
    [/"tools\[0\].function.name"/, { tools: [{ name: 'a b', input_schema: {} }] }],
    [/"tool_choice"/, { tool_choice: { type: 'tool' } }],
    [/"tool_choice"/, { tool_choice: { type: 'any' } }],
    [/"temperature"/, { temperature: 3 }],
    [/"top_k"/, { top_k: 1.5 }],
    [/"stop_sequences/, { stop_sequences: 'a' }],
    [/"stop_sequences"/, { stop_sequences: Array.from({ length: 17 }, () => 'a') }],
    [/"thinking/, { thinking: { type: 'some' } }],
    [/"thinking.budget_tokens"/, { thinking: { type: 'enabled', budget_tokens: 0 } }],
    [/"container"/, { container: 'c' }],
    [/"mcp_servers"/, { mcp_servers: [{}] }],
    [/"sytem".*did you mean "system"/, { sytem: 'a' }],
  ])('%s is what a client is told: %j', async (message, fields) => {
    const response = await post(scripted(thoughtful).app, '/v1/messages', { ...asked, ...fields })
    expect(response.status).toBe(400)
    const body = await response.json()
    expect(body).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringMatching(message) },
      request_id: response.headers.get('request-id'),
    })
  })

  test('null asks for nothing', async () => {
    const nulls = Object.fromEntries(
      [
        'system',
        'tools',
        'tool_choice',
        'thinking',
        'metadata',
        'service_tier',
        'container',
        'top_k',
        'output_config',
      ].map((name) => [name, null]),
    )
    expect((await post(scripted(thoughtful).app, '/v1/messages', { ...asked, ...nulls })).status).toBe(200)
  })
})

describe('errors', () => {
  test('are the client’s own classes', async () => {
    const failing = (fail: unknown) =>
      scripted([{ fail }])
        .client.messages.create(asked)
        .catch((error) => error)
    const long = await failing(new ContextLengthError(9, 8))
    expect(long).toBeInstanceOf(BadRequestError)
    expect([long.type, long.requestID]).toEqual(['invalid_request_error', expect.stringMatching(/^req-/)])
    expect(await failing(new QueueFullError(1, 1))).toMatchObject({ status: 429, type: 'rate_limit_error' })
    expect(await failing(new DeviceLostError('gone', 'unknown'))).toMatchObject({
      status: 503,
      type: 'overloaded_error',
    })
    expect(await failing(new Error('secret'))).toMatchObject({ status: 500, type: 'api_error' })
  })

  test('one in mid-stream ends the stream', async () => {
    const { client } = scripted([{ text: 'Hi' }, { fail: new ContextLengthError(9, 8) }])
    const error = await client.messages
      .stream(asked)
      .finalMessage()
      .catch((error) => error)
    expect(error).toBeInstanceOf(APIError)
    expect(error.error.error.message).toContain('the context holds 8')
  })

  test('keys come in x-api-key, or as bearers', async () => {
    const { app } = scripted(thoughtful, { apiKeys: ['secret'] })
    expect((await anthropicOf(app, 'secret').messages.create(asked)).content).toEqual(content)
    const bearer = new Anthropic({
      apiKey: null,
      authToken: 'secret',
      baseURL: 'http://localhost',
      fetch: app.fetch as typeof fetch,
    })
    expect((await bearer.messages.create(asked)).content).toEqual(content)
    await expect(anthropicOf(app, 'wrong').messages.create(asked)).rejects.toBeInstanceOf(AuthenticationError)
    const none = await post(app, '/v1/messages', asked)
    expect([none.status, (await none.json()).error]).toEqual([
      401,
      { type: 'authentication_error', message: expect.stringContaining('X-Api-Key') },
    ])
  })

  test('an unknown version is refused, a missing one is not', async () => {
    const { app } = scripted(thoughtful)
    const ask = async (version: string) =>
      (await post(app, '/v1/messages', asked, { headers: { 'anthropic-version': version } })).status
    expect([await ask('latest'), await ask('2023-06-01')]).toEqual([400, 200])
    expect((await post(app, '/v1/messages', asked)).status).toBe(200)
  })

  test('models are listed in the shape of who asks', async () => {
    const { client, app } = scripted(thoughtful, { modelId: 'mine', created: 0 })
    const models: unknown[] = []
    for await (const model of client.models.list()) models.push(model)
    const card = { type: 'model', id: 'mine', display_name: 'mine', created_at: '1970-01-01T00:00:00.000Z' }
    expect(models).toEqual([card])
    expect(await client.models.retrieve('mine')).toEqual(card)
    expect((await client.models.retrieve('other').catch((error) => error)).type).toBe('not_found_error')
    expect((await (await app.request('/v1/models')).json()).object).toBe('list')
  })
})
