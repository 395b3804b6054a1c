/** The calls in messages of the assistant: their check, and their arguments as prompts have them. */
import { ParameterError } from '../errors.ts'
import { tryParseJson } from '../json/parse.ts'
import { isJsonObject, type JsonValue } from '../json/value.ts'
import type { ToolCall } from './tools.ts'

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
