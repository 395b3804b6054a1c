/** Ollama's API, asked by its client as it stands. */
import { describe, expect, test } from 'vitest'
import pkg from '../../package.json' with { type: 'json' }
import { ContextLengthError } from '../../src/errors.ts'
import type { AppOptions } from '../../src/server/index.ts'
import { appOf, type Json, post, thoughtful } from './fake-chat.ts'
import { ollamaOf } from './official-clients.ts'

function scripted(script: Parameters<typeof appOf>[0], options: AppOptions = {}) {
  const { app, chat } = appOf(script, options)
  return { app, chat, client: ollamaOf(app) }
}

const messages = [{ role: 'user', content: 'Hi' }]
const calls = [
  { id: 'abcdefghi', function: { index: 0, name: 'wind', arguments: { place: 'Nice' } } },
  { id: 'jklmnopqr', function: { index: 1, name: 'wind', arguments: {} } },
]
const wind = {
  type: 'function',
  function: {
    name: 'wind',
    description: 'How it blows',
    parameters: { type: 'object', properties: { place: { type: 'string' } } },
  },
}
const measures = {
  done: true,
  total_duration: expect.any(Number),
  load_duration: 0,
  prompt_eval_count: 10,
  prompt_eval_duration: 2_000_000,
  eval_count: 9,
  eval_duration: 3_000_000,
}

describe('answers', () => {
  test('hold thoughts and whole calls, whole and streamed', async () => {
    const whole = await scripted(thoughtful).client.chat({ model: 'm', messages, tools: [wind] })
    expect(whole).toEqual({
      model: 'mistral',
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      message: { role: 'assistant', content: 'Good morning', thinking: 'It is morning.', tool_calls: calls },
      done_reason: 'stop',
      ...measures,
    })
    const parts: Json[] = []
    for await (const part of await scripted(thoughtful).client.chat({ model: 'm', messages, stream: true }))
      parts.push(part)
    expect(parts.map(({ message: { role: _, ...rest } }) => rest)).toEqual([
      { content: '', thinking: 'It is ' },
      { content: '', thinking: 'morning.' },
      { content: 'Good ' },
      { content: 'morning' },
      { content: '', tool_calls: calls },
      { content: '' },
    ])
    expect(parts.map(({ done }) => done)).toEqual([false, false, false, false, false, true])
    expect(parts.at(-1)).toMatchObject({ done_reason: 'stop', ...measures })
  })

  test('of /api/generate are texts', async () => {
    const { client } = scripted(thoughtful.slice(0, 4).concat([{ finish_reason: 'length' }]))
    const whole = await client.generate({ model: 'm', prompt: 'Hi' })
    expect(whole).toMatchObject({ response: 'Good morning', thinking: 'It is morning.', done_reason: 'length' })
    let text = ''
    for await (const part of await client.generate({ model: 'm', prompt: 'Hi', stream: true })) text += part.response
    expect(text).toBe('Good morning')
  })

  test('a call that was cut off is left out', async () => {
    const cut = [...thoughtful.slice(0, 6), { finish_reason: 'length' as const }]
    const { message } = await scripted(cut).client.chat({ model: 'm', messages })
    expect([message.content, message.tool_calls]).toEqual(['Good morning', undefined])
  })

  test('stream unless told otherwise, line by line', async () => {
    const response = await post(scripted(thoughtful).app, '/api/chat', { model: 'm', messages })
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    const lines = (await response.text()).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).done)).toEqual([false, false, false, false, false, true])
  })

  test('a request that asks nothing is answered at once', async () => {
    const { client, chat } = scripted(thoughtful)
    expect(await client.generate({ model: 'm', prompt: '' })).toMatchObject({
      response: '',
      done: true,
      done_reason: 'load',
    })
    expect(await client.chat({ model: 'm', messages: [] })).toMatchObject({ done: true, done_reason: 'load' })
    expect(chat.requests).toEqual([])
  })

  test('a failure in mid-stream is a line', async () => {
    const { client } = scripted([{ text: 'Hi' }, { fail: new ContextLengthError(9, 8) }])
    const read = async () => {
      for await (const _ of await client.chat({ model: 'm', messages, stream: true }));
    }
    await expect(read()).rejects.toThrow('the context holds 8')
  })

  test('logprobs come with the text', async () => {
    const one = { token: 'Hi', logprob: -0.5, bytes: [72, 105], token_id: 7, top_logprobs: [] }
    const { client, chat } = scripted([{ text: 'Hi', logprobs: [one as Json], finish_reason: 'stop' }])
    const { logprobs } = await client.chat({ model: 'm', messages, logprobs: true, top_logprobs: 2 })
    expect(logprobs).toEqual([{ token: 'Hi', logprob: -0.5, bytes: [72, 105], top_logprobs: [] }])
    expect(chat.requests[0]).toMatchObject({ logprobs: true, top_logprobs: 2 })
  })
})

