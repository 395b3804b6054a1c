import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { SOON } from '../support/patience.ts'
import { appOf, events, greeting, type Json, post, question, type Step } from './fake-chat.ts'

const CHAT = '/v1/chat/completions'
const many: Step[] = Array.from({ length: 500 }, () => ({ text: 'x ' }))
const streamed = { ...question, stream: true }

describe('the client that reads slowly', () => {
  test.each(['/v1/chat/completions', '/predict'])('%s: pieces are made as they are read', async (path) => {
    const { app, chat } = appOf(many)
    const body = path === '/predict' ? { messages: question.messages, stream: true } : streamed
    const reader = (await post(app, path, body)).body!.getReader()
    for (let i = 0; i < 5; i++) await reader.read()
    await sleep(30)
    expect(chat.taken).toBeLessThan(8)
    await reader.cancel()
    expect(chat.running).toBe(0)
  })

  test('is dropped when it takes nothing for too long', async () => {
    const records: Json[] = []
    const { app, chat } = appOf(many, { idleTimeoutMs: 200, log: (record) => records.push(record) })
    const reader = (await post(app, CHAT, streamed)).body!.getReader()
    await reader.read()
    await vi.waitFor(() => expect(chat.running).toBe(0), SOON)
    await expect(reader.read()).rejects.toThrow('took nothing for 200 ms')
    expect(records).toMatchObject([{ aborted: true, level: 'warn', error: expect.stringMatching('took nothing') }])
  })
})

describe('the client that leaves with the last frame', () => {
  test.each([
    [CHAT, streamed, 'data: [DONE]\n\n'],
    ['/predict', { messages: question.messages, stream: true }, 'there'],
  ])('%s: has its whole answer, and is not counted as gone', async (path, body, last) => {
    const records: Json[] = []
    const { app } = appOf(greeting, { log: (record) => records.push(record) })
    const reader = (await post(app, path, body)).body!.getReader()
    for (let text = ''; !text.endsWith(last); ) text = new TextDecoder().decode((await reader.read()).value)
    await reader.cancel()
    expect(records).toMatchObject([{ status: 200, aborted: false, finishReasons: ['stop'] }])
  })
})

describe('the client that goes', () => {
  const slow: Step[] = [{ text: 'a' }, { wait: 60_000 }, { text: 'b' }]

  test('by its signal, in the middle of a stream: the answer ends at once and the body fails as a fetch does', async () => {
    const { app, chat } = appOf(slow)
    const client = new AbortController()
    const response = await post(app, CHAT, streamed, { signal: client.signal })
    const reader = response.body!.getReader()
    await reader.read()
    await reader.read()
    const waiting = reader.read()
    client.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    await vi.waitFor(() => expect(chat.running).toBe(0), SOON)
  })

  test('by cancelling the body', async () => {
    const records: Json[] = []
    const { app, chat } = appOf(slow, { log: (record) => records.push(record) })
    const reader = (await post(app, CHAT, streamed)).body!.getReader()
    await reader.read()
    await reader.cancel('no more')
    expect(chat.running).toBe(0)
    expect(records).toMatchObject([{ status: 200, aborted: true, route: CHAT }])
  })

  test('by its signal, which a server answers by cancelling: the body does not fail', async () => {
    const records: Json[] = []
    const { app } = appOf(slow, { log: (record) => records.push(record) })
    const client = new AbortController()
    const body = JSON.stringify(streamed)
    const json = { 'content-type': 'application/json' }
    const request = new Request(`http://localhost${CHAT}`, {
      method: 'POST',
      headers: json,
      body,
      signal: client.signal,
    })
    const reader = (await app.fetch(request)).body!.getReader()
    await reader.read()
    await reader.read()
    const waiting = reader.read()
    client.abort('Client connection prematurely closed.')
    reader.cancel()
    expect(await waiting).toEqual({ done: true, value: undefined })
    await expect(reader.closed).resolves.toBeUndefined()
    expect(records).toMatchObject([{ aborted: true, level: 'info' }])
  })

  test('before the first piece, or waiting for a whole answer', async () => {
    for (const stream of [true, false]) {
      const records: Json[] = []
      const { app, chat } = appOf([{ wait: 60_000 }], { log: (record) => records.push(record) })
      const client = new AbortController()
      const response = post(app, CHAT, { ...question, stream }, { signal: client.signal })
      await vi.waitFor(() => expect(chat.running).toBe(1), SOON)
      client.abort()
      await expect(response).rejects.toMatchObject({ name: 'AbortError' })
      await vi.waitFor(() => expect(records).toMatchObject([{ status: 499, aborted: true }]), SOON)
      expect(chat.running).toBe(0)
    }
  })

  test('by a request of a server, which gets an answer nobody reads', async () => {
    const { app, chat } = appOf([{ wait: 60_000 }])
    const client = new AbortController()
    const request = new Request(`http://localhost${CHAT}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(question),
      signal: client.signal,
    })
    const response = app.fetch(request)
    await vi.waitFor(() => expect(chat.running).toBe(1), SOON)
    client.abort()
    expect((await response).status).toBe(499)
    expect(chat.running).toBe(0)
  })
})

describe('the request that waits long', () => {
  test('is kept alive by comments, which are no events', async () => {
    // Waits that are many times as long as the pauses between comments: timers may come late, and together.
    const steps: Step[] = [{ wait: 400 }, { text: 'Hi' }, { wait: 300 }, { finish_reason: 'stop' }]
    const { app } = appOf(steps, { keepAliveMs: 20 })
    const response = await post(app, CHAT, streamed)
    const text = await response.clone().text()
    expect(text.startsWith(': keep-alive\n\n')).toBe(true)
    expect(text.split(': keep-alive\n\n').length).toBeGreaterThan(3)
    const chunks = await events(response)
    expect(chunks.map((chunk) => chunk.choices?.[0].delta.content)).toEqual(['', 'Hi', undefined, undefined])
  })

  test('learns of a failure by an event, once the stream is open', async () => {
    const { app } = appOf([{ wait: 300 }, { fail: new Error('boom') }], { keepAliveMs: 20 })
    const response = await post(app, CHAT, streamed)
    expect(response.status).toBe(200)
    expect((await events(response))[0].error).toMatchObject({ type: 'server_error' })
  })
})
