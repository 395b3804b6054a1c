/**
 * What a checkpoint's Jinja template gets to see of the messages: transformers hands them over as they are, and so does
 * this, except where the template could not take them.
 */
import { ChatTemplateError, ConversationError, ParameterError } from '../errors.ts'
import type { PlainMessage, PlainPart } from './chat-messages.ts'

/** Renders messages. @throws ConversationError when the template refuses them */
export type Render = (messages: readonly PlainMessage[]) => string

const PROBE = 'Mistral 7301'
const PROBE_CALL = { id: '000000000', type: 'function', function: { name: 'probe', arguments: '{}' } } as const
const ask: PlainMessage = { role: 'user', content: 'x' }
type Content = PlainMessage['content']

/** A small conversation with the content in the role that is asked for. */
const SETTINGS: Readonly<Record<string, (content: Content) => PlainMessage[]>> = {
  user: (content) => [{ role: 'user', content }],
  system: (content) => [{ role: 'system', content }, ask],
  assistant: (content) => [ask, { role: 'assistant', content }, ask],
  tool: (content) => [...calling(''), { role: 'tool', content, tool_call_id: PROBE_CALL.id }],
}
const calling = (content: Content): PlainMessage[] => [ask, { role: 'assistant', content, tool_calls: [PROBE_CALL] }]

/** A part that was printed and not read: as Python's `str` or as JSON. */
const PRINTED = /["']type["'] *: *["']text["']/
const PRINTED_NONE = /None|null/

/**
 * How one template takes contents that are no texts. A role's contents stay lists of parts where a list of one text gives
 * that text; where the template refuses it, or prints the list itself, they become one text, the parts joined with an
 * empty line as mistral-common joins them. An assistant's content that is missing stays null, or becomes an empty text,
 * by the same rule. It is found out with small conversations, once for each kind.
 */
export class ContentForms {
  readonly #known = new Map<string, boolean>()

  constructor(
    private readonly render: Render,
    private readonly source: string,
  ) {}

  /** @throws ParameterError naming `messages[i].content[j].type` for a thought where the template has no place for one */
  fit(messages: readonly PlainMessage[]): PlainMessage[] {
    return messages.map((message, i) => {
      const { role, content } = message
      if (typeof content === 'string') return message
      if (content === null) return this.#takesNull(message) ? message : { ...message, content: '' }
      const lists = this.#takesLists(role)
      const thought = content.findIndex(({ type }) => type === 'thinking')
      if (thought >= 0 && !(lists && /\bthinking\b/.test(this.source))) {
        const at = `messages[${i}].content[${thought}].type`
        throw new ParameterError(at, 'thinking', "is a thought, for which the model's chat template has no place")
      }
      return lists ? message : { ...message, content: textsOf(content).join('\n\n') }
    })
  }

  #takesLists(role: string): boolean {
    // Only the template knows what a role of its own takes. Nor are all roles that clients think of kept here.
    if (!Object.hasOwn(SETTINGS, role)) return true
    const setting = SETTINGS[role]!
    return this.#found(role, () => {
      const list = this.#tried(setting([{ type: 'text', text: PROBE }]))
      if (list !== undefined) return list.includes(PROBE) && !PRINTED.test(list)
      // Refused as a text too, it is the role that the template does not take, and it shall say so itself.
      return this.#tried(setting(PROBE)) === undefined
    })
  }

  #takesNull({ tool_calls: calls }: PlainMessage): boolean {
    return this.#found(calls === undefined ? 'null' : 'null with calls', () => {
      const result = { role: 'tool', content: '1', tool_call_id: PROBE_CALL.id }
      const messages = calls === undefined ? SETTINGS.assistant!(null) : [...calling(null), result]
      const text = this.#tried(messages)
      return text !== undefined && !PRINTED_NONE.test(text)
    })
  }

  #found(key: string, find: () => boolean): boolean {
    const known = this.#known.get(key) ?? find()
    this.#known.set(key, known)
    return known
  }

  #tried(messages: readonly PlainMessage[]): string | undefined {
    try {
      return this.render(messages)
    } catch (error) {
      if (error instanceof ChatTemplateError) return undefined
      throw error
    }
  }
}

/**
 * The text of messages as they are. Where the template refuses them and neighbours have one role, these are joined as
 * mistral-common joins them, and it is asked again: many templates demand that roles alternate.
 */
export function renderMerging(messages: readonly PlainMessage[], merge: boolean, render: Render): string {
  try {
    return render(messages)
  } catch (error) {
    if (!(error instanceof ConversationError) || !merge) throw error
    const merged = mergeNeighbours(messages)
    if (merged.length === messages.length) throw error
    try {
      return render(merged)
    } catch (again) {
      throw again instanceof ConversationError ? error : again
    }
  }
}

const MERGED_FIELDS = ['role', 'content', 'tool_calls', 'prefix']

/** Users' messages that stand together become one, joined with an empty line; so do an assistant's, and system prompts. */
function mergeNeighbours(messages: readonly PlainMessage[]): PlainMessage[] {
  const groups: PlainMessage[][] = []
  for (const message of messages) {
    const group = groups.at(-1)
    if (group !== undefined && joins(group.at(-1)!, message)) group.push(message)
    else groups.push([message])
  }
  return groups.map((group) => (group.length === 1 ? group[0]! : joined(group)))
}

function joins(a: PlainMessage, b: PlainMessage): boolean {
  const plain = [a, b].every((message) => Object.keys(message).every((field) => MERGED_FIELDS.includes(field)))
  return plain && a.role === b.role && a.role !== 'tool'
}

function joined(group: readonly PlainMessage[]): PlainMessage {
  const calls = group.flatMap(({ tool_calls: some }) => some ?? [])
  const parts = group.flatMap(({ content }) => asParts(content))
  const thinks = parts.some(({ type }) => type !== 'text')
  const content = thinks ? parts : textsOf(parts).join('\n\n')
  return { ...group[0]!, ...group.at(-1)!, content, ...(calls.length > 0 && { tool_calls: calls }) }
}

function asParts(content: Content): readonly PlainPart[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? [])
}

/** The parts that are not empty. */
function textsOf(content: Content): string[] {
  return asParts(content).flatMap((part) => (part.type === 'text' && part.text !== '' ? [part.text] : []))
}
