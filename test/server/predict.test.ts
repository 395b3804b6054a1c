import { describe, expect, test } from 'vitest'
import {
  ChatTemplateError,
  ContextLengthError,
  ConversationError,
  DeviceError,
  QueueFullError,
} from '../../src/errors.ts'
import { WordFlusher } from '../../src/server/word-flusher.ts'
import { appOf, greeting, type Json, post, question, type Step } from './fake-chat.ts'

const body = { messages: question.messages }
const promptTokens = JSON.stringify(question.messages).length

describe('predict', () => {
  test.each(['/predict', '/production/predict', '/v1/models/model:predict', '/v1/models/a/b:predict'])(
    '%s answers with a bare JSON string',
    async (path) => {
      const { app } = appOf()
      const response = await post(app, path, body)
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('application/json')
      expect(await response.text()).toBe('"Hi there"')
    },
  )

  test('the name in the path counts where the server is strict', async () => {
    const { app } = appOf(greeting, { strictModel: true, modelId: 'a/b' })
    expect((await post(app, '/v1/models/a/b:predict', body)).status).toBe(200)
    expect((await post(app, '/v1/models/model:predict', body)).status).toBe(404)
    expect((await post(app, '/predict', { ...body, model: 'gpt' })).status).toBe(404)
    expect((await post(app, '/predict', body)).status).toBe(200)
  })

  test('or with an object where the server was told so', async () => {
    const { app } = appOf(greeting, { predictOutput: 'object' })
    expect(await (await post(app, '/predict', body)).json()).toEqual({ output: 'Hi there' })
  })

  test('max_tokens counts the prompt, 512 unless told; max_new_tokens does not and wins', async () => {
    const { app, chat } = appOf()
    await post(app, '/predict', body)
    await post(app, '/predict', { ...body, max_tokens: promptTokens + 3 })
    await post(app, '/predict', { ...body, max_tokens: null, max_length: promptTokens + 4, max_new_tokens: null })
    await post(app, '/predict', { ...body, max_tokens: 1, max_new_tokens: 100 })
    await post(app, '/predict', { ...body, max_tokens: 2000, min_new_tokens: 600 })
    const limits = chat.requests.map(({ max_length, max_new_tokens }) => [max_length, max_new_tokens])
    expect(limits).toEqual([
      [512, undefined],
      [promptTokens + 3, undefined],
      [promptTokens + 4, undefined],
      [undefined, 100],
      [2000, undefined],
    ])
    expect(chat.requests.every((request) => !('max_tokens' in request))).toBe(true)
  })

  test('a prompt as long as max_tokens is an error that says what to do', async () => {
    const { app } = appOf()
    for (const stream of [false, true]) {
      const response = await post(app, '/predict', { ...body, max_tokens: promptTokens, stream })
      expect(response.status).toBe(400)
      expect((await response.json()).error).toBe(
        `parameter "max_tokens" (${promptTokens}): counts the prompt on this route, which has ${promptTokens} tokens ` +
          'already; raise it, or send max_new_tokens, which counts the answer only',
      )
    }
  })

  test('max_tokens ends at the limit of the server', async () => {
    const over = { ...body, max_tokens: 4097 }
    const refused = await post(appOf().app, '/predict', over)
    expect(refused.status).toBe(400)
    expect((await refused.json()).error).toMatch(/"max_tokens" \(4097\): must be an integer from 1 to 4096/)
    const { app, chat } = appOf(greeting, { maxTokens: 8000 })
    await post(app, '/predict', over)
    expect(chat.requests[0]!.max_length).toBe(4097)
    const long = appOf(greeting, { maxTokens: 10_000 })
    await post(long.app, '/predict', { ...body, max_tokens: 9000 })
    // Nor does it go beyond the model's context.
    expect(long.chat.requests[0]!.max_length).toBe(8192)
    const lenient = appOf(greeting, { lenient: true })
    await post(lenient.app, '/predict', over)
    expect(lenient.chat.requests[0]!.max_length).toBe(4096)
  })

  test('the parameters of the page reach the model; null is the default', async () => {
    const { app, chat } = appOf()
    const parameters = {
      temperature: 0.9,
      top_p: 0.85,
      top_k: 40,
      repetition_penalty: 1.1,
      no_repeat_ngram_size: 3,
      use_cache: true,
      do_sample: false,
      return_full_text: true,
    }
    await post(app, '/predict', { ...body, ...parameters, max_new_tokens: 100, seed: null, stream: null })
    expect(chat.requests[0]).toEqual({ ...body, ...parameters, max_new_tokens: 100 })
  })

  test('a prompt goes in place of messages', async () => {
    const { app, chat } = appOf()
    await post(app, '/predict', { prompt: 'Say', max_new_tokens: 5 })
    expect(chat.requests[0]).toEqual({ prompt: 'Say', max_new_tokens: 5 })
  })

  test.each<[string, object, RegExp]>([
    ['no messages', {}, /"messages".*is required/],
    ['messages that are a text', { messages: 'Hello' }, /"messages" \("Hello"\): must be a list/],
    ['an unknown name', { ...body, max_token: 5 }, /"max_token".*did you mean "max_tokens"/],
    ['a text as stream', { ...body, stream: 'yes' }, /"stream".*true or false/],
    ['a top_k of text', { ...body, top_k: '40' }, /"top_k"/],
    ['two answers', { ...body, n: 2 }, /"n".*one text/],
    ['tools', { ...body, tools: [] }, /"tools"/],
    ['max_tokens of 0', { ...body, max_tokens: 0 }, /"max_tokens" \(0\)/],
  ])('%s: a 400 with the text as error', async (_, wrong, message) => {
    const { app, chat } = appOf()
    const response = await post(app, '/predict', wrong)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ error: expect.stringMatching(message) })
    expect(chat.requests).toEqual([])
  })

  test('a lenient server ignores unknown names', async () => {
    const { app } = appOf(greeting, { lenient: true })
    expect((await post(app, '/predict', { ...body, foo: 1, tools: [] })).status).toBe(200)
  })

  test('nor does a lenient server ask the model for more than the one text that it returns', async () => {
    const { app, chat } = appOf(greeting, { lenient: true })
    for (const stream of [false, true]) {
      const asked = { ...body, n: 2, logprobs: true, top_logprobs: 3, max_new_tokens: 5, stream }
      expect((await post(app, '/predict', asked)).status).toBe(200)
    }
    expect(chat.requests).toEqual([0, 1].map(() => ({ ...body, max_new_tokens: 5 })))
  })

  test('errors keep their form and status', async () => {
    const invalid = await post(appOf().app, '/predict', '{"messages": [')
    expect(invalid.status).toBe(400)
    expect((await invalid.json()).error).toMatch(/^Invalid JSON payload: /)
    const failures: [Error, number, string?][] = [
      [new DeviceError('the GPU refused'), 500],
      [new ConversationError('Conversation roles must alternate'), 400],
      [new ChatTemplateError('the chat template failed in line 3'), 500],
      [
        new ContextLengthError(9, 8),
        400,
        'the prompt has 9 tokens, the context holds 8; shorten it, or start the server',
      ],
      [new QueueFullError(1, 1), 429, "1 requests wait already, and the server's --queue is 1"],
    ]
    for (const [fail, status, message = fail.message] of failures) {
      for (const stream of [false, true]) {
        const response = await post(appOf([{ fail }]).app, '/predict', { ...body, stream })
        expect(response.status).toBe(status)
        expect(await response.json()).toEqual({ error: expect.stringContaining(message) })
      }
    }
  })
})

