/** Errors in the words of the command line: its options instead of the library's, and what to do next. */

import { bytes } from '../errors/units.ts'
import {
  ChatTemplateError,
  ContextLengthError,
  DeviceError,
  DeviceLostError,
  limitText,
  MemoryError,
  MistralError,
  ParameterError,
  StorageError,
} from '../errors.ts'
import type { Cli } from './context.ts'
import { commandLine } from './invocation.ts'
import { flagOfParameter } from './sampling-options.ts'

/** The option that sets each option of loading. */
const FLAGS: Readonly<Record<string, string>> = {
  source: '--model',
  weights: '--weights',
  kvCache: '--kv-cache',
  contextLength: '--context-length',
  slidingWindow: '--sliding-window',
  maxSequences: '--max-sequences',
  maxMemory: '--max-memory',
  maxQueue: '--queue',
  chatFormat: '--chat-format',
  chatTemplate: '--chat-template',
  neighbours: '--neighbours',
  window: '--window',
  stride: '--stride',
  method: '--method',
  text: '--file',
  folder: '--out',
  force: '--force',
}

/** One line. With `debug` the stack, too; a bug of ours names its class, so that it is not taken for a verdict. */
export function errorText(error: unknown, debug = false): string {
  if (!(error instanceof Error)) return String(error)
  if (debug) return error.stack ?? String(error)
  const text =
    error instanceof MistralError ? inOptions(error) : `${error.name}: ${error.message} (DEBUG=1 shows where)`
  return text.replace(/\s*\n\s*/g, ' ')
}

/** The error's message with options of the command line where the library names its own. */
function inOptions(error: MistralError): string {
  if (error instanceof ContextLengthError) {
    const { promptTokens, contextLength } = error
    const answer = promptTokens <= contextLength ? ' with the answer' : ''
    const held = `the prompt has ${promptTokens} tokens, the context holds ${contextLength}${answer}`
    return `${held}; shorten it, or start with a larger --context-length`
  }
  if (error instanceof MemoryError) {
    const { what, neededBytes, limitBytes, limitName, fittingContext } = error
    const limit = limitText(limitBytes, limitName).replace('maxMemory', '--max-memory')
    const fits = fittingContext === undefined ? '' : `--context-length ${fittingContext} fits; `
    return `${what} needs ${neededBytes} bytes, ${limit}; ${fits}use --weights q8 or q4, or a smaller --context-length`
  }
  if (error instanceof StorageError) {
    const { file, neededBytes, availableBytes } = error
    const free = availableBytes === undefined ? '' : `, and ${bytes(availableBytes)} are free`
    return `${file}: ${bytes(neededBytes)} more are needed to keep it${free}; "cache remove" makes room`
  }
  if (!(error instanceof ParameterError)) return withFlags(error.message)
  const flag = FLAGS[error.parameter] ?? flagOfParameter(error.parameter)
  return flag === undefined
    ? error.message
    : error.message
        .replace(`parameter "${error.parameter}"`, `option ${flag}`)
        .replace(/without force$/, 'without --force')
}

/** Advice of the library that names an option as code does. */
function withFlags(message: string): string {
  return message
    .replace(/weights: '(q[48])'/g, '--weights $1')
    .replace('load it with the option chatFormat, or with a chatTemplate', 'pass --chat-format, or --chat-template')
}

/** Advises what to do after an error, as a line of its own; undefined when the error says enough. */
export function nextStep(cli: Cli, error: unknown): string | undefined {
  if (error instanceof ChatTemplateError && /does not parse|failed in line/.test(error.message)) {
    return "--chat-template FILE takes another template, and --chat-format VERSION one of Mistral's own."
  }
  const noDevice = error instanceof DeviceError && !(error instanceof MemoryError || error instanceof DeviceLostError)
  if (!noDevice) return undefined
  return `Run "${commandLine(cli, 'doctor')}": it shows what is missing and what to install.`
}
