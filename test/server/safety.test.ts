import { describe, expect, test } from 'vitest'
import { hostnameOf } from '../../src/server/hosts.ts'
import { type AppOptions, createApp } from '../../src/server/index.ts'
import { appOf, greeting, post, question } from './fake-chat.ts'

const CHAT = '/v1/chat/completions'

describe('keys', () => {
  const options: AppOptions = { apiKeys: ['first key', 'second'] }

  test.each(['Bearer second', 'bearer first key', 'Api-Key second', 'API-KEY  first key'])('%s opens', async (key) => {
    const { app } = appOf(greeting, options)
    const headers = { authorization: key }
    expect((await post(app, CHAT, question, { headers })).status).toBe(200)
    expect((await app.request('/v1/models', { headers })).status).toBe(200)
  })

  test.each(['', 'second', 'Bearer', 'Bearer ', 'Bearer secon', 'Bearer second1', 'Basic second', 'Bearer first'])(
    '"%s" does not',
    async (key) => {
      const { app, chat } = appOf(greeting, options)
      const headers: Record<string, string> = key === '' ? {} : { authorization: key }
      const response = await post(app, CHAT, question, { headers })
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      const { error } = await response.json()
      expect(error).toMatchObject({ type: 'authentication_error', param: null })
      const predict = await post(app, '/predict', question, { headers })
      expect([predict.status, await predict.json()]).toEqual([401, { error: error.message }])
      for (const path of ['/v1/models', '/metrics']) expect((await app.request(path, { headers })).status).toBe(401)
      for (const path of ['/health', '/']) expect((await app.request(path, { headers })).status).toBe(200)
      expect(chat.requests).toEqual([])
    },
  )
})

