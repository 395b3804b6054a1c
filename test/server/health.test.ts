import { describe, expect, test, vi } from 'vitest'
import { DeviceError, DeviceLostError } from '../../src/errors.ts'
import { type ChatModel, createApp } from '../../src/server/index.ts'
import { SOON } from '../support/patience.ts'
import { appOf, fakeChat, greeting, type Json, post, question, type Step } from './fake-chat.ts'

const CHAT = '/v1/chat/completions'

describe('health and readiness', () => {
  test('a model that loads: 503 to try again after, then answers', async () => {
    let loaded!: (chat: ChatModel) => void
    const app = createApp(new Promise<ChatModel>((resolve) => (loaded = resolve)))
    const health = await app.request('/health')
    expect([health.status, await health.json()]).toEqual([503, { status: 'loading' }])
    for (const path of [CHAT, '/v1/completions', '/predict']) {
      const response = await post(app, path, question)
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('5')
    }
    expect((await app.request('/v1/models')).status).toBe(200)
    expect(await (await app.request('/metrics')).text()).toMatch(/^mistral_webgpu_model_ready 0$/m)
    loaded(fakeChat(greeting))
    await new Promise((resolve) => setTimeout(resolve))
    expect(await (await app.request('/health')).json()).toEqual({ status: 'ready' })
    expect((await post(app, CHAT, question)).status).toBe(200)
  })

  test('a model that does not load', async () => {
    const app = createApp(Promise.reject(new DeviceError('no GPU here')))
    await new Promise((resolve) => setTimeout(resolve))
    const health = await app.request('/health')
    expect([health.status, await health.json()]).toEqual([503, { status: 'failed' }])
    expect((await (await post(app, CHAT, question)).json()).error.message).toMatch('no GPU here')
  })
})

describe('a GPU that is lost', () => {
  test('while nobody asks anything shows in health, and in every answer', async () => {
    const chat = fakeChat(greeting)
    const app = createApp(chat)
    expect((await app.request('/health')).status).toBe(200)
    Object.assign(chat, { failure: new DeviceLostError('unknown', 'the driver was reset\nat 0xdead') })
    const health = await app.request('/health')
    expect([health.status, await health.json()]).toEqual([503, { status: 'failed' }])
    const answer = await post(app, CHAT, question)
    const { error } = await answer.json()
    expect([answer.status, error.code]).toEqual([503, 'model_failed'])
    expect(error.message).toMatch(/the driver was reset$/)
    expect(await (await app.request('/metrics')).text()).toMatch(/^mistral_webgpu_model_ready 0$/m)
    expect(chat.requests).toEqual([])
  })
})

describe('log', () => {
  test('one record per request, at the end of its answer', async () => {
    const records: Json[] = []
    const { app } = appOf(greeting, { log: (record) => records.push(record) })
    const response = await post(app, CHAT, { ...question, stream: true }, { headers: { 'x-request-id': 'r1' } })
    expect(records).toEqual([])
    await response.text()
    expect(records).toEqual([
      {
        level: 'info',
        requestId: 'r1',
        method: 'POST',
        route: CHAT,
        path: CHAT,
        status: 200,
        durationMs: expect.any(Number),
        stream: true,
        aborted: false,
        timeToFirstTokenMs: expect.any(Number),
        promptTokens: 10,
        completionTokens: 2,
        cachedTokens: 4,
        finishReasons: ['stop'],
      },
    ])
    await app.request('/v1/models/secret')
    expect(records[1]).toMatchObject({ route: '/v1/models/:id', path: '/v1/models/secret', status: 404 })
  })

  test('holds no text of the request unless asked, not even in errors', async () => {
    const secret = 'my secret'
    const bodies = [
      { ...question, messages: [{ role: 'user', content: secret }] },
      { ...question, messages: secret },
      { ...question, messages: question.messages, stop: [secret, 5] },
    ]
    for (const logPrompts of [false, true]) {
      const records: Json[] = []
      const { app } = appOf(greeting, { logPrompts, log: (record) => records.push(record) })
      for (const body of bodies) await post(app, CHAT, body)
      const seen = records.map((record) => JSON.stringify(record).includes(secret))
      expect(seen).toEqual(bodies.map(() => logPrompts))
    }
  })

  test('has the cause of what clients are not told; a logger that throws hurts nobody', async () => {
    const log = vi.fn(() => {
      throw new Error('disk full')
    })
    const { app } = appOf([{ fail: new TypeError('x is not a function') }], { log })
    expect((await post(app, CHAT, question)).status).toBe(500)
    expect(log).toHaveBeenCalledWith(
      expect.objectContaining({ status: 500, error: expect.stringMatching(/^TypeError: x is not a function\n +at /) }),
    )
  })

  test('has what went wrong also where stacks do not begin with it', async () => {
    const records: Json[] = []
    const fail = Object.assign(new TypeError('x is undefined'), { stack: 'read@page.js:1:2\n' })
    const { app } = appOf([{ fail }], { log: (record) => records.push(record) })
    await post(app, CHAT, question)
    expect(records).toMatchObject([{ error: 'TypeError: x is undefined\nread@page.js:1:2\n' }])
  })
})

