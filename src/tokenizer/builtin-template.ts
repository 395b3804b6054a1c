/**
 * Mistral's own prompt formats, for checkpoints that bring no chat template. They follow mistral-common, which builds ids
 * directly: each content is encoded by itself between control tokens.
 */
import { ParameterError } from '../errors.ts'
import { checkFunctionName, type PlainMessage, type Tool, type ToolCall } from './chat-messages.ts'
import type { Tokenizer } from './tokenizer.ts'

/** `v1` knows no control tokens beside BOS and EOS; `v7` has a block for the system prompt. */
export type BuiltInVersion = 'v1' | 'v3' | 'v7'

/** A piece of a prompt: a control token by name, or text that is encoded by itself. */
export type PromptPart = { readonly control: string } | { readonly text: string }

const ALTERNATE = 'Conversation roles must alternate user/assistant/user/assistant/...'
const CALL_ID = /^[a-zA-Z0-9]{9}$/

/** The format that a vocabulary was made for, told by its control tokens. */
export function builtInVersion(tokenizer: Tokenizer): BuiltInVersion {
  const has = (name: string) => tokenizer.specialTokens.has(name)
  if (!has('[INST]') || !has('[/INST]')) return 'v1'
  return has('[SYSTEM_PROMPT]') && has('[/SYSTEM_PROMPT]') ? 'v7' : 'v3'
}

/** A message and where the request has it. */
interface Turn {
  readonly message: PlainMessage
  readonly at: string
}

/** @throws ParameterError naming `messages[i].field` or `tools[i].field` when the conversation does not fit the format */
export function builtInParts(
  version: BuiltInVersion,
  messages: readonly PlainMessage[],
  tools: readonly Tool[] | undefined,
  names: { bos: string; eos: string },
): PromptPart[] {
  if (version !== 'v3') refuseTools(version, messages, tools)
  const { system, turns } = arrange(messages)
  const lastUser = turns.findLastIndex(({ message }) => message.role === 'user')
  const parts: PromptPart[] = [{ control: names.bos }]
  if (version === 'v7' && system !== undefined) parts.push(...block('SYSTEM_PROMPT', system))
  for (const [i, { message, at }] of turns.entries()) {
    const { role, content, tool_calls: calls } = message
    if (role === 'user') {
      const takesSystem = version === 'v1' ? i === 0 : version === 'v3' && i === lastUser
      const text = takesSystem && system !== undefined ? `${system}\n\n${content}` : content
      if (tools !== undefined && i === lastUser) parts.push(...block('AVAILABLE_TOOLS', toolsJson(tools)))
      parts.push(...(version === 'v1' ? [{ text: `[INST] ${text} [/INST]` }] : block('INST', text)))
    } else if (role === 'tool') {
      parts.push(...block('TOOL_RESULTS', toolResultJson(message, `${at}.tool_call_id`)))
    } else if (calls !== undefined) {
      parts.push(
        { control: '[TOOL_CALLS]' },
        { text: toolCallsJson(calls, `${at}.tool_calls`) },
        { control: names.eos },
      )
    } else {
      parts.push({ text: version === 'v1' ? content : content.replace(/ +$/, '') }, { control: names.eos })
    }
  }
  return parts
}

function refuseTools(
  version: BuiltInVersion,
  messages: readonly PlainMessage[],
  tools: readonly Tool[] | undefined,
): void {
  const fact = `the built-in ${version} chat format has no tools; the checkpoint needs a chat template`
  if (tools !== undefined) throw new ParameterError('tools', tools, fact)
  for (const [i, { role, tool_calls: calls }] of messages.entries()) {
    if (calls !== undefined) throw new ParameterError(`messages[${i}].tool_calls`, calls, fact)
    if (role === 'tool') throw new ParameterError(`messages[${i}].role`, role, fact)
  }
}

function block(name: string, text: string): PromptPart[] {
  return [{ control: `[${name}]` }, { text }, { control: `[/${name}]` }]
}

