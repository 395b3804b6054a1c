/** Two servers behind a real nginx with the configuration of examples/deploy, and one of them killed under load. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { patience } from '../support/patience.ts'
import { type ServeProcess, startReady, startServe } from '../support/serve-process.ts'
import { hasNginx, type Nginx, startNginx } from './nginx.ts'

const ARGS = ['--context', '512', '--max-sequences', '8']
const messages = [{ role: 'user', content: 'What is a mistral?' }]

interface Outcome {
  readonly conversation: string
  /** undefined: the connection broke before the end. */
  readonly text: string | undefined
  readonly status: number
}

/** A streamed answer through nginx that has begun. */
async function begin(url: string, conversation: string, maxTokens: number): Promise<{ end: Promise<Outcome> }> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-conversation-id': conversation },
    body: JSON.stringify({
      model: 'any',
      messages,
      max_tokens: maxTokens,
      temperature: 0,
      ignore_eos: true,
      stream: true,
    }),
  })
  const read = async (): Promise<Outcome> => {
    const raw = await response.text().catch(() => '')
    const whole = raw.trimEnd().endsWith('data: [DONE]')
    return { conversation, status: response.status, text: whole ? textOf(raw) : undefined }
  }
  return { end: read() }
}

/** One whole answer. */
async function ask(url: string, conversation: string, maxTokens: number): Promise<Outcome> {
  return (await begin(url, conversation, maxTokens)).end
}

function textOf(raw: string): string {
  const chunks = raw.split('\n').filter((line) => line.startsWith('data: {'))
  return chunks.map((line) => JSON.parse(line.slice(6)).choices[0]?.delta?.content ?? '').join('')
}

/** How many completions a server has answered, or begun to answer. */
const answered = (server: ServeProcess) => server.log().filter((line) => line.route === '/v1/chat/completions').length

describe('two replicas behind nginx', { timeout: patience(240_000) }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
  let replicas: ServeProcess[] = []
  let nginx: Nginx | undefined

  beforeAll(() => {
    if (!hasNginx) console.log('skipped: needs nginx (apt-get install nginx-light)')
  })
  beforeEach(async (context) => {
    if (!hasNginx) return context.skip('there is no nginx')
    replicas = await Promise.all([startReady(ARGS), startReady(ARGS)])
    nginx = await startNginx(
      folder,
      replicas.map((replica) => replica.port),
    )
  }, patience(180_000))
  afterEach(async () => {
    nginx?.child.kill('SIGTERM')
    await Promise.all(replicas.map((replica) => replica.stop('SIGKILL')))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('a conversation stays with its replica, and different ones are spread', async () => {
    const { url } = nginx!
    for (let i = 0; i < 3; i++) expect((await ask(url, 'one of many', 2)).status).toBe(200)
    // The log comes by another way than the answers.
    await expect.poll(() => replicas.map(answered).sort()).toEqual([0, 3])
    await Promise.all(Array.from({ length: 24 }, (_, i) => ask(url, `conversation ${i}`, 2)))
    await expect.poll(() => answered(replicas[0]!) + answered(replicas[1]!)).toBeGreaterThanOrEqual(27)
    for (const replica of replicas) expect(answered(replica)).toBeGreaterThanOrEqual(4)
  })

  it('one is killed in mid-load: streams of the other go on, new requests succeed', async () => {
    const { url } = nginx!
    const [reference] = [await ask(url, 'reference', 600)]
    expect(reference!.text!.length).toBeGreaterThan(50)
    // All of them have begun, on both.
    const running = await Promise.all(Array.from({ length: 8 }, (_, i) => begin(url, `conversation ${i}`, 600)))
    const status = async (replica: ServeProcess) =>
      Number(/^mistral_webgpu_requests_running (\d+)/m.exec(await (await fetch(`${replica.url}/metrics`)).text())![1])
    const counts = await Promise.all(replicas.map(status))
    expect(Math.min(...counts)).toBeGreaterThan(0)
    replicas[0]!.child.kill('SIGKILL')
    // While it is gone: every new request finds the other one.
    const later = await Promise.all(Array.from({ length: 8 }, (_, i) => ask(url, `conversation ${i}`, 20)))
    for (const { status, text } of later) {
      expect(status).toBe(200)
      expect(text).toBe(reference!.text!.slice(0, text!.length))
    }
    const first = await Promise.all(running.map(({ end }) => end))
    const whole = first.filter(({ text }) => text !== undefined)
    for (const { text } of whole) expect(text).toBe(reference!.text)
    // What had begun on the dead one broke off, and was not sent twice; all others are whole.
    expect(whole.length).toBeGreaterThanOrEqual(counts[1]!)
    expect(whole.length).toBeLessThan(first.length)
  })

  it('one that loads, or shuts down, is passed over', async () => {
    const { url } = nginx!
    const port = replicas[0]!.port
    await replicas[0]!.stop('SIGTERM')
    // In its place one that never gets its model.
    const mute = createServer(() => undefined)
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    const source = `http://127.0.0.1:${(mute.address() as { port: number }).port}/model`
    try {
      replicas[0] = await startServe(['-m', source, '--port', String(port)])
      expect((await fetch(`${replicas[0].url}/health`)).status).toBe(503)
      const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => ask(url, `conversation ${i}`, 4)))
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    } finally {
      mute.close()
      // Sockets of the one that waits.
      await replicas[0]?.stop('SIGKILL')
    }
  })
})