describe('the log of what ends early', () => {
  const pieces: Step[] = [{ text: 'a ' }, { text: 'b ', token_ids: [1, 2, 3] }, { text: 'c ' }]

  test('an answer whose client left: the tokens until then', async () => {
    const records: Json[] = []
    const { app } = appOf([...pieces, { wait: 60_000 }], { log: (record) => records.push(record) })
    const reader = (await post(app, CHAT, { ...question, stream: true })).body!.getReader()
    for (let i = 0; i < 4; i++) await reader.read()
    await reader.cancel()
    expect(records).toMatchObject([{ status: 200, aborted: true, level: 'info', completionTokens: 5 }])
    expect(records[0]).not.toHaveProperty('promptTokens')
    expect(records[0]).not.toHaveProperty('error')
  })

  test('an answer that failed: the same, as an error', async () => {
    for (const path of [CHAT, '/predict']) {
      const body = path === CHAT ? question : { messages: question.messages }
      const records: Json[] = []
      const { app } = appOf([...pieces, { fail: new DeviceError('gone') }], { log: (record) => records.push(record) })
      await (await post(app, path, { ...body, stream: true })).text().catch(() => {})
      expect(records).toMatchObject([{ status: 200, aborted: false, level: 'error', completionTokens: 5 }])
    }
  })

  test('a client that left before the end of a whole answer: the same', async () => {
    const records: Json[] = []
    const { app, chat } = appOf([...pieces, { wait: 60_000 }], { log: (record) => records.push(record) })
    const client = new AbortController()
    const answer = post(app, CHAT, question, { signal: client.signal }).catch(() => {})
    while (chat.taken < 3) await new Promise((resolve) => setTimeout(resolve, 1))
    client.abort()
    await answer
    const left = { status: 499, aborted: true, level: 'info', completionTokens: 5 }
    await vi.waitFor(() => expect(records).toMatchObject([left]), SOON)
  })
})

describe('the level of a record', () => {
  test('is info for a server that loads, error for one whose model failed, warn for what clients did', async () => {
    const records: Json[] = []
    const log = (record: Json) => records.push(record)
    let fail!: (error: unknown) => void
    const app = createApp(new Promise<ChatModel>((_, reject) => (fail = reject)), { log })
    const ask = async () => {
      for (const path of ['/health', '/metrics', '/nothing']) await app.request(path)
      await post(app, CHAT, question)
      return records.splice(0).map(({ status, level }) => [status, level])
    }
    const missing = [404, 'warn']
    expect(await ask()).toEqual([[503, 'info'], [200, 'info'], missing, [503, 'info']])
    fail(new DeviceError('no GPU here'))
    await new Promise((resolve) => setTimeout(resolve))
    expect(await ask()).toEqual([[503, 'error'], [200, 'info'], missing, [503, 'error']])
  })
})

