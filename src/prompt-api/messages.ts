/** Prompts of the Prompt API, checked and made messages of the library, as its draft canonicalizes them. */
import type { ChatMessage, ToolCall } from '../tokenizer/chat-messages.ts'
import { notSupported, syntaxError } from './errors.ts'
import { LanguageModelToolCall, LanguageModelToolError, LanguageModelToolSuccess, resultText } from './tools.ts'

export type LanguageModelRole = 'system' | 'user' | 'assistant'
export type ContentType = 'text' | 'image' | 'audio' | 'tool-call' | 'tool-response'

export interface LanguageModelContent {
  readonly type: ContentType | 'thought'
  readonly value: unknown
}

export interface LanguageModelMessage {
  readonly role: LanguageModelRole
  readonly content: string | readonly LanguageModelContent[]
  /** Of the last message, when it is the assistant's: the answer goes on with it. */
  readonly prefix?: boolean | undefined
}

export type LanguageModelPrompt = string | readonly LanguageModelMessage[]

const ROLES: readonly unknown[] = ['system', 'user', 'assistant']

/**
 * @param begun whether the session has messages already: then none may be of the system
 * @throws TypeError; DOMException `SyntaxError` or `NotSupportedError`
 */
export function canonical(input: unknown, begun: boolean): ChatMessage[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  // WebIDL makes a string of whatever is no list.
  if (typeof input !== 'object' || input === null || !(Symbol.iterator in input)) {
    return [{ role: 'user', content: String(input) }]
  }
  const sent = [...(input as Iterable<LanguageModelMessage>)]
  if (sent.length === 0) return [{ role: 'user', content: '' }]
  return sent.flatMap((message, i) => {
    if (typeof message !== 'object' || message === null) throw new TypeError('a message must be an object')
    const { role, content, prefix = false } = message
    if (!ROLES.includes(role)) throw new TypeError(`"${role}" is no role: system, user and assistant are`)
    const last = i === sent.length - 1
    if (prefix && (role !== 'assistant' || !last)) {
      throw syntaxError('prefix is for the last message, when it is of the assistant')
    }
    if (role === 'system' && (begun || i > 0)) throw new TypeError('a system prompt must be the first message')
    return role === 'user' ? said(partsOf(content)) : [written(role, partsOf(content), Boolean(prefix))]
  })
}

/** Nothing is appended for it; as a question it is an empty text. */
export function isEmptyList(input: unknown): boolean {
  return Array.isArray(input) && input.length === 0
}

/** The text that the answer goes on with. */
export function prefixOf(messages: readonly ChatMessage[]): string {
  const last = messages.at(-1)
  return last?.prefix && typeof last.content === 'string' ? last.content : ''
}

function partsOf(content: unknown): LanguageModelContent[] {
  if (typeof content === 'string') return [{ type: 'text', value: content }]
  if (typeof content !== 'object' || content === null || !(Symbol.iterator in content)) {
    throw new TypeError('the content of a message must be a string or a list of parts')
  }
  const parts = [...(content as Iterable<LanguageModelContent>)]
  for (const part of parts) {
    if (typeof part !== 'object' || part === null) throw new TypeError('a part of a content must be an object')
    const { type, value } = part
    if (type === 'image' || type === 'audio') throw notSupported('the model reads text only')
    if (type === 'text' && (value === undefined || typeof value === 'object')) {
      throw new TypeError('the value of a text must be a string')
    }
    if (type === 'tool-call' && !(value instanceof LanguageModelToolCall)) {
      throw new TypeError('the value of a tool-call must be a LanguageModelToolCall')
    }
    const results = [LanguageModelToolSuccess, LanguageModelToolError]
    if (type === 'tool-response' && !results.some((kind) => value instanceof kind)) {
      throw new TypeError('the value of a tool-response must be a LanguageModelToolSuccess or LanguageModelToolError')
    }
    if (!['text', 'tool-call', 'tool-response'].includes(type)) throw new TypeError(`"${type}" is no type of content`)
  }
  return parts
}

/** Results of tools are messages of their own; texts beside one another are one. */
function said(parts: readonly LanguageModelContent[]): ChatMessage[] {
  const messages: ChatMessage[] = []
  let open = ''
  const close = () => {
    if (open !== '') messages.push({ role: 'user', content: open })
    open = ''
  }
  for (const { type, value } of parts) {
    if (type === 'text') open += String(value)
    else if (value instanceof LanguageModelToolSuccess || value instanceof LanguageModelToolError) {
      close()
      messages.push({ role: 'tool', tool_call_id: value.callID, name: value.name, content: resultText(value) })
    } else throw notSupported('calls of tools are for messages of the assistant')
  }
  close()
  return messages.length > 0 ? messages : [{ role: 'user', content: '' }]
}

function written(role: string, parts: readonly LanguageModelContent[], prefix: boolean): ChatMessage {
  let text = ''
  const calls: ToolCall[] = []
  for (const { type, value } of parts) {
    if (type === 'text') text += String(value)
    else if (role === 'assistant' && value instanceof LanguageModelToolCall) {
      const { callID: id, name, arguments: args } = value
      calls.push({ id, type: 'function', function: { name, arguments: args } })
    } else throw notSupported(`content of the type "${type}" is not for messages of the role "${role}"`)
  }
  const content = calls.length > 0 && text === '' ? null : text
  return { role, content, ...(calls.length > 0 && { tool_calls: calls }), ...(role === 'assistant' && { prefix }) }
}
