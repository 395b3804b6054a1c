/** A sign that moves while nothing is there to be read yet: a model is reading its prompt. */
import { type Cli, colorsFor } from './context.ts'

const FRAME_MS = 100
const BRAILLE = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
/** The console of Linux has no Braille. */
const ASCII = '|/-\\'
/** After so long a person wonders whether anything happens at all. */
const SECONDS_SHOWN_FROM = 3

export interface WaitingSign {
  /** Takes the sign off the screen. Safe to call again. */
  stop(): Promise<void>
}

/** Shows the sign at the beginning of the line, on a terminal only. */
export function waitingSign(cli: Cli): WaitingSign {
  const { err, env } = cli.terminal
  if (!err.isTTY || env.TERM === 'dumb') return { stop: () => Promise.resolve() }
  const frames = [...(env.TERM === 'linux' ? ASCII : BRAILLE)]
  const { dim } = colorsFor(cli, 'err')
  const begun = performance.now()
  let drawn = 0
  const draw = (): void => {
    const seconds = Math.floor((performance.now() - begun) / 1000)
    const time = seconds < SECONDS_SHOWN_FROM ? '' : ` ${seconds} s`
    void err.write(`\r${dim(`${frames[drawn % frames.length]}${time}`)}`)
    drawn++
  }
  const timer = setInterval(draw, FRAME_MS)
  let stopped = false
  return {
    async stop() {
      if (stopped) return
      stopped = true
      clearInterval(timer)
      if (drawn > 0) await err.write('\r\x1b[K')
    },
  }
}