describe('requests', () => {
  test('messages and options become the request’s', async () => {
    const { client, chat } = scripted(thoughtful)
    await client.chat({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'How does it blow?' },
        {
          role: 'assistant',
          content: '',
          thinking: 'Ask.',
          tool_calls: [
            { function: { name: 'wind', arguments: { place: 'Nice' } } },
            { function: { name: 'rain', arguments: {} } },
          ],
        },
        { role: 'tool', content: 'wet', tool_name: 'rain' },
        { role: 'tool', content: 'hard' },
      ],
      tools: [wind],
      think: false,
      keep_alive: '5m',
      options: {
        ...{
          temperature: 0.5,
          top_k: 3,
          top_p: 0.9,
          min_p: 0.1,
          typical_p: 0.9,
          repeat_penalty: 1.1,
          repeat_last_n: -1,
        },
        ...{
          frequency_penalty: 0.1,
          presence_penalty: 0.2,
          seed: 7,
          stop: ['.'],
          num_predict: 9,
          num_ctx: 4096,
          mirostat: 0,
        },
      },
    })
    const called = (id: string, name: string, args: object) => ({
      id,
      type: 'function',
      function: { name, arguments: args },
    })
    expect(chat.requests[0]).toEqual({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'How does it blow?' },
        {
          role: 'assistant',
          content: null,
          reasoning_content: 'Ask.',
          tool_calls: [called('call00000', 'wind', { place: 'Nice' }), called('call00001', 'rain', {})],
        },
        { role: 'tool', tool_call_id: 'call00001', name: 'rain', content: 'wet' },
        { role: 'tool', tool_call_id: 'call00000', content: 'hard' },
      ],
      tools: [wind],
      reasoning_effort: 'none',
      ...{ temperature: 0.5, top_k: 3, top_p: 0.9, min_p: 0.1, typical_p: 0.9, repetition_penalty: 1.1 },
      ...{ frequency_penalty: 0.1, presence_penalty: 0.2, seed: 7, stop: ['.'], max_tokens: 9 },
    })
  })

  // Where ollama-ai-provider-v2 puts them (findings/ai-sdk-ollama-providers.sh).
  test('settings beside the options are obeyed', async () => {
    const { chat, app } = appOf()
    const settings = { temperature: 0, top_p: 0.5, tool_choice: 'none' }
    const asked = { model: 'm', messages, tools: [wind], stream: false, ...settings, max_output_tokens: 7 }
    expect((await post(app, '/api/chat', asked)).status).toBe(200)
    expect(chat.requests[0]).toEqual({ messages, tools: [wind], ...settings, max_tokens: 7 })
    await post(app, '/api/chat', { ...asked, options: { num_predict: 3 } })
    expect((chat.requests[1] as Json).max_tokens).toBe(3)
    const refused = await post(app, '/api/chat', { ...asked, max_output_tokens: 0 })
    expect([refused.status, (await refused.json()).error]).toEqual([400, expect.stringContaining('max_output_tokens')])
  })

  test('what an answer held can be sent back as it stands', async () => {
    const { client, chat } = scripted(thoughtful)
    const { message } = await client.chat({ model: 'm', messages })
    const results = ['hard', 'soft'].map((content) => ({ role: 'tool', tool_name: 'wind', content }))
    await client.chat({ model: 'm', messages: [...messages, message, ...results], think: true })
    const [, second] = chat.requests as Json[]
    expect(second.messages.slice(2).map((one: Json) => one.tool_call_id)).toEqual(['abcdefghi', 'jklmnopqr'])
    expect(second.reasoning_effort).toBe('auto')
  })

  test.each<[string, string, object]>([
    ['chat', 'model', { model: 5 }],
    ['chat', 'messages', { messages: 'Hi' }],
    ['chat', 'messages[0]', { messages: ['Hi'] }],
    ['chat', 'messages[0].role', { messages: [{ content: 'a' }] }],
    ['chat', 'messages[0].content', { messages: [{ role: 'user', content: 5 }] }],
    ['chat', 'messages[0].images', { messages: [{ role: 'user', content: 'a', images: ['x'] }] }],
    ['chat', 'messages[0].colour', { messages: [{ role: 'user', content: 'a', colour: 'red' }] }],
    ['chat', 'messages[0].tool_calls[0].function', { messages: [{ role: 'assistant', tool_calls: [{}] }] }],
    ['chat', 'tools[0].function.name', { tools: [{ type: 'function', function: {} }] }],
    ['chat', 'options.temprature', { options: { temprature: 1 } }],
    ['chat', 'options.temperature', { options: { temperature: 'hot' } }],
    ['chat', 'options.num_predict', { options: { num_predict: 0.5 } }],
    ['chat', 'options.repeat_last_n', { options: { repeat_last_n: 64 } }],
    ['chat', 'options.mirostat', { options: { mirostat: 2 } }],
    ['chat', 'options', { options: 5 }],
    ['chat', 'format', { format: 'xml' }],
    ['chat', 'n', { n: 2 }],
    ['chat', 'thnik', { thnik: true }],
    ['generate', 'prompt', { prompt: 5 }],
    ['generate', 'template', { template: '{{ .Prompt }}' }],
    ['generate', 'context', { context: [1, 2] }],
    ['generate', 'suffix', { suffix: 'end' }],
    ['generate', 'images', { images: ['x'] }],
    ['generate', 'system', { system: 'Be brief.', raw: true }],
  ])('/api/%s names %s when it is at fault: %j', async (route, name, fields) => {
    const response = await post(scripted(thoughtful).app, `/api/${route}`, {
      model: 'm',
      ...(route === 'chat' ? { messages } : { prompt: 'Hi' }),
      ...fields,
    })
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: expect.stringContaining(`parameter "${name}"`) },
    ])
  })

  test('null and neutral values ask for nothing', async () => {
    const nulls = Object.fromEntries(
      ['system', 'template', 'context', 'format', 'options', 'raw', 'think', 'keep_alive', 'images', 'suffix'].map(
        (name) => [name, null],
      ),
    )
    expect((await post(scripted(thoughtful).app, '/api/generate', { model: 'm', prompt: 'Hi', ...nulls })).status).toBe(
      200,
    )
    const neutral = { template: '', context: [], suffix: '', images: [], format: '', raw: false }
    expect(
      (await post(scripted(thoughtful).app, '/api/generate', { model: 'm', prompt: 'Hi', ...neutral })).status,
    ).toBe(200)
  })
})

