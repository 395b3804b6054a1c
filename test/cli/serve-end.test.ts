/** How `serve` ends: its answers when their client leaves, and itself when it is told to. */
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { patience } from '../support/patience.ts'
import { type ServeProcess, startReady } from '../support/serve-process.ts'

const SMALL = ['--context', '1024', '--max-sequences', '2']
const LONG = {
  model: 'pocket',
  messages: [{ role: 'user', content: 'What is a mistral?' }],
  max_tokens: 200,
  ignore_eos: true,
  temperature: 0,
  stream: true,
}
/** One that runs on while the test, or the server, is held up. */
const LASTING = { ...LONG, max_tokens: 1000 }

/** A stream that runs: its first piece has come. */
async function streaming(server: ServeProcess, asked: object, signal?: AbortSignal) {
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(asked),
    ...(signal && { signal }),
  })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!/content":"[^"]/.test(text)) {
    const next = await reader.read()
    if (next.done) throw new Error(`the stream ended without text: ${text}`)
    text += next.value
  }
  const rest = async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value
    return text
  }
  return { rest }
}

/** The server has heard the signal that tells it to end. */
const stopping = (server: ServeProcess) =>
  expect.poll(() => server.log().map(({ message }) => message)).toContainEqual(expect.stringMatching(/^stopping: /))

describe('clients that leave', { timeout: patience(120_000) }, () => {
  let server: ServeProcess
  afterEach(() => server?.stop('SIGKILL'))

  it('show in the log, with the tokens made for them, and nowhere else', async () => {
    server = await startReady(SMALL)
    const [out, err] = [server.stdout(), server.stderr()]
    for (let i = 0; i < 3; i++) {
      const client = new AbortController()
      const { rest } = await streaming(server, LASTING, client.signal)
      client.abort()
      await expect(rest()).rejects.toThrow()
    }
    const records = () => server.log().filter((line) => line.event === 'request')
    await expect.poll(() => records().length).toBe(3)
    const left = { level: 'info', status: 200, aborted: true, completionTokens: expect.any(Number) }
    expect(records()).toMatchObject([left, left, left])
    for (const { completionTokens } of records()) expect(completionTokens).toBeGreaterThan(0)
    const others = server
      .stderr()
      .slice(err.length)
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('{"time"'))
    expect(others).toEqual([])
    expect(server.stdout()).toBe(out)
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    const made = records().reduce((sum, { completionTokens }) => sum + (completionTokens as number), 0)
    // What was made but had not been sent yet counts, too.
    expect(Number(/^mistral_webgpu_generated_tokens_total (\d+)$/m.exec(metrics)![1])).toBeGreaterThanOrEqual(made)
  })
})

describe('stopping', { timeout: patience(180_000) }, () => {
  let server: ServeProcess
  afterEach(() => server?.stop('SIGKILL'))

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s lets a stream come to its end, takes nothing new, ends with 0',
    async (signal) => {
      server = await startReady(SMALL)
      const { rest } = await streaming(server, LONG)
      server.child.kill(signal)
      await stopping(server)
      await expect(fetch(`${server.url}/health`)).rejects.toThrow()
      const text = await rest()
      expect(text.trimEnd()).toMatch(/data: \[DONE\]$/)
      expect(text).toContain('"finish_reason":"length"')
      expect(await server.ended).toEqual({ code: 0, signal: null })
      expect(server.log().at(-1)).toMatchObject({ message: 'stopped' })
    },
  )

  it('meanwhile refuses requests over connections that are still open as any other refusal: known, allowed, logged', async () => {
    server = await startReady([...SMALL, '--cors', 'https://example.com'])
    // It is waited for to its end.
    const body = JSON.stringify({ ...LONG, max_tokens: 400 })
    const path = '/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json'
    let all = ''
    const socket = connect(server.port, '127.0.0.1')
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.on('data', (data) => {
      all += data
    })
    socket.write(`POST ${path}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    while (!all.includes('"content":"')) await delay(10)
    server.child.kill('SIGTERM')
    await stopping(server)
    socket.write(`POST ${path}\r\nContent-Length: 2\r\nOrigin: https://example.com\r\nX-Request-Id: late\r\n\r\n{}`)
    await closed
    expect(await server.ended).toEqual({ code: 0, signal: null })
    const answer = all.slice(all.lastIndexOf('HTTP/1.1'))
    expect(answer).toMatch(/^HTTP\/1\.1 503 /)
    const headers = ['x-request-id: late', 'retry-after: 1', 'access-control-allow-origin: https://example.com']
    for (const line of [...headers, 'connection: close']) expect(answer.toLowerCase()).toContain(`${line}\r\n`)
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toEqual({
      error: { message: 'the server is shutting down', type: 'server_error', param: null, code: 'shutting_down' },
    })
    const late = server.log().filter((line) => line.requestId === 'late')
    expect(late).toMatchObject([{ status: 503, level: 'info', route: '/v1/chat/completions' }])
  })

  it('cuts what takes longer than --drain-seconds, and still ends with 0', async () => {
    server = await startReady([...SMALL, '--drain-seconds', '0'])
    const { rest } = await streaming(server, LASTING)
    server.child.kill('SIGTERM')
    await expect(rest()).rejects.toThrow()
    expect(await server.ended).toEqual({ code: 0, signal: null })
    expect(server.log()).toContainEqual(expect.objectContaining({ level: 'warn', message: '1 answers were cut off' }))
  })

  it('at the second signal ends at once', async () => {
    server = await startReady(SMALL)
    const { rest } = await streaming(server, LASTING)
    server.child.kill('SIGTERM')
    await stopping(server)
    server.child.kill('SIGTERM')
    expect(await server.ended).toEqual({ code: null, signal: 'SIGTERM' })
    await expect(rest()).rejects.toThrow()
  })
})
