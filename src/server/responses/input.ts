/** The input of `POST /v1/responses`: its items become the messages of a conversation. */
import { ParameterError } from '../../errors.ts'
import type { ChatMessage, TextPart, ToolCall } from '../../tokenizer/chat-messages.ts'

/** An item as it was sent, or as an answer gave it. */
export type Item = Readonly<Record<string, unknown>>

export interface Conversation {
  readonly messages: readonly ChatMessage[]
  /** Where each message came from, such as `input[2]`. */
  readonly places: readonly string[]
}

type Draft = { -readonly [K in keyof ChatMessage]: ChatMessage[K] }

/** Where items of earlier responses come from. */
const EARLIER = 'previous_response_id'
const ROLES = ['user', 'assistant', 'system', 'developer']
/** All of them hold text, and differ in who wrote it. */
const TEXT_PARTS = ['input_text', 'output_text', 'text', 'summary_text', 'reasoning_text']

/**
 * @param items of earlier responses and of this request, in their order
 * @param earlier how many of them come from earlier responses
 * @throws ParameterError naming `input[i].field`
 */
export function conversationOf(
  items: readonly Item[],
  earlier: number,
  instructions: string | undefined,
): Conversation {
  const reader = new ItemReader()
  if (instructions !== undefined) reader.say({ role: 'system', content: instructions }, 'instructions')
  for (const [i, item] of items.entries()) {
    reader.read(item, i < earlier ? EARLIER : `input[${i - earlier}]`)
  }
  reader.endTurn()
  if (reader.messages.length === 0) throw new ParameterError('input', [], 'must hold at least one item')
  return reader
}

/** The items of a request: a text is one message of the user. @throws ParameterError */
export function itemsOf(input: unknown): Item[] {
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }]
  if (!Array.isArray(input)) throw new ParameterError('input', input, 'must be a string or a list of items')
  return input.map((item: unknown, i) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      throw new ParameterError(`input[${i}]`, item, 'must be an object with a type')
    }
    return item as Item
  })
}

class ItemReader implements Conversation {
  readonly messages: Draft[] = []
  readonly places: string[] = []
  /** The thought that belongs to what the assistant does next, and where it stands. */
  private thought: { text: string; at: string } | undefined

  read(item: Item, at: string): void {
    const { type = 'message' } = item
    if (type === 'message') this.message(item, at)
    else if (type === 'function_call') this.call(item, at)
    else if (type === 'function_call_output') {
      const { call_id: id, output } = item
      this.say({ role: 'tool', tool_call_id: text(id, `${at}.call_id`), content: parts(output, `${at}.output`) }, at)
    } else if (type === 'reasoning') this.reason(item, at)
    else {
      const known = 'message, function_call, function_call_output or reasoning'
      throw new ParameterError(`${at}.type`, type, `must be ${known}: the model has no other tools and reads text only`)
    }
  }

  say(message: Draft, at: string): void {
    if (message.role !== 'assistant') this.endTurn()
    this.messages.push(message)
    this.places.push(at)
  }

  /** @throws ParameterError for a thought that nothing came of, unless it was cut off in an earlier response */
  endTurn(): void {
    if (this.thought === undefined) return
    if (this.thought.at === EARLIER) {
      this.messages.push({ role: 'assistant', content: null, ...this.takeThought() })
      this.places.push(EARLIER)
      return
    }
    const fact = 'must be followed by the message or the call that it led to'
    throw new ParameterError(this.thought.at, this.thought.text, fact)
  }

  private message({ role, content }: Item, at: string): void {
    if (typeof role !== 'string' || !ROLES.includes(role)) {
      throw new ParameterError(`${at}.role`, role, `must be one of ${ROLES.join(', ')}`)
    }
    const said = parts(content, `${at}.content`)
    this.say({ role, content: said, ...(role === 'assistant' && this.takeThought()) }, at)
  }

  /** Calls of one turn are one message, with the text before them. */
  private call({ call_id: id, name, arguments: args }: Item, at: string): void {
    const call: ToolCall = {
      id: text(id, `${at}.call_id`),
      type: 'function',
      function: { name: text(name, `${at}.name`), arguments: text(args, `${at}.arguments`) },
    }
    const last = this.messages.at(-1)
    if (last?.role === 'assistant' && this.thought === undefined) last.tool_calls = [...(last.tool_calls ?? []), call]
    else this.say({ role: 'assistant', content: null, tool_calls: [call], ...this.takeThought() }, at)
  }

  /** Summaries are no thoughts, and what was encrypted is not this server's: of such an item nothing is left. */
  private reason({ content, summary }: Item, at: string): void {
    if (summary !== undefined && summary !== null && !Array.isArray(summary)) {
      throw new ParameterError(`${at}.summary`, summary, 'must be a list')
    }
    if (content === undefined || content === null) return
    const thought = parts(content, `${at}.content`)
    const whole = typeof thought === 'string' ? thought : thought.map((part) => part.text).join('')
    if (whole !== '') this.thought = { text: (this.thought?.text ?? '') + whole, at }
  }

  private takeThought(): { reasoning_content?: string } {
    const { thought } = this
    this.thought = undefined
    return thought === undefined ? {} : { reasoning_content: thought.text }
  }
}

function text(value: unknown, at: string): string {
  if (typeof value !== 'string') throw new ParameterError(at, value, 'must be a string')
  return value
}

function parts(content: unknown, at: string): string | TextPart[] {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw new ParameterError(at, content, 'must be a string or a list of parts')
  return content.map((part: unknown, i): TextPart => {
    const { type, text: said, refusal } = (part ?? {}) as Record<string, unknown>
    if (type === 'refusal') return { type: 'text', text: text(refusal, `${at}[${i}].refusal`) }
    if (typeof type !== 'string' || !TEXT_PARTS.includes(type)) {
      throw new ParameterError(`${at}[${i}].type`, type, 'must be input_text or output_text: the model reads text only')
    }
    return { type: 'text', text: text(said, `${at}[${i}].text`) }
  })
}
