/** One line that says how far long work has come, written over again and again. */
import { type Cli, colorsFor } from './context.ts'

export interface StatusLine {
  show(text: string): void
  /** Takes the line off the screen. Safe to call again. */
  clear(): void
}

/** Shows the line on a terminal only: a pipe or a log file gets nothing. */
export function statusLine(cli: Cli): StatusLine {
  const { err, env } = cli.terminal
  if (!err.isTTY || env.TERM === 'dumb') return { show() {}, clear() {} }
  const { cyan } = colorsFor(cli, 'err')
  let isShown = false
  return {
    show(text) {
      isShown = true
      const line = text.length < err.columns ? text : `${text.slice(0, err.columns - 2)}…`
      void err.write(`\r\x1b[K${cyan(line)}`)
    },
    clear() {
      if (isShown) void err.write('\r\x1b[K')
      isShown = false
    },
  }
}
