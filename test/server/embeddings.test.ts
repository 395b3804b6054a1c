/** Embeddings and tokens over HTTP: OpenAI's client, Ollama's, and the shapes of llama.cpp's and vLLM's servers. */
import { HTTPClient, Mistral } from '@mistralai/mistralai'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterAll, describe, expect, test } from 'vitest'
import { appOf, type Json, post } from './fake-chat.ts'
import { servePocket } from './pocket.ts'

const { chat, app } = await servePocket()
afterAll(() => chat.dispose())
const client = new OpenAI({
  apiKey: 'local',
  baseURL: 'http://localhost/v1',
  fetch: app.fetch as typeof fetch,
  maxRetries: 0,
})
const ask = async (path: string, body: object) => {
  const response = await post(app, path, body)
  return { status: response.status, body: (await response.json()) as Json }
}
const near = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  expect(Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)))).toBeLessThan(1e-5)

describe('/v1/embeddings', () => {
  test('gives the vectors of the model, as floats and in base64', async () => {
    const texts = ['The mistral is a wind.', 'It is morning.']
    const own = [await chat.model.embed(texts[0]!), await chat.model.embed(texts[1]!)]
    // The client asks for base64 unless told otherwise.
    for (const options of [{}, { encoding_format: 'float' as const }, { encoding_format: 'base64' as const }]) {
      const { data, usage, model } = await client.embeddings.create({ model: 'pocket', input: texts, ...options })
      expect([model, usage.prompt_tokens, data.length]).toEqual(['pocket', own[0]!.tokens + own[1]!.tokens, 2])
      for (const [i, { embedding, index }] of data.entries()) {
        expect(index).toBe(i)
        const bytes = options.encoding_format === 'base64' && Buffer.from(embedding as unknown as string, 'base64')
        const vector = bytes ? new Float32Array(new Uint8Array(bytes).buffer) : embedding
        near(vector, own[i]!.embedding)
      }
    }
  })

  test('takes token ids, pooling and normalize', async () => {
    const ids = chat.tokenizer.encode('It is morning.', { bos: true })
    const { body } = await ask('/v1/embeddings', { model: 'm', input: ids, pooling: 'mean', normalize: false })
    near(body.data[0].embedding, (await chat.model.embed(ids, { pooling: 'mean', normalize: false })).embedding)
    const both = await ask('/v1/embeddings', { model: 'm', input: [ids, ids], dimensions: 256, user: 'u' })
    expect(both.body.data).toHaveLength(2)
  })

  test.each<[string, object]>([
    ['input', {}],
    ['input', { input: [] }],
    ['input', { input: '' }],
    ['input', { input: 5 }],
    ['input', { input: Array.from({ length: 257 }, () => 'a') }],
    ['input[1]', { input: ['a', ''] }],
    ['input[0]', { input: [[-1]] }],
    ['input[0][1]', { input: [[1, 99_999]] }],
    ['input[2]', { input: [1, 2, 99_999] }],
    ['dimensions', { input: 'a', dimensions: 8 }],
    ['encoding_format', { input: 'a', encoding_format: 'hex' }],
    ['pooling', { input: 'a', pooling: 'max' }],
    ['temperature', { input: 'a', temperature: 1 }],
    ['inptu', { input: 'a', inptu: 'b' }],
    ['output_dtype', { input: 'a', output_dtype: 'int8' }],
  ])('%s is named when it is at fault: %j', async (param, fields) => {
    const { status, body } = await ask('/v1/embeddings', { model: 'm', ...fields })
    expect([status, body.error.param]).toEqual([400, param])
  })

  test('a text that is too long, an id that is none, and a model without embeddings', async () => {
    const long = await ask('/v1/embeddings', { model: 'm', input: 'wind '.repeat(2000) })
    expect([long.status, long.body.error.code]).toEqual([400, 'context_length_exceeded'])
    expect((await ask('/v1/embeddings', { model: 'm', input: [99_999] })).status).toBe(400)
    const response = await post(appOf().app, '/v1/embeddings', { model: 'm', input: 'a' })
    expect([response.status, (await response.json()).error.message]).toEqual([
      400,
      expect.stringContaining('no embeddings'),
    ])
  })

  test('Mistral’s client gets them, and hears that gaps are not filled', async () => {
    const httpClient = new HTTPClient({ fetcher: app.fetch as never })
    const mistral = new Mistral({ apiKey: 'local', serverURL: 'http://localhost', httpClient })
    const { data, usage } = await mistral.embeddings.create({ model: 'pocket', inputs: ['It is morning.'] })
    const own = await chat.model.embed('It is morning.')
    near(data[0]!.embedding as number[], own.embedding)
    expect(usage.promptTokens).toBe(own.tokens)
    const refused = await mistral.fim.complete({ model: 'pocket', prompt: 'a', suffix: 'b' }).catch((error) => error)
    expect([refused.statusCode, refused.detail[0].loc]).toEqual([422, ['body', 'suffix']])
  })

  test('Ollama’s client gets them, too', async () => {
    const ollama = new Ollama({ host: 'http://localhost:11434', fetch: app.fetch as typeof fetch })
    const { embedding, tokens } = await chat.model.embed('It is morning.')
    const { embeddings, prompt_eval_count } = await ollama.embed({ model: 'pocket', input: 'It is morning.' })
    near(embeddings[0]!, embedding)
    expect(prompt_eval_count).toBe(tokens)
    const older = await ollama.embeddings({ model: 'pocket', prompt: 'It is morning.' })
    near(older.embedding, (await chat.model.embed('It is morning.', { normalize: false })).embedding)
    await expect(ollama.embed({ model: 'pocket', input: '' })).rejects.toMatchObject({ status_code: 400 })
  })
})

