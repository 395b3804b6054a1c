/** A chat on a trained model: texts, streams, stops and refusals. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AbortError, MistralChat, ParameterError, TokenizerError } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { continuation, fixture } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { pocketGguf } from '../support/pocket-gguf.ts'

const reference = continuation()
const { prompt } = reference
const continued = reference.text.slice(prompt.length)

describe('a trained GGUF without a chat template', () => {
  let chat: MistralChat
  beforeAll(async () => {
    chat = await MistralChat.load(pocketGguf(), { disableFeatures: disabledFeatures() })
  }, patience(240_000))
  afterAll(() => chat?.dispose())

  test('greedy text is, token by token, what transformers gives', { timeout: patience(240_000) }, async () => {
    const result = await chat.complete({ prompt, max_tokens: 200, do_sample: false, ignore_eos: true })
    expect(result.text).toBe(continued)
    expect(result.prompt_token_ids).toEqual(reference.prompt_ids)
    expect(result.token_ids).toEqual(reference.ids)
    expect(result.finish_reason).toBe('length')
    expect(result.usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 200, total_tokens: 205 })
  })

  test('streamed pieces joined are the text; only the last has a finish reason', {
    timeout: patience(120_000),
  }, async () => {
    const request = { prompt, max_tokens: 40, seed: 3, ignore_eos: true }
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

  test('a stop text ends the answer and is not shown', { timeout: patience(120_000) }, async () => {
    const request = { prompt, max_tokens: 100, do_sample: false }
    const result = await chat.complete({ ...request, stop: ['you know', 'never said'] })
    expect(result.text).toBe(' wind, if ')
    expect(result.finish_reason).toBe('stop')
    let streamed = ''
    // It begins and ends in the middle of tokens.
    for await (const { text } of chat.generate({ ...request, stop: 'ong, co' })) streamed += text
    expect(streamed).toBe(continued.slice(0, continued.indexOf('ong, co')))
    expect(streamed).toMatch(/ a str$/)
  })

  test('messages go through the built-in format when the file has no template', {
    timeout: patience(120_000),
  }, async () => {
    expect(chat.templateOrigin).toBe('built-in')
    const messages = [{ role: 'user', content: 'What is a mistral?' }]
    const { text, prompt_token_ids } = await chat.complete({ messages, max_tokens: 8, do_sample: false })
    expect(prompt_token_ids).toEqual([1, 3, 555, 407, 379, 478, 291, 4])
    expect(text).toMatch(/^The mistral is a strong/)
  })

  test('a signal stops an answer; the next one is right', { timeout: patience(120_000) }, async () => {
    const controller = new AbortController()
    const run = (async () => {
      const request = { prompt, max_tokens: 200, ignore_eos: true }
      for await (const _ of chat.generate(request, { signal: controller.signal })) {
        controller.abort()
      }
    })()
    await expect(run).rejects.toThrow(AbortError)
    const { text } = await chat.complete({ prompt, max_tokens: 8, do_sample: false })
    expect(text.length).toBeGreaterThan(8)
    expect(continued.startsWith(text)).toBe(true)
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

test('a folder without tokenizer files is no chat, and leaves nothing behind', {
  timeout: patience(120_000),
}, async () => {
  await expect(MistralChat.load(fixture('window-7').path)).rejects.toThrow(TokenizerError)
})

test('options of null are the defaults', async () => {
  await expect(MistralChat.load('/nowhere', null as never)).rejects.toThrow('there is no such file or folder')
})
