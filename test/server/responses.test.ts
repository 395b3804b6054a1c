/** `/v1/responses`, asked by OpenAI's client as it stands. */
import OpenAI from 'openai'
import type { ResponseStreamEvent } from 'openai/resources/responses/responses'
import { afterAll, describe, expect, test } from 'vitest'
import { ContextLengthError } from '../../src/errors.ts'
import type { AppOptions, MistralApp } from '../../src/server/index.ts'
import { appOf, type Json, post, type Step } from './fake-chat.ts'
import { servePocket, until } from './pocket.ts'

function clientOf(app: MistralApp): OpenAI {
  return new OpenAI({
    apiKey: 'local',
    baseURL: 'http://localhost/v1',
    fetch: app.fetch as typeof fetch,
    maxRetries: 0,
  })
}

function scripted(script: Parameters<typeof appOf>[0], options: AppOptions = {}) {
  const { app, chat } = appOf(script, options)
  return { app, chat, client: clientOf(app) }
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
  { tool_calls: [{ index: 1, ...call, id: 'jklmnopqr' }] },
  { tool_calls: [{ index: 1, function: { arguments: '{}' } }], finish_reason: 'tool_calls' },
]
const wind = {
  type: 'function' as const,
  name: 'wind',
  description: 'How it blows',
  parameters: { type: 'object', properties: { place: { type: 'string' } } },
  strict: true,
}

async function eventsOf(client: OpenAI, body: object): Promise<ResponseStreamEvent[]> {
  const stream = await client.responses.create({ model: 'm', input: 'Hi', ...body, stream: true })
  const events: ResponseStreamEvent[] = []
  for await (const event of stream) events.push(event)
  return events
}

describe('the embedded model', async () => {
  const { chat, app, answer, idle } = await servePocket()
  const client = clientOf(app)
  const ask = { model: 'pocket', input: 'What is a mistral?', temperature: 0, max_output_tokens: 24 }
  afterAll(() => chat.dispose())

  test('gives the text, whole and streamed, with usage', async () => {
    const whole = await client.responses.create(ask)
    expect(whole.output_text).toBe(answer)
    expect(whole.usage!.total_tokens).toBe(whole.usage!.input_tokens + whole.usage!.output_tokens)
    const stream = client.responses.stream(ask)
    let text = ''
    stream.on('response.output_text.delta', ({ delta }) => {
      text += delta
    })
    const final = await stream.finalResponse()
    expect([text, final.output_text]).toEqual([answer, answer])
    expect(final.usage).toMatchObject({ output_tokens: whole.usage!.output_tokens })
  })

  test('goes on from an earlier response, as if all had been sent at once', async () => {
    const first = await client.responses.create(ask)
    const second = await client.responses.create({ ...ask, previous_response_id: first.id, input: 'And then?' })
    const { choices } = await client.chat.completions.create({
      model: 'pocket',
      temperature: 0,
      max_tokens: 24,
      messages: [
        { role: 'user', content: ask.input },
        { role: 'assistant', content: first.output_text },
        { role: 'user', content: 'And then?' },
      ],
    })
    expect(second.output_text).toBe(choices[0]!.message.content)
  })

  test('counts the prompt, and leaves out what does not fit when it may', async () => {
    const counted = await client.responses.inputTokens.count({ model: 'pocket', input: ask.input })
    expect(counted).toEqual({ object: 'response.input_tokens', input_tokens: 8 })
    const turn = [
      { role: 'user' as const, content: 'Tell me of the wind. '.repeat(40) },
      { role: 'assistant' as const, content: 'It blows.' },
    ]
    const long = [...Array.from({ length: 20 }, () => turn).flat(), { role: 'user' as const, content: ask.input }]
    const refused = await client.responses.create({ ...ask, input: long }).catch((error) => error)
    expect([refused.status, refused.code, refused.param]).toEqual([400, 'context_length_exceeded', 'input'])
    const cut = await client.responses.create({ ...ask, input: long, truncation: 'auto' })
    expect(cut.usage!.input_tokens).toBeLessThan(chat.contextLength)
    expect(cut.usage!.input_tokens).toBeGreaterThan(chat.contextLength / 2)
  })

  test('abort in mid-stream frees the sequence', async () => {
    const stream = await client.responses.create({ ...ask, temperature: 1, max_output_tokens: 900, stream: true })
    for await (const event of stream) {
      if (event.type !== 'response.output_text.delta') continue
      stream.controller.abort()
      break
    }
    await until(idle)
  })
})

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
    const final = await clientOf(appOf(thoughtful).app).responses.stream({ model: 'm', input: 'Hi' }).finalResponse()
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