describe('tokens', () => {
  const text = 'A wind 😀'
  const ids = chat.tokenizer.encode(text)

  test('/tokenize, as llama.cpp’s server has it', async () => {
    expect((await ask('/tokenize', { content: text })).body).toEqual({ tokens: ids })
    expect((await ask('/tokenize', { content: text, add_special: true })).body.tokens).toEqual([
      chat.tokenizer.bosId,
      ...ids,
    ])
    const { tokens } = (await ask('/tokenize', { content: text, with_pieces: true })).body
    expect(tokens.map(({ id }: Json) => id)).toEqual(ids)
    const bytes = tokens.flatMap(({ piece }: Json) => (typeof piece === 'string' ? [...Buffer.from(piece)] : piece))
    expect(Buffer.from(bytes).toString().trim()).toBe(text)
  })

  test('/tokenize, as vLLM’s server has it', async () => {
    const { body } = await ask('/tokenize', { model: 'm', prompt: text, return_token_strs: true })
    expect(body).toMatchObject({
      count: ids.length + 1,
      max_model_len: chat.contextLength,
      tokens: [chat.tokenizer.bosId, ...ids],
    })
    expect(body.token_strs).toHaveLength(ids.length + 1)
    const messages = [{ role: 'user', content: text }]
    expect((await ask('/tokenize', { messages })).body.tokens).toEqual(chat.encode({ messages }))
    expect((await ask('/tokenize', { prompt: text, add_special_tokens: false })).body.tokens).toEqual(ids)
  })

  test('/detokenize gives the text under both names', async () => {
    const { body } = await ask('/detokenize', { tokens: ids })
    expect([body.content.trim(), body.prompt]).toEqual([text, body.content])
  })

  test.each<[string, string, object]>([
    ['/tokenize', 'content', {}],
    ['/tokenize', 'content', { content: 'a', prompt: 'b' }],
    ['/tokenize', 'content', { content: 5 }],
    ['/tokenize', 'parse_special', { content: 'a', parse_special: true }],
    ['/tokenize', 'contnet', { contnet: 'a', content: 'a' }],
    ['/detokenize', 'tokens', { tokens: 'a' }],
    ['/detokenize', 'tokens[1]', { tokens: [1, 99_999] }],
  ])('%s names %s when it is at fault: %j', async (path, param, body) => {
    const answer = await ask(path, body)
    expect([answer.status, answer.body.error.param]).toEqual([400, param])
  })

  test('/props says what runs', async () => {
    const props = await (await app.request('http://localhost/props')).json()
    expect(props).toMatchObject({
      default_generation_settings: { n_ctx: chat.contextLength },
      total_slots: 2,
      model_alias: 'pocket',
    })
  })
})
