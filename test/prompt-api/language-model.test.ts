/** `LanguageModel` on the examples of the Prompt API's explainer, and on what its draft says of faults. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ContextLengthError, DeviceLostError, type MistralChat } from '../../src/index.ts'
import { LanguageModel, provideModel, QuotaExceededError, releaseModel } from '../../src/prompt-api/index.ts'
import type { Json } from '../server/fake-chat.ts'
import { loadPocket, until } from '../server/pocket.ts'
import { patience } from '../support/patience.ts'
import { conversation, echo, named, provide } from './support.ts'

beforeEach(() => releaseModel())

describe('the embedded model', () => {
  let chat: MistralChat
  beforeAll(async () => {
    chat = await loadPocket()
  }, patience(120_000))
  afterAll(() => chat?.dispose())

  test('answers, streams, and remembers', async () => {
    provideModel(chat)
    expect(await LanguageModel.availability()).toBe('available')
    const session = await LanguageModel.create({ samplingMode: 'most-predictable' })
    const question = { role: 'user', content: 'What is a mistral?' }
    const expected = await chat.complete({ messages: [question], do_sample: false, max_new_tokens: chat.contextLength })
    expect(await session.prompt(question.content)).toBe(expected.text)
    expect(session.contextUsage).toBeGreaterThan(expected.usage.total_tokens - 3)
    const again = [question, { role: 'assistant', content: expected.text }, { role: 'user', content: 'And then?' }]
    const second = await chat.complete({ messages: again, do_sample: false, max_new_tokens: chat.contextLength })
    let text = ''
    for await (const chunk of session.promptStreaming('And then?')) text += chunk
    expect(text).toBe(second.text)
  })

  test('measures what a prompt would take', async () => {
    provideModel(chat)
    const session = await LanguageModel.create()
    expect([session.contextUsage, session.contextWindow]).toEqual([0, chat.contextLength])
    const usage = await session.measureContextUsage('What is a mistral?')
    expect(usage).toBe(chat.encode({ messages: [{ role: 'user', content: 'What is a mistral?' }] }).length)
    await session.append('What is a mistral?')
    expect([session.contextUsage, session.inputUsage]).toEqual([usage, usage])
  })

  test('aborting frees the sequence', async () => {
    provideModel(chat)
    const session = await LanguageModel.create()
    const control = new AbortController()
    const reader = session.promptStreaming('A wind', { signal: control.signal }).getReader()
    await reader.read()
    control.abort()
    await expect(reader.read()).rejects.toEqual(named('AbortError'))
    await until(() => chat.status().running === 0)
    expect(session.contextUsage).toBe(0)
    for await (const _ of session.promptStreaming('A wind')) break
    await until(() => chat.status().running === 0)
  })

  test('is loaded by the first session that needs it, with its progress', async () => {
    const source = fileURLToPath(new URL('../../models/pocket', import.meta.url))
    provideModel({ source, options: { contextLength: 128 } })
    expect(await LanguageModel.availability()).toBe('downloadable')
    const loaded: number[] = []
    const creating = LanguageModel.create({
      monitor(m) {
        m.addEventListener('downloadprogress', (event) => {
          const { loaded: fraction, total } = event as ProgressEvent
          expect(total).toBe(1)
          loaded.push(fraction)
        })
      },
    })
    expect(await LanguageModel.availability()).toBe('downloading')
    const other = LanguageModel.create()
    const session = await creating
    expect(session.contextWindow).toBe(128)
    expect((await other).contextWindow).toBe(128)
    expect(await LanguageModel.availability()).toBe('available')
    expect([loaded[0], loaded.at(-1)]).toEqual([0, 1])
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b))
    expect(loaded.length).toBeGreaterThan(2)
    await releaseModel()
    expect(await LanguageModel.availability()).toBe('unavailable')
    await expect(session.prompt('A wind')).rejects.toEqual(named('OperationError'))
  })

  test('one that cannot be loaded is asked for again', async () => {
    provideModel({ source: '/no/such/model' })
    await expect(LanguageModel.create()).rejects.toBeInstanceOf(DOMException)
    expect(await LanguageModel.availability()).toBe('downloadable')
  })
})

describe('sessions', () => {
  test('there are none without a model', async () => {
    expect(await LanguageModel.availability()).toBe('unavailable')
    expect(await LanguageModel.params()).toBe(null)
    await expect(LanguageModel.create()).rejects.toEqual(named('NotSupportedError'))
    expect(() => new LanguageModel(undefined)).toThrow(TypeError)
  })

  test('system prompts: at creation, appended, or with the first prompt', async () => {
    const chat = provide(echo)
    const system = { role: 'system', content: 'Pretend to be an eloquent hamster.' } as const
    const first = await LanguageModel.create({ initialPrompts: [system] })
    expect(await first.prompt('Food?')).toBe('<Food?>')
    const second = await LanguageModel.create()
    await second.append([system])
    await second.prompt('Food?')
    const third = await LanguageModel.create()
    await third.prompt([system, { role: 'user', content: 'Food?' }])
    for (const i of [0, 1, 2]) expect(conversation(chat, i)).toEqual([`system: ${system.content}`, 'user: Food?'])
    for (const session of [first, second, third]) await expect(session.append([system])).rejects.toThrow(TypeError)
    const late = [{ role: 'user', content: 'a' } as const, system]
    await expect(LanguageModel.create({ initialPrompts: late })).rejects.toThrow(TypeError)
  })

  test('n-shot prompting with clones', async () => {
    const chat = provide(echo)
    const session = await LanguageModel.create({
      initialPrompts: [
        { role: 'system', content: 'Emojis' },
        { role: 'user', content: 'LGTM' },
        { role: 'assistant', content: '👍, 🚢' },
      ],
    })
    const predict = async (comment: string) => (await session.clone()).prompt(comment)
    expect(await predict('Back')).toBe('<Back>')
    expect(await predict('Good')).toBe('<Good>')
    expect(conversation(chat)).toEqual(['system: Emojis', 'user: LGTM', 'assistant: 👍, 🚢', 'user: Good'])
    const clone = await session.clone()
    session.destroy()
    expect(await clone.prompt('Still here?')).toBe('<Still here?>')
  })

  test('roles per prompt; an answer after the assistant’s message, and one that goes on with it', async () => {
    const chat = provide([{ text: '[a]\n' }, { finish_reason: 'stop' }])
    const session = await LanguageModel.create()
    const user = { role: 'user', content: 'A sheet' } as const
    await session.prompt([user, { role: 'assistant', content: 'Presentations are tough!' }])
    expect((chat.requests[0] as Json).messages[1].prefix).toBe(false)
    const toml = { role: 'assistant', content: '```toml\n', prefix: true } as const
    expect(await session.prompt([user, toml])).toBe('[a]\n')
    expect((chat.requests[1] as Json).messages.at(-1).prefix).toBe(true)
    await session.prompt('Go on')
    expect(conversation(chat).slice(-3)).toEqual(['user: A sheet', 'assistant: ```toml\n[a]\n', 'user: Go on'])
    expect((chat.requests[2] as Json).messages.every(({ prefix }: Json) => prefix === undefined)).toBe(true)
    for (const wrong of [[{ ...user, prefix: true }], [toml, user]]) {
      await expect(session.prompt(wrong)).rejects.toEqual(named('SyntaxError'))
    }
  })

  test('texts beside one another are one; an empty prompt is an empty text', async () => {
    const chat = provide(echo)
    const session = await LanguageModel.create()
    const text = (value: string) => ({ type: 'text', value }) as const
    await session.prompt([{ role: 'user', content: [text('foo'), text('bar')] }])
    expect(conversation(chat)).toEqual(['user: foobar'])
    for (const empty of [[], [{ role: 'user', content: [] }], ''] as const) {
      expect(await (await LanguageModel.create()).prompt(empty)).toBe('<>')
    }
  })

  test.each<[string, unknown, unknown]>([
    [
      'an image',
      [{ role: 'user', content: [{ type: 'image', value: new Uint8Array(1) }] }],
      named('NotSupportedError'),
    ],
    ['a sound', [{ role: 'user', content: [{ type: 'audio', value: new Uint8Array(1) }] }], named('NotSupportedError')],
    [
      'bytes for a text',
      [{ role: 'user', content: [{ type: 'text', value: new Uint8Array(1) }] }],
      expect.any(TypeError),
    ],
    ['an unknown role', [{ role: 'tool', content: 'a' }], expect.any(TypeError)],
    ['an unknown type', [{ role: 'user', content: [{ type: 'video', value: '' }] }], expect.any(TypeError)],
    ['no content', [{ role: 'user' }], expect.any(TypeError)],
    ['a message that is none', ['a'], expect.any(TypeError)],
    [
      'a call that is none',
      [{ role: 'assistant', content: [{ type: 'tool-call', value: {} }] }],
      expect.any(TypeError),
    ],
  ])('refuse %s', async (_, input, error) => {
    const chat = provide(echo)
    const session = await LanguageModel.create()
    await expect(session.prompt(input as string)).rejects.toEqual(error)
    await expect(session.append(input as string)).rejects.toEqual(error)
    await expect(session.measureContextUsage(input as string)).rejects.toEqual(error)
    await expect(
      session
        .promptStreaming(input as string)
        .getReader()
        .read(),
    ).rejects.toEqual(error)
    expect(chat.requests).toEqual([])
  })

  test('prompts wait for one another; one that waits can leave', async () => {
    const chat = provide((request) => [{ wait: 20 }, ...echo(request)])
    const session = await LanguageModel.create()
    const control = new AbortController()
    const first = session.prompt('1')
    const second = session.prompt('2', { signal: control.signal })
    const third = session.prompt('3')
    control.abort()
    await expect(second).rejects.toEqual(named('AbortError'))
    expect(await Promise.all([first, third])).toEqual(['<1>', '<3>'])
    expect(conversation(chat)).toEqual(['user: 1', 'assistant: <1>', 'user: 3'])
    expect(chat.requests).toHaveLength(2)
  })

  test('an aborted prompt leaves nothing behind, and its reason is given', async () => {
    const chat = provide((request) => [{ text: 'a' }, { wait: 60_000 }, ...echo(request)])
    const session = await LanguageModel.create()
    const reason = new Error('enough')
    const control = new AbortController()
    const asked = session.prompt('1', { signal: control.signal })
    await until(() => chat.running === 1)
    control.abort(reason)
    await expect(asked).rejects.toBe(reason)
    await until(() => chat.running === 0)
    expect(session.contextUsage).toBe(0)
    await expect(session.prompt('2', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await expect(session.append('2', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await expect(session.clone({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  test('destroying ends what runs, by method and by the signal of create()', async () => {
    const chat = provide((request) => [{ text: 'a' }, { wait: 60_000 }, ...echo(request)])
    const session = await LanguageModel.create()
    const reader = session.promptStreaming('1').getReader()
    await reader.read()
    const waiting = session.prompt('2')
    session.destroy()
    await expect(reader.read()).rejects.toEqual(named('AbortError'))
    await expect(waiting).rejects.toEqual(named('AbortError'))
    await expect(session.prompt('3')).rejects.toEqual(named('AbortError'))
    await expect(session.clone()).rejects.toEqual(named('AbortError'))
    await until(() => chat.running === 0)
    const control = new AbortController()
    const other = await LanguageModel.create({ signal: control.signal })
    control.abort(new Error('gone'))
    await expect(other.prompt('1')).rejects.toThrow('gone')
    await expect(LanguageModel.create({ signal: control.signal })).rejects.toThrow('gone')
  })
})

describe('the context', () => {
  test('overflows: the oldest questions go with their answers, and initial prompts stay', async () => {
    const chat = provide(() => [{ text: 'b'.repeat(1000) }, { finish_reason: 'stop' }])
    const session = await LanguageModel.create({ initialPrompts: [{ role: 'system', content: 'S' }] })
    const fired: string[] = []
    session.addEventListener('contextoverflow', () => fired.push('contextoverflow'))
    session.oncontextoverflow = () => fired.push('on')
    session.onquotaoverflow = () => fired.push('older')
    const ask = (letter: string) => session.prompt(letter.repeat(2200))
    for (const letter of ['1', '2']) await ask(letter)
    expect(fired).toEqual([])
    await ask('3')
    expect(fired).toEqual(['contextoverflow', 'on', 'older'])
    const roles = (chat.requests.at(-1) as Json).messages.map(({ role, content }: Json) => `${role} ${content[0]}`)
    expect(roles).toEqual(['system S', 'user 2', 'assistant b', 'user 3'])
    expect(session.contextUsage).toBeLessThan(session.contextWindow)
  })

  test('a prompt that never fits is refused, and nothing goes', async () => {
    provide(echo)
    const session = await LanguageModel.create()
    await session.prompt('1')
    const before = session.contextUsage
    const error = await session.prompt('x'.repeat(9000)).catch((error) => error)
    expect(error).toBeInstanceOf(QuotaExceededError)
    expect(error).toBeInstanceOf(DOMException)
    expect([error.name, error.quota]).toEqual(['QuotaExceededError', session.contextWindow - before])
    expect(error.requested).toBeGreaterThan(9000)
    expect(session.contextUsage).toBe(before)
    const initialPrompts = [{ role: 'user', content: 'x'.repeat(9000) } as const]
    await expect(LanguageModel.create({ initialPrompts })).rejects.toBeInstanceOf(QuotaExceededError)
  })
})

test('errors of the model have the names of the draft', async () => {
  const fails = async (fail: unknown) => {
    provide([{ fail }])
    return (await LanguageModel.create()).prompt('Hi').catch((error) => error)
  }
  expect(await fails(new ContextLengthError(9, 8))).toMatchObject({
    name: 'QuotaExceededError',
    requested: 9,
    quota: 8,
  })
  expect(await fails(new DeviceLostError('unknown', 'gone'))).toMatchObject({ name: 'OperationError' })
  expect(await fails(new Error('odd'))).toMatchObject({ name: 'UnknownError', message: 'odd' })
})
