import { describe, expect, test } from 'vitest'
import { ParameterError } from '../../src/errors.ts'
import { createApp } from '../../src/server/index.ts'
import { appOf, fakeChat, greeting, type Json, post, question } from './fake-chat.ts'

const CHAT = '/v1/chat/completions'

describe('options', () => {
  test.each<[Json, string]>([
    [{ apikeys: ['a'] }, 'apikeys'],
    [{ apiKeys: 'a' }, 'apiKeys'],
    [{ apiKeys: [''] }, 'apiKeys'],
    [{ cors: ['https://example.com/'] }, 'cors'],
    [{ cors: ['example.com'] }, 'cors'],
    [{ bodyLimitBytes: 0 }, 'bodyLimitBytes'],
    [{ maxTokens: 1.5 }, 'maxTokens'],
    [{ modelId: '' }, 'modelId'],
    [{ log: 'console' }, 'log'],
    [{ lenient: 1 }, 'lenient'],
    [{ refuse: true }, 'refuse'],
    [{ predictOutput: 'json' }, 'predictOutput'],
    [{ created: -1 }, 'created'],
    [{ metricsOpen: 'yes' }, 'metricsOpen'],
    [{ allowedHosts: 'localhost' }, 'allowedHosts'],
    [{ allowedHosts: ['http://localhost'] }, 'allowedHosts'],
    // A timer that is set to more fires at once.
    [{ bodyTimeoutMs: 2_147_483_648 }, 'bodyTimeoutMs'],
    [{ idleTimeoutMs: 1e12 }, 'idleTimeoutMs'],
    [{ keepAliveMs: 2_147_483_648 }, 'keepAliveMs'],
    [{ keepAliveMs: 0 }, 'keepAliveMs'],
    // Of every object, but no option.
    [{ constructor: true }, 'constructor'],
  ])('%j is refused by name', (options, parameter) => {
    expect(() => createApp(fakeChat([]), options)).toThrow(expect.objectContaining({ parameter }))
    expect(() => createApp(fakeChat([]), options)).toThrow(ParameterError)
  })

  test('the longest time a timer can take is one', () => {
    expect(() => createApp(fakeChat([]), { idleTimeoutMs: 2_147_483_647 })).not.toThrow()
  })

  test('a key never stands in a message', () => {
    expect(() => createApp(fakeChat([]), { apiKeys: ['secret', ''] })).not.toThrow('secret')
    expect(() => createApp(fakeChat([]), { apiKeys: ['secret', ''] })).toThrow('apiKeys')
  })

  test('undefined means the default', () => {
    expect(() => createApp(fakeChat([]), { apiKeys: undefined, cors: undefined, log: undefined })).not.toThrow()
  })
})

describe('requests that the owner refuses', () => {
  const headers = { origin: 'https://a.example', 'x-request-id': 'mine' }

  test('are answered in the form of their route, with id and CORS headers, logged and counted', async () => {
    const records: Json[] = []
    let open = true
    const { app, chat } = appOf(greeting, {
      cors: ['https://a.example'],
      log: (record) => records.push(record),
      refuse: ({ url }) => {
        if (open || url.endsWith('/metrics')) return undefined
        return { status: 503, message: 'not now', code: 'shutting_down', headers: { 'retry-after': '1' } }
      },
    })
    expect((await post(app, CHAT, question)).status).toBe(200)
    open = false
    const error = { message: 'not now', type: 'server_error', param: null, code: 'shutting_down' }
    for (const [path, body] of [
      [CHAT, { error }],
      ['/health', { error }],
      ['/nothing', { error }],
      ['/predict', { error: 'not now' }],
    ] as const) {
      const response = await post(app, path, question, { headers })
      expect([response.status, await response.json()]).toEqual([503, body])
      expect(response.headers.get('retry-after')).toBe('1')
      expect(response.headers.get('x-request-id')).toBe('mine')
      expect(response.headers.get('access-control-allow-origin')).toBe('https://a.example')
    }
    expect(records.slice(1).map(({ route, status, level }) => [route, status, level])).toEqual([
      [CHAT, 503, 'info'],
      ['/health', 503, 'info'],
      ['other', 503, 'info'],
      ['/predict', 503, 'info'],
    ])
    expect(chat.requests).toHaveLength(1)
    const metrics = await (await app.request('/metrics')).text()
    expect(metrics).toContain(`mistral_webgpu_requests_total{route="${CHAT}",status="503"} 1`)
  })
})

