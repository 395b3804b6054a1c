/** `/v1/responses`, asked by OpenAI's client as it stands. */
import { describe, expect, test } from 'vitest'
import { ContextLengthError } from '../../src/errors.ts'
import type { AppOptions } from '../../src/server/index.ts'
import { appOf, type Json, post, thoughtful } from './fake-chat.ts'
import { eventsOf, openaiOf } from './official-clients.ts'

function scripted(script: Parameters<typeof appOf>[0], options: AppOptions = {}) {
  const { app, chat } = appOf(script, options)
  return { app, chat, client: openaiOf(app) }
}

const wind = {
  type: 'function' as const,
  name: 'wind',
  description: 'How it blows',
  parameters: { type: 'object', properties: { place: { type: 'string' } } },
  strict: true,
}

describe('events', () => {
  test('come in order, numbered, and join to the response at their end', async () => {
    const { client } = scripted(thoughtful)
    const events = await eventsOf(client, { tools: [wind] })
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, i) => i))
    const item = (...inside: string[]) => ['output_item.added', ...inside, 'output_item.done']
    const part = (name: string, deltas: number) => [
      'content_part.added',
      ...Array.from({ length: deltas }, () => `${name}.delta`),
      `${name}.done`,
      'content_part.done',
    ]
    const args = 'function_call_arguments'
    expect(events.map(({ type }) => type.replace('response.', ''))).toEqual([
      'created',
      'in_progress',
      ...item(...part('reasoning_text', 2)),
      ...item(...part('output_text', 2)),
      ...item(`${args}.delta`, `${args}.delta`, `${args}.done`),
      ...item(`${args}.delta`, `${args}.done`),
      'completed',
    ])
    const { response } = events.at(-1) as Json
    const shown = { type: 'output_text', text: 'Good morning', annotations: [], logprobs: [] }
    expect(response).toMatchObject({ status: 'completed', error: null, incomplete_details: null, store: true })
    expect(response.output).toEqual([
      {
        id: expect.stringMatching(/^rs_/),
        type: 'reasoning',
        status: 'completed',
        summary: [],
        content: [{ type: 'reasoning_text', text: 'It is morning.' }],
      },
      { id: expect.stringMatching(/^msg_/), type: 'message', status: 'completed', role: 'assistant', content: [shown] },
      {
        ...{ id: expect.stringMatching(/^fc_/), type: 'function_call', status: 'completed', call_id: 'abcdefghi' },
        ...{ name: 'wind', arguments: '{"place":"Nice"}' },
      },
      expect.objectContaining({ call_id: 'jklmnopqr', arguments: '{}' }),
    ])
    expect(response.usage.output_tokens_details).toEqual({ reasoning_tokens: 2 })
    const final = await openaiOf(appOf(thoughtful).app).responses.stream({ model: 'm', input: 'Hi' }).finalResponse()
    expect(final.output.map(({ type }) => type)).toEqual(['reasoning', 'message', 'function_call', 'function_call'])
    expect(final.output_text).toBe('Good morning')
  })

  test('whole answers are what streams come to', async () => {
    for (const script of [thoughtful, [{ finish_reason: 'stop' as const }]]) {
      const { client } = scripted(script)
      const whole = (await client.responses.create({ model: 'm', input: 'Hi' })) as Json
      const streamed = ((await eventsOf(client, {})).at(-1) as Json).response
      const plain = ({ id: _, created_at: _a, completed_at: _b, ...rest }: Json) =>
        JSON.stringify(rest).replaceAll(/_[0-9a-f]{24}/g, '')
      expect(plain({ ...streamed, output_text: whole.output_text })).toBe(plain(whole))
    }
  })

  test('an answer that was cut off is incomplete', async () => {
    const { client } = scripted([{ text: 'Hi' }, { finish_reason: 'length' }])
    const events = await eventsOf(client, { max_output_tokens: 2 })
    expect(events.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: {
        status: 'incomplete',
        completed_at: null,
        incomplete_details: { reason: 'max_output_tokens' },
        output: [{ status: 'incomplete' }],
      },
    })
  })

  test('a failure on the way is told twice, as OpenAI does; one before the first piece has a status', async () => {
    const late = scripted([{ text: 'Hi' }, { fail: new ContextLengthError(9, 8) }])
    const events = await eventsOf(late.client, {})
    expect(events.slice(-2)).toMatchObject([
      { type: 'error', code: 'context_length_exceeded', message: expect.any(String) },
      { type: 'response.failed', response: { status: 'failed', error: { code: 'context_length_exceeded' } } },
    ])
    const early = await eventsOf(scripted([{ fail: new ContextLengthError(9, 8) }]).client, {}).catch((error) => error)
    expect([early.status, early.param]).toEqual([400, 'input'])
  })

  test('logprobs come with the text', async () => {
    const one = { token: 'Hi', logprob: -0.5, bytes: [72, 105], token_id: 7, top_logprobs: [] }
    const { client, chat } = scripted([{ text: 'Hi', logprobs: [one as Json], finish_reason: 'stop' }])
    const answer = await client.responses.create({ model: 'm', input: 'Hi', include: ['message.output_text.logprobs'] })
    expect((answer.output[0] as Json).content[0].logprobs).toMatchObject([{ token: 'Hi', logprob: -0.5 }])
    expect(chat.requests[0]).toMatchObject({ logprobs: true, top_logprobs: 0 })
  })
})

