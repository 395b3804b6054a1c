/** The app over a real model and real sockets. */
import { spawn } from 'node:child_process'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { random } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { type Json, post, question } from './fake-chat.ts'
import { chatRequests, predictRequests } from './launch-requests.ts'
import { endless, greedy, messages, servePocket, until } from './pocket.ts'

const { chat, app, answer, idle } = await servePocket()
afterAll(() => chat.dispose())

describe('the predict route and its neighbour', () => {
  const greedily = { do_sample: false }

  test('answer the requests that clients have sent since the launch', { timeout: patience(60_000) }, async () => {
    const client = new OpenAI({ apiKey: 'local', fetch: app.fetch })
    for (const body of chatRequests) {
      if (body.stream) {
        let text = ''
        for await (const chunk of (await client.chat.completions.create(body)) as Json)
          text += chunk.choices[0].delta.content ?? ''
        expect(text).not.toBe('')
      } else expect((await client.chat.completions.create(body)).choices[0]!.message.content).not.toBe('')
    }
    const headers = { authorization: 'Api-Key x' }
    for (const body of predictRequests) {
      const response = await post(app, '/production/predict', { ...body, max_new_tokens: 60 }, { headers })
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe(body.stream ? 'application/octet-stream' : 'application/json')
      expect(body.stream ? await response.text() : await response.json()).toMatch(/\S/)
    }
  })

  test('predict gives the same text whole, streamed and through the model', async () => {
    const request = {
      messages,
      ...greedily,
      max_new_tokens: 24,
      repetition_penalty: 1.1,
      no_repeat_ngram_size: 3,
      top_k: 40,
    }
    const { text } = await chat.complete(request)
    expect(await (await post(app, '/predict', request)).json()).toBe(text)
    expect(await (await post(app, '/predict', { ...request, stream: true })).text()).toBe(text)
    const counted = await post(app, '/predict', {
      messages,
      ...greedily,
      max_tokens: chat.encode({ messages }).length + 3,
    })
    expect(await counted.json()).toBe((await chat.complete({ messages, ...greedily, max_new_tokens: 3 })).text)
  })

  test('return_full_text gives the conversation and the answer', async () => {
    const request = { messages, ...greedily, max_new_tokens: 24 }
    const whole = await (await post(app, '/predict', { ...request, return_full_text: true })).json()
    const { text, prompt_token_ids: prompt } = await chat.complete(request)
    expect(whole).toContain('What is a mistral?')
    expect(whole.endsWith(text)).toBe(true)
    expect(whole.startsWith(chat.tokenizer.decode(prompt, { skipSpecial: true }))).toBe(true)
    const streamed = await (await post(app, '/predict', { ...request, return_full_text: true, stream: true })).text()
    expect(streamed).toBe(whole)
  })
})

describe('over a socket', () => {
  let server: Server
  let url: string
  beforeAll(async () => {
    const fetch = app.fetch
    await new Promise<void>((resolve) => {
      server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, () => resolve()) as Server
    })
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server?.closeAllConnections()
    server?.close()
  })

  test('the openai client gets the same text, and aborts reach the model', async () => {
    const client = new OpenAI({ apiKey: 'local', baseURL: `${url}/v1` })
    let text = ''
    for await (const { choices } of await client.chat.completions.create({ ...greedy, stream: true })) {
      text += choices[0]!.delta.content ?? ''
    }
    expect(text).toBe(answer)
    const stream = await client.chat.completions.create({ ...endless, stream: true } as typeof endless & {
      stream: true
    })
    for await (const _ of stream) break
    await until(idle)
    const control = new AbortController()
    const whole = client.chat.completions.create(endless, { signal: control.signal }).catch((error) => error)
    await until(() => !idle())
    control.abort()
    expect(await whole).toBeInstanceOf(OpenAI.APIUserAbortError)
    await until(idle)
  })

  test('curl -N shows the events (skipped without curl)', async (context) => {
    const body = JSON.stringify({ ...greedy, stream: true })
    const json = ['-H', 'Content-Type: application/json', '-d', body]
    const curl = spawn('curl', ['-sN', `${url}/v1/chat/completions`, ...json])
    let out = ''
    curl.stdout.on('data', (data) => {
      out += data
    })
    const code = await new Promise((resolve) => {
      curl.on('error', () => resolve('no curl'))
      curl.on('close', resolve)
    })
    if (code === 'no curl') return context.skip()
    const lines = out.split('\n\n').filter((line) => line !== '')
    expect(lines.at(-1)).toBe('data: [DONE]')
    const deltas = lines
      .slice(0, -1)
      .map((line) => JSON.parse(line.replace(/^data: /, '')).choices[0].delta.content ?? '')
    expect(deltas.join('')).toBe(answer)
  })

  test('a predict stream that is cut frees the sequence', async () => {
    const control = new AbortController()
    const response = await fetch(`${url}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages, max_new_tokens: 900, ignore_eos: true, stream: true }),
      signal: control.signal,
    })
    await response.body!.getReader().read()
    control.abort()
    await until(idle)
  })

  test('a body beyond the limit, sent in chunks, is refused', async () => {
    const response = await fetch(`${url}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Blob([`{"messages":"${'x'.repeat(1 << 20)}"}`]).stream(),
      duplex: 'half',
    } as RequestInit)
    expect(response.status).toBe(413)
    expect(await response.json()).toEqual({ error: expect.stringMatching('1048576 bytes') })
    expect((await post(app, '/v1/chat/completions', { ...question, max_tokens: 2 })).status).toBe(200)
  })
})

describe('many at once', () => {
  test('each gets what it would get alone, whoever else comes, goes or asks nonsense', async () => {
    const client = new OpenAI({ apiKey: 'local', fetch: app.fetch, maxRetries: 20 })
    const next = random(5)
    const questions = ['What is a mistral?', 'How does it form?', 'What is a sirocco?', 'Where does the bora blow?']
    const alone = new Map<string, string>()
    for (const content of questions) {
      const { text } = await chat.complete({ messages: [{ role: 'user', content }], temperature: 0, max_tokens: 16 })
      alone.set(content, text)
    }
    let complete = 0
    await Promise.all(
      Array.from({ length: 24 }, async (_, i) => {
        const content = questions[i % questions.length]!
        const messages = [{ role: 'user' as const, content }]
        if (i % 6 === 5) {
          await expect(client.chat.completions.create({ ...greedy, messages, top_p: 7 })).rejects.toThrow('top_p')
          return
        }
        const leaveAfter = i % 3 === 2 ? Math.floor(next() * 8) : Infinity
        const stream = await client.chat.completions.create({ ...greedy, messages, max_tokens: 16, stream: true })
        let text = ''
        let seen = 0
        for await (const { choices } of stream) {
          if (seen++ === leaveAfter) return
          text += choices[0]!.delta.content ?? ''
        }
        expect(text).toBe(alone.get(content))
        complete++
      }),
    )
    expect(complete).toBeGreaterThan(11)
    await until(idle)
    expect(chat.model.status().waiting).toBe(0)
  })
})
