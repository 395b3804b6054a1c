/** The messages of a request: their types, and the check that makes plain data of them. */
import { ParameterError } from '../errors.ts'
import { checkToolCalls } from './calls.ts'
import { copyPlain } from './plain-data.ts'
import type { ToolCall } from './tools.ts'

export type { Tool, ToolCall } from './tools.ts'

/** One message of a conversation, in the shape that OpenAI's API, Mistral's API and Hugging Face's templates share. */
export interface ChatMessage {
  readonly role: string
  readonly content?: string | readonly ContentPart[] | null | undefined
  readonly tool_calls?: readonly ToolCall[] | null | undefined
  readonly tool_call_id?: string | null | undefined
  readonly name?: string | null | undefined
  /**
   * Makes the answer go on with the last message, when it is an assistant's. That is the default where it has text and
   * no calls; false closes it, so that a new answer begins.
   */
  readonly prefix?: boolean | null | undefined
  /** The assistant's thoughts before its answer. `reasoning` is another name for it. */
  readonly reasoning_content?: string | null | undefined
  readonly reasoning?: string | null | undefined
}

export interface TextPart {
  readonly type: 'text'
  readonly text: string
}

/** A thought, in messages of the assistant and in system prompts that show how to think. */
export interface ThinkingPart {
  readonly type: 'thinking'
  readonly thinking: string | readonly TextPart[]
  /** false: the thought goes on. Default true. */
  readonly closed?: boolean | null | undefined
}

export type ContentPart = TextPart | ThinkingPart

/** A part as it was checked: the texts of a thought are one. */
export type PlainPart = TextPart | { readonly type: 'thinking'; readonly thinking: string; readonly closed?: boolean }

/** A checked message: plain data. */
export interface PlainMessage {
  readonly role: string
  /** null where the message had none. */
  readonly content: string | readonly PlainPart[] | null
  readonly tool_calls?: readonly ToolCall[]
  readonly tool_call_id?: string
  readonly prefix?: boolean
  readonly [field: string]: unknown
}

const CONTENT_FACT = 'must be a string, or an array of {type: "text", text} parts'

/**
 * A plain copy of the messages. `developer`, OpenAI's newer name for it, becomes `system`. Fields that are not known here
 * are kept: it is for the chat format to say whether it reads them.
 * @throws ParameterError naming `messages[i].field`
 */
export function checkMessages(messages: unknown): PlainMessage[] {
  if (!Array.isArray(messages)) throw new ParameterError('messages', messages, 'must be an array of messages')
  if (messages.length === 0) throw new ParameterError('messages', messages, 'must hold at least one message')
  const last = messages.length - 1
  return messages.map((message: unknown, i) => {
    const plain = checkMessage(message, `messages[${i}]`)
    const { prefix } = plain
    if (prefix === true && i < last) {
      throw new ParameterError(`messages[${i}].prefix`, prefix, 'is for the last message only')
    }
    return plain
  })
}

/** As {@link continuesLast}, of messages that some chat format has taken. */
export function answersInside(messages: readonly ChatMessage[]): boolean {
  return continuesLast(checkMessages(messages.slice(-1)))
}

/** The answer goes on with the text of the last message. See {@link ChatMessage.prefix}. */
export function continuesLast(messages: readonly PlainMessage[]): boolean {
  const last = messages.at(-1)
  if (last?.role !== 'assistant') return false
  return last.prefix ?? (last.tool_calls === undefined && (last.content ?? '').length > 0)
}

/**
 * Results of tools belong to calls before them. Where no message has ids, the chat format decides.
 * @throws ParameterError naming `messages[i].tool_call_id`
 */
export function checkResultIds(messages: readonly PlainMessage[]): void {
  const callIds = new Set<string>()
  for (const [i, { role, tool_calls: calls, tool_call_id: id }] of messages.entries()) {
    for (const call of calls ?? []) if (call.id !== undefined) callIds.add(call.id)
    if (role !== 'tool') continue
    const at = `messages[${i}].tool_call_id`
    if (id === undefined && callIds.size > 0) {
      throw new ParameterError(at, id, 'must be the id of the call that it answers')
    }
    if (id !== undefined && !callIds.has(id)) {
      throw new ParameterError(at, id, 'is the id of no call in the assistant messages before it')
    }
  }
}

