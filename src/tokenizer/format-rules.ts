/** How Mistral's own chat formats are written, one table entry for each version, as mistral-common writes them. */
import { tryParseJson } from '../json/parse.ts'
import { pythonJson } from '../json/python.ts'
import type { JsonValue } from '../json/value.ts'
import type { ChatFormat } from './chat-format.ts'

/** A piece of a prompt: a control token by name, or text that is encoded by itself. */
export type PromptPart = { readonly control: string } | { readonly text: string }

export interface Call {
  readonly id: string | undefined
  readonly name: string
  readonly arguments: JsonValue
}

export interface Result {
  readonly id: string | undefined
  /** Of the function. */
  readonly name: string | undefined
  readonly content: string
}

/** The rules that set a version apart. */
export interface FormatRules {
  /** The user message that all system prompts together go before; undefined where each is a block in its own place. */
  readonly systemBefore: 'first' | 'last' | undefined
  /** The user message that tools, and settings of the model, stand before; undefined where there are none. */
  readonly toolsBefore: 'first' | 'last' | undefined
  /** Between the parts of one content. Messages that become one are always joined with an empty line. */
  readonly partJoint: string
  /** The form of the ids of calls: 9 letters or digits, any text, or nothing at all. */
  readonly ids: 'nine' | 'some' | 'none'
  /** Results are matched with their calls by id, and stand in the order of these. */
  readonly matchesIds: boolean
  /** An assistant message may have both text and calls. */
  readonly textWithCalls: boolean
  /** Calls and results before the last user message are written too. */
  readonly oldCalls: boolean
  /** The roles whose messages may hold thoughts. */
  readonly thinkers: readonly string[]
  readonly user: (text: string) => PromptPart[]
  readonly answer: (text: string) => PromptPart[]
  readonly calls: (calls: readonly Call[]) => PromptPart[]
  readonly result: (result: Result) => PromptPart[]
  /** By the value of `reasoning_effort`; undefined where there is no such setting. */
  readonly settings: { readonly [effort: string]: readonly PromptPart[] } | undefined
}

const control = (name: string): PromptPart => ({ control: `[${name}]` })
export const block = (name: string, ...inside: PromptPart[]): PromptPart[] => [
  control(name),
  ...inside,
  control(`/${name}`),
]
const effort = (value: string) => block('MODEL_SETTINGS', { text: `{"reasoning_effort": "${value}"}` })
/** A pattern would look at each run of spaces from each of its places. */
function withoutSpacesAtEnd(text: string): string {
  let end = text.length
  while (end > 0 && text[end - 1] === ' ') end--
  return text.slice(0, end)
}

/** A result that is JSON is written as what it holds. */
function embedded(content: string): JsonValue {
  const value = content === '' ? {} : tryParseJson(content)
  return value === undefined ? content : value
}
const callList = (calls: readonly object[]): PromptPart[] => [control('TOOL_CALLS'), { text: pythonJson(calls) }]

const V1: FormatRules = {
  systemBefore: 'first',
  toolsBefore: undefined,
  partJoint: '\n\n',
  ids: 'none',
  matchesIds: false,
  textWithCalls: false,
  oldCalls: false,
  thinkers: [],
  user: (text) => [{ text: `[INST] ${text} [/INST]` }],
  answer: (text) => [{ text }],
  calls: () => [],
  result: () => [],
  settings: undefined,
}
const V2: FormatRules = {
  ...V1,
  systemBefore: 'last',
  toolsBefore: 'last',
  user: (text) => block('INST', { text }),
  answer: (text) => [{ text: withoutSpacesAtEnd(text) }],
  calls: (calls) => callList(calls.map(({ name, arguments: args }) => ({ name, arguments: args }))),
  result: ({ name, content }) => {
    return block('TOOL_RESULTS', { text: pythonJson([{ name: name ?? null, content: embedded(content) }]) })
  },
}
const V3: FormatRules = {
  ...V2,
  ids: 'nine',
  oldCalls: true,
  calls: (calls) => callList(calls.map(({ id, name, arguments: args }) => ({ name, arguments: args, id }))),
  result: ({ id, content }) => block('TOOL_RESULTS', { text: pythonJson({ content: embedded(content), call_id: id }) }),
}
const V7: FormatRules = {
  ...V3,
  systemBefore: undefined,
  textWithCalls: true,
  result: ({ id, content }) => {
    return block('TOOL_RESULTS', { text: id as string }, control('TOOL_CONTENT'), { text: content })
  },
}
const V11: FormatRules = {
  ...V7,
  matchesIds: true,
  calls: (calls) =>
    calls.flatMap(({ id, name, arguments: args }) => [
      control('TOOL_CALLS'),
      { text: name },
      control('CALL_ID'),
      { text: id as string },
      control('ARGS'),
      { text: pythonJson(args) },
    ]),
}
const V13: FormatRules = {
  ...V11,
  toolsBefore: 'first',
  ids: 'some',
  thinkers: ['assistant', 'system'],
  calls: (calls) =>
    calls.flatMap(({ name, arguments: args }) => [
      control('TOOL_CALLS'),
      { text: name },
      control('ARGS'),
      { text: pythonJson(args) },
    ]),
  result: ({ content }) => block('TOOL_RESULTS', { text: content }),
}
const V15: FormatRules = {
  ...V13,
  partJoint: '',
  thinkers: ['assistant'],
  settings: { none: effort('none'), high: effort('high') },
}

export const FORMAT_RULES: Readonly<Record<ChatFormat, FormatRules>> = {
  v1: V1,
  v2: V2,
  v3: V3,
  v7: V7,
  v11: V11,
  v13: V13,
  v15: V15,
}
