/** Messages as mistral-common 1.12 arranges them before it writes them: checked for their order, neighbours joined. */
import { ParameterError } from '../errors.ts'
import { argumentsOf } from './calls.ts'
import { checkResultIds, continuesLast, type PlainMessage, type PlainPart } from './chat-messages.ts'
import type { Call, FormatRules, Result } from './format-rules.ts'
import { checkFunctionName } from './tools.ts'

/** Text, or, where there are thoughts, parts that are encoded one by one. */
export type Content = string | readonly PlainPart[]

/** Messages of one role that stand together, as one. Results of tools, and system messages, stay apart. */
export type Turn =
  | { readonly role: 'system' | 'user'; readonly content: Content }
  | {
      readonly role: 'assistant'
      readonly content: Content
      readonly calls: readonly Call[]
      /** The answer goes on with it. */
      readonly open: boolean
    }
  | { readonly role: 'tool'; readonly result: Result }

export interface Conversation {
  /** Undefined where there is none, and where system messages are turns of their own. */
  readonly system: string | undefined
  readonly turns: readonly Turn[]
}

/** A message with its place in the request. */
interface Placed {
  readonly message: PlainMessage
  readonly content: Content
  readonly at: string
}

const NEXT: Readonly<Record<string, readonly string[]>> = {
  system: ['user', 'assistant', 'system'],
  user: ['assistant', 'system', 'user'],
  assistant: ['assistant', 'user', 'tool'],
  tool: ['assistant', 'tool', 'user'],
}
/** The fields that a message may hold beside role and content. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  system: [],
  user: [],
  assistant: ['tool_calls', 'prefix', 'reasoning_content', 'reasoning'],
  tool: ['tool_call_id', 'name'],
}
const CALL_ID = /^[a-zA-Z0-9]{9}$/
const MESSAGE_JOINT = '\n\n'

/**
 * The rule for neighbours: users' messages that stand together become one, joined with an empty line, and so do an
 * assistant's with their calls. Two users' messages with a system message between them stay two.
 * @param merge false refuses neighbours of one role instead
 * @throws ParameterError naming `messages[i].field`
 */
export function arrange(messages: readonly PlainMessage[], rules: FormatRules, merge: boolean): Conversation {
  for (const [i, message] of messages.entries()) checkFields(message, `messages[${i}]`)
  checkOrder(messages, merge)
  if (rules.ids !== 'none') checkResultIds(messages)
  checkResults(messages, rules)
  const placed = messages.map((message, i): Placed => {
    const at = `messages[${i}]`
    return { message, content: contentOf(message, rules, at), at }
  })
  const turns: Turn[] = []
  const open = continuesLast(messages)
  let callIds: string[] = []
  for (const group of groups(placed)) {
    const own = asTurns(group, rules, open && group.at(-1) === placed.at(-1))
    const [first] = own
    if (first?.role === 'assistant') callIds = first.calls.map(({ id }) => id ?? '')
    turns.push(...(rules.matchesIds && first?.role === 'tool' ? inOrderOf(callIds, own) : own))
  }
  if (rules.systemBefore === undefined) return { system: undefined, turns }
  const others = turns.filter(({ role }) => role !== 'system')
  // Where the system prompt is part of a user's message, there must be one.
  if (others[0]?.role !== 'user') others.unshift({ role: 'user', content: '' })
  return { system: systemPrompt(placed, rules), turns: others }
}

/** Results in the order of their calls. */
function inOrderOf(callIds: readonly string[], turns: readonly Turn[]): Turn[] {
  const places = new Map(callIds.map((id, i) => [id, i]))
  const place = (turn: Turn) => (turn.role === 'tool' ? places.get(turn.result.id ?? '') : undefined) ?? callIds.length
  return [...turns].sort((a, b) => place(a) - place(b))
}

function checkFields(message: PlainMessage, at: string): void {
  const { role, content } = message
  const known = Object.hasOwn(FIELDS, role) ? FIELDS[role] : undefined
  if (known === undefined) {
    throw new ParameterError(`${at}.role`, role, 'must be system, user, assistant or tool, in this chat format')
  }
  refuseOthers(
    message,
    ['role', 'content', ...known],
    at,
    `has no place in a message of the ${role}, in this chat format`,
  )
  if (content === null || typeof content === 'string') return
  for (const [i, part] of content.entries()) {
    const own = part.type === 'text' ? ['type', 'text'] : ['type', 'thinking', 'closed']
    refuseOthers(part, own, `${at}.content[${i}]`, 'has no place in this chat format')
  }
}

