/** What the web platform tests of the Prompt API check of any implementation, said in our own words: options, aborts, prompts. */
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, test } from 'vitest'
import { type CreateOptions, LanguageModel, provideModel, releaseModel } from '../../src/prompt-api/index.ts'
import { conversation, echo, named, provide } from './support.ts'

beforeEach(() => releaseModel())

const AVAILABILITIES = ['unavailable', 'downloadable', 'downloading', 'available']

describe('availability', () => {
  test('answers for every combination of plausible options', async () => {
    provide(echo)
    const lists = [
      undefined,
      [],
      [{ type: 'text' }],
      [{ type: 'text' }, { type: 'audio' }, { type: 'image' }],
      [{ type: 'text', languages: ['en', 'ja', 'ko'] }],
    ]
    for (const topK of [undefined, -2, 0, 1, 1.5, 3, 99]) {
      for (const temperature of [undefined, -0.5, 0, 0.6, 1, 7]) {
        for (const expectedInputs of lists) {
          for (const expectedOutputs of lists) {
            const options = { topK, temperature, expectedInputs, expectedOutputs } as CreateOptions
            expect(AVAILABILITIES).toContain(await LanguageModel.availability(options))
          }
        }
      }
    }
  })

  test.each<[string, object]>([
    ['a language that is none', { expectedInputs: [{ type: 'text', languages: ['unk'] }] }],
    ['a language to answer in that is none', { expectedOutputs: [{ type: 'text', languages: ['unk'] }] }],
    ['images to come out', { expectedOutputs: [{ type: 'image' }] }],
    ['sounds to come out', { expectedOutputs: [{ type: 'audio' }] }],
    ['topK 0', { topK: 0, temperature: 0.5 }],
    ['a negative topK', { topK: -3, temperature: 0.5 }],
    ['a negative temperature', { topK: 3, temperature: -0.5 }],
  ])('there is none for %s', async (_, options) => {
    provide(echo)
    expect(await LanguageModel.availability(options)).toBe('unavailable')
  })

  test('what no implementation could have is an error, also behind what this one does not have', async () => {
    provide(echo)
    const tag = { expectedInputs: [{ type: 'audio' }, { type: 'text', languages: ['en-abc-invalid'] }] } as const
    await expect(LanguageModel.availability(tag)).rejects.toThrow(RangeError)
    await expect(LanguageModel.create(tag)).rejects.toThrow(RangeError)
    const soup = { expectedInputs: [{ type: 'image' }], expectedOutputs: [{ type: 'soup' }] } as never
    await expect(LanguageModel.availability(soup)).rejects.toThrow(TypeError)
    const upper = { expectedInputs: [{ type: 'text', languages: ['EN'] }] } as const
    expect(await LanguageModel.availability(upper)).toBe('available')
  })
})

describe('create', () => {
  test('initial prompts: none, without a system prompt, and with one in a wrong place', async () => {
    provide(echo)
    const hello = [
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: 'hello' },
    ] as const
    const system = { role: 'system', content: 'you are a robot' } as const
    expect((await LanguageModel.create({ initialPrompts: [] })).contextUsage).toBe(0)
    expect((await LanguageModel.create({ initialPrompts: hello })).contextUsage).toBeGreaterThan(0)
    await expect(LanguageModel.create({ initialPrompts: [...hello, system] })).rejects.toThrow(TypeError)
    await expect(LanguageModel.create({ initialPrompts: [system, system, ...hello] })).rejects.toThrow(TypeError)
  })

  test('the size of initial prompts can be measured, and counts', async () => {
    provide(echo)
    const initialPrompts = [{ role: 'system', content: 'The word of the day is banana.' }] as const
    const session = await LanguageModel.create({ initialPrompts })
    expect(session.contextUsage).toBeGreaterThan(0)
    expect(await session.measureContextUsage(initialPrompts)).toBe(session.contextUsage)
  })

  test('progress rises from 0 to 1 in steps of 1/65,536, and ends before the session is there', async () => {
    const source = fileURLToPath(new URL('../../models/pocket', import.meta.url))
    provideModel({ source, options: { contextLength: 64 } })
    const events: ProgressEvent[] = []
    let created = false
    await LanguageModel.create({
      monitor: (m) =>
        m.addEventListener('downloadprogress', (event) => {
          expect(created).toBe(false)
          events.push(event as ProgressEvent)
        }),
    })
    created = true
    expect([events[0]!.loaded, events.at(-1)!.loaded]).toEqual([0, 1])
    for (const [i, { loaded, total, lengthComputable }] of events.entries()) {
      expect([total, lengthComputable, Number.isInteger(loaded * 65_536)]).toEqual([1, true, true])
      expect(loaded).toBeGreaterThan(events[i - 1]?.loaded ?? -1)
    }
    await releaseModel()
  })

  test.each([0, 1])('aborting at the progress %d rejects with the reason, and no progress follows', async (at) => {
    provide(echo)
    const control = new AbortController()
    const seen: number[] = []
    let reached = () => {}
    const there = new Promise<void>((resolve) => {
      reached = resolve
    })
    const monitor = (m: EventTarget) =>
      m.addEventListener('downloadprogress', (event) => {
        const { loaded } = event as ProgressEvent
        seen.push(loaded)
        if (loaded === at) reached()
      })
    const creating = LanguageModel.create({ monitor, signal: control.signal })
    await there
    const reason = new Error('test')
    control.abort(reason)
    await expect(creating).rejects.toBe(reason)
    const count = seen.length
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(seen).toHaveLength(count)
  })

  test('what the monitor throws is the error', async () => {
    provide(echo)
    const error = new Error('of the callback')
    const monitor = () => {
      throw error
    }
    await expect(LanguageModel.create({ monitor })).rejects.toBe(error)
  })
})

