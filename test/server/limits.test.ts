/** Requests that are well formed and ask for too much. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { MistralChat } from '../../src/index.ts'
import { createApp, type MistralApp } from '../../src/server/index.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { disabledFeatures } from '../support/features.ts'
import { patience, SOON } from '../support/patience.ts'

let chat: MistralChat
let app: MistralApp
beforeAll(async () => {
  const options = { contextLength: 256, maxSequences: 2, maxQueue: 2, disableFeatures: disabledFeatures() }
  chat = await MistralChat.load('pocket', options)
  app = createApp(chat)
}, patience(240_000))
afterAll(() => chat?.dispose())

const messages = [{ role: 'user', content: 'What is a mistral?' }]

interface Answer {
  readonly usage: { readonly completion_tokens: number }
  readonly choices: readonly { readonly finish_reason: string }[]
}

interface Answered {
  readonly status: number
  readonly body: Answer
}

async function ask(path: string, body: object): Promise<Answered> {
  const response = await app.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Answer }
}

describe('many', { timeout: patience(120_000) }, () => {
  it('answers in one request warn of nothing', async () => {
    const warnings: unknown[] = []
    const note = (warning: unknown) => warnings.push(warning)
    process.on('warning', note)
    const json = { 'content-type': 'application/json' }
    const send = (path: string, body: object) =>
      app.fetch(path, { method: 'POST', headers: json, body: JSON.stringify({ model: 'm', max_tokens: 2, ...body }) })
    expect((await send('/v1/chat/completions', { messages, n: 12 })).status).toBe(200)
    expect((await send('/v1/completions', { prompt: ['a'], n: 12 })).status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 10))
    process.off('warning', note)
    expect(warnings).toEqual([])
  })
})

describe('too much', { timeout: patience(120_000) }, () => {
  it('text is a 400 before it is tokenized, which takes seconds, on every route', async () => {
    const tokenized = vi.spyOn(Tokenizer.prototype, 'encodePart')
    for (const content of ['x'.repeat(900_000), 'the mistral wind blows '.repeat(40_000)]) {
      const long = [{ role: 'user', content }]
      const chatAnswer = await ask('/v1/chat/completions', { model: 'm', messages: long })
      expect(chatAnswer).toMatchObject({ status: 400, body: { error: { code: 'context_length_exceeded' } } })
      expect((await ask('/v1/completions', { model: 'm', prompt: content })).status).toBe(400)
      expect(await ask('/predict', { messages: long })).toMatchObject({
        status: 400,
        body: { error: expect.any(String) },
      })
    }
    expect(tokenized.mock.calls.filter(([text]) => text.length > 10_000)).toEqual([])
    tokenized.mockRestore()
    const many = Array.from({ length: 20_001 }, (_, i) => ({ role: i % 2 ? 'assistant' : 'user', content: 'a' }))
    expect((await ask('/v1/chat/completions', { model: 'm', messages: many })).status).toBe(400)
  })

  it('is banned when nothing is left to say', async () => {
    const suppress_tokens = Array.from({ length: chat.model.config.vocabSize }, (_, id) => id)
    const answer = await ask('/v1/chat/completions', { model: 'm', messages, suppress_tokens })
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'no_token_left' } } })
    expect((await ask('/v1/chat/completions', { model: 'm', messages, max_tokens: 5 })).status).toBe(200)
  })

  it('of an answer ends with the context, also where a window would let it go on', async () => {
    const body = { model: 'm', messages, max_tokens: 1_000_000_000, ignore_eos: true }
    const answer = await ask('/v1/chat/completions', body)
    expect(answer.body.usage.completion_tokens).toBe(256)
    expect(answer.body.choices[0]!.finish_reason).toBe('length')
  })

  it('at a time: choices that find room are answered, one that is refused frees what came with it', async () => {
    expect((await ask('/v1/chat/completions', { model: 'm', messages, n: 4, max_tokens: 3 })).status).toBe(200)
    const answered: number[] = []
    const noted = (answer: Answered) => answered.push(answer.status)
    const busy = [1, 2].map(() =>
      ask('/v1/chat/completions', { model: 'm', messages, max_tokens: 200, ignore_eos: true }).then(noted),
    )
    await vi.waitUntil(() => chat.model.status().running === 2, { ...SOON, interval: 2 })
    await ask('/v1/completions', { model: 'm', prompt: ['a', 'b '.repeat(2000)], max_tokens: 5 }).then(noted)
    await Promise.all(busy)
    // It did not wait for a sequence to become free.
    expect(answered).toEqual([400, 200, 200])
    expect(chat.model.status()).toMatchObject({ running: 0, waiting: 0 })
  })
})
