/** Asks for one question, which may have several lines. */
import type { Answer } from '../platform/terminal-input.ts'
import { type Cli, colorsFor } from './context.ts'

const QUOTES = '"""'

/** How several lines are entered. */
export const MULTILINE_HELP = `A backslash at the end of a line goes on in the next one; ${QUOTES} begins and
ends a text of several lines; pasted lines stay together.`

/**
 * One line, or several as one text: joined by a backslash at a line's end, between two """, or pasted together. In a pipe
 * a backslash is text, since nobody sees that a line goes on.
 */
export async function askQuestion(cli: Cli): Promise<Answer> {
  const { bold, dim } = colorsFor(cli, 'out')
  const more = dim('. ')
  const first = await cli.terminal.ask(bold('> '), more)
  if (first.kind !== 'line') return first
  // Pasted lines are the text already, even where they begin with quotes as Python's files do.
  if (first.text.includes('\n')) return first
  const start = first.text.trimStart()
  if (start.startsWith(QUOTES)) return quoted(cli, start.slice(QUOTES.length), more)
  return cli.terminal.inputIsTTY ? continued(cli, first.text, more) : first
}

/** Reads on to the closing quotes. The end of input closes them, too. */
async function quoted(cli: Cli, first: string, more: string): Promise<Answer> {
  const lines: string[] = []
  for (let line = first; ; ) {
    if (line.trimEnd().endsWith(QUOTES)) {
      lines.push(line.trimEnd().slice(0, -QUOTES.length))
      break
    }
    lines.push(line)
    const next = await cli.terminal.ask(more, more)
    if (next.kind === 'interrupt') return next
    if (next.kind === 'end') break
    line = next.text
  }
  return { kind: 'line', text: lines.join('\n').replace(/^\n|\n$/g, '') }
}

async function continued(cli: Cli, first: string, more: string): Promise<Answer> {
  const lines = [first]
  while (goesOn(lines.at(-1)!)) {
    lines.push(lines.pop()!.slice(0, -1))
    const next = await cli.terminal.ask(more, more)
    if (next.kind === 'interrupt') return next
    if (next.kind === 'end') break
    lines.push(next.text)
  }
  return { kind: 'line', text: lines.join('\n') }
}

/** Two backslashes are one that is meant. */
function goesOn(line: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*\\$/.test(line)
}
