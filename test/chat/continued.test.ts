/** Answers that go on with the last message, and how a chat is told its format: on a model of random weights. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChatMessage, type MistralChat, ParameterError } from '../../src/index.ts'
import { createApp } from '../../src/server/index.ts'
import { events, type Json, post } from '../server/fake-chat.ts'
import { loadTiny } from '../server/tiny-model.ts'
import { patience } from '../support/patience.ts'
import { tekkenFile, tekkenJson, vocabulary } from '../tokenizer/formats.ts'
import { fixtureBytes } from '../tokenizer/support.ts'

const files = { 'tokenizer.model': fixtureBytes('own-v3.model') }
const { vocabSize } = await vocabulary('spm-v3')
const user = { role: 'user', content: 'Does it blow?' }
const asked = (content: string, fields: object = {}): ChatMessage[] => [user, { role: 'assistant', content, ...fields }]
// Random weights would end or not as it happens.
const how = { temperature: 0, ignore_eos: true, max_tokens: 6 }

describe('an answer that goes on with the last message', { timeout: patience(120_000) }, () => {
  let chat: MistralChat
  beforeAll(async () => {
    chat = await loadTiny(files, vocabSize, { maxSequences: 2 })
  }, patience(240_000))
  afterAll(() => chat?.dispose())
  const decoded = (ids: readonly number[]) => chat.tokenizer.decode(ids)

  test('is what comes after it', async () => {
    const messages = asked('The wind', { prefix: true })
    const prompt = chat.encode({ messages })
    expect(decoded(prompt)).toMatch(/The wind$/)
    expect(prompt.at(-1)).not.toBe(chat.tokenizer.eosId)
    const { text, token_ids, usage } = await chat.complete({ messages, ...how })
    // Joined they are one text: the first word keeps the space before it.
    expect(decoded(prompt) + text).toBe(decoded([...prompt, ...token_ids]))
    expect(usage).toMatchObject({ prompt_tokens: prompt.length, completion_tokens: 6 })
    expect(chat.encode({ messages: asked('The wind') })).toEqual(prompt)
    const closed = chat.encode({ messages: asked('The wind', { prefix: false }) })
    expect(closed).toEqual([...prompt, chat.tokenizer.eosId])
  })

  test('is the same over HTTP, streamed and not', async () => {
    const app = createApp(chat, { modelId: 'm' })
    const body = { model: 'm', messages: asked('The wind', { prefix: true }), ...how }
    const { text } = await chat.complete({ messages: body.messages, ...how })
    const whole: Json = await (await post(app, '/v1/chat/completions', body)).json()
    expect(whole.choices[0].message.content).toBe(text)
    const parts = await events(await post(app, '/v1/chat/completions', { ...body, stream: true }))
    expect(parts.map((part) => part.choices?.[0]?.delta.content ?? '').join('')).toBe(text)
    const wrong = await post(app, '/v1/chat/completions', { ...body, messages: [{ ...user, prefix: true }] })
    expect([wrong.status, ((await wrong.json()) as Json).error.param]).toEqual([400, 'messages[0].prefix'])
  })

  test('calls without arguments, and no tools, are what they say', async () => {
    const call = (args: unknown) => [
      user,
      { role: 'assistant', content: null, tool_calls: [{ id: '123456789', function: { name: 'f', arguments: args } }] },
      { role: 'tool', content: '1', tool_call_id: '123456789' },
    ]
    const expected = chat.encode({ messages: call('{}') })
    for (const args of ['', null, undefined, {}, ' { } '])
      expect(chat.encode({ messages: call(args) })).toEqual(expected)
    expect(chat.encode({ messages: [user], tools: [] })).toEqual(chat.encode({ messages: [user] }))
    expect(chat.encode({ messages: [user], tools: null })).toEqual(chat.encode({ messages: [user] }))
  })
})

describe('a chat is told', { timeout: patience(240_000) }, () => {
  async function withChat<T>(
    options: Parameters<typeof loadTiny>[2],
    see: (chat: MistralChat) => T,
    folder: object = files,
  ) {
    const chat = await loadTiny(folder as Record<string, Uint8Array | string>, vocabSize, options)
    try {
      return see(chat)
    } finally {
      chat.dispose()
    }
  }
  const text = (chat: MistralChat, messages: ChatMessage[]) =>
    chat.tokenizer.decode(chat.encode({ messages }), { skipSpecial: false })

  test('its format', async () => {
    const template = { ...files, 'chat_template.jinja': '{{ messages[0].content }}' }
    const messages = [{ role: 'system', content: 'Be brief.' }, user]
    await withChat(
      { chatFormat: 'v1' },
      (chat) => {
        expect(text(chat, messages)).toBe('<s> [INST] Be brief.\n\nDoes it blow? [/INST]')
        expect(chat.templateOrigin).toBe('built-in')
      },
      template,
    )
    await withChat({}, (chat) => expect(text(chat, messages)).toBe('Be brief.'), template)
    const wrong = [
      { chatFormat: 'v4' },
      { chatFormat: 7 },
      { chatFormat: 'v1', chatTemplate: 'x' },
      { neighbours: 'join' },
    ]
    for (const options of wrong) {
      const error = await loadTiny(files, vocabSize, options as object).catch((e: unknown) => e)
      expect(error).toBeInstanceOf(ParameterError)
      expect((error as ParameterError).parameter).toBe(Object.keys(options)[0])
    }
  })

  test('by a tekken.json beside the tokenizer', async () => {
    const messages = [
      { role: 'system', content: 'S' },
      { role: 'user', content: 'U' },
    ]
    const json = { 'tokenizer.json': JSON.stringify(tekkenJson('v7')) }
    const three = { ...json, 'tekken.json': JSON.stringify(tekkenFile('v3')) }
    await withChat({}, (chat) => expect(text(chat, messages)).toBe('<s>[INST]S\n\nU[/INST]'), three)
    const seven = { ...json, 'tekken.json': JSON.stringify(tekkenFile('v7')) }
    const prompt = '[SYSTEM_PROMPT]S[/SYSTEM_PROMPT][INST]U'
    await withChat({}, (chat) => expect(text(chat, messages)).toContain(prompt), seven)
  })

  test('what to do with neighbours', async () => {
    await withChat({ neighbours: 'refuse' }, (chat) => {
      expect(() => chat.encode({ messages: [user, user] })).toThrow(
        expect.objectContaining({ name: 'ParameterError', parameter: 'messages[1].role' }),
      )
    })
  })
})
