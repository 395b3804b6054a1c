/** Answers that go on where another model's stopped: whatever a reader has of them, the rest is the same. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BegunChoice } from '../../src/chat/resume.ts'
import { type ChatChunk, type ChatCompletion, type ChatRequest, MistralChat } from '../../src/index.ts'
import { loadTiny } from '../server/tiny-model.ts'
import { disabledFeatures } from '../support/features.ts'
import { patience } from '../support/patience.ts'
import { tekkenFile, vocabulary } from '../tokenizer/formats.ts'

const LONG = { timeout: patience(240_000) }
const messages = [{ role: 'user', content: 'What is a mistral?' }]
const SEED = 77

async function read(stream: ReturnType<MistralChat['goOn']>) {
  const chunks: ChatChunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return { chunks, completion: await stream.completion }
}

/** What a reader of these chunks has. */
function begunBy(chunks: readonly ChatChunk[]): BegunChoice[] {
  const choices: BegunChoice[] = []
  for (const { index, token_ids, finish_reason: finishReason } of chunks) {
    choices[index] = { tokenIds: [...(choices[index]?.tokenIds ?? []), ...token_ids], finishReason }
  }
  return choices
}

/** Of each answer by itself: those to one request come in any order. */
const byIndex = (chunks: readonly ChatChunk[]) => chunks.toSorted((a, b) => a.index - b.index)

function comparable({ timings: _, usage, choices, ...completion }: ChatCompletion) {
  const { cached_tokens: __, ...counts } = usage
  return { ...completion, logprobs: null, choices: choices.map((one) => ({ ...one, logprobs: null })), usage: counts }
}

/** Numbers of the same steps from another batch may differ in the last bits, and each model draws names for calls. */
function rounded(value: unknown) {
  return JSON.parse(JSON.stringify(value), (key, one) =>
    key === 'logprob' ? Math.round(one * 100) / 100 : key === 'id' ? 'drawn' : one,
  )
}

/** Cuts the answer after these shares of its chunks. */
async function expectTheSame(chat: MistralChat, request: ChatRequest, shares = [0, 0.1, 0.5, 0.9, 1]) {
  const whole = await read(chat.goOn(request, { seed: SEED, choices: [] }))
  for (const share of shares) {
    const count = Math.round(share * whole.chunks.length)
    const had = whole.chunks.slice(0, count)
    const rest = await read(chat.goOn(request, { seed: SEED, choices: begunBy(had) }))
    expect(rounded(byIndex(rest.chunks)), `after ${count} chunks`).toEqual(rounded(byIndex(whole.chunks.slice(count))))
    expect(rounded(comparable(rest.completion)), `after ${count}`).toEqual(rounded(comparable(whole.completion)))
  }
  return whole
}

describe('an answer of the embedded model', LONG, () => {
  let chat: MistralChat
  beforeAll(async () => {
    chat = await MistralChat.load('pocket', { disableFeatures: disabledFeatures(), maxSequences: 3 })
  }, patience(240_000))
  afterAll(() => chat?.dispose())

  test.each<[string, Omit<ChatRequest, 'messages'>]>([
    ['greedy', { temperature: 0, max_tokens: 24 }],
    ['to its own end', { temperature: 0, max_tokens: 400 }],
    ['drawn', { temperature: 1.5, top_p: 1, max_tokens: 24 }],
    ['with a seed of its own', { temperature: 1.5, top_p: 1, max_tokens: 24, seed: 5 }],
    [
      'with penalties and a least length',
      { temperature: 0, repetition_penalty: 1.5, min_new_tokens: 20, max_tokens: 24 },
    ],
    ['of a total length', { temperature: 0, max_length: 40, ignore_eos: true }],
    ['three times', { temperature: 1.2, n: 3, max_tokens: 16 }],
    ['behind its prompt', { temperature: 0, return_full_text: true, max_tokens: 16 }],
    ['with guesses', { temperature: 0, prompt_lookup_num_tokens: 4, max_tokens: 24 }],
    ['that a pattern bounds', { temperature: 1, regex: '[a-z]{3,6}( [a-z]{2,7}){4,8}\\.', max_tokens: 60 }],
    ['in JSON', { temperature: 0, max_tokens: 120, response_format: jsonOf({ wind: ['mistral', 'bora'] }) }],
  ])('%s', async (_, request) => {
    const { completion } = await expectTheSame(chat, { messages, ...request })
    expect(completion.token_ids.length).toBeGreaterThan(2)
  })

  test('with log-probabilities, some of which wait for a stop text that does not come', async () => {
    const plain = await chat.complete({ messages, temperature: 0, max_tokens: 24 })
    const words = plain.text.split(' ')
    // Each begins as the answer goes on, and then is another.
    const stop = [1, 3, 4].map((i) => ` ${words[i]} ${words[i + 1]}!!`)
    const request = { messages, temperature: 0, max_tokens: 24, logprobs: true, top_logprobs: 2, stop }
    const whole = await read(chat.goOn(request, { seed: SEED, choices: [] }))
    const shares = whole.chunks.map((_, i) => i / whole.chunks.length)
    await expectTheSame(chat, request, shares)
    expect(whole.completion.text).toBe(plain.text)
  })

  test('that a stop text ends', async () => {
    const plain = await chat.complete({ messages, temperature: 0, max_tokens: 24 })
    const stop = plain.text.slice(20, 26)
    const { completion } = await expectTheSame(chat, { messages, temperature: 0, max_tokens: 24, stop })
    expect(completion.choices[0]!.stop_reason).toBe(stop)
  })
})

describe('an answer with thoughts or calls', LONG, () => {
  let chat: MistralChat
  let marks: number[]
  beforeAll(async () => {
    const { vocabSize, specialTokens } = await vocabulary('tekken-v13-think')
    marks = ['[THINK]', '[/THINK]'].map((name) => specialTokens.get(name)!)
    const files = { 'tekken.json': JSON.stringify(tekkenFile('v13-think')) }
    chat = await loadTiny(files, vocabSize, { maxSequences: 2, chatFormat: 'v13' })
  }, patience(240_000))
  afterAll(() => chat?.dispose())

  test.each([undefined, 0, 5, 11])('thinks for %s tokens', async (budget) => {
    const content = [{ type: 'thinking' as const, thinking: 'Hm', closed: false }]
    const request: ChatRequest = {
      messages: [...messages, { role: 'assistant', content, prefix: true }],
      temperature: 0,
      ignore_eos: true,
      suppress_tokens: marks,
      max_reasoning_tokens: budget,
      max_tokens: 12,
    }
    await expectTheSame(chat, request, [0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.9, 1])
  })

  test.each(['any', { type: 'function', function: { name: 'wind' } }] as const)('calls %o', async (tool_choice) => {
    const parameters = { type: 'object', properties: { at: { enum: ['Arles', 'Nîmes'] } }, required: ['at'] }
    const tools = [{ type: 'function' as const, function: { name: 'wind', parameters } }]
    const request = { messages, tools, tool_choice, temperature: 0, max_tokens: 60 }
    const { completion } = await expectTheSame(chat, request)
    expect(completion.tool_calls).not.toBe(null)
  })
})

function jsonOf(fields: Record<string, readonly string[]>): NonNullable<ChatRequest['response_format']> {
  const properties = Object.fromEntries(Object.entries(fields).map(([name, values]) => [name, { enum: values }]))
  const schema = { type: 'object', properties, required: Object.keys(fields), additionalProperties: false }
  return { type: 'json_schema', json_schema: { name: 'answer', schema } }
}
