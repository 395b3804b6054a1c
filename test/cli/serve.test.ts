/** `serve` as a program of its own. */
import { createServer, get as httpGet } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { runChild } from '../support/child.ts'
import { patience } from '../support/patience.ts'
import { type ServeProcess, startReady, startServe } from '../support/serve-process.ts'

const QUESTION = [{ role: 'user', content: 'What is a mistral?' }]
const SMALL = ['--context', '256', '--max-sequences', '2']

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

describe('while the model loads', { timeout: patience(120_000) }, () => {
  let server: ServeProcess | undefined
  afterEach(() => server?.stop('SIGKILL'))

  it('says so, and SIGTERM ends it with 0', async () => {
    const slow = createServer(() => undefined).listen(0)
    const source = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/model`
    try {
      server = await startServe(['-m', source, '--host', '0.0.0.0'])
      const health = await fetch(`${server.url}/health`)
      expect([health.status, await health.json()]).toEqual([503, { status: 'loading' }])
      const early = await post(`${server.url}/v1/chat/completions`, { model: 'x', messages: QUESTION })
      expect([early.status, await early.json()]).toMatchObject([503, { error: { message: 'the model is loading' } }])
      const { models } = { models: await (await fetch(`${server.url}/v1/models`)).json() }
      expect(models).toMatchObject({ data: [{ id: 'model' }] })
      expect(await server.stop()).toEqual({ code: 0, signal: null })
      expect(server.stdout()).toBe('')
      const requests = server.log().filter((line) => line.event === 'request')
      // The list of models was there; the others came too early, which is nobody's fault.
      expect(requests.map(({ status, level }) => [status, level])).toEqual([
        [503, 'info'],
        [503, 'info'],
        [200, 'info'],
      ])
      expect(server.log()).toContainEqual(
        expect.objectContaining({ level: 'warn', message: expect.stringContaining('asks for no --api-key') }),
      )
    } finally {
      slow.closeAllConnections()
      slow.close()
    }
  })

  it('without a key it answers for this machine only, whatever name a page gives it', async () => {
    server = await startServe(['--allowed-host', 'my.example', ...SMALL])
    const ask = (host: string) =>
      new Promise<number>((resolve, reject) => {
        const { hostname, port } = new URL(server!.url)
        const request = httpGet({ hostname, port, path: '/v1/models', headers: { host } }, (response) => {
          response.resume()
          resolve(response.statusCode!)
        })
        request.on('error', reject)
      })
    expect(await ask('evil.example:80')).toBe(403)
    expect(await ask('127.0.0.1.evil.example')).toBe(403)
    expect(await ask('localhost:1')).toBe(200)
    expect(await ask('my.example')).toBe(200)
  })

  it('that fails is the end, with 1', async () => {
    server = await startServe(['-m', '/nowhere/model.gguf'])
    expect(await server.ended).toEqual({ code: 1, signal: null })
    expect(server.stderr()).toMatch(/^error: /m)
  })
})

describe('a server that is ready', { timeout: patience(120_000) }, () => {
  const KEY = 'key-of-the-test'
  const auth = { authorization: `Bearer ${KEY}` }
  let server: ServeProcess
  beforeAll(async () => {
    const keys = ['--api-key', 'another', '--api-key', 'third']
    server = await startReady([...SMALL, '--cors', 'https://example.com', ...keys], { MISTRAL_WEBGPU_API_KEY: KEY })
  }, patience(120_000))
  afterAll(() => server?.stop('SIGKILL'))

  it('shows model, plan and address in its banner, and no key', () => {
    for (const word of ['pocket', 'bf16', 'on the GPU', '2 sequences', '256 tokens', 'adapter', server.url, '3, one']) {
      expect(server.stdout()).toContain(word)
    }
    expect(server.stdout() + server.stderr()).not.toContain(KEY)
  })

  it('answers the line of its banner, pasted into a shell', async () => {
    const line = /^ {2}(curl -N .*)$/m.exec(server.stdout())![1]!
    const result = await runChild('sh', ['-c', `${line} -s --max-time 60`], {
      env: { MISTRAL_WEBGPU_API_KEY: KEY },
      timeoutMs: 70_000,
    })
    expect(result.stdout).toMatch(/^data: \{/)
    expect(result.stdout.trimEnd()).toMatch(/data: \[DONE\]$/)
    expect(result.code).toBe(0)
  })

  it('asks for a key, and takes each of them', async () => {
    const url = `${server.url}/v1/models`
    expect((await fetch(url)).status).toBe(401)
    expect((await fetch(url, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
    for (const key of [KEY, 'third', 'another']) {
      expect((await fetch(url, { headers: { authorization: `Bearer ${key}` } })).status).toBe(200)
      expect((await fetch(url, { headers: { authorization: `Api-Key ${key}` } })).status).toBe(200)
    }
    expect((await fetch(`${server.url}/health`)).status).toBe(200)
  })

  it('allows the origins that were listed, and no others', async () => {
    const allowed = async (origin: string) =>
      (await fetch(`${server.url}/health`, { headers: { origin } })).headers.get('access-control-allow-origin')
    expect(await allowed('https://example.com')).toBe('https://example.com')
    expect(await allowed('https://evil.example')).toBeNull()
  })

  it('logs one line for each request, without what users wrote', async () => {
    const body = { model: 'any', messages: [{ role: 'user', content: 'xyzzy plugh' }], max_tokens: 2 }
    const response = await post(`${server.url}/v1/chat/completions`, body, { ...auth, 'x-request-id': 'find-me' })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ model: 'pocket', usage: { completion_tokens: 2 } })
    const found = () => server.log().filter((line) => line.requestId === 'find-me')
    await expect.poll(found).not.toEqual([])
    const lines = found()
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      level: 'info',
      event: 'request',
      method: 'POST',
      route: '/v1/chat/completions',
      status: 200,
      completionTokens: 2,
    })
    expect(server.stderr()).not.toContain('xyzzy')
  })
})
