/** A program on a pseudo terminal, and what a person would see of it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { root } from '../support/child.ts'
import { patience } from '../support/patience.ts'
import { screen } from './screen.ts'

/** util-linux's `script` makes the terminal; other systems' takes other arguments. */
export const hasPseudoTerminal = ((): boolean => {
  try {
    return (
      process.platform === 'linux' && execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux')
    )
  } catch {
    return false
  }
})()

export interface PseudoTerminal {
  /** Types, or pastes: the bytes that a terminal sends. */
  type(keys: string): void
  /** The lines of the screen, once they satisfy the condition. Throws with the screen when that takes too long. */
  until(condition: (text: string) => boolean, what: string): Promise<string[]>
  /** The exit code, once the program has ended. */
  ended(): Promise<number | null>
  stop(): void
}

export function pseudoTerminal(command: string, columns: number, env: Record<string, string> = {}): PseudoTerminal {
  const on = screen(columns, 30)
  const line = `stty cols ${columns} rows 30; exec ${command}`
  const child: ChildProcess = spawn('script', ['-qfec', line, '/dev/null'], {
    cwd: root,
    env: { ...process.env, TERM: 'xterm-256color', ...env },
    stdio: 'pipe',
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  child.stdout!.on('data', (data: Uint8Array) => void on.write(data))
  return {
    type: (keys) => void child.stdin!.write(keys),
    async until(condition, what) {
      for (let tries = 0; tries < patience(1500); tries++) {
        const lines = await on.lines()
        if (condition(lines.join('\n'))) return lines
        await delay(100)
      }
      throw new Error(`${what} is not on the screen:\n${(await on.lines()).join('\n')}`)
    },
    ended: () => ended,
    stop: () => void child.kill('SIGKILL'),
  }
}
