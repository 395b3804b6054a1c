/** What is typed in `chat` instead of a question, and questions of several lines. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Conversation } from '../../src/cli/conversation.ts'
import { AbortError, type MistralError, NoTokenLeftError } from '../../src/errors.ts'
import type { SamplingInput } from '../../src/sampling/request-params.ts'
import { type Stage, stage } from './stage.ts'

type Chat = ConstructorParameters<typeof Conversation>[1]
interface Request extends SamplingInput {
  readonly messages: ReadonlyArray<{ role: string; content: string }>
}

const SUMMARY = {
  finish_reason: 'stop',
  usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7, cached_tokens: 0 },
  timings: { prefillTokensPerSecond: 50, decodeTokensPerSecond: 20, ttftMs: 10 },
}

/** A model that numbers its answers; those in `failures` fail instead. */
function counting(failures: Readonly<Record<number, MistralError>> = {}) {
  const requests: Request[] = []
  async function* pieces(request: Request) {
    requests.push(request)
    const error = failures[requests.length]
    if (error !== undefined) throw error
    yield { text: `answer ${requests.length}` }
  }
  const generate = (request: Request) => Object.assign(pieces(request), { completion: Promise.resolve(SUMMARY) })
  return { requests, chat: { generate } as unknown as Chat }
}

const MODEL = { name: 'tiny', contextLength: 64 }

async function converse(on: Stage, chat: Chat, params: SamplingInput = {}, system?: string): Promise<void> {
  await new Conversation(on.cli, chat, params, system, MODEL).run()
}

/** What a pipe of these lines asks, and what is said beside the answers. */
async function piped(lines: readonly string[], params?: SamplingInput, failures?: Record<number, MistralError>) {
  const on = stage({ input: lines.map((line) => `${line}\n`).join('') })
  const { chat, requests } = counting(failures)
  await converse(on, chat, params, 'be brief')
  const asked = requests.map(({ messages }) => messages.map(({ content }) => content))
  return { asked, requests, out: on.out(), err: on.err(), exitCode: on.exitCode() }
}

describe('/regenerate', () => {
  it('answers the last question again, in place of its answer', async () => {
    const { asked, out } = await piped(['one', 'two', '/regenerate', 'three'])
    expect(asked).toEqual([
      ['be brief', 'one'],
      ['be brief', 'one', 'answer 1', 'two'],
      ['be brief', 'one', 'answer 1', 'two'],
      ['be brief', 'one', 'answer 1', 'two', 'answer 3', 'three'],
    ])
    expect(out).toBe('answer 1\nanswer 2\nanswer 3\nanswer 4\n')
  })

  it('keeps the answer when there is no new one, and asks an unanswered question again', async () => {
    const failures = { 2: new NoTokenLeftError('none'), 3: new NoTokenLeftError('none') }
    const { asked, err, exitCode } = await piped(['one', '/regenerate', 'two', '/retry'], {}, failures)
    expect(asked[2]).toEqual(['be brief', 'one', 'answer 1', 'two'])
    expect(asked[3]).toEqual(['be brief', 'one', 'answer 1', 'two'])
    expect(err.match(/error: none/g)).toHaveLength(2)
    expect(exitCode).toBe(1)
  })

  it('says when there is nothing to answer, and when nothing can change', async () => {
    expect((await piped(['/regenerate'])).err).toContain('there is no question yet')
    expect((await piped(['one', '/reset', '/regenerate'])).err).toContain('there is no question yet')
    expect((await piped(['one', '/regenerate'], { seed: 3 })).err).toContain(
      'a seed is set, so the answer will be the same',
    )
    expect((await piped(['one', '/regenerate'], { do_sample: false })).err).toContain('sampling is off')
    expect((await piped(['one', '/regenerate'])).err).not.toContain('will be the same')
  })
})

describe('/system', () => {
  it('shows, changes and takes away what the model knows beforehand, and keeps the conversation', async () => {
    const lines = ['one', '/system', '/system Answer in  French.', 'two', '/system none', 'three', '/system']
    const { asked, err } = await piped(lines)
    expect(asked).toEqual([
      ['be brief', 'one'],
      ['Answer in  French.', 'one', 'answer 1', 'two'],
      ['one', 'answer 1', 'two', 'answer 2', 'three'],
    ])
    expect(err).toBe(
      'be brief\nthe system prompt counts from now on\nthe system prompt is gone\nthere is no system prompt\n',
    )
  })

  it('is kept by /reset', async () => {
    expect((await piped(['/system Hi.', 'one', '/clear', 'two'])).asked[1]).toEqual(['Hi.', 'two'])
  })
})

