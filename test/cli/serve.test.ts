/** `serve` as a program of its own. */
import { createServer, get as httpGet } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { curlLine } from '../../src/cli/serve-banner.ts'
import { serveLog } from '../../src/cli/serve-log.ts'
import { addServeOptions, isLoopback, nameOf, serveOptions } from '../../src/cli/serve-options.ts'
import { platform } from '../../src/platform/node.ts'
import type { RequestRecord } from '../../src/server/index.ts'
import { resolveOptions } from '../../src/server/options.ts'
import { runChild } from '../support/child.ts'
import { patience } from '../support/patience.ts'
import { type ServeProcess, startReady, startServe } from '../support/serve-process.ts'
import { runCommand, stage } from './stage.ts'

const QUESTION = [{ role: 'user', content: 'What is a mistral?' }]
const SMALL = ['--context', '256', '--max-sequences', '2']

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

describe('options of serve', () => {
  it.each([
    [undefined, 'pocket'],
    ['./Mistral-7B-Instruct-v0.3/', 'Mistral-7B-Instruct-v0.3'],
    ['C:\\models\\m.Q4_0.GGUF', 'm.Q4_0'],
    ['https://example.com/a/model.gguf?download=1#x', 'model'],
    ['..', 'mistral'],
    ['/', 'mistral'],
  ])('the name of %j is %s', (source, name) => expect(nameOf(source)).toBe(name))

  it('tells addresses of this machine from others', () => {
    expect(['127.0.0.1', '127.1.2.3', '::1', 'localhost'].map(isLoopback)).toEqual([true, true, true, true])
    expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', ''].map(isLoopback)).not.toContain(true)
  })

  it.each([
    [['--port', '65536'], 'option --port "65536" must be an integer from 0 to 65535'],
    [['--port', 'http'], 'option --port "http"'],
    [['--max-sequences', '0'], 'option --max-sequences "0"'],
    [['--queue', '-1'], 'option --queue "-1"'],
    [['--drain-seconds', 'x'], 'option --drain-seconds "x"'],
    [['--cors', 'https://example.com/'], 'parameter "cors"'],
    [['--allowed-host', 'http://my.example'], 'option --allowed-host "http://my.example" must be a host name'],
    [['--log', 'xml'], 'Allowed choices are json, text, off'],
  ])('%j is refused with one line and code 2', async (args, message) => {
    const result = await runCommand(['serve', ...args])
    expect(result.stderr).toContain(message)
    expect(result.code).toBe(2)
  })

  it('a port that is taken is named, with what to do', async () => {
    const other = await platform.serveHttp(() => new Response('other'), { host: '127.0.0.1', port: 0 })
    try {
      const result = await runCommand(['serve', '--port', String(other.port)])
      // Dawn's warnings about limits go to a socket unfiltered; they are not the command's.
      const own = result.stderr.replace(/^Warning: max.*\n/gm, '')
      expect(own).toBe(
        `error: cannot listen on 127.0.0.1, port ${other.port}: another program listens there; choose another port, or 0 for any that is free\n`,
      )
      expect(result.code).toBe(1)
    } finally {
      await other.close(0)
    }
  })

  it('the curl line never shows a key, and names the variable only where that is one', () => {
    const lineFor = (variable: string | undefined, apiKeys: string[]) => {
      const { cli } = stage({ env: variable === undefined ? {} : { MISTRAL_WEBGPU_API_KEY: variable } })
      return curlLine(cli, 'http://h:1', { modelId: "it's", apiKeys })
    }
    const line = lineFor('secret', ['other', 'secret'])
    expect(line).toContain('-H "Authorization: Bearer $MISTRAL_WEBGPU_API_KEY"')
    expect(line).toContain("it'\\''s")
    for (const other of [lineFor('secret, second', ['secret', 'second']), lineFor(undefined, ['secret'])]) {
      expect(other).toContain("-H 'Authorization: Bearer KEY'")
      expect(line + other).not.toMatch(/secret|second/)
    }
    expect(lineFor(undefined, [])).not.toContain('Authorization')
  })

  it.each([
    [[], {}, ['localhost', '127.0.0.1', '[::1]', '127.0.0.1']],
    [['--allowed-host', 'My.Example:80'], {}, ['localhost', '127.0.0.1', '[::1]', '127.0.0.1', 'my.example']],
    [['--host', '0.0.0.0', '--allowed-host', 'my.example'], {}, []],
    [['--api-key', 'k'], {}, []],
    [[], { MISTRAL_WEBGPU_API_KEY: 'k' }, []],
  ])('%j with %j answers for %j', (args, env, hosts) => {
    const { cli } = stage({ env })
    const command = addServeOptions(new Command()).parse(args, { from: 'user' })
    expect(serveOptions(cli, command.opts()).app.allowedHosts).toEqual(hosts)
  })
})

