/**
 * Mistral's own prompt formats, for checkpoints that bring no chat template. They follow mistral-common, which builds ids
 * directly: each content is encoded by itself between control tokens.
 */
import { ChatTemplateError } from '../errors.ts'
import type { PlainMessage, Tool, ToolCall } from './chat-messages.ts'
import type { Tokenizer } from './tokenizer.ts'

/** `v1` knows no control tokens beside BOS and EOS; `v7` has a block for the system prompt. */
export type BuiltInVersion = 'v1' | 'v3' | 'v7'

/** A piece of a prompt: a control token by name, or text that is encoded by itself. */
export type PromptPart = { readonly control: string } | { readonly text: string }

const ALTERNATE = 'Conversation roles must alternate user/assistant/user/assistant/...'
const CALL_ID = /^[a-zA-Z0-9]{9}$/
const FUNCTION_NAME = /^[a-zA-Z0-9_-]{1,64}$/

/** The format that a vocabulary was made for, told by its control tokens. */
export function builtInVersion(tokenizer: Tokenizer): BuiltInVersion {
  const has = (name: string) => tokenizer.specialTokens.has(name)
  if (!has('[INST]') || !has('[/INST]')) return 'v1'
  return has('[SYSTEM_PROMPT]') && has('[/SYSTEM_PROMPT]') ? 'v7' : 'v3'
}

/** @throws ChatTemplateError when the conversation does not fit the format */
export function builtInParts(
  version: BuiltInVersion,
  messages: readonly PlainMessage[],
  tools: readonly Tool[] | undefined,
  names: { bos: string; eos: string },
): PromptPart[] {
  if (
    version !== 'v3' &&
    (tools !== undefined || messages.some((m) => m.tool_calls !== undefined || m.role === 'tool'))
  ) {
    throw new ChatTemplateError(
      `the built-in ${version} chat format has no tools; the checkpoint needs a chat template`,
    )
  }
  const { system, turns } = arrange(messages)
  const lastUser = turns.findLastIndex((turn) => turn.role === 'user')
  const parts: PromptPart[] = [{ control: names.bos }]
  if (version === 'v7' && system !== undefined) parts.push(...block('SYSTEM_PROMPT', system))
  for (const [i, turn] of turns.entries()) {
    if (turn.role === 'user') {
      const takesSystem = version === 'v1' ? i === 0 : version === 'v3' && i === lastUser
      const text = takesSystem && system !== undefined ? `${system}\n\n${turn.content}` : turn.content
      if (tools !== undefined && i === lastUser) parts.push(...block('AVAILABLE_TOOLS', toolsJson(tools)))
      parts.push(...(version === 'v1' ? [{ text: `[INST] ${text} [/INST]` }] : block('INST', text)))
    } else if (turn.role === 'tool') {
      parts.push(...block('TOOL_RESULTS', toolResultJson(turn)))
    } else if (turn.tool_calls !== undefined) {
      parts.push({ control: '[TOOL_CALLS]' }, { text: toolCallsJson(turn) }, { control: names.eos })
    } else {
      const text = version === 'v1' ? turn.content : turn.content.replace(/ +$/, '')
      parts.push({ text }, { control: names.eos })
    }
  }
  return parts
}

function block(name: string, text: string): PromptPart[] {
  return [{ control: `[${name}]` }, { text }, { control: `[/${name}]` }]
}

/**
 * Takes the system messages out and joins neighbours of one role, as mistral-common does before it encodes, then checks
 * the order: user first, an answer after each user or tool result, tool results after tool calls.
 */
function arrange(messages: readonly PlainMessage[]): { system: string | undefined; turns: PlainMessage[] } {
  const system: string[] = []
  const turns: PlainMessage[] = []
  for (const [i, message] of messages.entries()) {
    if (message.role === 'system') {
      system.push(message.content)
      continue
    }
    const last = turns.at(-1)
    const joins = last?.role === message.role && message.role !== 'tool' && !last.tool_calls && !message.tool_calls
    if (joins) turns[turns.length - 1] = { ...last, content: `${last.content}\n\n${message.content}` }
    else if (follows(message, last, i)) turns.push(message)
    else throw new ChatTemplateError(`${ALTERNATE} (messages[${i}] is "${message.role}")`)
  }
  if (turns.length === 0) throw new ChatTemplateError(`${ALTERNATE} (there is no user message)`)
  return { system: system.length === 0 ? undefined : system.join('\n\n'), turns }
}

function follows(message: PlainMessage, last: PlainMessage | undefined, index: number): boolean {
  switch (message.role) {
    case 'user':
      return last === undefined || (last.role === 'assistant' && last.tool_calls === undefined)
    case 'assistant':
      if (message.tool_calls !== undefined && message.content !== '') {
        throw new ChatTemplateError(`messages[${index}] has content and tool_calls; the chat format allows one of them`)
      }
      return last?.role === 'user' || last?.role === 'tool'
    case 'tool':
      return last?.role === 'tool' || last?.tool_calls !== undefined
    default:
      throw new ChatTemplateError(
        `messages[${index}].role is "${message.role}"; the chat format has system, user, assistant and tool`,
      )
  }
}

function toolsJson(tools: readonly Tool[]): string {
  return pythonJson(
    tools.map(({ function: { name, description, parameters } }) => {
      checkName(name)
      return { type: 'function', function: { name, description: description ?? '', parameters: parameters ?? {} } }
    }),
  )
}

function toolCallsJson(message: PlainMessage): string {
  const calls = (message.tool_calls as readonly ToolCall[]).map(({ id, function: fn }) => {
    checkName(fn.name)
    return { name: fn.name, arguments: parsed(fn.arguments), id: checkId(id) }
  })
  return pythonJson(calls)
}

function toolResultJson(message: PlainMessage): string {
  return pythonJson({ content: parsed(message.content), call_id: checkId(message.tool_call_id) })
}

function checkName(name: string): void {
  if (!FUNCTION_NAME.test(name)) {
    throw new ChatTemplateError(`the function name "${name}" must be 1 to 64 letters, digits, "_" or "-"`)
  }
}

function checkId(id: string | undefined): string {
  if (id === undefined || !CALL_ID.test(id)) {
    throw new ChatTemplateError(`the tool call id ${JSON.stringify(id)} must be 9 letters or digits`)
  }
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