describe('/set', () => {
  it('sets a parameter of the requests to come, under any of its names', async () => {
    const { requests, err } = await piped(['/set temp 0.5', '/set --max-tokens 7', '/set parameter top_k 3', 'one'], {
      seed: 1,
    })
    expect(requests[0]).toMatchObject({ temperature: 0.5, max_tokens: 7, top_k: 3, seed: 1 })
    expect(err).toBe('temperature is 0.5\nmax_tokens is 7\ntop_k is 3\n')
  })

  it('shows what is set, and takes it back', async () => {
    const { requests, err } = await piped(['/set', '/set seed none', '/set seed', '/set', 'one'], {
      seed: 1,
      top_p: 0.5,
    })
    expect(requests[0]).not.toHaveProperty('seed')
    expect(err.split('\n')).toEqual([
      'seed is 1',
      'top_p is 0.5',
      'seed is not set: its default counts',
      'seed is not set: its default counts',
      'top_p is 0.5',
      '',
    ])
    expect((await piped(['/set'])).err).toMatch(/^nothing is set; \/set NAME VALUE/)
  })

  it('refuses what a request could not have, and leaves everything as it was', async () => {
    const lines = ['/set temperature 101', '/set top_k x', '/set tempreature 1', '/set quux 1', '/set n 2', 'one']
    const { requests, err } = await piped(lines, { top_k: 4 })
    expect(err.split('\n')).toEqual([
      '"temperature" (101): must be a number from 0 to 100',
      expect.stringMatching(/^"top_k" \("x"\): must be an integer/),
      'tempreature is no parameter; did you mean temperature?',
      'quux is no parameter',
      'n: a conversation goes on from one answer',
      '',
    ])
    expect(requests[0]).toEqual({ top_k: 4, messages: expect.anything() })
  })

  it('sets the system prompt, too, as others do', async () => {
    expect((await piped(['/set system Hi.', 'one'])).asked).toEqual([['Hi.', 'one']])
  })
})

describe('/stats', () => {
  it('tells the lengths and speeds of the last answer, and how full the context is', async () => {
    const { err } = await piped(['/stats', 'one', '/stats'])
    expect(err).toBe(
      'there is no whole answer yet\nprompt 5 tokens, 50.0/s; answer 2 tokens, 20.0/s; first token after 10 ms; ' +
        'ended by stop; context 7 of 64 tokens\n',
    )
  })
})

describe('/save', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'save-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('writes the body of a request, or a text', async () => {
    const [json, text] = [join(folder, 'talk.json'), join(folder, 'talk.md')]
    const params = { top_k: 3, seed: 9007199254740993n }
    const { err } = await piped(['one', `/save ${json}`, `/save ${text}`], params)
    expect(err).toBe(`saved in ${json}\nsaved in ${text}\n`)
    expect(readFileSync(text, 'utf8')).toBe('## system\n\nbe brief\n\n## user\n\none\n\n## assistant\n\nanswer 1\n')
    const saved = readFileSync(json, 'utf8')
    expect(saved).toContain('"seed": 9007199254740993\n')
    expect(JSON.parse(saved)).toMatchObject({
      model: 'tiny',
      messages: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'one' },
        { role: 'assistant', content: 'answer 1' },
      ],
      top_k: 3,
    })
  })

  it('writes its own file again, and nobody else’s', async () => {
    const [own, other] = [join(folder, 'own.md'), join(folder, 'other.md')]
    writeFileSync(other, 'precious')
    const { err } = await piped([
      'one',
      `/save ${own}`,
      'two',
      `/save ${own}`,
      `/save ${other}`,
      '/save',
      '/save /no/x',
    ])
    expect(readFileSync(own, 'utf8')).toContain('answer 2')
    expect(readFileSync(other, 'utf8')).toBe('precious')
    expect(err).toContain(`${other} is there already; choose another name`)
    expect(err).toMatch(/name a file, as in[\s\S]*not saved: ENOENT/)
  })

  it('knows the home folder', async () => {
    const on = stage({ input: 'one\n/save ~/home.md\n', env: { HOME: folder } })
    await converse(on, counting().chat)
    expect(on.err()).toBe(`saved in ${folder}/home.md\n`)
  })
})

describe('words with a slash', () => {
  it('are commands when they are known or look like it, and questions when not', async () => {
    const lines = ['/stat', '/regenrate now', '/quux', '/usr/bin is what?', '/etc is what?', '/EXIT', 'never']
    const { asked, err } = await piped(lines)
    expect(asked.map((contents) => contents.at(-1))).toEqual(['/usr/bin is what?', '/etc is what?'])
    expect(err).toBe(
      '/stat is no command; did you mean /stats?\n/regenrate is no command; did you mean /regenerate?\n' +
        '/quux is no command; /help lists them\n',
    )
  })

  it.each(['/exit', '/quit', '/bye'])('%s leaves', async (word) => {
    expect((await piped([word, 'never'])).asked).toEqual([])
  })
})

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
      await delay(25)
      on.stdin.write(key)
    }
    await delay(25)
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
    await vi.waitFor(() => expect(on.out()).toContain('\x1b[2mLet me \x1b[22m\x1b[2msee.\x1b[22m\nYes.\n'))
    await delay(25)
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
    await vi.waitFor(() => expect(on.err()).toContain('\r\x1b[2m⠋\x1b[22m\r\x1b[2m⠙'))
    expect(on.out()).not.toContain('well')
    begin()
    await vi.waitFor(() => expect(on.out()).toContain('well\n'))
    expect(on.err().endsWith('\r\x1b[K')).toBe(true)
    await delay(25)
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
    await vi.waitFor(() => expect(on.err()).toContain('⠙'))
    on.signals.emit('SIGINT')
    await vi.waitFor(() => expect(on.err()).toContain('(stopped'))
    expect(on.err()).toContain('\r\x1b[K\x1b[2m(stopped')
    await delay(25)
    on.stdin.write('\x04')
    await running
  })
})