describe('routes', () => {
  test('models', async () => {
    const { app } = appOf(greeting, { modelId: 'org/pocket', created: 5 })
    const card = { id: 'org/pocket', object: 'model', created: 5, owned_by: 'mistral-webgpu', max_model_len: 8192 }
    expect(await (await app.request('/v1/models')).json()).toEqual({ object: 'list', data: [card] })
    expect(await (await app.request('/v1/models/org%2Fpocket')).json()).toEqual(card)
    expect(await (await app.request('/v1/models/org/pocket')).json()).toEqual(card)
    const other = await app.request('/v1/models/other')
    expect(other.status).toBe(404)
    expect((await other.json()).error).toMatchObject({ type: 'not_found_error', code: 'model_not_found' })
  })

  test.each(['/nothing', '/v1', '/v1/assistants', '/../etc/passwd', '/%2e%2e/package.json', '/health/x', '/%ff'])(
    '%s is not there',
    async (path) => {
      const response = await appOf().app.request(path)
      expect(response.status).toBe(404)
      const { error } = await response.json()
      expect(error).toEqual({
        message: expect.any(String),
        type: 'not_found_error',
        param: null,
        code: 'route_not_found',
      })
    },
  )

  test.each([
    ['GET', CHAT, 'POST'],
    ['DELETE', CHAT, 'POST'],
    ['POST', '/v1/models', 'GET, HEAD'],
    ['POST', '/health', 'GET, HEAD'],
  ])('%s %s: 405 that says what is allowed', async (method, path, allow) => {
    const response = await appOf().app.request(path, { method })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe(allow)
    expect((await response.json()).error.code).toBe('method_not_allowed')
  })

  test('the predict routes say it in their own way', async () => {
    for (const path of ['/predict', '/production/predict', '/v1/models/m:predict']) {
      const response = await appOf().app.request(path)
      expect(response.status).toBe(405)
      expect(await response.json()).toEqual({ error: `${path} takes POST only` })
    }
    expect(await (await appOf().app.request('/other/predict')).json()).toEqual({ error: expect.any(String) })
  })

  test.each(['m:predict', 'm%3Apredict', 'a%2Fb%3Apredict', 'a%2fb%3apredict', 'a/b:predict'])(
    '/v1/models/%s is the predict route with every method',
    async (name) => {
      const { app } = appOf(greeting, { apiKeys: ['k'], strictModel: true, modelId: 'a/b' })
      const path = `/v1/models/${name}`
      const headers = { authorization: 'Api-Key k' }
      const answer = await post(app, path, { messages: question.messages }, { headers })
      if (name.startsWith('a')) expect(await answer.json()).toBe('Hi there')
      else expect([answer.status, await answer.json()]).toEqual([404, { error: expect.any(String) }])
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const response = await app.request(path, { method, headers })
        expect([response.status, await response.json()]).toEqual([405, { error: expect.stringMatching('POST only') }])
        const refused = await app.request(path, { method })
        expect([refused.status, await refused.json()]).toEqual([401, { error: expect.any(String) }])
      }
    },
  )

  test.each(['/v1/models/predict', '/v1/models/a/predict', '/v1/predict', '/v1/models/:predict/x'])(
    '%s is none of the predict routes',
    async (path) => {
      const response = await appOf().app.request(path)
      expect(response.status).toBe(404)
      expect((await response.json()).error).toMatchObject({ type: 'not_found_error', message: expect.any(String) })
    },
  )

  test('HEAD works where GET does', async () => {
    const response = await appOf().app.request('/health', { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('')
  })

  test('every answer has a request id: the own one where it is sane', async () => {
    const { app } = appOf()
    for (const [path, init] of [
      ['/health', {}],
      ['/nothing', {}],
      [CHAT, { method: 'POST' }],
      [CHAT, { method: 'PUT' }],
    ] as const) {
      const id = async (headers: Record<string, string>) =>
        (await app.request(path, { ...init, headers })).headers.get('x-request-id')
      expect(await id({})).toMatch(/^req-[0-9a-f]{24}$/)
      expect(await id({ 'x-request-id': 'my.id:7' })).toBe('my.id:7')
      expect(await id({ 'x-request-id': 'a b' })).toMatch(/^req-/)
      expect(await id({ 'x-request-id': 'x'.repeat(129) })).toMatch(/^req-/)
    }
  })

  test('fetch takes a URL and options, a URL object, a path, or a request', async () => {
    const { app } = appOf()
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(question) }
    for (const url of [`http://any.host${CHAT}`, new URL(`http://x${CHAT}`), CHAT]) {
      expect((await app.fetch(url, init)).status).toBe(200)
    }
    expect((await app.fetch(new Request(`http://any.host${CHAT}`, init))).status).toBe(200)
    const bare = new Request(`http://any.host${CHAT}`)
    expect((await app.fetch(bare, init)).status).toBe(200)
    const { fetch } = app
    expect((await fetch('http://localhost/health')).status).toBe(200)
  })

  test('options beside a request count as they do for a fetch', async () => {
    const { app, chat } = appOf([{ wait: 60_000 }], { apiKeys: ['k'] })
    const models = new Request('http://any.host/v1/models')
    expect((await app.fetch(models, { headers: { authorization: 'Bearer k' } })).status).toBe(200)
    const request = new Request(`http://any.host${CHAT}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
      body: JSON.stringify(question),
    })
    const client = new AbortController()
    const answer = app.fetch(request, { signal: client.signal })
    const failed = expect(answer).rejects.toMatchObject({ name: 'AbortError' })
    while (chat.running === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    client.abort()
    await failed
    // What servers pass there are no options.
    for (const bindings of [{ incoming: {}, outgoing: {} }, { remoteAddr: { port: 1 } }, undefined]) {
      expect((await app.fetch(new Request('http://any.host/health'), bindings as Json)).status).toBe(200)
    }
  })

  test('the home page says what runs, without scripts or resources, under a strict policy', async () => {
    const { app } = appOf(greeting, { modelId: `<img src=x onerror="alert('1')">` })
    const response = await app.request('http://localhost:8080/')
    expect(response.headers.get('content-type')).toMatch('text/html')
    const html = await response.text()
    const nonce = /style nonce="([0-9a-f]{32})"/.exec(html)?.[1]
    expect(response.headers.get('content-security-policy')).toMatch(`default-src 'none'; style-src 'nonce-${nonce}'`)
    expect(html).not.toMatch(/<img|<script|<link|style=/)
    expect(html).toContain('http://localhost:8080/v1/chat/completions')
    expect(html).toContain('<strong>ready</strong>')
  })
})