describe('aborts', () => {
  const METHODS: readonly [string, (session: LanguageModel, signal?: AbortSignal) => Promise<unknown>][] = [
    ['prompt', (session, signal) => session.prompt('a', { signal })],
    ['append', (session, signal) => session.append('a', { signal })],
    ['measureContextUsage', (session, signal) => session.measureContextUsage('a', { signal })],
    ['measureInputUsage', (session, signal) => session.measureInputUsage('a', { signal })],
    ['clone', (session, signal) => session.clone({ signal })],
    ['create', (_, signal) => LanguageModel.create({ signal })],
  ]

  test.each(METHODS)('%s: right after the call, and before it; with a reason of its own', async (_, call) => {
    provide(echo)
    const session = await LanguageModel.create()
    for (const reason of [undefined, new Error('test')]) {
      const control = new AbortController()
      const asked = call(session, control.signal)
      control.abort(reason)
      const expected = reason ?? named('AbortError')
      await expect(asked).rejects.toEqual(expected)
      await expect(call(session, control.signal)).rejects.toEqual(expected)
    }
    expect(session.contextUsage).toBe(0)
    expect(await session.prompt('after')).toBe('<after>')
  })

  test('promptStreaming: the stream fails with the reason, and a call with an aborted signal throws', async () => {
    provide(echo)
    const session = await LanguageModel.create()
    for (const reason of [undefined, new DOMException('test', 'VersionError')]) {
      const control = new AbortController()
      const stream = session.promptStreaming('a', { signal: control.signal })
      control.abort(reason)
      await expect(stream.pipeTo(new WritableStream())).rejects.toEqual(reason ?? named('AbortError'))
      const thrown = await (async () => session.promptStreaming('a', { signal: control.signal }))().catch((e) => e)
      expect(thrown).toEqual(reason ?? named('AbortError'))
    }
    expect(await session.prompt('after')).toBe('<after>')
  })

  test.each(METHODS.slice(0, 5))('%s: by destroying the session, or by the signal of create()', async (_, call) => {
    provide(echo)
    const session = await LanguageModel.create()
    const asked = call(session)
    session.destroy()
    await expect(asked).rejects.toEqual(named('AbortError'))
    await expect(call(session)).rejects.toEqual(named('AbortError'))
    expect(() => session.promptStreaming('a')).toThrow(expect.objectContaining({ name: 'AbortError' }))
    // What it was can still be read.
    expect([session.contextUsage, session.contextWindow]).toEqual([0, 8192])
    const control = new AbortController()
    const other = await LanguageModel.create({ signal: control.signal })
    const waiting = call(other)
    const reason = new Error('of the creation')
    control.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await expect(call(other)).rejects.toBe(reason)
  })
})

describe('prompts', () => {
  test.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [{}, '[object Object]'],
    [5, '5'],
    [[{ role: 'user', content: [{ type: 'text', value: 5 }] }], '5'],
  ])('%j is taken as WebIDL takes it', async (input, text) => {
    const chat = provide(echo)
    const session = await LanguageModel.create()
    expect(await session.prompt(input as string)).toBe(`<${text}>`)
    let streamed = ''
    for await (const chunk of session.promptStreaming(input as string)) streamed += chunk
    expect([streamed, conversation(chat).at(-1)]).toEqual([`<${text}>`, `user: ${text}`])
  })

  test('appending nothing adds nothing; appending what is no list adds its text', async () => {
    provide(echo)
    const session = await LanguageModel.create()
    await session.append([])
    expect(session.contextUsage).toBe(0)
    const usage = await session.measureContextUsage({} as string)
    expect(await session.append({} as string)).toBe(undefined)
    expect(session.contextUsage).toBe(usage)
  })

  test('too long ones are refused with both sizes, appended or asked', async () => {
    provide(echo)
    const session = await LanguageModel.create()
    const long = 'Please write a sentence. '.repeat(session.contextWindow / 10)
    const requested = await session.measureContextUsage(long)
    const error = { name: 'QuotaExceededError', requested, quota: session.contextWindow }
    await expect(session.append(long)).rejects.toMatchObject(error)
    await expect(session.prompt(long)).rejects.toMatchObject(error)
  })

  test('streams take their turn when they are asked for, and need no reader', async () => {
    const chat = provide((request) => [{ wait: 5 }, ...echo(request)])
    const session = await LanguageModel.create()
    const stream = session.promptStreaming('1')
    expect(await session.prompt('2')).toBe('<2>')
    expect(conversation(chat)).toEqual(['user: 1', 'assistant: <1>', 'user: 2'])
    let text = ''
    for await (const chunk of stream) text += chunk
    expect(text).toBe('<1>')
  })

  test('two at a time are answered one after another', async () => {
    provide(echo)
    const session = await LanguageModel.create()
    const read = async (text: string) => {
      let read = ''
      for await (const chunk of session.promptStreaming(text)) read += chunk
      return read
    }
    expect(await Promise.all([read('a'), read('a'), session.prompt('b')])).toEqual(['<a>', '<a>', '<b>'])
  })
})