describe('stored responses', () => {
  const stopped: Step[] = [{ text: 'Hi', finish_reason: 'stop' }]

  test('are shown, listed, gone on from and deleted', async () => {
    const { client, chat } = scripted(thoughtful)
    const first = await client.responses.create({ model: 'm', input: 'Hi', instructions: 'Be brief.' })
    expect(await client.responses.retrieve(first.id)).toMatchObject({ id: first.id, output: first.output })
    const outputs = ['abcdefghi', 'jklmnopqr'].map((call_id) => ({
      type: 'function_call_output' as const,
      call_id,
      output: 'x',
    }))
    const second = await client.responses.create({ model: 'm', input: outputs, previous_response_id: first.id })
    expect((chat.requests[1] as Json).messages.map(({ role }: Json) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'tool',
    ])
    expect((chat.requests[1] as Json).messages[1]).toMatchObject({
      reasoning_content: 'It is morning.',
      tool_calls: [{}, {}],
    })
    const pages: unknown[] = []
    for await (const item of client.responses.inputItems.list(second.id, { order: 'asc', limit: 1 })) pages.push(item)
    expect(pages).toMatchObject(outputs)
    await client.responses.delete(first.id)
    const gone = await client.responses.retrieve(first.id).catch((error) => error)
    expect([gone.status, gone.code]).toEqual([404, 'response_not_found'])
    // What goes on from it has all it needs.
    await client.responses.create({ model: 'm', input: 'Go on', previous_response_id: second.id })
    expect((chat.requests[2] as Json).messages).toHaveLength(6)
  })

  test('items may be sent by their ids', async () => {
    const { client, chat } = scripted(stopped)
    const { output } = await client.responses.create({ model: 'm', input: 'Hi' })
    const reference = { type: 'item_reference' as const, id: output[0]!.id! }
    await client.responses.create({ model: 'm', input: [reference, { role: 'user', content: 'Go on' }] })
    expect((chat.requests[1] as Json).messages[0]).toEqual({
      role: 'assistant',
      content: [{ type: 'text', text: 'Hi' }],
    })
  })

  test('the oldest go first, and none is kept that the client does not want kept', async () => {
    const { client } = scripted(stopped, { maxStoredResponses: 2 })
    const ids: string[] = []
    for (const input of ['a', 'b', 'c']) ids.push((await client.responses.create({ model: 'm', input })).id)
    ids.push((await client.responses.create({ model: 'm', input: 'd', store: false })).id)
    const found = await Promise.all(
      ids.map((id) =>
        client.responses.retrieve(id).then(
          () => true,
          () => false,
        ),
      ),
    )
    expect(found).toEqual([false, true, true, false])
    const unknown = await client.responses
      .create({ model: 'm', input: 'e', previous_response_id: ids[0]! })
      .catch((e) => e)
    expect([unknown.status, unknown.param]).toEqual([404, 'previous_response_id'])
  })

  test('a server can keep none', async () => {
    const { client } = scripted(stopped, { maxStoredResponses: 0 })
    expect(((await client.responses.create({ model: 'm', input: 'a' })) as Json).store).toBe(false)
  })

  test('an answer that failed or was left is not kept', async () => {
    const { client } = scripted([{ text: 'Hi' }, { fail: new ContextLengthError(9, 8) }])
    const { response } = (await eventsOf(client, {}))[0] as Json
    expect((await client.responses.retrieve(response.id).catch((error) => error)).status).toBe(404)
  })

  test('other methods are told what there is', async () => {
    const { app } = scripted(stopped)
    const response = await app.request('http://localhost/v1/responses/resp_1', { method: 'PUT' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, DELETE'])
  })
})
