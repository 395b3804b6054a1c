/** How long a model of random weights may think, and what its template is told. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChatChunk, ChatRequest, MistralChat } from '../../src/index.ts'
import { ParameterError } from '../../src/index.ts'
import { loadTiny } from '../server/tiny-model.ts'
import { patience } from '../support/patience.ts'
import { tekkenFile, vocabulary } from '../tokenizer/formats.ts'

const NAME = 'tekken-v13-think'
const TOKENIZER = { 'tekken.json': JSON.stringify(tekkenFile('v13-think')) }
let chat: MistralChat
let end: number
let begin: number
beforeAll(async () => {
  const { vocabSize, specialTokens } = await vocabulary(NAME)
  begin = specialTokens.get('[THINK]')!
  end = specialTokens.get('[/THINK]')!
  chat = await loadTiny(TOKENIZER, vocabSize, { maxSequences: 3, chatFormat: 'v13' })
}, patience(240_000))
afterAll(() => chat?.dispose())

/** The prompt ends inside a thought, which the model does not end by itself. */
function thinking(): ChatRequest {
  const content = [{ type: 'thinking' as const, thinking: 'Hm', closed: false }]
  return {
    messages: [
      { role: 'user', content: 'Does it blow?' },
      { role: 'assistant', content, prefix: true },
    ],
    temperature: 0,
    ignore_eos: true,
    suppress_tokens: [begin, end],
    max_tokens: 24,
  }
}

async function all(request: ChatRequest) {
  const chunks: ChatChunk[] = []
  const stream = chat.generate(request)
  for await (const chunk of stream) chunks.push(chunk)
  const { choices, usage } = await stream.completion
  const [choice] = choices
  for (const one of choices) {
    const own = chunks.filter(({ index }) => index === one.index)
    expect(own.map(({ text }) => text).join('')).toBe(one.text)
    expect(own.map(({ reasoning_content: thought }) => thought ?? '').join('')).toBe(one.reasoning_content ?? '')
    expect(own.flatMap(({ token_ids: ids }) => ids)).toEqual(one.token_ids)
    expect(own.filter(({ finish_reason: reason }) => reason !== null)).toHaveLength(1)
  }
  return { chunks, choice: choice!, choices, usage }
}

describe('a thought', { timeout: patience(120_000) }, () => {
  test('without a budget goes on to the end', async () => {
    const { choice } = await all(thinking())
    expect(choice).toMatchObject({ text: '', finish_reason: 'length', reasoning_tokens: 24 })
  })

  test('ends at its budget, and the answer goes on as if the model had ended it', async () => {
    for (const budget of [1, 5, 16]) {
      const { choice, usage } = await all({ ...thinking(), max_reasoning_tokens: budget })
      const { token_ids: ids } = choice
      expect([ids.length, ids.indexOf(end), choice.reasoning_tokens]).toEqual([24, budget, budget])
      expect(choice.reasoning_content).not.toBe(null)
      expect([choice.finish_reason, usage.completion_tokens]).toEqual(['length', 24])
      const prompt = chat.encode({ messages: thinking().messages })
      const before = [...prompt, ...ids.slice(0, budget + 1)]
      const { token_ids: rest } = await chat.complete({
        ...thinking(),
        messages: undefined,
        prompt: before,
        max_tokens: 24 - budget - 1,
      })
      expect(ids.slice(budget + 1)).toEqual(rest)
    }
  })

  test('without tokens is no thought', async () => {
    const { choice } = await all({ ...thinking(), max_reasoning_tokens: 0 })
    expect(choice).toMatchObject({ reasoning_content: null, reasoning_tokens: 0 })
    expect([choice.token_ids[0], choice.token_ids.length]).toEqual([end, 24])
  })

  test('a budget that the limit of the answer cuts changes nothing', async () => {
    const free = await all({ ...thinking(), max_tokens: 6 })
    const { choice } = await all({ ...thinking(), max_tokens: 6, max_reasoning_tokens: 6 })
    expect(choice.token_ids).toEqual(free.choice.token_ids)
    const cut = await all({ ...thinking(), max_tokens: 6, max_reasoning_tokens: 5 })
    expect(cut.choice).toMatchObject({ finish_reason: 'length', text: '' })
    expect(cut.choice.token_ids).toEqual([...free.choice.token_ids.slice(0, 5), end])
  })

  test('penalties see the tokens of the thought after its end', async () => {
    // Each token is far less probable when it was generated before, in the thought or behind it.
    const { choice } = await all({ ...thinking(), max_reasoning_tokens: 8, presence_penalty: 2, frequency_penalty: 2 })
    const ids = choice.token_ids.filter((id) => id !== end)
    expect(new Set(ids).size).toBe(ids.length)
    const longer = await all({
      ...thinking(),
      messages: undefined,
      prompt: [...chat.encode({ messages: thinking().messages }), ...ids.slice(0, 8), end],
      max_tokens: 15,
    })
    expect(longer.choice.token_ids).not.toEqual(choice.token_ids.slice(9))
  })

  test('several answers have budgets of their own, drawn by seed', async () => {
    const request = { ...thinking(), temperature: 1, seed: 7, n: 3, max_reasoning_tokens: 4 }
    const { choices } = await all(request)
    expect(choices.map(({ token_ids: ids }) => ids.indexOf(end))).toEqual([4, 4, 4])
    const again = await all(request)
    expect(again.choices.map(({ token_ids }) => token_ids)).toEqual(choices.map(({ token_ids }) => token_ids))
  })

  test('can be left out of what is returned', async () => {
    const { choice, chunks } = await all({ ...thinking(), max_reasoning_tokens: 5, include_reasoning: false })
    expect(choice).toMatchObject({ reasoning_content: null, reasoning_tokens: 5 })
    expect(choice.token_ids).toHaveLength(24)
    expect(chunks.every(({ reasoning_content: thought }) => thought === null)).toBe(true)
  })

  test('stop texts, and leaving in the middle, end it', async () => {
    const { choice } = await all({ ...thinking(), max_reasoning_tokens: 5 })
    const word = choice.text.slice(3, 5)
    const stopped = await all({ ...thinking(), max_reasoning_tokens: 5, stop: [word] })
    expect(stopped.choice).toMatchObject({ finish_reason: 'stop', stop_reason: word })
    for await (const _ of chat.generate({ ...thinking(), max_tokens: 200, max_reasoning_tokens: 2 })) break
    expect(chat.status()).toMatchObject({ running: 0, waiting: 0 })
  })

  test('does not begin where none is asked for', async () => {
    const request: ChatRequest = {
      messages: [{ role: 'user', content: 'Does it blow?' }],
      // The model of random weights writes nothing but the beginnings of thoughts.
      logit_bias: { [begin]: 100 },
      temperature: 0,
      ignore_eos: true,
      max_tokens: 6,
    }
    const free = await all(request)
    expect([free.choice.token_ids[0], free.choice.reasoning_tokens]).toEqual([begin, 5])
    const none = await all({ ...request, reasoning_effort: 'none' })
    expect(none.choice).toMatchObject({ reasoning_content: null, reasoning_tokens: 0 })
    expect(none.choice.token_ids).toEqual([begin, end, begin, end, begin, end])
  })

  test('may be asked for where the model has no setting for it', () => {
    const messages = [{ role: 'user', content: 'Hi' }]
    expect(chat.encode({ messages, reasoning_effort: 'auto' })).toEqual(chat.encode({ messages }))
    expect(() => chat.encode({ messages, reasoning_effort: 'high' })).toThrow('no such setting')
  })

  test.each([{ max_reasoning_tokens: 5 }, { include_reasoning: false }])('%j needs messages', async (field) => {
    const refused = chat.complete({ prompt: 'A wind', max_tokens: 1, ...field })
    await expect(refused).rejects.toMatchObject({
      parameter: Object.keys(field)[0],
      fact: expect.stringContaining('messages'),
    })
  })

  test.each([-1, 0.5, '5'])('max_reasoning_tokens cannot be %j', async (value) => {
    const refused = chat.complete({ ...thinking(), max_reasoning_tokens: value as number })
    await expect(refused).rejects.toMatchObject({ parameter: 'max_reasoning_tokens' })
  })
})