describe('predict streams', () => {
  const steps: Step[] = [
    { text: 'The mis' },
    { text: 'tral' },
    { text: ' is a wind.\n' },
    { text: '' },
    { text: '寒い' },
    { text: '風 ok', finish_reason: 'length' },
  ]
  const pieces = ['The ', 'mistral is a wind.\n', '寒い風 ', 'ok']

  test('raw text in whole words, with no framing', async () => {
    const { app } = appOf(steps)
    const response = await post(app, '/predict', { ...body, stream: true })
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    const decoder = new TextDecoder()
    const chunks: string[] = []
    for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) chunks.push(decoder.decode(bytes))
    expect(chunks).toEqual(pieces)
  })

  test.each<[string, Record<string, string>, string]>([
    ['who wants JSON only gets one JSON string', { accept: 'application/json' }, JSON.stringify(pieces.join(''))],
    ['who takes anything gets the stream', { accept: '*/*' }, pieces.join('')],
    [
      'a client of OpenAI gets the stream whatever it accepts',
      { accept: 'application/json', 'user-agent': 'OpenAI/Python 1.0' },
      pieces.join(''),
    ],
  ])('%s', async (_, headers, text) => {
    const { app } = appOf(steps)
    const response = await post(app, '/predict', { ...body, stream: true }, { headers })
    expect(await response.text()).toBe(text)
  })

  test('a failure on the way cuts the stream off, so that nobody takes it for whole', async () => {
    const records: Json[] = []
    const { app } = appOf([{ text: 'one two' }, { fail: new DeviceError('gone') }], {
      log: (record) => records.push(record),
    })
    const response = await post(app, '/predict', { ...body, stream: true })
    await expect(response.text()).rejects.toThrow('gone')
    expect(records).toMatchObject([
      { route: '/predict', status: 200, stream: true, aborted: false, error: expect.stringMatching('gone') },
    ])
  })
})

describe('WordFlusher', () => {
  test('holds a word back until its end, line breaks and CJK characters let all through', () => {
    const flusher = new WordFlusher()
    expect(['Hel', 'lo', ' wor', 'ld\n', '\u{20000}', 'a b'].map((text) => flusher.push(text))).toEqual([
      '',
      '',
      'Hello ',
      'world\n',
      '\u{20000}',
      'a ',
    ])
    expect(flusher.flush()).toBe('b')
    expect(flusher.flush()).toBe('')
  })
})
