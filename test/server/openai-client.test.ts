import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MistralChat } from '../../src/index.ts'
import { createApp } from '../../src/server/index.ts'
import { patience } from '../support/patience.ts'
import { type Json, post } from './fake-chat.ts'
import { endless, greedy, messages, servePocket, until } from './pocket.ts'

const { chat, app, answer, idle } = await servePocket()
afterAll(() => chat.dispose())

describe('the openai client in process', () => {
  let client: OpenAI
  beforeAll(() => {
    client = new OpenAI({ apiKey: 'local', fetch: app.fetch, dangerouslyAllowBrowser: true })
  })

  test('gets the text that the model gives in process, whole and streamed', async () => {
    const whole = await client.chat.completions.create(greedy)
    expect(answer.length).toBeGreaterThan(10)
    expect(whole.choices[0]!.message.content).toBe(answer)
    expect(whole._request_id).toMatch(/^req-/)
    const stream = await client.chat.completions.create({
      ...greedy,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let last: OpenAI.ChatCompletionChunk | undefined
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      last = chunk
    }
    expect(text).toBe(answer)
    expect(last!.usage!.completion_tokens).toBe(whole.usage!.completion_tokens)
    expect(last!.usage!.prompt_tokens).toBe(whole.usage!.prompt_tokens)
  })

  test('the helper that collects a stream gives the same', async () => {
    const stream = client.chat.completions.stream(greedy)
    expect((await stream.finalChatCompletion()).choices[0]!.message.content).toBe(answer)
  })

  test('seeds repeat; several choices are the answers to following seeds', async () => {
    const sampled = { ...greedy, temperature: 1, seed: 11 }
    const one = await client.chat.completions.create(sampled)
    const two = await client.chat.completions.create({ ...sampled, seed: 12 })
    const both = await client.chat.completions.create({ ...sampled, n: 2 })
    const texts = both.choices.map(({ message }) => message.content)
    expect(texts).toEqual([one.choices[0]!.message.content, two.choices[0]!.message.content])
    const streamed = ['', '']
    for await (const { choices } of await client.chat.completions.create({ ...sampled, n: 2, stream: true })) {
      for (const { index, delta } of choices) streamed[index] += delta.content ?? ''
    }
    expect(streamed).toEqual(texts)
  })

  test('seeds that differ in the last of their 64 bits draw differently, and each repeats', async () => {
    const wild = { temperature: 2, top_p: 1, top_k: 0, max_tokens: 60, ignore_eos: true }
    const ask = async (seed: string, name = 'seed') => {
      const sampled = { ...greedy, ...wild }
      const body = JSON.stringify(sampled).replace('{', `{"${name}":${seed},`)
      const response = await post(app, '/v1/chat/completions', body)
      expect(response.status).toBe(200)
      return (await response.json()).choices[0].message.content
    }
    const seeds = ['1152921504606846976', '1152921504606846977', '9223372036854775807', '-9223372036854775808', '-1']
    const texts: string[] = []
    for (const seed of seeds) texts.push(await ask(seed))
    expect(new Set(texts).size).toBe(seeds.length)
    expect(await ask(seeds[1]!, 'random_seed')).toBe(texts[1])
    const own = { messages, ...wild, seed: 2n ** 60n + 1n }
    expect((await chat.complete(own)).text).toBe(texts[1])
    // The next answer draws with the seed after it.
    const both = await chat.complete({ ...own, seed: 2n ** 60n, n: 2 })
    expect(both.choices.map(({ text }) => text)).toEqual(texts.slice(0, 2))
  })

  test('logprobs come with the tokens, the chosen one among the best when greedy', async () => {
    const { choices } = await client.chat.completions.create({ ...greedy, logprobs: true, top_logprobs: 3 })
    const content = choices[0]!.logprobs!.content!
    expect(content.length).toBeGreaterThan(3)
    for (const { token, logprob, bytes, top_logprobs: top } of content) {
      expect(logprob).toBeLessThanOrEqual(0)
      expect(top).toHaveLength(3)
      expect(top[0]).toEqual({ token, logprob, bytes })
    }
    const bytes = content.flatMap((entry) => entry.bytes!)
    expect(new TextDecoder().decode(Uint8Array.from(bytes)).trim()).toMatch(answer.trim())
    const streamed: Json[] = []
    const stream = await client.chat.completions.create({ ...greedy, logprobs: true, top_logprobs: 3, stream: true })
    for await (const { choices } of stream) streamed.push(...(choices[0]!.logprobs?.content ?? []))
    expect(streamed.map((entry) => entry.token)).toEqual(content.map((entry) => entry.token))
  })

  test('a bias and a stop text act', async () => {
    const word = answer.split(' ')[2]!
    const stopped = await client.chat.completions.create({ ...greedy, stop: [word, 'never'] })
    expect(stopped.choices[0]!.message.content).toBe(answer.slice(0, answer.indexOf(word)))
    expect(stopped.choices[0]!.finish_reason).toBe('stop')
    const [first] = (await chat.complete({ messages, temperature: 0, max_tokens: 1 })).token_ids
    const biased = await client.chat.completions.create({ ...greedy, logit_bias: { [first!]: -100 } })
    expect(biased.choices[0]!.message.content).not.toBe(answer)
  })

  test('completions and models', async () => {
    const text = (await chat.complete({ prompt: 'The mistral', temperature: 0, max_tokens: 8 })).text
    const request = { model: 'pocket', prompt: 'The mistral', temperature: 0, max_tokens: 8 }
    expect((await client.completions.create(request)).choices[0]!.text).toBe(text)
    let streamed = ''
    for await (const { choices } of await client.completions.create({ ...request, echo: true, stream: true })) {
      streamed += choices[0]!.text
    }
    expect(streamed).toBe(`The mistral${text}`)
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['pocket'])
    expect((await client.models.retrieve('pocket')).id).toBe('pocket')
    await expect(client.models.retrieve('gpt')).rejects.toThrow(OpenAI.NotFoundError)
  })

  test('errors are the client’s own classes', async () => {
    const long = 'wind '.repeat(1200)
    const failure = (request: object) => client.chat.completions.create({ ...greedy, ...request } as never)
    await expect(failure({ top_p: 3 })).rejects.toMatchObject({ status: 400, param: 'top_p' })
    await expect(failure({ top_p: 3 })).rejects.toThrow(OpenAI.BadRequestError)
    await expect(failure({ messages: [{ role: 'user', content: long }] })).rejects.toMatchObject({
      code: 'context_length_exceeded',
    })
    await expect(failure({ messages: [{ role: 'assistant', content: 'a' }] })).rejects.toThrow(OpenAI.BadRequestError)
    const locked = new OpenAI({ apiKey: 'wrong', fetch: createApp(chat, { apiKeys: ['right'] }).fetch })
    await expect(locked.models.list()).rejects.toThrow(OpenAI.AuthenticationError)
  })

  test('abort in mid-stream frees the sequence at once; so does leaving the loop', async () => {
    const stream = await client.chat.completions.create({ ...endless, stream: true } as typeof endless & {
      stream: true
    })
    let seen = 0
    for await (const _ of stream) {
      if (++seen === 4) stream.controller.abort()
    }
    await until(idle)
    const second = await client.chat.completions.create({ ...endless, stream: true } as typeof endless & {
      stream: true
    })
    for await (const _ of second) break
    await until(idle)
    const control = new AbortController()
    const whole = client.chat.completions.create(endless, { signal: control.signal })
    await until(() => !idle())
    control.abort()
    await expect(whole).rejects.toThrow(OpenAI.APIUserAbortError)
    await until(idle)
    expect((await client.chat.completions.create(greedy)).choices[0]!.message.content).toBe(answer)
  })

  test('a full queue is a 429 that the client tries again after', async () => {
    const statuses: number[] = []
    const watched = new OpenAI({
      apiKey: 'local',
      fetch: async (url, init) => {
        const response = await app.fetch(url, init)
        statuses.push(response.status)
        return response
      },
    })
    // Two answers run and one waits: that is all this model was loaded for.
    const readers = await Promise.all(
      [1, 2].map(async () => (await post(app, '/v1/chat/completions', { ...endless, stream: true })).body!.getReader()),
    )
    const waiting = watched.chat.completions.create(greedy)
    await until(() => chat.model.status().waiting === 1)
    await expect(client.chat.completions.create(greedy, { maxRetries: 0 })).rejects.toMatchObject({
      status: 429,
      code: 'queue_full',
    })
    const retried = watched.chat.completions.create(greedy)
    await until(() => statuses.includes(429))
    for (const reader of readers) await reader.cancel()
    const answers = await Promise.all([waiting, retried])
    expect(answers.map(({ choices }) => choices[0]!.message.content)).toEqual([answer, answer])
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0)
    await until(idle)
  })

  test('a model that loads is a 503 that the client tries again after', { timeout: patience(30_000) }, async () => {
    let loaded!: (chat: MistralChat) => void
    const loading = createApp(
      new Promise<MistralChat>((resolve) => {
        loaded = resolve
      }),
    )
    const patient = new OpenAI({ apiKey: 'local', fetch: loading.fetch })
    const result = patient.chat.completions.create(greedy)
    setTimeout(() => loaded(chat), 100)
    expect((await result).choices[0]!.message.content).toBe(answer)
  })
})
