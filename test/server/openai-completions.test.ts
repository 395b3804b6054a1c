import { describe, expect, test, vi } from 'vitest'
import { ContextLengthError, TokenizerError } from '../../src/errors.ts'
import { createApp } from '../../src/server/index.ts'
import { appOf, events, fakeChat, type Json, post } from './fake-chat.ts'

/** A token's text, or its bytes where they are no text of their own. */
function entry(token: string | number[]) {
  const bytes = typeof token === 'string' ? [...new TextEncoder().encode(token)] : token
  const one = { token: typeof token === 'string' ? token : '\ufffd', token_id: 7, logprob: -1, bytes }
  return { ...one, top_logprobs: [one] }
}

describe('completions', () => {
  const PATH = '/v1/completions'

  test('continue a text', async () => {
    const { app, chat } = appOf()
    const body = await (await post(app, PATH, { model: 'm', prompt: 'Say:', max_tokens: 5 })).json()
    expect(body).toMatchObject({
      id: expect.stringMatching(/^cmpl-/),
      object: 'text_completion',
      choices: [{ index: 0, text: 'Hi there', logprobs: null, finish_reason: 'stop' }],
      usage: { prompt_tokens: 10, completion_tokens: 2 },
    })
    expect(chat.requests).toEqual([{ prompt: 'Say:', max_tokens: 5 }])
  })

  test('stream, with the prompt echoed', async () => {
    const { app } = appOf()
    const chunks = await events(await post(app, PATH, { model: 'm', prompt: [3, 4], echo: true, stream: true }))
    expect(chunks.slice(0, -1).map(({ choices: [c] }) => [c.text, c.finish_reason])).toEqual([
      ['<3><4>', null],
      ['Hi', null],
      [' there', 'stop'],
    ])
    expect(chunks.at(-1)).toBe('[DONE]')
  })

  test('several prompts give choices in their order and one usage', async () => {
    const { app, chat } = appOf((request) => [
      { index: 1, text: `${request.prompt}2`, finish_reason: 'stop' },
      { index: 0, text: `${request.prompt}1`, finish_reason: 'stop' },
    ])
    const whole = await (await post(app, PATH, { model: 'm', prompt: ['a', 'b'], n: 2, echo: true })).json()
    expect(whole.choices.map((c: Json) => [c.index, c.text])).toEqual([
      [0, 'aa1'],
      [1, 'aa2'],
      [2, 'bb1'],
      [3, 'bb2'],
    ])
    expect(whole.usage).toMatchObject({ prompt_tokens: 20, completion_tokens: 4 })
    const chunks = await events(await post(app, PATH, { model: 'm', prompt: ['a', 'b'], n: 2, stream: true }))
    const texts = ['', '', '', '']
    for (const { choices } of chunks.slice(0, -1)) texts[choices[0].index] += choices[0].text
    expect(texts).toEqual(['a1', 'a2', 'b1', 'b2'])
    expect(chat.running).toBe(0)
  })

  test('the failure of one prompt ends the others', async () => {
    const { app, chat } = appOf(({ prompt }) =>
      prompt === 'bad' ? [{ wait: 5 }, { fail: new ContextLengthError(9, 8) }] : Array(200).fill({ text: 'x' }),
    )
    const response = await post(app, PATH, { model: 'm', prompt: ['good', 'bad'] })
    expect(response.status).toBe(400)
    expect((await response.json()).error).toMatchObject({ code: 'context_length_exceeded', param: 'prompt' })
    expect(chat.running).toBe(0)
  })

  test('logprobs are a number here and come as lists', async () => {
    const { app, chat } = appOf([
      { text: 'ab', logprobs: [entry('ab')] },
      { text: 'c', logprobs: [entry('c')], finish_reason: 'stop' },
    ])
    const request = { model: 'm', prompt: 'p', logprobs: 1 }
    const whole = await (await post(app, PATH, request)).json()
    expect(whole.choices[0].logprobs).toEqual({
      tokens: ['ab', 'c'],
      token_logprobs: [-1, -1],
      top_logprobs: [{ ab: -1 }, { c: -1 }],
      text_offset: [0, 2],
    })
    expect(chat.requests[0]).toMatchObject({ logprobs: true, top_logprobs: 1 })
    const chunks = await events(await post(app, PATH, { ...request, stream: true }))
    expect(chunks[1].choices[0].logprobs.text_offset).toEqual([2])
  })

  test('text_offset is where each token begins in the text, for parts of characters and what came late, too', async () => {
    // A token for each byte of a character outside the basic plane, half a character that never ends, and a token whose
    // text came later than its logprob.
    const pieces = [
      { text: 'a😀', logprobs: [entry('a'), ...[0xf0, 0x9f, 0x98, 0x80].map((byte) => entry([byte]))] },
      { text: '\ufffdb', logprobs: [entry([0xc3]), entry('b')] },
      { text: 'lat', logprobs: [entry('later')] },
      { text: 'er!', logprobs: [entry('!')], finish_reason: 'stop' as const },
    ]
    const expected = [0, 1, 1, 1, 1, 3, 4, 5, 10]
    const places = (chunks: Json[]) => chunks.flatMap(({ choices: [c] }) => c?.logprobs?.text_offset ?? [])
    const request = { model: 'm', prompt: [3, 4], logprobs: 0 }
    const { app } = appOf(pieces)
    expect(places([await (await post(app, PATH, request)).json()])).toEqual(expected)
    const streamed = await events(await post(app, PATH, { ...request, stream: true }))
    expect(places(streamed.slice(0, -1))).toEqual(expected)
    // The fake model encodes a character as a token, and decodes each as `<5>`.
    const lead = 3 * JSON.stringify(request.prompt).length
    const whole = appOf([{ ...pieces[0]!, text: `${'<5>'.repeat(lead / 3)}a😀` }, ...pieces.slice(1)])
    for (const stream of [false, true]) {
      const response = await post(whole.app, PATH, { ...request, return_full_text: true, stream })
      const found = stream ? places((await events(response)).slice(0, -1)) : places([await response.json()])
      expect(found).toEqual(expected.map((place) => lead + place))
    }
  })

  test('more prompts than the server ever lets in: a 400 that says how many fit, not a 429', async () => {
    const chat = fakeChat([{ text: 'x', finish_reason: 'stop' }])
    const { status } = chat
    Object.assign(chat, { status: async () => ({ ...(await status()), maxSequences: 2, maxQueue: 1 }) })
    const app = createApp(chat)
    const ask = (count: number) => post(app, PATH, { model: 'm', prompt: Array(count).fill('a') })
    expect((await ask(3)).status).toBe(200)
    const refused = await ask(4)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([400, null])
    expect((await refused.json()).error).toMatchObject({ param: 'prompt', message: expect.stringMatching('at most 3') })
  })

  test.each<[string, object, string, RegExp]>([
    ['no prompt', {}, 'prompt', /is required/],
    ['an empty text', { prompt: '' }, 'prompt', /must not be empty/],
    ['an empty text among others', { prompt: ['a', ''] }, 'prompt[1]', /must not be empty/],
    ['a token that is not there', { prompt: [3, 999_999] }, 'prompt[1]', /\(999999\): must be a token id, below 1000/],
    ['one in the second prompt', { prompt: [[3], [1000]] }, 'prompt[1][0]', /below 1000/],
    ['one to be echoed', { prompt: [999_999], echo: true }, 'prompt[0]', /below 1000/],
    ['one to be shown', { prompt: [999_999], return_full_text: true, logprobs: 1 }, 'prompt[0]', /below 1000/],
    ['the prompt twice', { prompt: 'a', echo: true, return_full_text: true }, 'echo', /return_full_text/],
  ])('%s: a 400 that names the place', async (_, body, param, message) => {
    const { app, chat } = appOf()
    const response = await post(app, PATH, { model: 'm', ...body })
    expect(response.status).toBe(400)
    expect((await response.json()).error).toMatchObject({ param, message: expect.stringMatching(message) })
    expect(chat.requests).toEqual([])
  })

  test('a prompt that cannot be echoed leaves nothing listening to the client', async () => {
    const { app, chat } = appOf()
    Object.assign(chat, {
      decode: () => {
        throw new TokenizerError('no such text')
      },
    })
    const client = new AbortController()
    const request = new Request(`http://localhost${PATH}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', prompt: [3], echo: true }),
      signal: client.signal,
    })
    const listen = vi.spyOn(request.signal, 'addEventListener')
    expect((await app.fetch(request)).status).toBe(400)
    expect(listen).not.toHaveBeenCalled()
  })

  test.each<[string, object]>([
    ['an empty list', { prompt: [] }],
    ['mixed lists', { prompt: ['a', 1] }],
    ['seventeen prompts', { prompt: Array(17).fill('a') }],
    ['fractions', { prompt: [0.5] }],
    ['logprobs with echo', { prompt: 'a', echo: true, logprobs: 1 }],
    ['a suffix', { prompt: 'a', suffix: 'z' }],
    ['several tries', { prompt: 'a', best_of: 3 }],
  ])('%s: a 400', async (_, body) => {
    const { app, chat } = appOf()
    const response = await post(app, PATH, { model: 'm', ...body })
    expect(response.status).toBe(400)
    expect((await response.json()).error.type).toBe('invalid_request_error')
    expect(chat.requests).toEqual([])
  })
})
