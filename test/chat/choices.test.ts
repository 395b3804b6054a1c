/** What a request may ask of MistralChat besides one plain answer, on the embedded model. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChatChunk, MistralChat, ParameterError } from '../../src/index.ts'
import { Sampler } from '../reference/sampler.ts'
import { disabledFeatures } from '../support/features.ts'
import { patience } from '../support/patience.ts'

let chat: MistralChat
beforeAll(async () => {
  chat = await MistralChat.load('pocket', { disableFeatures: disabledFeatures(), maxSequences: 2 })
}, patience(240_000))
afterAll(() => chat?.dispose())

const messages = [{ role: 'user', content: 'What is a mistral?' }]
const greedy = { messages, temperature: 0, max_tokens: 40 }

describe('n answers', { timeout: patience(240_000) }, () => {
  test('are those that the following seeds give alone, interleaved while they stream', async () => {
    const request = { messages, seed: 11, temperature: 3, top_p: 1, max_tokens: 30 }
    const chunks: ChatChunk[] = []
    const run = chat.generate({ ...request, n: 3 })
    for await (const chunk of run) chunks.push(chunk)
    const { choices, usage } = await run.completion
    const alone = []
    for (const seed of [11, 12, 13]) alone.push(await chat.complete({ ...request, seed }))
    expect(choices.map((choice) => choice.text)).toEqual(alone.map((one) => one.text))
    expect(choices.map((choice) => choice.index)).toEqual([0, 1, 2])
    for (const { index, text } of choices) {
      const own = chunks.filter((chunk) => chunk.index === index)
      expect(own.map((chunk) => chunk.text).join('')).toBe(text)
      expect(own.filter((chunk) => chunk.finish_reason !== null).length).toBe(1)
    }
    expect(usage.prompt_tokens).toBe(alone[0]!.usage.prompt_tokens)
    expect(usage.completion_tokens).toBe(alone.reduce((sum, one) => sum + one.usage.completion_tokens, 0))
    expect(new Set(alone.map((one) => one.text)).size).toBeGreaterThan(1)
  })

  test('all end when the reader leaves', async () => {
    for await (const chunk of chat.generate({ messages, n: 4, ignore_eos: true, max_tokens: 400 })) {
      if (chunk.text !== '') break
    }
    expect(chat.model.status()).toMatchObject({ running: 0, waiting: 0 })
  })
})

test('logprobs come with the tokens and spell the text', { timeout: patience(120_000) }, async () => {
  const { text, token_ids, logprobs, choices } = await chat.complete({ ...greedy, logprobs: true, top_logprobs: 3 })
  expect(choices[0]!.logprobs).toBe(logprobs)
  const bytes = Uint8Array.from(logprobs!.flatMap((token) => token.bytes))
  expect(new TextDecoder().decode(bytes)).toBe(text)
  // The end of the sequence has a log-probability, but is no part of the text.
  expect(logprobs!.map((token) => token.token_id)).toEqual(token_ids.slice(0, -1))
  for (const { token_id, logprob, top_logprobs } of logprobs!) {
    expect(top_logprobs.length).toBe(3)
    expect(top_logprobs[0]).toMatchObject({ token_id, logprob })
    expect(logprob).toBeLessThanOrEqual(0)
  }
  expect((await chat.complete(greedy)).logprobs).toBeNull()
  // The token in which the stop text begins is cut in two: it has one, those behind it have none.
  const stop = text.slice(12, 24)
  const cut = await chat.complete({ ...greedy, stop, logprobs: true })
  expect(cut).toMatchObject({ text: text.slice(0, text.indexOf(stop)), finish_reason: 'stop' })
  const spelt = cut.logprobs!.map(({ token }) => token)
  expect(spelt.join('').startsWith(cut.text)).toBe(true)
  expect(spelt.slice(0, -1).join('').length).toBeLessThan(cut.text.length)
  expect(cut.token_ids.length).toBeGreaterThan(cut.logprobs!.length)
})

test('return_full_text puts the prompt in front, streamed as well', { timeout: patience(120_000) }, async () => {
  const plain = await chat.complete(greedy)
  const full = await chat.complete({ ...greedy, return_full_text: true })
  const prompt = chat.tokenizer.decode(full.prompt_token_ids)
  expect(prompt).toContain('What is a mistral?')
  expect(full.text).toBe(chat.tokenizer.decode([...full.prompt_token_ids, ...full.token_ids]))
  expect(full.text.endsWith(plain.text)).toBe(true)
  let streamed = ''
  for await (const { text } of chat.generate({ ...greedy, return_full_text: true })) streamed += text
  expect(streamed).toBe(full.text)
})

test('bad words are not written', { timeout: patience(120_000) }, async () => {
  const { text } = await chat.complete(greedy)
  expect(text).toContain(' wind')
  const without = await chat.complete({ ...greedy, bad_words: ['wind', ' cold'] })
  expect(without.text).not.toMatch(/\bwind\b|\bcold\b/)
})

test('bad words that are too many for the GPU are blamed by their own name, not by that of their ids', async () => {
  const bad_words = Array.from({ length: 1024 }, (_, i) => `zyx${i} qwv${i} jkz${i}`)
  await expect(chat.complete({ ...greedy, bad_words })).rejects.toMatchObject({
    parameter: 'bad_words',
    message: expect.stringMatching(/^parameter "bad_words" \(\["zyx0 .*: does not fit: the ids and biases/),
  })
  const bad_words_ids = Array.from({ length: 5000 }, (_, i) => [i % 100, 5, 6, 7])
  await expect(chat.complete({ ...greedy, bad_words_ids })).rejects.toMatchObject({ parameter: 'bad_words_ids' })
})

test('token ids are a prompt too', { timeout: patience(120_000) }, async () => {
  const ids = chat.encode({ messages })
  const { text } = await chat.complete({ prompt: ids, temperature: 0, max_tokens: 40 })
  expect(text.trim()).toBe((await chat.complete(greedy)).text)
})

test('a second turn computes only what is new', { timeout: patience(120_000) }, async () => {
  const first = await chat.complete(greedy)
  const turns = [
    ...messages,
    { role: 'assistant', content: first.text },
    { role: 'user', content: 'How does it form?' },
  ]
  const second = await chat.complete({ ...greedy, messages: turns })
  expect(second.usage.cached_tokens).toBeGreaterThanOrEqual(first.usage.prompt_tokens)
})

test('candidates that tie by the hundred are drawn among all of them', { timeout: patience(120_000) }, async () => {
  // More than the list of candidates holds: the kernel that looks at all of them takes over in mid-batch.
  const ids = Array.from({ length: 300 }, (_, i) => 700 + i)
  const sequence_bias = ids.map((id) => [[id], 1e30] as const)
  const params = { seed: 5, max_tokens: 12, sequence_bias, ignore_eos: true }
  const prompt = chat.encode({ messages })
  const { token_ids } = await chat.complete({ ...params, prompt })
  // The bias drowns the logits, so any will do.
  const logits = new Float32Array(chat.model.config.vocabSize)
  const sampler = new Sampler(params, { promptLength: prompt.length })
  const expected: number[] = []
  while (expected.length < 12) expected.push(sampler.next(logits, [...prompt, ...expected]))
  expect(token_ids).toEqual(expected)
  // And a request that has no ties is drawn from the list again.
  const request = { messages, seed: 3, max_tokens: 20 }
  expect((await chat.complete(request)).text).toBe((await chat.complete({ ...request, use_cache: false })).text)
})

describe('what cannot work is refused by name', () => {
  const tool = { type: 'function' as const, function: { name: 'f', parameters: {} } }
  test.each<[string, () => Promise<unknown>, string]>([
    ['too many answers', () => chat.complete({ ...greedy, n: 17 }), 'n'],
    ['alternatives without log-probabilities', () => chat.complete({ ...greedy, top_logprobs: 2 }), 'top_logprobs'],
    [
      'a wrong tool choice',
      () => chat.complete({ ...greedy, tools: [tool], tool_choice: 'f' as never }),
      'tool_choice',
    ],
    ['tools where the template has none', () => chat.complete({ ...greedy, tools: [tool] }), 'tools'],
    [
      'a caller who wants to stop by token',
      () => chat.complete(greedy, { stopWhen: () => true } as object),
      'stopWhen',
    ],
  ])('%s', async (_, run, parameter) => {
    const error = await run().catch((e: unknown) => e)
    expect(error).toBeInstanceOf(ParameterError)
    expect((error as ParameterError).parameter).toBe(parameter)
  })
})
