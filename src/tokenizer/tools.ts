/** Functions that the model may call, and its calls of them: their types and checks. */
import { ParameterError } from '../errors.ts'
import { tryParseJson } from '../json/parse.ts'
import { isJsonObject, type JsonValue } from '../json/value.ts'
import { copyPlain } from './plain-data.ts'

export interface ToolCall {
  readonly id?: string | undefined
  readonly type?: 'function' | undefined
  /** `arguments`: an object, or the JSON text of one; `''`, `'null'`, null and undefined are `{}`. */
  readonly function: { readonly name: string; readonly arguments?: unknown }
}

/** A function that the model may call. */
export interface Tool {
  readonly type: 'function'
  readonly function: {
    readonly name: string
    readonly description?: string | undefined
    readonly parameters?: unknown
    readonly [field: string]: unknown
  }
}

const FUNCTION_NAME = /^[a-zA-Z0-9_-]{1,64}$/

/** As OpenAI's API has them. @throws ParameterError */
export function checkFunctionName(name: unknown, at: string): asserts name is string {
  if (typeof name !== 'string' || !FUNCTION_NAME.test(name)) {
    throw new ParameterError(at, name, 'must be 1 to 64 letters, digits, "_" or "-"')
  }
}

/**
 * A plain copy of the tools. `type` may be left out, as in Mistral's API.
 * @returns undefined when there are none: null and an empty list say the same
 * @throws ParameterError naming `tools[i].field`
 */
export function checkTools(tools: unknown): Tool[] | undefined {
  if (tools === undefined || tools === null) return undefined
  if (!Array.isArray(tools))
    throw new ParameterError('tools', tools, 'must be an array of {type: "function", function}')
  if (tools.length === 0) return undefined
  const typed = tools.map((tool: unknown, i) => {
    const { type = 'function', function: fn } = (tool ?? {}) as { type?: unknown; function?: unknown }
    if (type !== 'function') throw new ParameterError(`tools[${i}].type`, type, 'must be "function"')
    checkFunction(fn, `tools[${i}].function`)
    return { type, ...(tool as object) }
  })
  return copyPlain(typed, 'tools') as Tool[]
}

function checkFunction(fn: unknown, at: string): void {
  const { name, description, parameters } = (fn ?? {}) as Record<string, unknown>
  checkFunctionName(name, `${at}.name`)
  if (description !== undefined && description !== null && typeof description !== 'string') {
    throw new ParameterError(`${at}.description`, description, 'must be a string')
  }
  if (parameters !== undefined && parameters !== null && !isJsonObject(parameters)) {
    throw new ParameterError(`${at}.parameters`, parameters, 'must be an object, a JSON schema')
  }
}

/** undefined when the field is missing or null. @throws ParameterError naming `at[i].field` */
export function checkToolCalls(calls: unknown, role: string, at: string): ToolCall[] | undefined {
  if (calls === undefined || calls === null) return undefined
  if (!Array.isArray(calls)) throw new ParameterError(at, calls, 'must be an array')
  if (calls.length > 0 && role !== 'assistant') throw new ParameterError(at, calls, 'are for assistant messages')
  return calls.map((call: unknown, i) => {
    const { id, ...rest } = (call ?? {}) as { id?: unknown; function?: { name?: unknown; arguments?: unknown } }
    const { function: fn } = rest
    if (id !== undefined && id !== null && typeof id !== 'string') {
      throw new ParameterError(`${at}[${i}].id`, id, 'must be a string')
    }
    if (typeof fn !== 'object' || fn === null) throw new ParameterError(`${at}[${i}].function`, fn, 'must be an object')
    if (typeof fn.name !== 'string') throw new ParameterError(`${at}[${i}].function.name`, fn.name, 'must be a string')
    if (!isJsonObject(argumentsOf(fn.arguments))) {
      throw new ParameterError(`${at}[${i}].function.arguments`, fn.arguments, 'must be the JSON text of an object')
    }
    return { ...rest, ...(typeof id === 'string' && { id }) } as ToolCall
  })
}

/**
 * The arguments of a call as they are written into prompts. Clients send `''`, null or `'null'` for functions without
 * parameters.
 * @returns undefined for a text that is no JSON
 */
export function argumentsOf(value: unknown): JsonValue | undefined {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'string') return value as JsonValue
  return value.trim() === '' ? {} : emptyForNull(tryParseJson(value))
}

function emptyForNull(value: JsonValue | undefined): JsonValue | undefined {
  return value === null ? {} : value
}

/**
 * The messages with the arguments of calls as objects. OpenAI's clients send them as JSON text, and a template that writes
 * them with `tojson`, as the models were trained, would quote that a second time.
 */
export function withParsedArguments<M extends { readonly tool_calls?: readonly ToolCall[] }>(
  messages: readonly M[],
): M[] {
  const parsed = ({ function: fn, ...call }: ToolCall): ToolCall => ({
    ...call,
    function: fn.arguments === undefined ? fn : { ...fn, arguments: argumentsOf(fn.arguments) },
  })
  return messages.map((message) => {
    return message.tool_calls ? { ...message, tool_calls: message.tool_calls.map(parsed) } : message
  })
}
