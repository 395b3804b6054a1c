import { describe, expect, test } from 'vitest'
import { ContextLengthError } from '../../src/errors.ts'
import { appOf, events, type Json, post } from './fake-chat.ts'

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
    const entry = (token: string) => ({
      token,
      token_id: 7,
      logprob: -1,
      bytes: [],
      top_logprobs: [{ token, token_id: 7, logprob: -1, bytes: [] }],
    })
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

  test.each<[string, object]>([
    ['no prompt', {}],
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
