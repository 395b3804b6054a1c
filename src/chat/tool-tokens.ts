/** How the answers to a request with tools are read, and how one is made to begin with a call. It is loaded for such requests. */
import { ParameterError } from '../errors.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { Tool } from '../tokenizer/tools.ts'
import { ToolCallStream } from './tool-calls.ts'
import type { ToolPlan } from './tool-choice.ts'

/** How a vocabulary marks calls. */
export interface ToolCallTokens {
  /** The id of `[TOOL_CALLS]`. */
  readonly begin: number
  /** Calls are written `name[ARGS]{…}`: the `named` of `ToolCallStream`. */
  readonly named: boolean
  /** Control tokens inside calls by id, for `ToolCallStream.pushControl`. */
  readonly controls: ReadonlyMap<number, string>
}

/** How the calls of tools in an answer are read. */
export interface AnswerTools {
  readonly tokens: ToolCallTokens
  readonly maxCalls: number
  readonly forced?: ForcedCall
  /** Reads the calls; it is loaded for requests with tools. */
  readonly Calls: typeof ToolCallStream
}

/**
 * What an answer with tools is read by; undefined when the vocabulary has no `[TOOL_CALLS]`.
 * @param sent the `tool_choice` of the request
 * @throws ParameterError when a call is asked for that the vocabulary cannot write
 */
export function answerTools(
  tokenizer: Tokenizer,
  { force, maxCalls }: ToolPlan,
  sent: unknown,
): AnswerTools | undefined {
  const forced = force && forcedCall(tokenizer, force, sent)
  const tokens = toolCallTokens(tokenizer)
  return tokens && { tokens, Calls: ToolCallStream, maxCalls, ...(forced ? { forced } : {}) }
}

/** undefined when the vocabulary has no `[TOOL_CALLS]`: such a model knows no tools. */
export function toolCallTokens(tokenizer: Tokenizer): ToolCallTokens | undefined {
  const begin = controlId(tokenizer, '[TOOL_CALLS]')
  if (begin === undefined) return undefined
  const controls = new Map<number, string>()
  for (const name of ['[TOOL_CALLS]', '[CALL_ID]', '[ARGS]']) {
    const id = controlId(tokenizer, name)
    if (id !== undefined) controls.set(id, name)
  }
  return { begin, named: controlId(tokenizer, '[ARGS]') !== undefined, controls }
}

/** The functions that an answer may call, and how calls are written. */
export interface CallShape {
  readonly list: readonly Tool[]
  readonly tokens: ToolCallTokens
  readonly maxCalls: number
  /** The part of the calls that the prompt has already: the rest must come then. */
  readonly begun: 'nothing' | 'calls' | 'arguments'
}

export function callShape({ tools = [], force, maxCalls }: ToolPlan, tokens: ToolCallTokens): CallShape {
  if (typeof force !== 'object')
    return { list: tools, tokens, maxCalls, begun: force === undefined ? 'nothing' : 'calls' }
  return { list: tools.filter((tool) => tool.function.name === force.name), tokens, maxCalls, begun: 'arguments' }
}

/** The beginning of a forced answer, which follows the prompt's ids. */
export interface ForcedCall {
  readonly ids: readonly number[]
  /** They have the name of the function. */
  readonly named: boolean
  /** Shows the beginning to the stream, as if the model had written it. */
  feed<T>(stream: { push(text: string): T[]; pushControl(name: string): T[] }): T[]
}

/**
 * The beginning of an answer that must be a call. It ends before a space, since tokens begin with theirs.
 * @param sent the `tool_choice` that asked for it
 * @throws ParameterError when the vocabulary has no `[TOOL_CALLS]`
 */
export function forcedCall(
  tokenizer: Tokenizer,
  force: NonNullable<ToolPlan['force']>,
  sent: unknown = force,
): ForcedCall {
  const tokens = toolCallTokens(tokenizer)
  if (tokens === undefined) {
    throw new ParameterError('tool_choice', sent, 'asks for a call, but the vocabulary has no [TOOL_CALLS]')
  }
  if (force === 'any') return { ids: [tokens.begin], named: false, feed: () => [] }
  const args = controlId(tokenizer, '[ARGS]')
  if (args !== undefined) {
    return {
      ids: [tokens.begin, ...tokenizer.encodePart(force.name, 'start'), args],
      named: true,
      feed: (stream) => [...stream.push(force.name), ...stream.pushControl('[ARGS]')],
    }
  }
  const text = `[{"name": ${JSON.stringify(force.name)}, "arguments":`
  return {
    ids: [tokens.begin, ...tokenizer.encodePart(text, 'start')],
    named: true,
    feed: (stream) => stream.push(text),
  }
}

function controlId(tokenizer: Tokenizer, name: string): number | undefined {
  return tokenizer.specialTokens.get(name)
}