describe('names that the server answers for', () => {
  const status = async (options: AppOptions, host: string, path = '/v1/models') =>
    (await appOf(greeting, options).app.fetch(`http://${host}${path}`)).status

  test('are all of them unless some are listed', async () => {
    expect(await status({}, 'anything.example')).toBe(200)
  })

  test('are those that were listed, on every route: a page cannot make its own name one of them', async () => {
    const options = { allowedHosts: ['LocalHost', '127.0.0.1', '::1', 'My.Example:8080'] }
    for (const host of ['localhost:8080', 'localhost', '127.0.0.1:1', '[::1]:80', 'my.example']) {
      expect(await status(options, host)).toBe(200)
    }
    for (const path of ['/v1/models', '/health', '/', '/none']) {
      expect(await status(options, 'evil.example:8080', path)).toBe(403)
    }
    expect(await status(options, '127.0.0.1.evil.example')).toBe(403)
    const { app, chat } = appOf(greeting, options)
    const json = { 'content-type': 'application/json' }
    const init = { method: 'POST', headers: json, body: JSON.stringify(question) }
    const refused = await app.fetch(`http://evil.example${CHAT}`, init)
    expect((await refused.json()).error).toMatchObject({ type: 'permission_error', code: 'host_not_allowed' })
    expect(chat.requests).toEqual([])
  })

  test.each([
    ['My.Example', 'my.example'],
    ['my.example:80', 'my.example'],
    ['::1', '[::1]'],
    ['[::1]', '[::1]'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['http://my.example', undefined],
    ['my.example/', undefined],
    ['user@my.example', undefined],
    ['my example', undefined],
    ['*', undefined],
    ['', undefined],
  ])('%j is %j as a host name', (name, host) => expect(hostnameOf(name)).toBe(host))
})

describe('metrics', () => {
  test('need no key where they were opened, and nothing else is open with them', async () => {
    const { app } = appOf(greeting, { apiKeys: ['k'], metricsOpen: true })
    expect((await app.request('/metrics')).status).toBe(200)
    expect((await app.request('/v1/models')).status).toBe(401)
  })
})

describe('pages of other origins', () => {
  const preflight = (origin: string) => ({
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-stainless-os',
    },
  })

  test('are not let in unless listed', async () => {
    const { app } = appOf()
    const response = await app.request(CHAT, preflight('https://evil.example'))
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    const answer = await post(app, CHAT, question, { headers: { origin: 'https://evil.example' } })
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('are let in exactly, errors included', async () => {
    const { app } = appOf(greeting, { cors: ['https://a.example'], apiKeys: ['k'] })
    const allowed = await app.request(CHAT, preflight('https://a.example'))
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://a.example')
    expect(allowed.headers.get('access-control-allow-headers')).toMatch('authorization')
    expect(allowed.headers.get('access-control-allow-methods')).toMatch('POST')
    for (const origin of ['https://a.example.evil', 'http://a.example', 'https://A.example', 'null']) {
      const response = await app.request(CHAT, preflight(origin))
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    }
    const refused = await post(app, CHAT, question, { headers: { origin: 'https://a.example' } })
    expect(refused.status).toBe(401)
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://a.example')
    expect(refused.headers.get('access-control-expose-headers')).toMatch('x-request-id')
    expect(refused.headers.get('vary')).toMatch('Origin')
    const missing = await app.request('/none', { headers: { origin: 'https://a.example' } })
    expect(missing.headers.get('access-control-allow-origin')).toBe('https://a.example')
  })

  test('a star lets all in, streams included', async () => {
    const { app } = appOf(greeting, { cors: ['*'] })
    const headers = { origin: 'https://b.example' }
    const response = await post(app, CHAT, { ...question, stream: true }, { headers })
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(await response.text()).toMatch('[DONE]')
  })
})

describe('bodies', () => {
  const big = JSON.stringify({ ...question, user: 'x'.repeat(2000) })

  function chunked(text: string, pause = 0): RequestInit {
    const bytes = new TextEncoder().encode(text)
    let at = 0
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        at += 100
        if (at > 100) await new Promise((resolve) => setTimeout(resolve, pause))
        if (at - 100 >= bytes.length) controller.close()
        else controller.enqueue(bytes.slice(at - 100, at))
      },
    })
    const headers = { 'content-type': 'application/json' }
    return { method: 'POST', headers, body, duplex: 'half' } as RequestInit
  }

  test('are as long as the context of the model asks for, unless a limit is set', async () => {
    const long = JSON.stringify({ ...question, messages: [{ role: 'user', content: 'a'.repeat(1_200_000) }] })
    const { app } = appOf(greeting)
    expect((await post(app, CHAT, long)).status).toBe(413)
    const { chat } = appOf(greeting)
    const large = createApp(Object.assign(chat, { contextLength: 262_144 }))
    expect((await post(large, CHAT, long)).status).not.toBe(413)
    const small = createApp(chat, { bodyLimitBytes: 1000 })
    expect((await post(small, CHAT, long)).status).toBe(413)
  })

  test('beyond the limit are a 413, with a length or without one', async () => {
    const { app } = appOf(greeting, { bodyLimitBytes: 1000 })
    for (const response of [
      await post(app, CHAT, big),
      await post(app, CHAT, '{}', { headers: { 'content-length': '5000' } }),
      await app.fetch(`http://localhost${CHAT}`, chunked(big)),
    ]) {
      expect(response.status).toBe(413)
      // What is left of the body must not be taken for the next request.
      expect(response.headers.get('connection')).toBe('close')
      expect((await response.json()).error).toMatchObject({ code: 'body_too_large', type: 'invalid_request_error' })
    }
    const predict = await post(app, '/predict', big)
    expect([predict.status, await predict.json()]).toEqual([413, { error: expect.stringMatching('1000 bytes') }])
    const fitting = await app.fetch(`http://localhost${CHAT}`, chunked(JSON.stringify(question)))
    expect(fitting.status).toBe(200)
  })

  test('of browsers whose requests have no stream are read as a whole', async () => {
    const { app } = appOf(greeting, { bodyLimitBytes: 1000 })
    const send = (body?: string) => {
      const request = new Request(`http://localhost${CHAT}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: body ?? null,
      })
      return app.fetch(Object.defineProperty(request, 'body', { value: undefined }))
    }
    expect(await Promise.all([send(JSON.stringify(question)), send(big), send()])).toMatchObject([
      { status: 200 },
      { status: 413 },
      { status: 400 },
    ])
  })

  test('that break off are nobody\u2019s fault but the client\u2019s', async () => {
    const { app, chat } = appOf()
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"messages"'))
        controller.error(new Error('socket hang up'))
      },
    })
    const response = await app.fetch(`http://localhost${CHAT}`, { ...chunked(''), body } as RequestInit)
    expect(response.status).toBe(499)
    expect(chat.requests).toEqual([])
  })

  test('that come too slowly are a 408', async () => {
    const { app } = appOf(greeting, { bodyTimeoutMs: 50 })
    const response = await app.fetch(`http://localhost${CHAT}`, chunked(big, 20))
    expect(response.status).toBe(408)
    expect(response.headers.get('connection')).toBe('close')
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/jsonx', ''])(
    'of type "%s" are a 415, which keeps foreign pages out',
    async (type) => {
      const { app } = appOf()
      const response = await post(app, CHAT, question, { headers: { 'content-type': type } })
      expect(response.status).toBe(415)
      expect((await response.json()).error.message).toMatch('application/json')
    },
  )

  test.each(['application/json', 'Application/JSON; charset=utf-8', 'application/vnd.api+json'])(
    '%s is JSON',
    async (type) => {
      expect((await post(appOf().app, CHAT, question, { headers: { 'content-type': type } })).status).toBe(200)
    },
  )
})
