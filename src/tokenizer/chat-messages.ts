import { ParameterError } from '../errors.ts'

/** One message of a conversation, in the shape that OpenAI's API and Hugging Face's templates share. */
export interface ChatMessage {
  readonly role: string
  readonly content?: string | readonly TextPart[] | null | undefined
  readonly tool_calls?: readonly ToolCall[] | null | undefined
  readonly tool_call_id?: string | undefined
  readonly name?: string | undefined
}

export interface TextPart {
  readonly type: 'text'
  readonly text: string
}

export interface ToolCall {
  readonly id?: string | undefined
  readonly type?: 'function' | undefined
  readonly function: { readonly name: string; readonly arguments: unknown }
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

/** A checked message: plain data, its content one string (empty where it had none). */
export interface PlainMessage {
  readonly role: string
  readonly content: string
  readonly tool_calls?: readonly ToolCall[]
  readonly tool_call_id?: string
  readonly [field: string]: unknown
}

const MAX_DEPTH = 64

/**
 * A plain copy of the messages with each content as one string.
 * @throws ParameterError naming `messages[i].field`
 */
export function checkMessages(messages: unknown): PlainMessage[] {
  if (!Array.isArray(messages)) throw new ParameterError('messages', messages, 'must be an array of messages')
  if (messages.length === 0) throw new ParameterError('messages', messages, 'must hold at least one message')
  return messages.map((message: unknown, i) => checkMessage(message, `messages[${i}]`))
}

function checkMessage(value: unknown, at: string): PlainMessage {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ParameterError(at, value, 'must be an object with role and content')
  }
  const { role, content, tool_calls: calls, tool_call_id: callId } = value as Record<string, unknown>
  if (typeof role !== 'string' || role === '')
    throw new ParameterError(`${at}.role`, role, 'must be a non-empty string')
  const hasCalls = calls !== undefined && calls !== null
  if (hasCalls) checkToolCalls(calls, `${at}.tool_calls`)
  if (callId !== undefined && typeof callId !== 'string') {
    throw new ParameterError(`${at}.tool_call_id`, callId, 'must be a string')
  }
  const text = content === undefined || content === null ? undefined : joinContent(content, `${at}.content`)
  if (text === undefined && !hasCalls) {
    throw new ParameterError(`${at}.content`, content, 'must be a string, or an array of {type: "text", text} parts')
  }
  const { tool_calls, ...rest } = copyPlain(value, at) as Record<string, unknown>
  const plain = { ...rest, role, content: text ?? '' }
  // Templates ask whether there are tool calls with `is defined`: an empty list or null must look like none.
  return hasCalls && (calls as unknown[]).length > 0 ? { ...plain, tool_calls: tool_calls as ToolCall[] } : plain
}

function joinContent(content: unknown, at: string): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) {
    throw new ParameterError(at, content, 'must be a string, or an array of {type: "text", text} parts')
  }
  return content
    .map((part: unknown, i) => {
      const { type, text } = (typeof part === 'object' && part !== null ? part : {}) as Record<string, unknown>
      if (type !== 'text')
        throw new ParameterError(`${at}[${i}].type`, type, 'must be "text"; the model reads text only')
      if (typeof text !== 'string') throw new ParameterError(`${at}[${i}].text`, text, 'must be a string')
      return text
    })
    .join('')
}

function checkToolCalls(calls: unknown, at: string): void {
  if (!Array.isArray(calls)) throw new ParameterError(at, calls, 'must be an array')
  for (const [i, call] of calls.entries()) {
    const fn = (call as { function?: { name?: unknown } } | null)?.function
    if (typeof fn !== 'object' || fn === null) throw new ParameterError(`${at}[${i}].function`, fn, 'must be an object')
    if (typeof fn.name !== 'string') throw new ParameterError(`${at}[${i}].function.name`, fn.name, 'must be a string')
  }
}

/** @throws ParameterError naming `tools[i].field` */
export function checkTools(tools: unknown): Tool[] | undefined {
  if (tools === undefined || tools === null) return undefined
  if (!Array.isArray(tools))
    throw new ParameterError('tools', tools, 'must be an array of {type: "function", function}')
  if (tools.length === 0) return undefined
  for (const [i, tool] of tools.entries()) {
    const { type, function: fn } = (tool ?? {}) as { type?: unknown; function?: { name?: unknown } }
    if (type !== 'function') throw new ParameterError(`tools[${i}].type`, type, 'must be "function"')
    if (typeof fn?.name !== 'string')
      throw new ParameterError(`tools[${i}].function.name`, fn?.name, 'must be a string')
  }
  return copyPlain(tools, 'tools') as Tool[]
}

/** Rewrites every string of plain data, keys included. */
export type MapString = (text: string) => string

/**
 * A copy of JSON-like data; `undefined` fields are left out.
 * @throws ParameterError for what JSON cannot hold, and for data nested deeper than 64 (or in a cycle)
 */
export function copyPlain(value: unknown, at: string, map: MapString = (text) => text, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new ParameterError(at, '…', `is nested deeper than ${MAX_DEPTH} levels`)
  if (typeof value === 'string') return map(value)
  if (value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    return value
  if (Array.isArray(value)) return value.map((item, i) => copyPlain(item, `${at}[${i}]`, map, depth + 1))
  if (typeof value !== 'object') throw new ParameterError(at, value, 'must be plain data, as JSON holds it')
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(entries.map(([key, item]) => [map(key), copyPlain(item, `${at}.${key}`, map, depth + 1)]))
}
