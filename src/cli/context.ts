/** The context of every command: the terminal, its colours, Ctrl-C. */
import pc from 'picocolors'
import stringWidth from 'string-width'
import { MistralError } from '../errors.ts'
import type { Terminal } from '../platform/terminal.ts'

/** The context of every command. */
export interface Cli {
  readonly terminal: Terminal
}

/** The command line asks for something that does not exist or does not go together: exit code 2. */
export class UsageError extends MistralError {
  override name = 'UsageError'
}

/** Colours for one stream: none in a pipe, in a dumb terminal, or where `NO_COLOR` forbids them. */
export function colorsFor(cli: Cli, stream: 'out' | 'err') {
  const { env } = cli.terminal
  return pc.createColors(cli.terminal[stream].isTTY && !env.NO_COLOR && env.TERM !== 'dumb')
}

/** One dim line for the person at the keyboard, beside the output and not in it. */
export function note(cli: Cli, text: string, indent = 0): Promise<void> {
  return cli.terminal.err.write(`${colorsFor(cli, 'err').dim(inWindow(cli, 'err', text, indent))}\n`)
}

/**
 * A text of ours with its lines broken at words, where a person reads it in a window.
 * @param indent columns before each line but the first of what was one
 */
export function inWindow(cli: Cli, stream: 'out' | 'err', text: string, indent = 0): string {
  const { isTTY, columns } = cli.terminal[stream]
  if (!isTTY) return text
  const lines = text.split('\n').map((line) => brokenAtWords(line, columns, ' '.repeat(indent)))
  return lines.join('\n')
}

function brokenAtWords(text: string, columns: number, indent: string): string {
  const lines = ['']
  // The blanks between two columns belong to the word before them.
  for (const word of text.match(/\S+ *|^ +/g) ?? []) {
    const line = lines.at(-1)!
    if (line.trim() === '' || stringWidth(line + word.trimEnd()) <= columns) lines[lines.length - 1] = line + word
    else lines.push(indent + word)
  }
  return lines.map((line) => line.trimEnd()).join('\n')
}

/** Features of the GPU to do without, from the environment: for tests of the baseline, and around broken drivers. */
export function disabledFeatures(cli: Cli): string[] {
  const words = (cli.terminal.env.MISTRAL_WEBGPU_DISABLE ?? '').split(',').map((word) => word.trim())
  return words.filter((word) => word !== '')
}

/**
 * Runs `work` with a signal that fires on Ctrl-C and when nobody reads the output any more. The first Ctrl-C stops the
 * work; while that takes its time, the second ends the process as usual.
 */
export async function interruptible<T>(cli: Cli, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController()
  const remove = cli.terminal.onInterrupt(() => {
    interrupted.abort('interrupted')
    remove()
  })
  try {
    return await work(AbortSignal.any([interrupted.signal, cli.terminal.outputClosed]))
  } finally {
    remove()
  }
}

/**
 * Makes a model's text fit for a terminal: control characters other than line breaks and tabs become visible signs, so
 * that no text can move the cursor or retitle the window. Pipes get the text as it is.
 */
export function printable(cli: Cli, text: string): string {
  if (!cli.terminal.out.isTTY) return text
  return Array.from(text, (char) => {
    const code = char.charCodeAt(0)
    if (code === 0x0a || code === 0x09) return char
    if (code < 0x20) return String.fromCharCode(0x2400 + code)
    return code >= 0x7f && code < 0xa0 ? '\ufffd' : char
  }).join('')
}
