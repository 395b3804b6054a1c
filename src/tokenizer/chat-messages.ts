import { ParameterError } from '../errors.ts'

/** One message of a conversation, in the shape that OpenAI's API and Hugging Face's templates share. */
export interface ChatMessage {
  readonly role: string
  readonly content?: string | readonly TextPart[] | null | undefined
  readonly tool_calls?: readonly ToolCall[] | null | undefined
  readonly tool_call_id?: string | null | undefined
  readonly name?: string | undefined
}

export interface TextPart {
  readonly type: 'text'
  readonly text: string
}

export interface ToolCall {
  readonly id?: string | undefined
  readonly type?: 'function' | undefined
  /** `arguments`: an object, or the JSON text of one. */
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
 * A plain copy of the messages with each content as one string. `developer`, OpenAI's newer name for it, becomes `system`.
 * @throws ParameterError naming `messages[i].field`
 */
export function checkMessages(messages: unknown): PlainMessage[] {
  if (!Array.isArray(messages)) throw new ParameterError('messages', messages, 'must be an array of messages')
  if (messages.length === 0) throw new ParameterError('messages', messages, 'must hold at least one message')
  const callIds = new Set<unknown>()
  return messages.map((message: unknown, i) => {
    const plain = checkMessage(message, `messages[${i}]`)
    if (plain.role === 'tool') checkResult(plain, `messages[${i}].tool_call_id`, callIds)
    for (const { id } of plain.tool_calls ?? []) if (id !== undefined) callIds.add(id)
    return plain
  })
}

/** The result of a tool belongs to a call before it. Without ids anywhere the template decides. */
function checkResult({ tool_call_id: id }: PlainMessage, at: string, callIds: ReadonlySet<unknown>): void {
  if (id === undefined && callIds.size > 0)
    throw new ParameterError(at, id, 'must be the id of the call that it answers')
  if (id !== undefined && !callIds.has(id)) {
    throw new ParameterError(at, id, 'is the id of no call in the assistant messages before it')
  }
}

function checkMessage(value: unknown, at: string): PlainMessage {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ParameterError(at, value, 'must be an object with role and content')
  }
  const { role, content, tool_calls: calls, tool_call_id: callId } = value as Record<string, unknown>
  if (typeof role !== 'string' || role === '')
    throw new ParameterError(`${at}.role`, role, 'must be a non-empty string')
  const hasCalls = calls !== undefined && calls !== null
  if (hasCalls) checkToolCalls(calls, role, `${at}.tool_calls`)
  const hasCallId = callId !== undefined && callId !== null
  if (hasCallId && typeof callId !== 'string') {
    throw new ParameterError(`${at}.tool_call_id`, callId, 'must be a string')
  }
  const text = content === undefined || content === null ? undefined : joinContent(content, `${at}.content`)
  if (text === undefined && !hasCalls) {
    throw new ParameterError(`${at}.content`, content, 'must be a string, or an array of {type: "text", text} parts')
  }
  const { tool_calls, tool_call_id: _, ...rest } = copyPlain(value, at) as Record<string, unknown>
  return {
    ...rest,
    role: role === 'developer' ? 'system' : role,
    content: text ?? '',
    // Templates ask whether there are tool calls with `is defined`: an empty list or null must look like none.
    ...(hasCalls && (calls as unknown[]).length > 0 && { tool_calls: tool_calls as ToolCall[] }),
    ...(hasCallId && { tool_call_id: callId as string }),
  }
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

function checkToolCalls(calls: unknown, role: string, at: string): void {
  if (!Array.isArray(calls)) throw new ParameterError(at, calls, 'must be an array')
  if (calls.length > 0 && role !== 'assistant') throw new ParameterError(at, calls, 'are for assistant messages')
  for (const [i, call] of calls.entries()) {
    const { id, function: fn } = (call ?? {}) as { id?: unknown; function?: { name?: unknown; arguments?: unknown } }
    if (id !== undefined && typeof id !== 'string') throw new ParameterError(`${at}[${i}].id`, id, 'must be a string')
    if (typeof fn !== 'object' || fn === null) throw new ParameterError(`${at}[${i}].function`, fn, 'must be an object')
    if (typeof fn.name !== 'string') throw new ParameterError(`${at}[${i}].function.name`, fn.name, 'must be a string')
    if (fn.arguments !== undefined && !isObject(jsonOf(fn.arguments))) {
      throw new ParameterError(`${at}[${i}].function.arguments`, fn.arguments, 'must be the JSON text of an object')
    }
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a text holds; undefined when it is no JSON. What is no text stays as it is. */
function jsonOf(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}

/**
 * The messages with the arguments of calls as objects. OpenAI's clients send them as JSON text, and a template that writes
 * them with `tojson`, as the models were trained, would quote that a second time.
 */
export function withParsedArguments(messages: readonly PlainMessage[]): PlainMessage[] {
  const parsed = ({ function: fn, ...call }: ToolCall): ToolCall => ({
    ...call,
    function: fn.arguments === undefined ? fn : { ...fn, arguments: jsonOf(fn.arguments) },
  })
  return messages.map(({ tool_calls: calls, ...rest }) => (calls ? { ...rest, tool_calls: calls.map(parsed) } : rest))
}

const FUNCTION_NAME = /^[a-zA-Z0-9_-]{1,64}$/

/** As OpenAI's API has them. @throws ParameterError */
export function checkFunctionName(name: unknown, at: string): asserts name is string {
  if (typeof name !== 'string' || !FUNCTION_NAME.test(name)) {
    throw new ParameterError(at, name, 'must be 1 to 64 letters, digits, "_" or "-"')
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
    checkFunctionName(fn?.name, `tools[${i}].function.name`)
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