describe('stored responses', () => {
  const optionsOf = (...args: string[]) => {
    const command = addServeOptions(new Command()).parse(args, { from: 'user' })
    return serveOptions(stage().cli, command.opts()).app
  }

  it('are as many as the command says; its help tells how many there are otherwise', () => {
    expect(optionsOf('--max-stored-responses', '0').maxStoredResponses).toBe(0)
    expect(optionsOf('--max-stored-responses', '9').maxStoredResponses).toBe(9)
    expect(() => optionsOf('--max-stored-responses', '-1')).toThrow(/--max-stored-responses "-1" must be an integer/)
    expect(optionsOf()).not.toHaveProperty('maxStoredResponses')
    const most = resolveOptions({}).maxStoredResponses
    const help = addServeOptions(new Command()).helpInformation().replace(/\s+/g, ' ')
    expect(help).toMatch(new RegExp(`--max-stored-responses <n> .*to go on from \\(default: ${most}\\)`))
  })
})

describe('the log of serve', () => {
  const record: RequestRecord = {
    level: 'warn',
    requestId: 'r',
    method: 'POST',
    route: 'other',
    path: '/x\ny\x1b[2J',
    status: 404,
    durationMs: 1.26,
    stream: false,
    aborted: true,
    promptTokens: 3,
    completionTokens: 4,
    error: 'two\nlines',
  }
  const now = () => new Date(0)

  it('as JSON is one object in one line', () => {
    const on = stage()
    serveLog(on.cli, 'json', now).request(record)
    expect(on.err()).toMatch(/^\{.*\}\n$/)
    expect(JSON.parse(on.err())).toEqual({
      time: '1970-01-01T00:00:00.000Z',
      event: 'request',
      ...record,
      durationMs: 1.3,
    })
  })

  it('as text is one line that nobody can forge', () => {
    const on = stage()
    serveLog(on.cli, 'text', now).request(record)
    expect(on.err()).toBe('POST /x y [2J 404 1 ms, 3 + 4 tokens, the client left, two lines\n')
  })

  it.each(['json', 'text'] as const)('as %s holds nothing that steers a terminal, in prompts neither', (form) => {
    const on = stage()
    const sent = '\x1b[2J\x7f\x9b2J\x85\nPOST /forged 200'
    serveLog(on.cli, form, now).request({ ...record, error: sent, prompt: [{ role: 'user', content: sent }] })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
    expect(on.err()).toMatch(/^[^\x00-\x1f\x7f-\x9f]+\n$/)
    if (form === 'json') expect(JSON.parse(on.err())).toMatchObject({ error: sent, prompt: [{ content: sent }] })
  })

  it('leaves out probes that find all well, and only those', () => {
    const on = stage()
    const log = serveLog(on.cli, 'json', now)
    for (const route of ['/health', '/metrics', '/v1/models']) log.request({ ...record, route, status: 200 })
    log.request({ ...record, route: '/health', status: 503, level: 'info' })
    const lines = on.err().trim().split('\n')
    const shown = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(shown).toMatchObject([{ route: '/v1/models' }, { route: '/health', status: 503, level: 'info' }])
  })

  it('as text tells the tokens of an answer that broke off', () => {
    const on = stage()
    const { promptTokens: _, ...rest } = record
    serveLog(on.cli, 'text', now).request(rest)
    expect(on.err()).toContain('404 1 ms, 4 tokens, the client left')
  })

  it('turned off leaves warnings', () => {
    const on = stage()
    const log = serveLog(on.cli, 'off', now)
    log.request(record)
    log.event('info', 'quiet')
    log.event('warn', 'loud')
    expect(on.err()).toBe('warn: loud\n')
  })
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
    await delay(100)
    const lines = server.log().filter((line) => line.requestId === 'find-me')
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
