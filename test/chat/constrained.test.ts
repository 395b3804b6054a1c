/** Answers whose text must be like something: JSON, a pattern, one of several texts, a grammar; with what else a request has. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChatRequest, MistralChat, ParameterError } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { patience } from '../support/patience.ts'

let chat: MistralChat
beforeAll(async () => {
  chat = await MistralChat.load('pocket', { disableFeatures: disabledFeatures(), maxSequences: 4 })
}, patience(240_000))
afterAll(() => chat?.dispose())

const messages = [{ role: 'user', content: 'What is a mistral?' }]
const wild = { messages, temperature: 1.5, top_p: 1, top_k: 0, max_tokens: 60 } as const

const PERSON = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 12 },
    age: { type: 'integer', minimum: 0, maximum: 130 },
    tags: { type: 'array', items: { enum: ['a', 'b', 'c'] }, maxItems: 3 },
  },
  required: ['name', 'age'],
  additionalProperties: false,
}
const person: ChatRequest['response_format'] = {
  type: 'json_schema',
  json_schema: { name: 'p', schema: PERSON, strict: true },
}

function checkPerson(text: string): void {
  const value = JSON.parse(text)
  expect(Object.keys(value).every((key) => ['name', 'age', 'tags'].includes(key))).toBe(true)
  expect(Array.from(value.name as string).length).toBeLessThanOrEqual(12)
  expect(Number.isInteger(value.age) && value.age >= 0 && value.age <= 130).toBe(true)
  expect((value.tags ?? []).every((tag: string) => 'abc'.includes(tag))).toBe(true)
}

describe('an answer', { timeout: patience(600_000) }, () => {
  test('is JSON of a schema, for each of several choices', async () => {
    let finished = 0
    for (let seed = 0; seed < 4; seed++) {
      const { choices } = await chat.complete({
        ...wild,
        seed: seed * 10,
        n: 3,
        max_tokens: 120,
        response_format: person,
      })
      for (const { text, finish_reason } of choices) {
        if (finish_reason !== 'stop') continue
        finished++
        checkPerson(text)
      }
    }
    expect(finished).toBeGreaterThan(5)
  })

  test('holds for the assistant’s beginning too, where that is asked for', async () => {
    const begun = (content: string) => [...messages, { role: 'assistant', content, prefix: true }]
    const ask = (content: string, more: Partial<ChatRequest>) =>
      chat.complete({ ...wild, messages: begun(content), max_tokens: 120, ...more })
    for (let seed = 0; seed < 3; seed++) {
      const prefix = '{"age": 5, "name": "Mi'
      const { text, finish_reason } = await ask(prefix, { seed, response_format: person, constrain_prefix: true })
      expect(finish_reason).toBe('stop')
      checkPerson(prefix + text)
      expect((await ask('ma', { seed, choice: ['maybe', 'yes'], constrain_prefix: true })).text).toBe('ybe')
      expect((await ask('ma', { seed, choice: ['maybe'] })).text).toBe('maybe')
    }
    const wrong = ask('[', { response_format: person, constrain_prefix: true })
    await expect(wrong).rejects.toMatchObject({ parameter: 'response_format' })
    await expect(ask('a', { constrain_prefix: 'yes' as never })).rejects.toMatchObject({
      parameter: 'constrain_prefix',
    })
    expect((await chat.complete({ ...wild, choice: ['maybe'], constrain_prefix: true })).text).toBe('maybe')
  })

  test('is a JSON object, a text of a pattern, one of several, and a text of a grammar', async () => {
    for (let seed = 0; seed < 4; seed++) {
      const object = await chat.complete({ ...wild, seed, max_tokens: 200, response_format: { type: 'json_object' } })
      if (object.finish_reason === 'stop') expect(JSON.parse(object.text)).toBeTypeOf('object')
      else expect(object.text).toMatch(/^\s*\{/)
      const date = await chat.complete({ ...wild, seed, regex: '[0-9]{4}-[0-9]{2}-[0-9]{2}' })
      expect(date.text).toMatch(/^\d{4}-\d{2}-\d{2}$/)
      const choice = ['yes', 'no', 'nobody knows', 'ни да, ни нет', '']
      expect(choice).toContain((await chat.complete({ ...wild, seed, choice })).text)
      const grammar = 'root ::= "(" (root | [a-c]+) ")"'
      const nested = await chat.complete({ ...wild, seed, grammar, max_tokens: 30 })
      if (nested.finish_reason === 'stop') expect(nested.text).toMatch(/^(\(+)[a-c]+(\)+)$/)
      expect(nested.text).toMatch(/^\(+[a-c]*\)*$/)
    }
  })

  test('is the same as without a constraint where that keeps to it already', async () => {
    const greedy = { messages, temperature: 0, max_tokens: 40 }
    const free = await chat.complete({ ...greedy, logprobs: true, top_logprobs: 2 })
    for (const format of [
      { choice: [free.text, 'other'] },
      { regex: '[\\s\\S]*' },
      { grammar: 'root ::= [^\\x00]*' },
    ]) {
      const kept = await chat.complete({ ...greedy, ...format, logprobs: true, top_logprobs: 2 })
      expect(kept.token_ids, JSON.stringify(format)).toEqual(free.token_ids)
      expect(kept.text).toBe(free.text)
      // A choice is a fixed text, whose tokens are checked many in one pass, and the prompt is cached for all but the first answer:
      // products of so many rows may be another kernel's, which adds up in another order.
      const logprobs = (answer: typeof free) => answer.logprobs!.flatMap(({ top_logprobs: top }) => top)
      for (const [i, { token_id, logprob }] of logprobs(kept).entries()) {
        expect(token_id).toBe(logprobs(free)[i]!.token_id)
        expect(logprob).toBeCloseTo(logprobs(free)[i]!.logprob, 4)
      }
      expect(kept.usage).toMatchObject({ completion_tokens: free.usage.completion_tokens })
      const guessed = await chat.complete({ ...greedy, ...format, prompt_lookup_num_tokens: 6 })
      expect(guessed.token_ids).toEqual(free.token_ids)
    }
  })

  test('that is cut is the beginning of one that is not', async () => {
    for (let seed = 0; seed < 4; seed++) {
      const request = { ...wild, seed, response_format: person }
      const whole = await chat.complete({ ...request, max_tokens: 150 })
      for (const max_tokens of [1, 2, 5, 9]) {
        const cut = await chat.complete({ ...request, max_tokens })
        expect(whole.token_ids.slice(0, max_tokens)).toEqual(cut.token_ids)
      }
    }
  })

  test('keeps to it with guesses, beside others, with a seed, stop texts and bans', async () => {
    const request = { ...wild, seed: 5, response_format: person, max_tokens: 100 }
    const alone = await chat.complete(request)
    const free = await chat.complete({ ...wild, seed: 6 })
    const [guessed, beside, again] = await Promise.all([
      chat.complete({ ...request, prompt_lookup_num_tokens: 8 }),
      chat.complete({ ...wild, seed: 6 }),
      chat.complete(request),
    ])
    expect(guessed.text).toBe(alone.text)
    expect(beside.text).toBe(free.text)
    expect(again.text).toBe(alone.text)
    const stopped = await chat.complete({ ...request, stop: '"age"' })
    expect(alone.text.startsWith(stopped.text)).toBe(true)
    const banned = await chat.complete({ ...wild, choice: ['aa', 'bb'], bad_words: ['a', 'aa'], seed: 1 })
    expect(banned.text).toBe('bb')
    const ignored = await chat.complete({ ...wild, choice: ['yes', 'no'], ignore_eos: true })
    expect(['yes', 'no']).toContain(ignored.text)
    expect(ignored.finish_reason).toBe('stop')
  })

  test('goes on from a text, and from the assistant’s own', async () => {
    const text = await chat.complete({ prompt: 'Once upon a', regex: ' [a-z]{3,9}\\.', temperature: 1 })
    expect(text.text).toMatch(/^ [a-z]{3,9}\.$/)
    const half = [...messages, { role: 'assistant', content: '{"name":', prefix: true }]
    const rest = await chat.complete({ messages: half, regex: ' "[a-z]{1,5}"\\}', temperature: 1 })
    expect(rest.text).toMatch(/^ "[a-z]{1,5}"\}$/)
  })

  test.each([
    [{ response_format: { type: 'xml' } }, 'response_format', /json_schema/],
    [{ response_format: 'json' }, 'response_format', /json_schema/],
    [{ response_format: { type: 'json_schema' } }, 'response_format.json_schema', /object/],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'a' } } },
      'response_format.json_schema.schema',
      /required/,
    ],
    [{ response_format: { type: 'json_object', extra: 1 } }, 'response_format.extra', /unknown/],
    [
      { response_format: { type: 'json_schema', json_schema: { schema: { type: 'string', unevaluatedItems: 1 } } } },
      'response_format',
      /unevaluatedItems/,
    ],
    [{ response_format: { type: 'json_schema', json_schema: { schema: false } } }, 'response_format', /no value/],
    [{ regex: '(' }, 'regex', /./],
    [{ regex: 'a', choice: ['b'] }, 'choice', /cannot be combined with regex/],
    [{ choice: [] }, 'choice', /list/],
    [{ choice: [1] }, 'choice', /list/],
    [{ grammar: 'root ::= root "a"' }, 'grammar', /begins with itself/],
    [{ grammar: 'root ::= x' }, 'grammar', /line 1, column 10/],
  ])('is refused: %j', async (format, parameter, fact) => {
    const run = chat.complete({ messages, ...format } as unknown as ChatRequest)
    await expect(run).rejects.toBeInstanceOf(ParameterError)
    await expect(run).rejects.toMatchObject({ parameter, message: expect.stringMatching(fact) })
  })

  test('keeps to a caller’s own constraint', async () => {
    const words = Math.ceil(chat.vocabSize / 32)
    const digits = new Set(
      Array.from({ length: chat.vocabSize }, (_, id) => id).filter((id) => /^\d+$/.test(chat.decode([id]))),
    )
    const mask = new Uint32Array(words)
    for (const id of digits) mask[id >>> 5]! |= 1 << (id & 31)
    const constraint = () => ({ mask: () => mask, accept: () => {} })
    const { text } = await chat.complete({ ...wild, max_tokens: 8 }, { constraint })
    expect(text).toMatch(/^\d+$/)
    await expect(chat.complete({ ...wild, regex: 'a' }, { constraint })).rejects.toMatchObject({
      parameter: 'constraint',
    })
  })

  test('follows response_format {"type": "text"} and null, which say nothing', async () => {
    const free = await chat.complete({ ...wild, seed: 3 })
    for (const response_format of [{ type: 'text' } as const, null]) {
      expect((await chat.complete({ ...wild, seed: 3, response_format })).text).toBe(free.text)
    }
  })
})
