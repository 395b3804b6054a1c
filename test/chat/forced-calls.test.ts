/** Calls that a request asks for, on a model of random weights under a vocabulary with tools. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChatChunk, type ChatCompletion, type ChatRequest, type MistralChat, Tokenizer } from '../../src/index.ts'
import { loadTiny } from '../server/tiny-model.ts'
import { patience } from '../support/patience.ts'
import { fixtureBytes } from '../tokenizer/support.ts'
import { joined } from './support.ts'

const file = fixtureBytes('own-v3.model')
let chat: MistralChat
beforeAll(async () => {
  chat = await loadTiny({ 'tokenizer.model': file }, (await Tokenizer.fromSentencePiece(file)).vocabSize, {
    maxSequences: 2,
  })
}, patience(240_000))
afterAll(() => chat?.dispose())

const request: ChatRequest = {
  messages: [{ role: 'user', content: 'Does it blow?' }],
  tools: [{ type: 'function', function: { name: 'wind', parameters: { type: 'object' } } }],
  temperature: 0,
  // Random weights would end or not as it happens.
  ignore_eos: true,
}
const byName = { ...request, tool_choice: { type: 'function', function: { name: 'wind' } } } as const
const prompt = () => chat.encode({ messages: request.messages, tools: request.tools })

async function all(what: ChatRequest): Promise<{ chunks: ChatChunk[]; completion: ChatCompletion }> {
  const chunks: ChatChunk[] = []
  const run = chat.generate(what)
  for await (const chunk of run) chunks.push(chunk)
  return { chunks, completion: await run.completion }
}

describe('a forced call', { timeout: patience(120_000) }, () => {
  test.each([
    ['of one function', byName],
    ['of any function', { ...request, tool_choice: 'required' as const }],
  ])('%s is billed as answer, not as prompt', async (_, forced) => {
    const { completion } = await all({ ...forced, max_tokens: 40 })
    const { usage, prompt_token_ids: ids, token_ids } = completion
    expect(ids).toEqual(prompt())
    expect(usage).toMatchObject({ prompt_tokens: ids.length, completion_tokens: 40, total_tokens: ids.length + 40 })
    expect(token_ids.length).toBe(40)
    expect(chat.tokenizer.idToToken(token_ids[0]!)).toBe('[TOOL_CALLS]')
    expect(completion.finish_reason).toBe('length')
    // Asked again, all of the prompt but its last token is in the cache, and no more than the prompt.
    const again = await chat.complete({ ...forced, max_tokens: 40 })
    expect(again.usage.cached_tokens).toBeLessThanOrEqual(ids.length)
    expect(again.usage.cached_tokens).toBeGreaterThan(0)
  })

  test('that is cut off is streamed once, and is in the message', async () => {
    for (const max_tokens of [1, 20, 30]) {
      const { chunks, completion } = await all({ ...byName, max_tokens })
      const [call] = completion.tool_calls!
      expect(completion.tool_calls!.length).toBe(1)
      expect(call!.function.name).toBe('wind')
      expect(joined(chunks.flatMap(({ tool_calls: some }) => some ?? []))).toEqual([
        { id: call!.id, ...call!.function },
      ])
      expect(chunks.map(({ text }) => text).join('')).toBe(completion.text)
      expect(chunks.flatMap(({ token_ids }) => token_ids)).toEqual(completion.token_ids)
      expect(completion.finish_reason).toBe('length')
      expect(completion.text).not.toContain('wind')
    }
  })

  test('that is cut off before its name is no text, streamed or not', async () => {
    for (const max_tokens of [1, 2, 3, 4, 6, 9]) {
      const { chunks, completion } = await all({ ...request, tool_choice: 'required' as const, max_tokens })
      expect(completion.finish_reason).toBe('length')
      expect(completion.text).toBe('')
      expect(chunks.map(({ text }) => text).join('')).toBe('')
      const calls = completion.tool_calls ?? []
      expect(calls.length).toBeLessThanOrEqual(1)
      expect(joined(chunks.flatMap(({ tool_calls: some }) => some ?? []))).toEqual(
        calls.map(({ id, function: fn }) => ({ id, ...fn })),
      )
    }
  })

  test('of several answers counts in each', async () => {
    const { completion } = await all({ ...byName, n: 2, temperature: 1, seed: 4, max_tokens: 30 })
    expect(completion.choices.map(({ token_ids }) => token_ids.length)).toEqual([30, 30])
    expect(completion.usage).toMatchObject({ prompt_tokens: prompt().length, completion_tokens: 60 })
  })
})