/** Fields that are null or an empty list say nothing, and can be left out. */
function refuseOthers(fields: object, known: readonly string[], at: string, fact: string): void {
  for (const [name, value] of Object.entries(fields)) {
    const says = value !== null && !(Array.isArray(value) && value.length === 0)
    if (says && !known.includes(name)) throw new ParameterError(`${at}.${name}`, value, fact)
  }
}

function checkOrder(messages: readonly PlainMessage[], merge: boolean): void {
  const [first] = messages
  if (messages.length === 1 && first!.role !== 'user' && first!.role !== 'system') {
    throw new ParameterError('messages[0].role', first!.role, 'must be user or system where it is the only message')
  }
  for (const [i, { role }] of messages.entries()) {
    const before = messages[i - 1]?.role
    if (before === undefined) continue
    const at = `messages[${i}].role`
    if (!NEXT[before]!.includes(role)) {
      throw new ParameterError(at, role, `cannot follow a message of the ${before}, in this chat format`)
    }
    if (!merge && role === before && (role === 'user' || role === 'assistant')) {
      throw new ParameterError(at, role, 'is that of the message before it; roles must alternate')
    }
  }
}

/** Before the assistant speaks again, each of its calls has one result. */
function checkResults(messages: readonly PlainMessage[], { matchesIds }: FormatRules): void {
  let callIds = new Set<string | undefined>()
  let answered = new Set<string | undefined>()
  let [calls, results] = [0, 0]
  for (const [i, message] of messages.entries()) {
    const { role, tool_call_id: id } = message
    const at = `messages[${i}]`
    if (role === 'tool') {
      results++
      if (!matchesIds) continue
      const place = `${at}.tool_call_id`
      if (answered.has(id)) throw new ParameterError(place, id, 'answers a call that has its result already')
      if (!callIds.has(id))
        throw new ParameterError(place, id, 'is the id of no call in the assistant message before it')
      answered.add(id)
    } else if (role === 'assistant') {
      if (calls !== results) {
        const fact = `comes after ${results} results of ${calls} calls; each call needs one`
        throw new ParameterError(`${at}.role`, role, fact)
      }
      callIds = idsOfCalls(message, at, matchesIds)
      answered = new Set()
      calls = message.tool_calls?.length ?? 0
      results = 0
    }
  }
}

function idsOfCalls({ tool_calls: calls = [] }: PlainMessage, at: string, unique: boolean): Set<string | undefined> {
  const ids = new Set<string | undefined>()
  for (const [i, { id }] of calls.entries()) {
    if (unique && ids.has(id))
      throw new ParameterError(`${at}.tool_calls[${i}].id`, id, 'is the id of another call beside it')
    ids.add(id)
  }
  return ids
}

/** The content with the thought that stands in a field of its own before it. */
function contentOf(message: PlainMessage, { thinkers }: FormatRules, at: string): Content {
  const { role } = message
  const content = message.content ?? ''
  const field = ['reasoning_content', 'reasoning'].find((name) => message[name] ?? '')
  const thought = typeof content === 'string' ? -1 : content.findIndex(({ type }) => type === 'thinking')
  if (!thinkers.includes(role)) {
    const fact = 'is a thought, for which this chat format has no place'
    if (field !== undefined) throw new ParameterError(`${at}.${field}`, message[field], fact)
    if (thought >= 0) throw new ParameterError(`${at}.content[${thought}].type`, 'thinking', fact)
  }
  if (field === undefined) return content
  if (thought >= 0) {
    throw new ParameterError(`${at}.${field}`, message[field], 'stands beside a thought in the content; one is enough')
  }
  const parts = typeof content === 'string' ? [{ type: 'text', text: content } as const] : content
  return [{ type: 'thinking', thinking: message[field] as string }, ...parts]
}

function groups(messages: readonly Placed[]): Placed[][] {
  const all: Placed[][] = []
  for (const placed of messages) {
    const last = all.at(-1)
    if (last?.[0]?.message.role === placed.message.role) last.push(placed)
    else all.push([placed])
  }
  return all
}

