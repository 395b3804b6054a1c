/** The command line as a person sees it, on a pseudo terminal of sixty columns. */
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { root } from '../support/child.ts'
import { patience } from '../support/patience.ts'
import { hasPseudoTerminal, type PseudoTerminal, pseudoTerminal } from './pseudo-terminal.ts'

const COLUMNS = 60
const CLI = `"${process.execPath}" --conditions=mistral-webgpu-source --import tsx "${join(root, 'src/cli/main.ts')}"`
if (!hasPseudoTerminal) console.warn('skipped, for want of util-linux’s script: the pseudo terminal')

let terminal: PseudoTerminal | undefined
afterEach(() => terminal?.stop())

function start(args: string, env?: Record<string, string>): PseudoTerminal {
  terminal = pseudoTerminal(`${CLI} ${args}`, COLUMNS, env)
  return terminal
}

describe.runIf(hasPseudoTerminal)('chat on a terminal', { timeout: patience(600_000) }, () => {
  it('names model, context and GPU first, breaks lines at words, keeps a paste together, and leaves', async () => {
    const on = start('chat --no-sample -n 60 -c 512')
    const first = await on.until((text) => text.includes('\n>'), 'the prompt')
    expect(first[0]).toMatch(/^pocket, context 512 tokens, on \S/)
    expect(first[1]).toBe('/help lists the commands; Ctrl-C stops an answer, Ctrl-D')
    expect(first[2]).toBe('leaves')

    on.type('What is the mistral?\r')
    const answered = await on.until((text) => /France\.\n(.*\n)?>/.test(text), 'the answer')
    const from = answered.findIndex((line) => line.startsWith('> What'))
    const answer = answered.slice(
      from + 1,
      answered.findLastIndex((line) => line.startsWith('>')),
    )
    expect(answer.length).toBeGreaterThan(1)
    for (const line of answer) expect(line.length).toBeLessThanOrEqual(COLUMNS)
    expect(answer.join(' ')).toMatch(/^The mistral is a strong, cold and dry wind that blows .* France\.$/)

    on.type('\x1b[200~What is\rthe bora?\x1b[201~')
    await on.until((text) => text.endsWith('> What is\n. the bora?'), 'the paste, which waits')
    on.type('\r')
    await on.until((text) => /The bora .*[\s\S]*\n>$/.test(text), 'its answer')
    on.type('/stats\r')
    await on.until((text) => /context \d+\s+of\s+512\s+tokens/.test(text), 'the statistics')
    on.type('\x04')
    expect(await on.ended()).toBe(0)
  })

  it('stops an answer on Ctrl-C, and leaves on the second', async () => {
    const on = start('chat --ignore-eos -n 900 --temp 1.2', { NO_COLOR: '1' })
    await on.until((text) => text.includes('\n>'), 'the prompt')
    on.type('Tell me about the winds\r')
    await on.until((text) => (text.split('winds\n')[1] ?? '').length > 80, 'some of the answer')
    on.type('\x03')
    await on.until((text) => /\(stopped; Ctrl-C again leaves\)\n>$/.test(text), 'the end of the answer')
    on.type('\x03')
    expect(await on.ended()).toBe(0)
  })

  it('generate answers in whole words, too, and a shell’s prompt gets a line of its own', async () => {
    const on = start('generate "What is the mistral?" --no-sample -n 60')
    expect(await on.ended()).toBe(0)
    const lines = await on.until((text) => text.includes('France.'), 'the answer')
    expect(lines.join(' ')).toMatch(/^The mistral is a strong, cold and dry wind that blows .* France\.$/)
    expect(lines.length).toBeGreaterThan(1)
  })
})