describe('metrics', () => {
  test('time per token is what one reader sees, however many answers a request has', async () => {
    let now = 1000
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
    const { app } = appOf(function* (): Iterable<Step> {
      const begun = now
      for (let round = 0; round < 6; round++) {
        // Prompts that are answered side by side share the time.
        now = Math.max(now, begun + 30 * (round + 1))
        for (const index of [0, 1, 2, 3]) yield { index, text: 'x', finish_reason: round === 5 ? 'stop' : null }
      }
    })
    // Two prompts too: the choices of the second have numbers of their own.
    const bodies = [
      [CHAT, { ...question, n: 4 }],
      ['/v1/completions', { model: 'm', prompt: ['a', 'b'], n: 4 }],
    ] as const
    for (const [path, body] of bodies) await (await post(app, path, { ...body, stream: true })).text()
    const metrics = parse(await (await app.request('/metrics')).text())
    expect(metrics.get('mistral_webgpu_time_per_token_seconds_count')).toBe(2)
    // 30 ms each; divided by the tokens of all answers it would be a quarter, and an eighth.
    expect(metrics.get('mistral_webgpu_time_per_token_seconds_bucket{le="0.02"}')).toBe(0)
    expect(metrics.get('mistral_webgpu_time_per_token_seconds_sum')).toBeCloseTo(0.06)
    clock.mockRestore()
  })

  test('are Prometheus text with all that is promised', async () => {
    const { app } = appOf()
    await post(app, CHAT, question)
    await (await post(app, CHAT, { ...question, stream: true })).text()
    await post(app, CHAT, {})
    await app.request('/some/path/"with\nodd names')
    const response = await app.request('/metrics')
    expect(response.headers.get('content-type')).toMatch('text/plain; version=0.0.4')
    const metrics = parse(await response.text())
    const value = (name: string, labels = '') => metrics.get(`mistral_webgpu_${name}${labels}`)
    expect(value('requests_total', `{route="${CHAT}",status="200"}`)).toBe(2)
    expect(value('requests_total', `{route="${CHAT}",status="400"}`)).toBe(1)
    expect(value('requests_total', '{route="other",status="404"}')).toBe(1)
    expect(value('queue_length')).toBe(2)
    expect(value('requests_running')).toBe(0)
    expect(value('queue_limit')).toBe(Infinity)
    expect(value('prompt_tokens_total')).toBe(40)
    expect(value('generated_tokens_total')).toBe(17)
    expect(value('cached_tokens_total')).toBe(3)
    expect(value('gpu_memory_bytes')).toBe(12345)
    expect(value('gpu_memory_part_bytes', '{part="cache"}')).toBe(2000)
    expect(value('tensor_bytes')).toBe(9990)
    expect(value('context_length')).toBe(8192)
    expect(value('time_to_first_token_seconds_count')).toBe(2)
    expect(value('time_to_first_token_seconds_bucket', '{le="+Inf"}')).toBe(2)
    expect(value('time_per_token_seconds_count')).toBe(2)
    expect(value('time_to_first_token_seconds_sum')).toBeGreaterThan(0)
  })

  test('can be turned off', async () => {
    expect((await appOf(greeting, { metrics: false }).app.request('/metrics')).status).toBe(404)
  })
})

/** Reads the text format strictly: HELP and TYPE before samples, known types, cumulative buckets. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  let family = ''
  let type = ''
  expect(text.endsWith('\n')).toBe(true)
  for (const line of text.trimEnd().split('\n')) {
    const comment = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line)
    if (comment?.[1] === 'HELP') family = comment[2]!
    else if (comment) {
      expect(comment[2]).toBe(family)
      type = comment[3]!
      expect(['counter', 'gauge', 'histogram']).toContain(type)
    } else {
      const sample = /^([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})? (\S+)$/.exec(line)
      expect(sample, line).not.toBeNull()
      expect(sample![1]!.replace(type === 'histogram' ? /_(bucket|sum|count)$/ : /$^/, '')).toBe(family)
      const number = sample![3] === '+Inf' ? Infinity : Number(sample![3])
      expect(number).not.toBeNaN()
      samples.set(`${sample![1]}${sample![2] ?? ''}`, number)
    }
  }
  return samples
}
