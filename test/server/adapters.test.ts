/** LoRA adapters over HTTP: an adapter's name stands for the model with it, on every face. */
import { afterAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/server/index.ts'
import { POCKET_SHAPE, randomAdapter } from '../support/random-adapter.ts'
import { greedy, loadPocket, messages } from './pocket.ts'

const chat = await loadPocket({ maxSequences: 2 })
const files: Record<string, string | Uint8Array> = randomAdapter(POCKET_SHAPE)
await chat.loadAdapter({ open: (name) => files[name] }, { name: 'pirate' })
const app = createApp(chat, { modelId: 'pocket' })
const strict = createApp(chat, { modelId: 'pocket', strictModel: true })
afterAll(() => chat.dispose())

const request = { messages, temperature: 0, max_tokens: 12 }
const plain = (await chat.complete(request)).text
const adapted = (await chat.complete({ ...request, adapter: 'pirate' })).text

async function post(path: string, body: object, to = app) {
  const response = await to.fetch(
    new Request(`http://localhost${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify(body),
    }),
  )
  return { status: response.status, body: await response.json() }
}

async function get(path: string) {
  return (await app.fetch(new Request(`http://localhost${path}`))).json()
}

describe('an adapter', () => {
  it('changes the answer', () => {
    expect(adapted).not.toBe(plain)
  })

  it('is named as the model, or in a field of its own', async () => {
    const url = '/v1/chat/completions'
    for (const named of [
      { model: 'pirate' },
      { model: 'pocket', adapter: 'pirate' },
      { model: 'x', adapter_id: 'pirate' },
    ]) {
      const { body } = await post(url, { ...request, ...named })
      expect(body.choices[0].message.content).toBe(adapted)
      expect(body.model).toBe('pirate')
    }
    const { body } = await post(url, { ...request, model: 'pocket' })
    expect(body.choices[0].message.content).toBe(plain)
    expect(body.model).toBe('pocket')
  })

  it('answers on the other faces', async () => {
    const { model: _, ...rest } = greedy
    const text = 'The wind'
    const completion = { temperature: 0, max_tokens: 8, prompt: text }
    const want = (await chat.complete({ ...completion, adapter: 'pirate' })).text
    const completions = await post('/v1/completions', { ...completion, model: 'pirate' })
    expect(completions.body.choices[0].text).toBe(want)
    expect(completions.body.model).toBe('pirate')
    const predicted = await post('/predict', { messages, temperature: 0, max_new_tokens: 12, model: 'pirate' })
    expect(predicted.body).toBe(adapted)
    const asked = { model: 'pirate', messages, temperature: 0, max_tokens: 12 }
    const message = await post('/v1/messages', asked)
    expect(message.body).toMatchObject({ model: 'pirate', content: [{ type: 'text', text: adapted }] })
    const response = await post('/v1/responses', {
      model: 'pirate',
      input: messages[0]!.content,
      temperature: 0,
      max_output_tokens: 12,
    })
    expect(response.body).toMatchObject({ model: 'pirate', output: [{ content: [{ text: adapted }] }] })
    const ollama = await post('/api/chat', {
      model: 'pirate:latest',
      messages,
      stream: false,
      options: { temperature: 0, num_predict: 12 },
    })
    expect(ollama.body).toMatchObject({ model: 'pirate', message: { content: adapted } })
    expect(rest.messages).toBe(messages)
  })

  it('is listed beside its model', async () => {
    const { data } = await get('/v1/models')
    expect(data.map(({ id, parent }: { id: string; parent?: string }) => [id, parent])).toEqual([
      ['pocket', undefined],
      ['pirate', 'pocket'],
    ])
    expect(await get('/v1/models/pirate')).toMatchObject({ id: 'pirate', parent: 'pocket' })
    const { models } = await get('/api/tags')
    expect(models.map(({ name }: { name: string }) => name)).toEqual(['pocket', 'pirate'])
  })

  it('that nobody loaded is an error that names those that are', async () => {
    const unknown = await post('/v1/chat/completions', { ...request, model: 'pocket', adapter: 'parrot' })
    expect(unknown.status).toBe(400)
    expect(unknown.body.error).toMatchObject({ param: 'adapter' })
    expect(unknown.body.error.message).toMatch('which has "pirate"')
    const two = await post('/v1/chat/completions', { ...request, model: 'x', adapter: 'pirate', adapter_id: 'parrot' })
    expect(two.body.error).toMatchObject({ param: 'adapter_id' })
    expect((await post('/v1/chat/completions', { ...request, model: 'parrot' }, strict)).status).toBe(404)
    expect((await post('/v1/chat/completions', { ...request, model: 'pirate' }, strict)).status).toBe(200)
  })
})
