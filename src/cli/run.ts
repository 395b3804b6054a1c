import { CommanderError } from 'commander'
import { AbortError, ParameterError } from '../errors.ts'
import type { Terminal } from '../platform/terminal.ts'
import { type Cli, UsageError } from './context.ts'
import { errorText } from './error-text.ts'
import { createProgram } from './program.ts'

/** What the shell learns: done, failed, wrong usage, ended by Ctrl-C. */
const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** Runs one command line from beginning to end. The process then ends by itself. */
export async function runCli(terminal: Terminal): Promise<void> {
  const cli: Cli = { terminal }
  try {
    await createProgram(cli).parseAsync(terminal.argv, { from: 'user' })
  } catch (error) {
    terminal.setExitCode(await report(cli, error))
  } finally {
    terminal.close()
  }
}

async function report(cli: Cli, error: unknown): Promise<number> {
  const { err, env, outputClosed } = cli.terminal
  // Commander has already written its message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof AbortError) return outputClosed.aborted ? EXIT.ok : EXIT.interrupted
  await err.write(`error: ${errorText(error, Boolean(env.DEBUG))}\n`)
  return error instanceof UsageError || error instanceof ParameterError ? EXIT.usage : EXIT.failed
}
