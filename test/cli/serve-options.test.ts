import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { curlLine } from '../../src/cli/serve-banner.ts'
import { serveLog } from '../../src/cli/serve-log.ts'
import { addServeOptions, isLoopback, nameOf, serveOptions } from '../../src/cli/serve-options.ts'
import { platform } from '../../src/platform/node.ts'
import type { RequestRecord } from '../../src/server/index.ts'
import { resolveOptions } from '../../src/server/options.ts'
import { runCommand, stage } from './stage.ts'

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