function checkMessage(value: unknown, at: string): PlainMessage {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ParameterError(at, value, 'must be an object with role and content')
  }
  const copy = copyPlain(value, at) as Record<string, unknown>
  const fields = copy instanceof Map ? (Object.fromEntries(copy) as Record<string, unknown>) : copy
  const { role, content, tool_calls: given, tool_call_id: callId, prefix, ...rest } = fields
  if (typeof role !== 'string' || role === '')
    throw new ParameterError(`${at}.role`, role, 'must be a non-empty string')
  const calls = checkToolCalls(given, role, `${at}.tool_calls`)
  if (callId !== undefined && callId !== null && typeof callId !== 'string') {
    throw new ParameterError(`${at}.tool_call_id`, callId, 'must be a string')
  }
  checkPrefix(prefix, role, `${at}.prefix`)
  const thinks = checkReasoning(rest, at)
  const parts = content === undefined || content === null ? null : checkContent(content, role, `${at}.content`)
  if (parts === null && calls === undefined && !thinks) {
    throw new ParameterError(`${at}.content`, content, CONTENT_FACT)
  }
  return {
    ...rest,
    role: role === 'developer' ? 'system' : role,
    content: parts,
    // Templates ask whether there are tool calls with `is defined`: an empty list or null must look like none.
    ...(calls !== undefined && calls.length > 0 && { tool_calls: calls }),
    ...(typeof callId === 'string' && { tool_call_id: callId }),
    ...(typeof prefix === 'boolean' && { prefix }),
  }
}

function checkPrefix(prefix: unknown, role: string, at: string): void {
  if (prefix === undefined || prefix === null) return
  if (typeof prefix !== 'boolean') throw new ParameterError(at, prefix, 'must be true or false')
  if (prefix && role !== 'assistant') throw new ParameterError(at, prefix, 'is for assistant messages')
}

/** Whether the message has a thought in a field of its own. */
function checkReasoning({ reasoning_content: content, reasoning }: Record<string, unknown>, at: string): boolean {
  for (const [name, value] of Object.entries({ reasoning_content: content, reasoning })) {
    if (value !== undefined && value !== null && typeof value !== 'string') {
      throw new ParameterError(`${at}.${name}`, value, 'must be a string')
    }
  }
  if (typeof content === 'string' && typeof reasoning === 'string' && content !== reasoning) {
    throw new ParameterError(`${at}.reasoning`, reasoning, 'is another name for reasoning_content, and differs from it')
  }
  return typeof content === 'string' || typeof reasoning === 'string'
}

function checkContent(content: unknown, role: string, at: string): string | PlainPart[] {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw new ParameterError(at, content, CONTENT_FACT)
  return content.map((part: unknown, i) => checkPart(part, role, `${at}[${i}]`))
}

function checkPart(part: unknown, role: string, at: string): PlainPart {
  const fields = (typeof part === 'object' && part !== null ? part : {}) as Record<string, unknown>
  const { type, text } = fields
  if (type === 'thinking') return checkThinking(fields, role, at)
  if (type !== 'text') throw new ParameterError(`${at}.type`, type, 'must be "text"; the model reads text only')
  if (typeof text !== 'string') throw new ParameterError(`${at}.text`, text, 'must be a string')
  return { ...fields, type, text }
}

function checkThinking(fields: Record<string, unknown>, role: string, at: string): PlainPart {
  const { thinking, closed, ...rest } = fields
  if (role === 'user' || role === 'tool') {
    throw new ParameterError(`${at}.type`, 'thinking', 'is for assistant and system messages')
  }
  if (closed !== undefined && closed !== null && typeof closed !== 'boolean') {
    throw new ParameterError(`${at}.closed`, closed, 'must be true or false')
  }
  const thought = Array.isArray(thinking)
    ? thinking.map((item: unknown, i) => (checkPart(item, 'user', `${at}.thinking[${i}]`) as TextPart).text).join('')
    : thinking
  if (typeof thought !== 'string') {
    throw new ParameterError(`${at}.thinking`, thinking, 'must be a string, or an array of {type: "text", text} parts')
  }
  return { ...rest, type: 'thinking', thinking: thought, ...(typeof closed === 'boolean' && { closed }) }
}
