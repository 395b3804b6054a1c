/** Journals: an answer that a process left goes on in another with the same text, whatever was written down of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AnswerJournal, type ChatRequest, MistralChat, ParameterError } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { patience } from '../support/patience.ts'

const messages = [{ role: 'user', content: 'What is the mistral?' }]
const REQUESTS: readonly (readonly [string, ChatRequest])[] = [
  ['greedy', { messages, do_sample: false, max_tokens: 20 }],
  ['seeded', { messages, temperature: 1.5, seed: 5, max_tokens: 20 }],
  ['drawn without a seed, twice', { messages, temperature: 1.5, n: 2, max_tokens: 16 }],
]

describe('an answer of the embedded model', { timeout: patience(240_000) }, () => {
  let chat: MistralChat
  beforeAll(async () => {
    chat = await MistralChat.load('pocket', { disableFeatures: disabledFeatures(), maxSequences: 2 })
  }, patience(240_000))
  afterAll(() => chat.dispose())

  test.each(REQUESTS)('%s, left after some chunks and gone on with', async (_, request) => {
    const journal = new AnswerJournal(request)
    // The seed of the journal is that of both.
    const whole = AnswerJournal.fromJSON(JSON.parse(JSON.stringify(journal)))
    const completion = await chat.resume(whole).completion
    expect(whole.texts).toEqual(completion.choices.map(({ text }) => text))
    let stored = JSON.stringify(journal)
    for (let round = 0; round < 3; round++) {
      const again = AnswerJournal.fromJSON(JSON.parse(stored))
      let left = 5
      for await (const _ of chat.resume(again)) {
        stored = JSON.stringify(again)
        if (--left === 0) break
      }
    }
    const last = AnswerJournal.fromJSON(JSON.parse(stored))
    const shown = last.texts
    expect(shown.join('')).not.toBe('')
    for await (const { index, text } of chat.resume(last)) shown[index] = (shown[index] ?? '') + text
    expect(shown).toEqual(whole.texts)
    expect(last.toJSON()).toEqual(whole.toJSON())
    // What is over gives nothing more.
    for await (const chunk of chat.resume(last)) expect.unreachable(JSON.stringify(chunk))
  })

  test('a plain request has the same answer', async () => {
    const request = { messages, temperature: 1.5, seed: 5, max_tokens: 12 }
    expect((await chat.resume(new AnswerJournal(request)).completion).text).toBe((await chat.complete(request)).text)
  })
})

describe('a journal', () => {
  test('keeps the request as it was', () => {
    const request = { messages: [...messages], max_tokens: 3 }
    const journal = new AnswerJournal(request)
    request.messages.push({ role: 'user', content: 'more' })
    expect(journal.toJSON()).toMatchObject({ version: 1, request: { messages, max_tokens: 3 }, choices: [] })
  })

  test.each([
    [{ prompt: 'a', seed: 5n }],
    [{ prompt: new Uint32Array(2) }],
    [{ prompt: 'a', temperature: Number.NaN }],
    [{ prompt: 'a', chat_template_kwargs: new Map() }],
  ])('refuses what JSON would lose: %o', (request) => {
    expect(() => new AnswerJournal(request as never)).toThrow(ParameterError)
  })

  test.each([
    [undefined, 'journal.version'],
    [null, 'journal.version'],
    ['x', 'journal.version'],
    [{ version: 2 }, 'journal.version'],
    [{ version: 1 }, 'journal.request'],
    [{ version: 1, request: {}, seed: 1.5 }, 'journal.seed'],
    [{ version: 1, request: {}, seed: 1, choices: {} }, 'journal.choices'],
    [{ version: 1, request: {}, seed: 1, choices: [7] }, 'journal.choices[0]'],
    [
      { version: 1, request: {}, seed: 1, choices: [{ token_ids: [-1], text: '', finish_reason: null }] },
      'journal.choices[0]',
    ],
    [
      { version: 1, request: {}, seed: 1, choices: [{ token_ids: [], text: '', finish_reason: 'x' }] },
      'journal.choices[0]',
    ],
  ])('is not read from %j', (json, parameter) => {
    expect(() => AnswerJournal.fromJSON(json)).toThrow(expect.objectContaining({ parameter }))
  })
})
