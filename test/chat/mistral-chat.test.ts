import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AbortError, MistralChat, ParameterError, TokenizerError } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture, storiesPath } from '../support/fixtures.ts'

const stories = storiesPath()
const published =
  'Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a ' +
  'big, red ball. She wanted to play with it, but it was too high.'

describe.skipIf(stories === undefined)('stories260K (skipped: ../shared/models/stories260K.gguf is not here)', () => {
  let chat: MistralChat
  beforeAll(async () => {
    chat = await MistralChat.load(stories!, { disableFeatures: disabledFeatures() })
  }, 240_000)
  afterAll(() => chat?.dispose())

  test('greedy text is the published one, token by token what transformers gives', { timeout: 240_000 }, async () => {
    const file = fileURLToPath(new URL('../fixtures/stories/reference.json', import.meta.url))
    const reference = JSON.parse(readFileSync(file, 'utf8'))
    const prompt = 'Once upon a time'
    const result = await chat.complete({ prompt, max_tokens: 200, do_sample: false })
    expect(prompt + result.text).toMatch(published)
    expect(result.prompt_token_ids).toEqual(reference.prompt)
    expect(result.token_ids).toEqual(reference.generated)
    expect(result.finish_reason).toBe('length')
    expect(result.usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 200, total_tokens: 205 })
  })

  test('streamed pieces joined are the text; only the last has a finish reason', { timeout: 120_000 }, async () => {
    const request = { prompt: 'Lily saw a', max_tokens: 40, seed: 3 }
    const whole = await chat.complete(request)
    const pieces: string[] = []
    const reasons: unknown[] = []
    const ids: number[] = []
    for await (const chunk of chat.generate(request)) {
      pieces.push(chunk.text)
      reasons.push(chunk.finish_reason)
      ids.push(...chunk.token_ids)
    }
    expect(pieces.join('')).toBe(whole.text)
    expect(ids).toEqual(whole.token_ids)
    expect(reasons.pop()).toBe('length')
    expect(new Set(reasons)).toEqual(new Set([null]))
    expect(pieces.join('').startsWith(' ')).toBe(true)
  })

  test('a stop text ends the answer and is not shown', { timeout: 120_000 }, async () => {
    const request = { prompt: 'Once upon a time', max_tokens: 100, do_sample: false }
    const result = await chat.complete({ ...request, stop: ['little girl', 'never said'] })
    expect(result.text).toBe(', there was a ')
    expect(result.finish_reason).toBe('stop')
    let streamed = ''
    for await (const { text } of chat.generate({ ...request, stop: 'ed to pl' })) streamed += text
    expect(streamed).toBe(', there was a little girl named Lily. She lov')
  })

  test('messages go through the built-in format when the file has no template', { timeout: 120_000 }, async () => {
    expect(chat.templateOrigin).toBe('built-in')
    const messages = [{ role: 'user', content: 'Tell me a story.' }]
    const { text, usage } = await chat.complete({ messages, max_tokens: 8, do_sample: false })
    expect(text.length).toBeGreaterThan(0)
    expect(usage.prompt_tokens).toBeGreaterThan(8)
  })

  test('a signal stops an answer; the next one is right', { timeout: 120_000 }, async () => {
    const controller = new AbortController()
    const run = (async () => {
      for await (const _ of chat.generate({ prompt: 'Once', max_tokens: 200 }, { signal: controller.signal })) {
        controller.abort()
      }
    })()
    await expect(run).rejects.toThrow(AbortError)
    const { text } = await chat.complete({ prompt: 'Once upon a time', max_tokens: 8, do_sample: false })
    expect(`Once upon a time${text}`).toBe(published.slice(0, `Once upon a time${text}`.length))
  })

  test('requests that make no sense are refused by name', async () => {
    const refused: [object, string][] = [
      [{}, 'messages'],
      [{ messages: [{ role: 'user', content: 'a' }], prompt: 'b' }, 'messages'],
      [{ prompt: 7 }, 'prompt'],
      [{ messages: [] }, 'messages'],
      [{ messages: [{ role: 'user' }] }, 'messages[0].content'],
      [{ prompt: 'a', top_k: 1.5 }, 'top_k'],
      [{ prompt: 'a', mesages: [] }, 'mesages'],
    ]
    for (const [request, parameter] of refused) {
      const error = await chat.complete(request).catch((e: unknown) => e)
      expect(error, JSON.stringify(request)).toBeInstanceOf(ParameterError)
      expect((error as ParameterError).parameter).toBe(parameter)
    }
  })
})

test('a folder without tokenizer files is no chat, and leaves nothing behind', { timeout: 120_000 }, async () => {
  await expect(MistralChat.load(fixture('window-7').path)).rejects.toThrow(TokenizerError)
})
