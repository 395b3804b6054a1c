/** The messages of Ollama's `/api/chat`: its calls of tools have no ids, and results name the tool. */
import { ParameterError } from '../../errors.ts'
import { entriesOf } from '../../json/value.ts'
import type { ChatMessage, ToolCall } from '../../tokenizer/chat-messages.ts'

type Fields = Readonly<Record<string, unknown>>

/** Fields of a message that are read; others must be null. */
const FIELDS = ['role', 'content', 'thinking', 'images', 'tool_calls', 'tool_name', 'name', 'tool_call_id']
const IMAGES = 'is not supported: the model reads text only'

/** @throws ParameterError naming `messages[i].field` */
export function messagesOf(sent: readonly unknown[]): ChatMessage[] {
  const ids = new CallIds()
  return sent.map((message, i) => messageOf(fieldsOf(message, `messages[${i}]`), `messages[${i}]`, ids))
}

function messageOf(fields: Fields, at: string, ids: CallIds): ChatMessage {
  for (const [name, value] of Object.entries(fields)) {
    if (!FIELDS.includes(name) && value !== null) throw new ParameterError(`${at}.${name}`, value, 'is not known')
  }
  const { role, content, thinking, images, tool_calls: calls, tool_name, name = tool_name, tool_call_id } = fields
  if (typeof role !== 'string') throw new ParameterError(`${at}.role`, role, 'must be a string')
  if (Array.isArray(images) ? images.length > 0 : images !== undefined && images !== null) {
    throw new ParameterError(`${at}.images`, images, IMAGES)
  }
  const text = textOf(content, `${at}.content`)
  const thought = textOf(thinking, `${at}.thinking`)
  if (role === 'tool') {
    const known = textOf(name, `${at}.tool_name`)
    const id = textOf(tool_call_id, `${at}.tool_call_id`) ?? ids.answered(known)
    return { role, content: text ?? '', ...(id && { tool_call_id: id }), ...(known && { name: known }) }
  }
  const own = callsOf(calls, `${at}.tool_calls`, ids)
  return {
    role,
    content: own.length > 0 && !text ? null : (text ?? ''),
    ...(thought && { reasoning_content: thought }),
    ...(own.length > 0 && { tool_calls: own }),
  }
}

function callsOf(calls: unknown, at: string, ids: CallIds): ToolCall[] {
  if (calls === undefined || calls === null) return []
  if (!Array.isArray(calls)) throw new ParameterError(at, calls, 'must be a list of calls')
  return calls.map((call: unknown, i) => {
    const { id, function: fn } = fieldsOf(call, `${at}[${i}]`)
    const { name, arguments: args } = fieldsOf(fn, `${at}[${i}].function`)
    if (typeof name !== 'string') throw new ParameterError(`${at}[${i}].function.name`, name, 'must be a string')
    const own = ids.called(name, textOf(id, `${at}[${i}].id`))
    return { id: own, type: 'function', function: { name, arguments: args } }
  })
}

/** Ids for calls that have none, and which of them a result answers. */
class CallIds {
  private made = 0
  private readonly open: { id: string; name: string }[] = []

  called(name: string, sent: string | undefined): string {
    // Nine letters or digits, as the oldest chat formats with ids want them.
    const id = sent || `call${String(this.made++).padStart(5, '0')}`
    this.open.push({ id, name })
    return id
  }

  /** The oldest call of the tool that has no result yet; of any tool, where none is named. */
  answered(name: string | undefined): string | undefined {
    const at = this.open.findIndex((call) => name === undefined || call.name === name)
    return at < 0 ? undefined : this.open.splice(at, 1)[0]!.id
  }
}

function textOf(value: unknown, at: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw new ParameterError(at, value, 'must be a string')
  return value
}

function fieldsOf(value: unknown, at: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Number) {
    throw new ParameterError(at, value, 'must be an object')
  }
  return Object.fromEntries(entriesOf(value))
}
