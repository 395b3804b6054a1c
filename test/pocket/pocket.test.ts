import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChatMessage, MistralChat } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { maxDifference } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'

interface GoldenConversation {
  readonly messages: readonly ChatMessage[]
  readonly prompt_ids: readonly number[]
  /** 128 ids that transformers gives, going on past the end of the answer. */
  readonly greedy_ids: readonly number[]
  readonly logits: readonly { position: number; f32: string }[]
}

interface Question {
  readonly messages: readonly ChatMessage[]
  readonly must: readonly (readonly string[])[]
}

const read = (name: string) =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../fixtures/pocket/${name}`, import.meta.url)), 'utf8'))
const golden: { window: number; conversations: readonly GoldenConversation[] } = read('golden.json')

const floats = (base64: string) => new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer)
const load = (options: object) => MistralChat.load('pocket', { disableFeatures: disabledFeatures(), ...options })

function argmax(values: Float32Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}

describe('golden conversations of transformers', () => {
  let chat: MistralChat
  beforeAll(async () => {
    chat = await load({ kvCache: 'f32' })
  }, patience(120_000))
  afterAll(() => chat?.dispose())

  test('some are longer than three windows', () => {
    const long = golden.conversations.filter(({ prompt_ids: ids }) => ids.length > 3 * golden.window)
    expect(long.length).toBeGreaterThanOrEqual(2)
    expect(chat.model.config.slidingWindows.every((window) => window === golden.window)).toBe(true)
  })

  for (const [i, { messages, prompt_ids, greedy_ids, logits }] of golden.conversations.entries()) {
    test(`conversation ${i + 1} (${prompt_ids.length} tokens): prompt, logits and 128 ids`, {
      timeout: patience(240_000),
    }, async () => {
      expect(chat.encode({ messages })).toEqual(prompt_ids)
      const all = await chat.model.logits([...prompt_ids, ...greedy_ids])
      for (const { position, f32 } of logits) {
        expect(maxDifference(all[position]!, floats(f32)), `position ${position}`).toBeLessThan(2e-3)
      }
      const ids: number[] = []
      const params = { do_sample: false, ignore_eos: true, max_tokens: greedy_ids.length }
      for await (const { tokenId } of chat.model.generate(prompt_ids, params)) ids.push(tokenId)
      expect(ids).toEqual(greedy_ids)
    })
  }
})

/** The reference's tokens are fed; how often is the reference's next token the best one? */
describe('quantized weights agree with the reference', () => {
  for (const [weights, share] of [
    ['q8', 0.95],
    ['q4', 0.9],
  ] as const) {
    test(`${weights}: at least ${share * 100} % of positions`, { timeout: patience(240_000) }, async () => {
      const chat = await load({ weights })
      try {
        let same = 0
        let all = 0
        for (const { prompt_ids, greedy_ids } of golden.conversations) {
          const logits = await chat.model.logits([...prompt_ids, ...greedy_ids.slice(0, -1)])
          const answers = logits.slice(prompt_ids.length - 1).map(argmax)
          same += answers.filter((id, i) => id === greedy_ids[i]).length
          all += answers.length
        }
        console.log(`pocket ${weights}: ${((100 * same) / all).toFixed(1)} % of ${all} positions`)
        expect(same / all).toBeGreaterThanOrEqual(share)
      } finally {
        chat.dispose()
      }
    })
  }
})

/** Questions that training never saw; the greedy answer names the key fact, or for `written` is the fact, word for word. */
describe('held-out questions', () => {
  let chat: MistralChat
  beforeAll(async () => {
    chat = await load({ maxSequences: 16 })
  }, patience(120_000))
  afterAll(() => chat?.dispose())

  const answered = async ({ messages, must }: Question): Promise<string | undefined> => {
    const { text } = await chat.complete({ messages, do_sample: false, max_tokens: 64 })
    const said = text.toLowerCase()
    const right = must.every((group) => group.some((word) => said.includes(word.toLowerCase())))
    return right ? undefined : `${messages.at(-1)?.content} -> ${text}`
  }

  test.each([
    ['heldout', 0.85],
    ['written', 0.7],
    ['blind', 0.75],
  ])('%s.json: at least %d of them', { timeout: patience(600_000) }, async (name, share) => {
    const questions: readonly Question[] = read(`${name}.json`)
    const wrong = (await Promise.all(questions.map(answered))).filter((line) => line !== undefined)
    const right = questions.length - wrong.length
    console.log(`pocket, ${name}.json: ${right} of ${questions.length}\n${wrong.join('\n')}`)
    expect(questions.length).toBeGreaterThanOrEqual(60)
    expect(right / questions.length).toBeGreaterThanOrEqual(share)
  })
})
