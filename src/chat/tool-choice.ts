/** Checks what a request says about tools, and makes answers begin with a call. */
import { ParameterError } from '../errors.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { checkTools, type Tool } from '../tokenizer/tools.ts'

export type ToolChoice =
  | 'none'
  | 'auto'
  | 'required'
  | 'any'
  | { readonly type: 'function'; readonly function: { readonly name: string } }

export interface ToolPlan {
  /** The functions to show to the model; undefined for none. */
  readonly tools: readonly Tool[] | undefined
  /** The answer must be a call: of any function, or of the one named. */
  readonly force: 'any' | { readonly name: string } | undefined
  /** Calls in one answer at most. */
  readonly maxCalls: number
}

/** How a vocabulary marks calls. */
export interface ToolCallTokens {
  /** The id of `[TOOL_CALLS]`. */
  readonly begin: number
  /** Calls are written `name[ARGS]{…}`: the `named` of `ToolCallStream`. */
  readonly named: boolean
  /** Control tokens inside calls by id, for `ToolCallStream.pushControl`. */
  readonly controls: ReadonlyMap<number, string>
}

/**
 * @throws ParameterError naming `tools[i].field`, `tool_choice`, or `parallel_tool_calls`
 */
export function planTools(request: {
  readonly tools?: unknown
  readonly tool_choice?: unknown
  readonly parallel_tool_calls?: unknown
}): ToolPlan {
  const tools = checkTools(request.tools)
  const parallel = request.parallel_tool_calls ?? true
  if (typeof parallel !== 'boolean') {
    throw new ParameterError('parallel_tool_calls', parallel, 'must be true or false')
  }
  const choice = request.tool_choice ?? (tools === undefined ? 'none' : 'auto')
  const maxCalls = parallel ? Number.POSITIVE_INFINITY : 1
  if (choice === 'none') return { tools: undefined, force: undefined, maxCalls }
  if (choice === 'auto') return { tools, force: undefined, maxCalls }
  // OpenAI's word and Mistral's.
  const name = choice === 'required' || choice === 'any' ? undefined : namedFunction(choice)
  if (tools === undefined) throw new ParameterError('tool_choice', choice, 'asks for a call, but there are no tools')
  if (name === undefined) return { tools, force: 'any', maxCalls }
  if (!tools.some((tool) => tool.function.name === name)) {
    throw new ParameterError('tool_choice', choice, 'names a function that is not among the tools')
  }
  // A named function is called once, as OpenAI's API does.
  return { tools, force: { name }, maxCalls: 1 }
}

function namedFunction(choice: unknown): string {
  const { type, function: fn } = (typeof choice === 'object' && choice !== null ? choice : {}) as Record<
    string,
    unknown
  >
  const name = (fn as { name?: unknown } | null | undefined)?.name
  // Mistral's API lets the type be left out.
  if ((type === undefined || type === 'function') && typeof name === 'string') return name
  throw new ParameterError(
    'tool_choice',
    choice,
    'must be "none", "auto", "required", "any" or {type: "function", function: {name}}',
  )
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
