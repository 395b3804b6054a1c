/** A terminal of plain streams, and the command line as a child process. */
import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { Cli } from '../../src/cli/context.ts'
import { createTerminal } from '../../src/platform/terminal.ts'
import { type ChildOptions, type ChildResult, root, runChild } from '../support/child.ts'

export interface Stage {
  readonly cli: Cli
  readonly stdin: PassThrough
  readonly signals: EventEmitter
  out(): string
  err(): string
  exitCode(): number
}

export interface StageOptions {
  readonly argv?: readonly string[]
  readonly env?: Record<string, string>
  readonly isTTY?: boolean
  readonly input?: string
  /** A shell's pipe or redirection, as `| command` and `< file` make them. True unless said. */
  readonly inputIsGiven?: boolean
  readonly columns?: number
}

export function stage(options: StageOptions = {}): Stage {
  const { argv = [], env = {}, isTTY = false, input, inputIsGiven = true, columns = 100 } = options
  const stdin = Object.assign(new PassThrough(), { isTTY, setRawMode: () => stdin })
  const streams = [0, 1].map(() => Object.assign(new PassThrough(), { isTTY, columns }))
  const texts = ['', '']
  for (const [i, stream] of streams.entries()) {
    stream.on('data', (data) => {
      texts[i] += data
    })
  }
  const signals = new EventEmitter()
  let code = 0
  const terminal = createTerminal({
    argv,
    env,
    runtime: 'test 1.0, linux x64',
    script: '/usr/bin/mistral-webgpu',
    stdin,
    inputIsGiven,
    stdout: streams[0]!,
    stderr: streams[1]!,
    signals,
    setExitCode(value) {
      code = value
    },
  })
  if (input !== undefined) stdin.end(input)
  const cli: Cli = { terminal }
  return { cli, stdin, signals, out: () => texts[0]!, err: () => texts[1]!, exitCode: () => code }
}

/**
 * Resolves when the program has taken what was typed and waits for more. It needs some turns of the event loop for that;
 * one long pause could be over before them where the process was held up, so these are many short ones.
 */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 25; turn++) await delay(1)
}

/** Runs `mistral-webgpu` from its sources, as a user would run the built one. */
export function runCommand(args: readonly string[], options: ChildOptions = {}): Promise<ChildResult> {
  const main = join(root, 'src/cli/main.ts')
  return runChild(process.execPath, ['--conditions=mistral-webgpu-source', '--import', 'tsx', main, ...args], {
    timeoutMs: 120_000,
    ...options,
  })
}
