/** Questions of several lines, and what a person sees before and beside an answer. */
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { AbortError } from '../../src/errors.ts'
import { SOON } from '../support/patience.ts'
import { type Chat, converse, counting, piped, type Request } from './counting-chat.ts'
import { settled, stage } from './stage.ts'

describe('questions of several lines', () => {
  it('stand between quotes, in a pipe too', async () => {
    const lines = ['"""', 'one', '', '  two', '"""', '"""three', 'four"""', '"""five"""', 'six \\', '"""seven']
    const { asked } = await piped(lines)
    expect(asked.map((contents) => contents.at(-1))).toEqual(['one\n\n  two', 'three\nfour', 'five', 'six \\', 'seven'])
  })

  /** What a person's keys ask. */
  async function typed(...keys: readonly string[]): Promise<{ asked: string[]; out: string }> {
    const on = stage({ isTTY: true })
    const { chat, requests } = counting()
    const running = converse(on, chat)
    for (const key of keys) {
      await settled()
      on.stdin.write(key)
    }
    await settled()
    on.stdin.write('\x04')
    await running
    return { asked: requests.map(({ messages }) => messages.at(-1)!.content), out: on.out() }
  }

  it('go on after a backslash', async () => {
    const { asked, out } = await typed('one \\\r', 'two\\\r', 'three\r', 'C:\\\\\r')
    expect(asked).toEqual(['one \ntwo\nthree', 'C:\\\\'])
    expect(out).toContain('\x1b[2m. \x1b[22m')
  })

  it('may be typed between quotes, and given up with Ctrl-C', async () => {
    expect((await typed('"""one\r', 'two\r', '\x03', 'three\r')).asked).toEqual(['three'])
    expect((await typed('"""one\r', 'two"""\r')).asked).toEqual(['one\ntwo'])
  })

  it('may be pasted: only a key sends them', async () => {
    const { asked } = await typed('Look: \x1b[200~one\rtwo\r\rthree\x1b[201~', ' and four\r', 'next\r')
    expect(asked).toEqual(['Look: one\ntwo\n\nthree and four', 'next'])
    const python = await typed('\x1b[200~"""Doc."""\rx = 1\x1b[201~', '\r')
    expect(python.asked).toEqual(['"""Doc."""\nx = 1'])
  })

  it('asks the terminal for marks around a paste only while it waits for a question', async () => {
    const { out } = await typed('one\r')
    const marks = out.match(/\?2004[hl]|answer 1/g)
    expect(marks).toEqual(['?2004h', '?2004l', 'answer 1', '?2004h', '?2004l'])
  })
})

describe('thoughts', () => {
  const generate = async function* () {
    yield { text: '', reasoning_content: 'Let me ' }
    yield { text: '', reasoning_content: 'see.' }
    yield { text: 'Yes.', reasoning_content: null }
  }

  it('are shown dim to a person, in lines of their own, and are no part of what a pipe gets', async () => {
    const on = stage({ isTTY: true })
    const running = converse(on, { generate } as unknown as Chat)
    on.stdin.write('hello\r')
    await vi.waitFor(() => expect(on.out()).toContain('\x1b[2mLet me \x1b[22m\x1b[2msee.\x1b[22m\nYes.\n'), SOON)
    await settled()
    on.stdin.write('\x04')
    await running
    const piped = stage({ input: 'hello\n' })
    await converse(piped, { generate } as unknown as Chat)
    expect(piped.out()).toBe('Yes.\n')
  })
})

describe('the sign until an answer begins', () => {
  it('moves on the terminal and is gone before the first word', async () => {
    const on = stage({ isTTY: true })
    let begin: () => void = () => undefined
    const generate = async function* () {
      await new Promise<void>((resolve) => {
        begin = resolve
      })
      yield { text: 'well', tokenIds: [1] }
    }
    const running = converse(on, { generate } as unknown as Chat)
    on.stdin.write('hello\r')
    await vi.waitFor(() => expect(on.err()).toContain('\r\x1b[2m⠋\x1b[22m\r\x1b[2m⠙'), SOON)
    expect(on.out()).not.toContain('well')
    begin()
    await vi.waitFor(() => expect(on.out()).toContain('well\n'), SOON)
    expect(on.err().endsWith('\r\x1b[K')).toBe(true)
    await settled()
    on.stdin.write('\x04')
    await running
  })

  it.each([
    ['a pipe', { isTTY: false }],
    ['a dumb terminal', { isTTY: true, env: { TERM: 'dumb' } }],
  ])('is not shown to %s', async (_, options) => {
    const on = stage({ ...options, input: 'one\n' })
    const generate = async function* () {
      await delay(250)
      yield { text: 'a b c', tokenIds: [1] }
    }
    await converse(on, { generate } as unknown as Chat)
    expect(on.out()).toContain('a b c\n')
    expect(on.err()).not.toMatch(/[⠋|]/)
  })

  it('goes when the answer fails or is stopped before it begins', async () => {
    const on = stage({ isTTY: true })
    const generate = async function* (_: Request, { signal }: { signal: AbortSignal }) {
      yield { text: '', tokenIds: [] }
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw new AbortError(signal.reason)
    }
    const running = converse(on, { generate } as unknown as Chat)
    on.stdin.write('hello\r')
    await vi.waitFor(() => expect(on.err()).toContain('⠙'), SOON)
    on.signals.emit('SIGINT')
    await vi.waitFor(() => expect(on.err()).toContain('(stopped'), SOON)
    expect(on.err()).toContain('\r\x1b[K\x1b[2m(stopped')
    await settled()
    on.stdin.write('\x04')
    await running
  })
})