function asTurns(group: readonly Placed[], rules: FormatRules, open: boolean): Turn[] {
  switch (group[0]!.message.role) {
    case 'system':
      return group.map(({ content }) => ({ role: 'system', content: joined([content], rules) }))
    case 'user':
      return [{ role: 'user', content: joined(contents(group), rules) }]
    case 'tool':
      return group.map((placed) => ({ role: 'tool', result: resultOf(placed, rules) }))
    default:
      return [assistantTurn(group, rules, open)]
  }
}

const contents = (group: readonly Placed[]): Content[] => group.map(({ content }) => content)

function systemPrompt(messages: readonly Placed[], rules: FormatRules): string | undefined {
  const prompts = messages.filter(({ message, content }) => message.role === 'system' && content.length > 0)
  const text = prompts.map(({ content }) => joined([content], rules)).join(MESSAGE_JOINT)
  return text === '' ? undefined : text
}

function resultOf({ message, content, at }: Placed, rules: FormatRules): Result {
  const { tool_call_id: id, name } = message
  checkId(id, rules.ids, `${at}.tool_call_id`)
  if (name !== undefined && name !== null) checkFunctionName(name, `${at}.name`)
  return { id, name: (name as string | null | undefined) ?? undefined, content: joined([content], rules) as string }
}

function assistantTurn(group: readonly Placed[], rules: FormatRules, open: boolean): Turn {
  const { textWithCalls } = rules
  for (const { message, content, at } of group) {
    if (!textWithCalls && content.length > 0 && message.tool_calls !== undefined) {
      throw new ParameterError(
        `${at}.content`,
        content,
        'must be empty where there are tool_calls, in this chat format',
      )
    }
    if (!textWithCalls && content.length === 0 && message.tool_calls === undefined) throw emptyAnswer(at)
  }
  const content = joined(contents(group), rules)
  const calls = group.flatMap(({ message, at }) => callsOf(message, rules, `${at}.tool_calls`))
  const { at } = group[0]!
  if (content.length === 0 && calls.length === 0) throw emptyAnswer(at)
  if (!textWithCalls && content.length > 0 && calls.length > 0) {
    const fact = 'cannot be joined with the text of the assistant message beside them, in this chat format'
    const caller = group.find(({ message }) => message.tool_calls !== undefined)!
    throw new ParameterError(`${caller.at}.tool_calls`, caller.message.tool_calls, fact)
  }
  return { role: 'assistant', content, calls, open }
}

function emptyAnswer(at: string): ParameterError {
  return new ParameterError(`${at}.content`, '', 'must not be empty in an assistant message without tool_calls')
}

function callsOf({ tool_calls: calls = [] }: PlainMessage, { ids }: FormatRules, at: string): Call[] {
  return calls.map(({ id, function: { name, arguments: args } }, i) => {
    checkFunctionName(name, `${at}[${i}].function.name`)
    checkId(id, ids, `${at}[${i}].id`)
    return { id, name, arguments: argumentsOf(args)! }
  })
}

function checkId(id: string | undefined, rule: FormatRules['ids'], at: string): void {
  if (rule === 'nine' && (id === undefined || !CALL_ID.test(id))) {
    throw new ParameterError(at, id, 'must be 9 letters or digits')
  }
  if (rule === 'some' && (id === undefined || id === '' || id === 'null')) {
    throw new ParameterError(at, id, 'must be a text that is not empty')
  }
}

/** Empty texts are left out; texts with nothing but thoughts between them stay apart. */
function joined(all: readonly Content[], { partJoint }: FormatRules): Content {
  const parts: PlainPart[] = []
  let text: string | undefined
  const flush = () => {
    if (text !== undefined) parts.push({ type: 'text', text })
    text = undefined
  }
  for (const content of all) {
    let joint = MESSAGE_JOINT
    for (const part of typeof content === 'string' ? [{ type: 'text', text: content } as const] : content) {
      if (part.type !== 'text') {
        flush()
        parts.push(part)
      } else if (part.text !== '') {
        text = text === undefined ? part.text : text + joint + part.text
        joint = partJoint
      }
    }
  }
  if (parts.length === 0) return text ?? ''
  flush()
  return parts
}
