/** Bodies as clients of today send them, default fields and all: each is answered, or refused for a reason. */
import { describe, expect, test } from 'vitest'
import { appOf, greeting, type Json, post } from './fake-chat.ts'

const CHAT = '/v1/chat/completions'
const user = { role: 'user', content: 'Hi' }
const parts = { role: 'user', content: [{ type: 'text', text: 'Hi' }] }
const tool = { type: 'function', function: { name: 'wind', description: 'd', parameters: { type: 'object' } } }

test.each<[string, Json]>([
  ['Open WebUI', { stream: true, model: 'm', messages: [user], stream_options: { include_usage: true } }],
  ['Open WebUI, for titles', { stream: false, model: 'm', messages: [user], max_completion_tokens: 1000 }],
  ['LibreChat', { model: 'm', user: '6543a', stream: true, messages: [user], n: 1, stop: [], top_p: 1 }],
  ['LobeChat', { messages: [user], model: 'm', stream: true, frequency_penalty: 0, presence_penalty: 0, top_p: 1 }],
  ['Continue', { messages: [parts], model: 'm', max_tokens: 4096, stream: true, stop: Array(12).fill('x') }],
  [
    'Cline',
    {
      model: 'm',
      messages: [
        { role: 'system', content: 'You are…' },
        {
          role: 'user',
          content: [
            { type: 'text', text: '<task>' },
            { type: 'text', text: '<environment>' },
          ],
        },
      ],
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: null,
      reasoning_effort: null,
    },
  ],
  [
    'LangChain',
    {
      model: 'm',
      temperature: 1,
      stream: true,
      stream_options: { include_usage: true },
      messages: [user],
      tools: [tool],
      parallel_tool_calls: true,
      logit_bias: {},
    },
  ],
  ['LiteLLM', { model: 'm', messages: [user], random_seed: 7, safe_prompt: false, min_tokens: 1, max_tokens: 9 }],
  ['an agent', { model: 'm', messages: [user], tools: [tool], tool_choice: 'any', store: false, metadata: {} }],
  ['Vercel’s chat', { model: 'm', messages: [parts], prompt_cache_key: 'k', safety_identifier: 's', store: false }],
  [
    'one that fills all fields',
    {
      ...Object.fromEntries(
        [
          ...['audio', 'frequency_penalty', 'function_call', 'functions', 'guardrails', 'logit_bias', 'logprobs'],
          ...['max_completion_tokens', 'max_tokens', 'metadata', 'modalities', 'n', 'parallel_tool_calls'],
          ...['prediction', 'presence_penalty', 'prompt_mode', 'random_seed', 'reasoning_effort', 'response_format'],
          ...['safe_prompt', 'seed', 'service_tier', 'stop', 'store', 'stream', 'stream_options', 'temperature'],
          ...['tool_choice', 'tools', 'top_logprobs', 'top_p', 'user', 'verbosity', 'web_search_options', 'new_field'],
        ].map((name) => [name, null]),
      ),
      model: 'm',
      messages: [user],
    },
  ],
])('%s is answered', async (_, body) => {
  const { app, chat } = appOf()
  const response = await post(app, CHAT, body)
  expect([response.status, body.stream ? '' : (await response.json()).choices?.[0].message.content]).toEqual([
    200,
    body.stream ? '' : 'Hi there',
  ])
  // null is a missing field, also for the model.
  expect(Object.values(chat.requests[0]!)).not.toContain(null)
})

describe('addresses', () => {
  test.each([
    ['/chat/completions', '/v1/chat/completions'],
    ['/v1/chat/completions/', '/v1/chat/completions'],
    ['//v1/chat/completions', '/v1/chat/completions'],
    ['/chat/completions/', '/v1/chat/completions'],
    ['/completions', '/v1/completions'],
    ['/v1/completions/', '/v1/completions'],
    ['/predict/', '/predict'],
  ])('%s is %s, for logs and errors too', async (path, route) => {
    const records: Json[] = []
    const { app } = appOf(greeting, { log: (record) => records.push(record) })
    const body = { model: 'm', messages: [user], prompt: 'Hi' }
    if (route === '/v1/completions') Reflect.deleteProperty(body, 'messages')
    else Reflect.deleteProperty(body, 'prompt')
    const response = await post(app, path, body)
    expect([response.status, records[0].route]).toEqual([200, route])
    const form = async (target: string) => (await post(app, target, { ...body, top_p: 2 })).json()
    expect(await form(path)).toEqual(await form(route))
  })

  test.each(['/models', '/v1/models/', '/models/', '//models'])('%s lists the model', async (path) => {
    expect((await (await appOf().app.request(path)).json()).data[0].id).toBe('mistral')
  })

  test.each(['/models/mistral', '/v1/models/mistral/', '/models/mistral/'])('%s shows the model', async (path) => {
    expect((await (await appOf().app.request(path)).json()).id).toBe('mistral')
  })

  test('need the key under each of their names, and a key for the wrong name is no secret', async () => {
    const { app } = appOf(greeting, { apiKeys: ['k'] })
    for (const path of ['/models', '/v1/models/', '/chat/completions', '//v1/chat/completions/']) {
      expect((await app.request(path)).status).toBe(401)
    }
  })

  test.each([
    [CHAT, 'POST'],
    ['/completions/', 'POST'],
    ['/models', 'GET, HEAD'],
  ])('OPTIONS %s says what may be done, without a key and without origins', async (path, allow) => {
    const response = await appOf(greeting, { apiKeys: ['k'] }).app.request(path, { method: 'OPTIONS' })
    expect([response.status, response.headers.get('allow'), await response.text()]).toEqual([204, allow, ''])
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('HEAD is a GET without a body, and no way to ask the model', async () => {
    const { app, chat } = appOf()
    const models = await app.request('/models', { method: 'HEAD' })
    expect([models.status, await models.text()]).toEqual([200, ''])
    expect((await app.request('/chat/completions', { method: 'HEAD' })).status).toBe(405)
    expect(chat.requests).toEqual([])
  })

  test('one that is not there is told which are', async () => {
    const { error } = await (await appOf().app.request('/v1/audio', { method: 'POST' })).json()
    expect(error.message).toMatch(/no route POST \/v1\/audio; there are POST \/v1\/chat\/completions, /)
  })
})
