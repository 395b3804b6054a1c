/** The conversation of `POST /v1/messages`: blocks of content become messages. */
import { ParameterError } from '../../errors.ts'
import { entriesOf } from '../../json/value.ts'
import type { ChatMessage, TextPart, ToolCall } from '../../tokenizer/chat-messages.ts'

type Fields = Readonly<Record<string, unknown>>

interface Placed {
  readonly message: ChatMessage
  /** Where it came from, such as `messages[2]`. */
  readonly place: string
}

/** @throws ParameterError naming `messages[i].content[j].field` or `system` */
export function conversationOf(messages: readonly unknown[], system: unknown): readonly Placed[] {
  const placed: Placed[] = []
  if (system !== undefined && system !== null) {
    placed.push({ message: { role: 'system', content: texts(system, 'system') }, place: 'system' })
  }
  for (const [i, sent] of messages.entries()) {
    const place = `messages[${i}]`
    const { role, content } = fieldsOf(sent, place)
    if (role === 'user') placed.push(...said(content, place).map((message) => ({ message, place })))
    else if (role === 'assistant') placed.push({ message: answered(content, place), place })
    else if (role === 'system') placed.push({ message: { role, content: texts(content, `${place}.content`) }, place })
    else throw new ParameterError(`${place}.role`, role, 'must be "user", "assistant" or "system"')
  }
  return placed
}

/** What the user says, and results of tools, each a message of its own. */
function said(content: unknown, place: string): ChatMessage[] {
  if (typeof content === 'string') return [{ role: 'user', content }]
  const messages: ChatMessage[] = []
  let open: TextPart[] | undefined
  for (const [j, block] of blocksOf(content, place).entries()) {
    const at = `${place}.content[${j}]`
    if (block.type === 'tool_result') {
      messages.push(resultOf(block, at))
      open = undefined
    } else {
      if (open === undefined) {
        open = []
        messages.push({ role: 'user', content: open })
      }
      open.push(textOf(block, at, 'must be text or tool_result: the model reads text only'))
    }
  }
  return messages
}

function resultOf({ tool_use_id: id, content, is_error: failed }: Fields, at: string): ChatMessage {
  if (typeof id !== 'string') throw new ParameterError(`${at}.tool_use_id`, id, 'must be a string')
  if (failed !== undefined && failed !== null && typeof failed !== 'boolean') {
    throw new ParameterError(`${at}.is_error`, failed, 'must be true or false')
  }
  const result = texts(content ?? '', `${at}.content`)
  const text = typeof result === 'string' ? result : result.map((part) => part.text).join('\n')
  // Chat formats have no other way to say it.
  return { role: 'tool', tool_call_id: id, content: failed ? `Error: ${text}` : text }
}

/** What the assistant answered: its thoughts, its text, and its calls. */
function answered(content: unknown, place: string): ChatMessage {
  if (typeof content === 'string') return { role: 'assistant', content }
  const parts: TextPart[] = []
  const calls: ToolCall[] = []
  let thought: string | undefined
  for (const [j, block] of blocksOf(content, place).entries()) {
    const at = `${place}.content[${j}]`
    if (block.type === 'thinking') {
      if (typeof block.thinking !== 'string') {
        throw new ParameterError(`${at}.thinking`, block.thinking, 'must be a string')
      }
      thought = (thought ?? '') + block.thinking
    } else if (block.type === 'redacted_thinking') {
      // What another server encrypted says nothing here.
      thought ??= ''
    } else if (block.type === 'tool_use') calls.push(callOf(block, at))
    else parts.push(textOf(block, at, 'must be text, thinking or tool_use'))
  }
  return {
    role: 'assistant',
    content: parts.length > 0 ? parts : calls.length > 0 || thought ? null : '',
    ...(thought && { reasoning_content: thought }),
    ...(calls.length > 0 && { tool_calls: calls }),
  }
}

function callOf({ id, name, input }: Fields, at: string): ToolCall {
  if (typeof id !== 'string') throw new ParameterError(`${at}.id`, id, 'must be a string')
  if (typeof name !== 'string') throw new ParameterError(`${at}.name`, name, 'must be a string')
  if (typeof input !== 'object' || input === null || Array.isArray(input) || input instanceof Number) {
    throw new ParameterError(`${at}.input`, input, 'must be an object')
  }
  return { id, type: 'function', function: { name, arguments: input } }
}

function texts(content: unknown, at: string): string | TextPart[] {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw new ParameterError(at, content, 'must be a string or a list of text blocks')
  return content.map((block: unknown, i) => {
    return textOf(fieldsOf(block, `${at}[${i}]`), `${at}[${i}]`, 'must be text: the model reads text only')
  })
}

function textOf({ type, text }: Fields, at: string, fact: string): TextPart {
  if (type !== 'text') throw new ParameterError(`${at}.type`, type, fact)
  if (typeof text !== 'string') throw new ParameterError(`${at}.text`, text, 'must be a string')
  return { type, text }
}

function blocksOf(content: unknown, place: string): Fields[] {
  if (!Array.isArray(content)) {
    throw new ParameterError(`${place}.content`, content, 'must be a string or a list of blocks')
  }
  return content.map((block: unknown, j) => fieldsOf(block, `${place}.content[${j}]`))
}

/** The fields of an object as it was sent. @throws ParameterError */
function fieldsOf(value: unknown, at: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Number) {
    throw new ParameterError(at, value, 'must be an object')
  }
  return Object.fromEntries(entriesOf(value))
}
