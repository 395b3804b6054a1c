/** Runs one command line, and tells the shell how it ended. */
import { CommanderError } from 'commander'
import { AbortError, ParameterError } from '../errors.ts'
import type { Terminal } from '../platform/terminal.ts'
import { type Cli, inWindow, UsageError } from './context.ts'
import { errorText, nextStep } from './error-text.ts'
import { createProgram, flagsOf } from './program.ts'
import { lettersAdvice } from './suggestions.ts'

/** Exit codes: done, failed, wrong usage, ended by Ctrl-C. */
const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** Runs one command line from beginning to end. The process then ends by itself. */
export async function runCli(terminal: Terminal): Promise<void> {
  const cli: Cli = { terminal }
  const program = createProgram(cli)
  try {
    await program.parseAsync(terminal.argv, { from: 'user' })
  } catch (error) {
    const flags = program.commands.filter((command) => terminal.argv.includes(command.name())).flatMap(flagsOf)
    terminal.setExitCode(await report(cli, error, flags))
  } finally {
    terminal.close()
  }
}

/** @param flags the options of the command that was run */
async function report(cli: Cli, error: unknown, flags: readonly string[]): Promise<number> {
  const { err, env, outputClosed } = cli.terminal
  // Commander has already written its message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof AbortError) return outputClosed.aborted ? EXIT.ok : EXIT.interrupted
  const isUsage = error instanceof UsageError || error instanceof ParameterError
  const step = isUsage ? lettersAdvice(cli.terminal.argv, flags) : nextStep(cli, error)
  const text = inWindow(cli, 'err', `error: ${errorText(error, Boolean(env.DEBUG))}`)
  await err.write(`${text}\n${step === undefined ? '' : `${inWindow(cli, 'err', step)}\n`}`)
  return isUsage ? EXIT.usage : EXIT.failed
}