describe('chat_template_kwargs', { timeout: patience(120_000) }, () => {
  const TEMPLATE =
    "{{ bos_token }}{% if enable_thinking is defined and not enable_thinking %}{{ 'No. ' }}{% endif %}" +
    '{% for message in messages %}{{ message.content + style|default("") }}{% endfor %}'
  const messages = [{ role: 'user', content: 'Hi' }]

  test('are variables of the checkpoint’s template', async () => {
    const { vocabSize } = await vocabulary(NAME)
    using own = await loadTiny(TOKENIZER, vocabSize, { chatTemplate: TEMPLATE })
    const shown = (chat_template_kwargs?: Record<string, unknown>) =>
      own.decode(own.encode({ messages, chat_template_kwargs }))
    expect(shown()).toBe('Hi')
    expect(shown({ enable_thinking: true })).toBe('Hi')
    expect(shown({ enable_thinking: false, style: '!' })).toBe('No. Hi!')
    // Names of control tokens stay text in them, as they do in messages.
    expect(own.encode({ messages, chat_template_kwargs: { style: '[THINK]' } })).not.toContain(begin)
    const completion = await own.complete({ messages, max_tokens: 1, chat_template_kwargs: { style: '!' } })
    expect(own.decode(completion.prompt_token_ids)).toBe('Hi!')
    for (const [kwargs, name] of [
      [{ enable_thoughts: true }, 'chat_template_kwargs.enable_thoughts'],
      [{ messages: [] }, 'chat_template_kwargs.messages'],
      [{ 'a b': 1 }, 'chat_template_kwargs.a b'],
      [{ style: () => 1 }, 'chat_template_kwargs.style'],
      [5, 'chat_template_kwargs'],
    ] as const) {
      expect(() => own.encode({ messages, chat_template_kwargs: kwargs as never })).toThrow(ParameterError)
      expect(() => own.encode({ messages, chat_template_kwargs: kwargs as never })).toThrow(`"${name}"`)
    }
    expect(() => own.encode({ prompt: 'Hi', chat_template_kwargs: { style: '!' } })).toThrow('needs messages')
  })

  test('are what reasoning_effort sets, where the template knows on and off only', async () => {
    const { vocabSize } = await vocabulary(NAME)
    using own = await loadTiny(TOKENIZER, vocabSize, { chatTemplate: TEMPLATE })
    const shown = (reasoning_effort: string | undefined, kwargs?: Record<string, unknown>) =>
      own.decode(own.encode({ messages, reasoning_effort, chat_template_kwargs: kwargs }))
    expect(['none', 'high', 'auto', undefined].map((effort) => shown(effort))).toEqual(['No. Hi', 'Hi', 'Hi', 'Hi'])
    expect(shown('none', { enable_thinking: false })).toBe('No. Hi')
    expect(() => shown('low')).toThrow('must be none or high')
    expect(() => shown('high', { enable_thinking: false })).toThrow('"chat_template_kwargs.enable_thinking"')
  })

  test('need a template', () => {
    expect(chat.encode({ messages, chat_template_kwargs: {} })).toEqual(chat.encode({ messages }))
    expect(() => chat.encode({ messages, chat_template_kwargs: { enable_thinking: true } })).toThrow(
      'this model has none',
    )
  })
})