/**
 * Takes the system messages out and joins neighbours of one role, as mistral-common does before it encodes, then checks
 * the order: user first, an answer after each user or tool result, tool results after tool calls.
 */
function arrange(messages: readonly PlainMessage[]): { system: string | undefined; turns: Turn[] } {
  const system: string[] = []
  const turns: Turn[] = []
  for (const [i, message] of messages.entries()) {
    const { role, content } = message
    if (role === 'system') {
      system.push(content)
      continue
    }
    const at = `messages[${i}]`
    const last = turns.at(-1)
    const before = last?.message
    const joins = before?.role === role && role !== 'tool' && !before.tool_calls && !message.tool_calls
    if (joins)
      turns[turns.length - 1] = { ...last!, message: { ...before, content: `${before.content}\n\n${content}` } }
    else if (follows(message, before, at)) turns.push({ message, at })
    else throw new ParameterError(`${at}.role`, role, ALTERNATE)
  }
  if (turns.length === 0) throw new ParameterError('messages', messages, `${ALTERNATE}; there is no user message`)
  return { system: system.length === 0 ? undefined : system.join('\n\n'), turns }
}

function follows(
  { role, content, tool_calls: calls }: PlainMessage,
  last: PlainMessage | undefined,
  at: string,
): boolean {
  switch (role) {
    case 'user':
      return last === undefined || (last.role === 'assistant' && last.tool_calls === undefined)
    case 'assistant':
      if (calls !== undefined && content !== '') {
        throw new ParameterError(
          `${at}.content`,
          content,
          'must be empty where there are tool_calls, in this chat format',
        )
      }
      return last?.role === 'user' || last?.role === 'tool'
    case 'tool':
      return last?.role === 'tool' || last?.tool_calls !== undefined
    default:
      throw new ParameterError(`${at}.role`, role, 'must be system, user, assistant or tool, in this chat format')
  }
}

function toolsJson(tools: readonly Tool[]): string {
  return pythonJson(
    tools.map(({ function: { name, description, parameters } }) => {
      return { type: 'function', function: { name, description: description ?? '', parameters: parameters ?? {} } }
    }),
  )
}

function toolCallsJson(calls: readonly ToolCall[], at: string): string {
  return pythonJson(
    calls.map(({ id, function: { name, arguments: args } }, i) => {
      checkFunctionName(name, `${at}[${i}].function.name`)
      return { name, arguments: parsed(args ?? {}), id: checkId(id, `${at}[${i}].id`) }
    }),
  )
}

function toolResultJson({ content, tool_call_id: id }: PlainMessage, at: string): string {
  return pythonJson({ content: parsed(content), call_id: checkId(id, at) })
}

function checkId(id: string | undefined, at: string): string {
  if (id === undefined || !CALL_ID.test(id)) throw new ParameterError(at, id, 'must be 9 letters or digits')
  return id
}

/** A number of JSON text, kept as it was written: a double would change `12345678901234567890`, and `22.0`. */
class NumberText {
  constructor(readonly text: string) {}
}

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** A string that holds JSON is embedded as what it holds, numbers as {@link NumberText}. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    const plain = JSON.stringify(JSON.parse(value))
    // Marks the strings that stand for numbers, so it must be in no other.
    let mark = '\ufdd0'
    while (plain.includes(mark)) mark += '\ufdd0'
    const marked = value.replace(STRING_OR_NUMBER, (part) => (part[0] === '"' ? part : `"${mark}${part}"`))
    return JSON.parse(marked, (_, item: unknown) =>
      typeof item === 'string' && item.startsWith(mark) ? new NumberText(item.slice(mark.length)) : item,
    )
  } catch {
    return value
  }
}

/** JSON spaced as Python's `json.dumps(value, ensure_ascii=False)` does, which the models were trained on. */
function pythonJson(value: unknown): string {
  if (value instanceof NumberText) return value.text
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}: ${pythonJson(item)}`).join(', ')}}`
}
