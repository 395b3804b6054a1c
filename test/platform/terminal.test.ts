import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { createTerminal, type Terminal } from '../../src/platform/terminal.ts'
import { runModule } from '../support/child.ts'

interface Stage {
  readonly terminal: Terminal
  readonly stdin: PassThrough
  readonly signals: EventEmitter
  /** What was written to standard output so far. */
  shown(): string
}

function stage(typed: { isTTY: boolean }): Stage {
  const stdin = Object.assign(new PassThrough(), { isTTY: typed.isTTY, setRawMode: () => stdin })
  const stdout = Object.assign(new PassThrough(), { isTTY: typed.isTTY, columns: 100 })
  const signals = new EventEmitter()
  let text = ''
  stdout.on('data', (data) => {
    text += data
  })
  const terminal = createTerminal({
    argv: ['chat'],
    env: {},
    runtime: 'test 1.0',
    script: '',
    stdin,
    inputIsGiven: true,
    stdout,
    stderr: new PassThrough(),
    signals,
    setExitCode: () => undefined,
  })
  return { terminal, stdin, signals, shown: () => text }
}

describe('questions to a pipe', () => {
  it('take line after line without losing one, then say that it ended; the prompt is not shown', async () => {
    const { terminal, stdin, shown } = stage({ isTTY: false })
    stdin.end('one\ntwo\r\n\nlast')
    const texts = ['one', 'two', '', 'last']
    for (const text of texts) expect(await terminal.ask('> ')).toEqual({ kind: 'line', text })
    expect(await terminal.ask('> ')).toEqual({ kind: 'end' })
    expect(await terminal.ask('> ')).toEqual({ kind: 'end' })
    expect(shown()).toBe('')
  })
})

describe('questions to a person', () => {
  it('show the prompt and take what is typed', async () => {
    const { terminal, stdin, shown } = stage({ isTTY: true })
    const answer = terminal.ask('you> ')
    stdin.write('hexx\x7f\x7fllo\r')
    expect(await answer).toEqual({ kind: 'line', text: 'hello' })
    expect(shown()).toContain('you> ')
  })

  it('remember earlier answers for the up key', async () => {
    const { terminal, stdin } = stage({ isTTY: true })
    const first = terminal.ask('> ')
    stdin.write('earlier\r')
    await first
    const second = terminal.ask('> ')
    stdin.write('\x1b[A\r')
    expect(await second).toEqual({ kind: 'line', text: 'earlier' })
  })

  it('keep every line of a paste, and the unfinished one behind it', async () => {
    const { terminal, stdin } = stage({ isTTY: true })
    const first = terminal.ask('> ')
    stdin.write('a\rb\rc')
    expect(await first).toEqual({ kind: 'line', text: 'a' })
    expect(await terminal.ask('> ')).toEqual({ kind: 'line', text: 'b' })
    const third = terminal.ask('> ')
    stdin.write('!\r')
    expect(await third).toEqual({ kind: 'line', text: 'c!' })
  })

  it('tell Ctrl-C from Ctrl-D, and go on after Ctrl-C', async () => {
    const { terminal, stdin } = stage({ isTTY: true })
    const first = terminal.ask('> ')
    stdin.write('half\x03')
    expect(await first).toEqual({ kind: 'interrupt' })
    const second = terminal.ask('> ')
    stdin.write('\x04')
    expect(await second).toEqual({ kind: 'end' })
  })

  it('see a signal from outside as Ctrl-C', async () => {
    const { terminal, signals } = stage({ isTTY: true })
    const answer = terminal.ask('> ')
    signals.emit('SIGINT')
    expect(await answer).toEqual({ kind: 'interrupt' })
    expect(signals.listenerCount('SIGINT')).toBe(0)
  })
})

describe('interrupts', () => {
  it('go to the newest handler, and to nobody when all are gone', () => {
    const { terminal, signals } = stage({ isTTY: true })
    const [first, second] = [vi.fn(), vi.fn()]
    const removeFirst = terminal.onInterrupt(first)
    const removeSecond = terminal.onInterrupt(second)
    signals.emit('SIGINT')
    removeSecond()
    removeSecond()
    signals.emit('SIGINT')
    expect([first, second].map((handler) => handler.mock.calls.length)).toEqual([1, 1])
    removeFirst()
    expect(signals.listenerCount('SIGINT')).toBe(0)
  })
})

describe('output', () => {
  it('waits for a slow reader', async () => {
    const stdout = new PassThrough({ highWaterMark: 4 })
    const terminal = createTerminal({ ...host(), stdout })
    let written = false
    const writing = terminal.out.write('more than four').then(() => {
      written = true
    })
    await delay(20)
    expect(written).toBe(false)
    stdout.resume()
    await writing
    expect(terminal.out.columns).toBe(80)
  })

  it('says when nobody reads any more, and swallows what follows', async () => {
    const stdout = new PassThrough()
    const terminal = createTerminal({ ...host(), stdout })
    stdout.destroy(new Error('EPIPE'))
    await delay(1)
    expect(terminal.outputClosed.aborted).toBe(true)
    await terminal.out.write('unheard')
  })
})

function host(): Parameters<typeof createTerminal>[0] {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
  return {
    argv: [],
    env: {},
    runtime: 'test',
    script: '',
    inputIsGiven: true,
    ...streams,
    signals: new EventEmitter(),
    setExitCode: () => undefined,
  }
}

describe('the terminal of a process', () => {
  const openTerminal = `const { openTerminal } = await import('./src/platform/terminal.ts')\nconst terminal = openTerminal()\n`

  it('reads its input, sets the exit code and ends by itself', async () => {
    const source = `${openTerminal}
      const text = await terminal.startInput().text
      await terminal.out.write(terminal.runtime + ' got ' + text)
      terminal.setExitCode(3)`
    const result = await runModule(source, { input: 'päckchen' })
    expect(result).toMatchObject({
      code: 3,
      hung: false,
      stdout: expect.stringMatching(/^node [\d.]+, .* got päckchen$/),
    })
  })

  it('ends after close, though input stays open, and calls handlers on a real signal', async () => {
    const source = `${openTerminal}
      const first = await terminal.ask('')
      const stopped = new Promise((resolve) => terminal.onInterrupt(resolve))
      process.kill(process.pid, 'SIGINT')
      const keepAlive = setInterval(() => undefined, 50)
      await stopped
      clearInterval(keepAlive)
      await terminal.out.write(first.text)
      terminal.close()`
    const result = await runModule(source, { input: 'hi\n', inputStaysOpen: true })
    expect(result).toMatchObject({ code: 0, hung: false, stdout: 'hi' })
  })
})
