/** Questions and answers in turn, from a pipe and from a person. */
import { describe, expect, it, vi } from 'vitest'
import { Conversation } from '../../src/cli/conversation.ts'
import { AbortError, ContextLengthError, DeviceLostError } from '../../src/errors.ts'
import { SOON } from '../support/patience.ts'
import { type Stage, settled, stage } from './stage.ts'

type Chat = ConstructorParameters<typeof Conversation>[1]
interface Request {
  readonly messages: ReadonlyArray<{ role: string; content: string }>
}

/** A chat model whose answers the test writes; `requests` holds what it was asked. */
function model(answer: (request: Request, signal: AbortSignal) => AsyncIterable<string>) {
  const requests: Request[] = []
  async function* generate(request: Request, { signal }: { signal: AbortSignal }) {
    requests.push(request)
    for await (const text of answer(request, signal)) yield { text, tokenIds: [1] }
  }
  return { requests, chat: { generate } as unknown as Chat }
}

const parrot = () =>
  model(async function* ({ messages }) {
    yield 'you said '
    yield messages.at(-1)!.content
  })

/** Says one word and then nothing until it is stopped. */
const endless = () =>
  model(async function* (_, signal) {
    yield 'well'
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    throw new AbortError(signal.reason)
  })

function converse(on: Stage, chat: Chat, system?: string): Promise<void> {
  return new Conversation(on.cli, chat, { top_k: 3 }, system, { name: 'parrot', contextLength: 64 }).run()
}

describe('a piped conversation', () => {
  it('answers line by line, without decoration, and remembers', async () => {
    const on = stage({ input: 'one\n\n  two  \n' })
    const { chat, requests } = parrot()
    await converse(on, chat, 'be brief')
    expect(on.out()).toBe('you said one\nyou said two\n')
    expect(on.err()).toBe('')
    const system = { role: 'system', content: 'be brief' }
    const first = { role: 'user', content: 'one' }
    expect(requests).toEqual([
      { top_k: 3, messages: [system, first] },
      {
        top_k: 3,
        messages: [system, first, { role: 'assistant', content: 'you said one' }, { role: 'user', content: 'two' }],
      },
    ])
  })

  it('knows the commands, and takes paths for text', async () => {
    const on = stage({ input: 'one\n/reset\n/help\n/nothing\n/usr/bin is what?\n/exit\nnever\n' })
    const { chat, requests } = parrot()
    await converse(on, chat, 'be brief')
    expect(requests.map(({ messages }) => messages.map(({ content }) => content))).toEqual([
      ['be brief', 'one'],
      ['be brief', '/usr/bin is what?'],
    ])
    expect(on.err()).toMatch(/\/reset +forget/)
    expect(on.err()).toContain('/nothing is no command')
  })

  it('reports a refused question, goes on without it, and fails in the end', async () => {
    const on = stage({ input: 'long\nshort\n' })
    const { chat, requests } = model(async function* ({ messages }) {
      if (messages.at(-1)!.content === 'long') throw new ContextLengthError(900, 512)
      yield 'fine'
    })
    await converse(on, chat)
    expect(on.err()).toMatch(/^error: the prompt has 900 tokens.*\n$/)
    expect(requests[1]!.messages).toEqual([{ role: 'user', content: 'short' }])
    expect(on.out()).toContain('fine\n')
    expect(on.exitCode()).toBe(1)
  })

  it('ends when the device is lost', async () => {
    const on = stage({ input: 'one\ntwo\n' })
    const { chat, requests } = model(async function* () {
      yield 'a'
      throw new DeviceLostError('unknown', 'driver reset')
    })
    await expect(converse(on, chat)).rejects.toThrow(DeviceLostError)
    expect(requests).toHaveLength(1)
  })

  it('ends as a whole on Ctrl-C', async () => {
    const on = stage({ input: 'one\ntwo\n' })
    const running = expect(converse(on, endless().chat)).rejects.toThrow(AbortError)
    await vi.waitFor(() => expect(on.out()).toContain('well'), SOON)
    on.signals.emit('SIGINT')
    await running
    expect(on.signals.listenerCount('SIGINT')).toBe(0)
  })
})

describe('a typed conversation', () => {
  it('stops the answer on Ctrl-C, keeps what was said, and asks again', async () => {
    const on = stage({ isTTY: true })
    const { chat, requests } = endless()
    const running = converse(on, chat)
    on.stdin.write('hello\r')
    await vi.waitFor(() => expect(on.out()).toContain('well'), SOON)
    on.signals.emit('SIGINT')
    await vi.waitFor(() => expect(on.err()).toContain('(stopped'), SOON)
    await settled()
    on.stdin.write('again\r')
    await vi.waitFor(() => expect(requests).toHaveLength(2), SOON)
    expect(requests[1]!.messages.map(({ content }) => content)).toEqual(['hello', 'well', 'again'])
    on.signals.emit('SIGINT')
    await vi.waitFor(() => expect(on.err().split('(stopped')).toHaveLength(3), SOON)
    await settled()
    on.stdin.write('\x04')
    await running
  })

  it('leaves on the second Ctrl-C at the prompt, but not after a question between', async () => {
    const on = stage({ isTTY: true })
    const { chat, requests } = parrot()
    let ended = false
    const running = converse(on, chat).then(() => {
      ended = true
    })
    const press = async (keys: string) => {
      await settled()
      on.stdin.write(keys)
      await settled()
    }
    await press('\x03')
    await press('hello\r')
    await press('\x03')
    expect(requests).toHaveLength(1)
    expect(ended).toBe(false)
    await press('\x03')
    await running
  })

  it('leaves on Ctrl-C after an answer that was stopped by it', async () => {
    const on = stage({ isTTY: true })
    const { chat } = endless()
    const running = converse(on, chat)
    on.stdin.write('hello\r')
    await vi.waitFor(() => expect(on.out()).toContain('well'), SOON)
    on.signals.emit('SIGINT')
    await vi.waitFor(() => expect(on.err()).toContain('(stopped; Ctrl-C again leaves)'), SOON)
    await settled()
    on.stdin.write('\x03')
    await running
  })

  it('shows control characters of the answer instead of obeying them', async () => {
    const on = stage({ isTTY: true })
    const { chat } = model(async function* () {
      yield 'a\x1b[2Jb\n\tc\x9b'
    })
    const running = converse(on, chat)
    on.stdin.write('hello\r')
    await vi.waitFor(() => expect(on.out()).toContain('a␛[2Jb\n\tc\ufffd'), SOON)
    await settled()
    on.stdin.write('\x04')
    await running
  })
})