describe('the model', () => {
  test('is listed, shown, and running', async () => {
    const { client } = scripted(thoughtful, { modelId: 'mine', created: 0 })
    const card = { name: 'mine', model: 'mine', size: 12345, modified_at: '1970-01-01T00:00:00.000Z' }
    expect((await client.list()).models).toMatchObject([card])
    expect((await client.ps()).models).toMatchObject([{ ...card, size_vram: 12345, context_length: 8192 }])
    const shown = (await client.show({ model: 'mine:latest' })) as Json
    expect(shown.model_info['mistral.context_length']).toBe(8192)
    expect(shown.capabilities).toEqual(['completion', 'tools'])
    await expect(client.show({ model: 'other' })).rejects.toMatchObject({ status_code: 404 })
    expect(await client.version()).toEqual({ version: pkg.version })
  })

  test('other names are refused where the server is strict, and keys are asked for', async () => {
    const { client } = scripted(thoughtful, { modelId: 'mine', strictModel: true })
    await expect(client.chat({ model: 'other', messages })).rejects.toMatchObject({ status_code: 404 })
    expect((await client.chat({ model: 'mine:latest', messages })).model).toBe('mine')
    const { app } = scripted(thoughtful, { apiKeys: ['secret'] })
    await expect(ollamaOf(app).chat({ model: 'm', messages })).rejects.toMatchObject({ status_code: 401 })
    const keyed = ollamaOf(app, { Authorization: 'Bearer secret' })
    expect((await keyed.chat({ model: 'm', messages })).message.content).toBe('Good morning')
  })

  test('unknown routes have errors in Ollama’s shape', async () => {
    const response = await scripted(thoughtful).app.request('http://localhost/api/pull', { method: 'POST' })
    expect([response.status, await response.json()]).toEqual([404, { error: expect.stringContaining('/api/chat') }])
  })
})