describe('requests', () => {
  test('items become messages; the fields of the face become the request’s', async () => {
    const { client, chat } = scripted(thoughtful)
    await client.responses.create({
      model: 'm',
      instructions: 'Be brief.',
      input: [
        { role: 'developer', content: 'Of winds only.' },
        { role: 'user', content: [{ type: 'input_text', text: 'How does it blow?' }] },
        { type: 'reasoning', id: 'rs_1', summary: [], content: [{ type: 'reasoning_text', text: 'Ask.' }] },
        { type: 'function_call', call_id: 'abcdefghi', name: 'wind', arguments: '{}' },
        { type: 'function_call', call_id: 'bbbbbbbbb', name: 'wind', arguments: '{"place":"Nice"}' },
        { type: 'function_call_output', call_id: 'abcdefghi', output: 'hard' },
        { type: 'function_call_output', call_id: 'bbbbbbbbb', output: [{ type: 'input_text', text: 'soft' }] },
      ],
      tools: [wind],
      tool_choice: { type: 'function', name: 'wind' },
      parallel_tool_calls: false,
      max_output_tokens: 9,
      temperature: 0.5,
      top_p: 0.5,
      reasoning: { effort: 'high' },
    })
    const called = (id: string, args: string) => ({ id, type: 'function', function: { name: 'wind', arguments: args } })
    const { type, ...fn } = wind
    expect(chat.requests[0]).toEqual({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'developer', content: 'Of winds only.' },
        { role: 'user', content: [{ type: 'text', text: 'How does it blow?' }] },
        {
          role: 'assistant',
          content: null,
          reasoning_content: 'Ask.',
          tool_calls: [called('abcdefghi', '{}'), called('bbbbbbbbb', '{"place":"Nice"}')],
        },
        { role: 'tool', tool_call_id: 'abcdefghi', content: 'hard' },
        { role: 'tool', tool_call_id: 'bbbbbbbbb', content: [{ type: 'text', text: 'soft' }] },
      ],
      tools: [{ type, function: fn }],
      tool_choice: { type: 'function', function: { name: 'wind' } },
      parallel_tool_calls: false,
      max_new_tokens: 9,
      temperature: 0.5,
      top_p: 0.5,
      reasoning_effort: 'high',
    })
  })

  test('allowed_tools shows these tools only', async () => {
    const { client, chat } = scripted(thoughtful)
    const allowed = {
      type: 'allowed_tools' as const,
      mode: 'required' as const,
      tools: [{ type: 'function', name: 'b' }],
    }
    await client.responses.create({
      model: 'm',
      input: 'Hi',
      tools: [wind, { ...wind, name: 'b' }],
      tool_choice: allowed,
    })
    const [{ tools, tool_choice }] = chat.requests as Json[]
    expect([tools.map((tool: Json) => tool.function.name), tool_choice]).toEqual([['b'], 'required'])
  })

  test('what clients send by default is accepted, and comes back', async () => {
    const { client } = scripted(thoughtful)
    const sent = {
      metadata: { a: 'b' },
      user: 'u',
      safety_identifier: 's',
      service_tier: 'auto' as const,
      prompt_cache_key: 'k',
      parallel_tool_calls: true,
      truncation: 'disabled' as const,
      include: ['reasoning.encrypted_content' as const],
      text: { format: { type: 'text' as const }, verbosity: 'medium' as const },
      background: false,
      store: false,
    }
    const answer = await client.responses.create({ model: 'm', input: 'Hi', ...sent })
    const { include: _, service_tier: _a, ...back } = sent
    expect(answer).toMatchObject({ ...back, service_tier: 'default', tools: [], tool_choice: 'auto', temperature: 1 })
    const nulls = Object.fromEntries(
      Object.keys({ ...sent, instructions: 0, reasoning: 0, tools: 0, previous_response_id: 0 }).map((name) => [
        name,
        null,
      ]),
    )
    expect((await post(scripted(thoughtful).app, '/v1/responses', { model: 'm', input: 'Hi', ...nulls })).status).toBe(
      200,
    )
  })

  test.each<[string, object]>([
    ['input', { input: 5 }],
    ['input', { input: undefined }],
    ['input', { input: [] }],
    ['input[0]', { input: [5] }],
    ['input[0].type', { input: [{ type: 'web_search_call' }] }],
    ['input[0].role', { input: [{ role: 'cat', content: 'a' }] }],
    ['input[0].content[0].type', { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'data:' }] }] }],
    ['input[0].call_id', { input: [{ type: 'function_call', name: 'a', arguments: '' }] }],
    ['input[0]', { input: [{ type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'a' }] }] }],
    [
      'input[1].id',
      {
        input: [
          { role: 'user', content: 'a' },
          { type: 'item_reference', id: 'x' },
        ],
      },
    ],
    ['tools[0].type', { tools: [{ type: 'web_search' }] }],
    ['tools[0].function.name', { tools: [{ type: 'function', name: 'a b' }] }],
    ['tool_choice', { tool_choice: { type: 'mcp' } }],
    ['tool_choice', { tool_choice: 'required' }],
    ['max_output_tokens', { max_output_tokens: 0 }],
    ['background', { background: true }],
    ['conversation', { conversation: 'c' }],
    ['prompt', { prompt: { id: 'p' } }],
    ['include[0]', { include: ['all'] }],
    ['truncation', { truncation: 'some' }],
    ['reasoning', { reasoning: 'high' }],
    ['text.verbosity', { text: { verbosity: 'low' } }],
    ['temperature', { temperature: 3 }],
    ['top_k', { top_k: -7 }],
    ['metadata.a', { metadata: { a: 1 } }],
    ['inptu', { inptu: 'a' }],
    ['stream_options', { stream_options: {} }],
  ])('%s is named when it is at fault: %j', async (param, fields) => {
    const response = await post(scripted(thoughtful).app, '/v1/responses', { model: 'm', input: 'Hi', ...fields })
    expect([response.status, (await response.json()).error.param]).toEqual([400, param])
  })
})
