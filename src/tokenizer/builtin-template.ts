/**
 * Mistral's own prompt formats, for checkpoints that bring no chat template. They follow mistral-common, which builds ids
 * directly: each content is encoded by itself between control tokens.
 */
import { ChatTemplateError, ParameterError } from '../errors.ts'
import { pythonJson } from '../json/python.ts'
import { type ChatFormat, formatsOf } from './chat-format.ts'
import type { PlainMessage } from './chat-messages.ts'
import { block, FORMAT_RULES, type FormatRules, type PromptPart } from './format-rules.ts'
import { nameOf, type PromptSettings, type PromptWriter, thinksUnasked } from './prompt-writer.ts'
import type { Tokenizer } from './tokenizer.ts'
import type { Tool } from './tools.ts'
import { arrange, type Content, type Turn } from './turns.ts'

interface BuiltInOptions {
  readonly tools: readonly Tool[] | undefined
  readonly reasoningEffort: string | undefined
  readonly variables: Readonly<Record<string, unknown>>
  /** Neighbours of one role become one message; false refuses them. */
  readonly merge: boolean
  /** Control tokens of the vocabulary by name; it has no others. */
  readonly specialTokens: ReadonlyMap<string, number>
  readonly bos: string
  readonly eos: string
}

/** A prompt in Mistral's own format: the one given, else the one that the vocabulary was made for. */
export class BuiltInPrompt implements PromptWriter {
  readonly #format: ChatFormat | undefined

  constructor(format: ChatFormat | undefined) {
    this.#format = format
  }

  takesTools(tokenizer: Tokenizer): boolean {
    return !this.#formats(tokenizer).includes('v1')
  }

  write(messages: readonly PlainMessage[], tokenizer: Tokenizer, settings: PromptSettings): PromptPart[] {
    const { specialTokens } = tokenizer
    const [bos, eos] = [nameOf(tokenizer, tokenizer.bosId), nameOf(tokenizer, tokenizer.eosId)]
    return builtInParts(this.#formats(tokenizer), messages, { ...settings, specialTokens, bos, eos })
  }

  #formats(tokenizer: Tokenizer): readonly ChatFormat[] {
    return this.#format === undefined ? formatsOf(tokenizer) : [this.#format]
  }
}

/**
 * The prompt in the format of the vocabulary. Where more than one is possible, it is written in each.
 * @throws ParameterError naming `messages[i].field`, `tools` or `reasoning_effort` when the conversation does not fit the
 *   format; ChatTemplateError when the possible formats write it differently
 */
function builtInParts(
  formats: readonly ChatFormat[],
  messages: readonly PlainMessage[],
  options: BuiltInOptions,
): PromptPart[] {
  const written: PromptPart[][] = []
  let refusal: unknown
  for (const format of formats) {
    try {
      written.push(partsOf(format, messages, options))
    } catch (error) {
      refusal = error
    }
  }
  const [parts, ...others] = written
  if (parts === undefined) throw refusal
  const same = JSON.stringify(parts)
  if (others.every((other) => JSON.stringify(other) === same)) return parts
  throw new ChatTemplateError(
    `the checkpoint has no chat template, and its vocabulary can be of the formats ${formats.join(' and ')}, which write ` +
      'this conversation differently: load it with the option chatFormat, or with a chatTemplate',
  )
}

function partsOf(format: ChatFormat, messages: readonly PlainMessage[], options: BuiltInOptions): PromptPart[] {
  const { tools, bos, eos, specialTokens } = options
  const known: FormatRules = FORMAT_RULES[format]
  // mistral-common refuses thoughts where the vocabulary has no tokens for them, too.
  const rules = ['[THINK]', '[/THINK]'].every((name) => specialTokens.has(name)) ? known : { ...known, thinkers: [] }
  if (rules.toolsBefore === undefined) refuseTools(format, messages, tools)
  const { system, turns } = arrange(messages, rules, options.merge)
  const users = turns.flatMap(({ role }, i) => (role === 'user' ? [i] : []))
  const place = (which: 'first' | 'last' | undefined) =>
    which === undefined ? -1 : (users.at(which === 'first' ? 0 : -1) ?? -1)
  const [systemPlace, toolsPlace, lastUser] = [place(rules.systemBefore), place(rules.toolsBefore), place('last')]
  if (tools !== undefined && toolsPlace < 0) throw new ParameterError('tools', tools, "need a user's message")
  refuseVariables(options.variables)
  const settings = settingsOf(rules, options)
  const parts: PromptPart[] = [{ control: bos }]
  for (const [i, turn] of turns.entries()) {
    if (i === toolsPlace) parts.push(...toolParts(tools), ...settings)
    const before = i === systemPlace ? system : undefined
    if (i > lastUser || rules.oldCalls || !isCall(turn)) parts.push(...turnParts(turn, rules, before, eos))
  }
  return withKnownControls(parts, format, options)
}

function refuseTools(format: ChatFormat, messages: readonly PlainMessage[], tools: BuiltInOptions['tools']): void {
  const fact = `the built-in ${format} chat format has no tools; the checkpoint needs a chat template`
  if (tools !== undefined) throw new ParameterError('tools', tools, fact)
  for (const [i, { role, tool_calls: calls }] of messages.entries()) {
    if (calls !== undefined) throw new ParameterError(`messages[${i}].tool_calls`, calls, fact)
    if (role === 'tool') throw new ParameterError(`messages[${i}].role`, role, fact)
  }
}

/** v2 leaves these out before the last user message. */
function isCall(turn: Turn): boolean {
  return turn.role === 'tool' || (turn.role === 'assistant' && turn.calls.length > 0)
}

function turnParts(turn: Turn, rules: FormatRules, system: string | undefined, eos: string): PromptPart[] {
  switch (turn.role) {
    case 'system':
      return block('SYSTEM_PROMPT', ...contentParts(turn.content))
    case 'user':
      return rules.user(system === undefined ? (turn.content as string) : `${system}\n\n${turn.content as string}`)
    case 'tool':
      return rules.result(turn.result)
    case 'assistant': {
      const { content, calls, open } = turn
      const text = typeof content === 'string' ? rules.answer(content) : contentParts(content)
      return [
        ...(content === '' ? [] : text),
        ...(calls.length === 0 ? [] : rules.calls(calls)),
        ...(open ? [] : [{ control: eos }]),
      ]
    }
  }
}

function contentParts(content: Content): PromptPart[] {
  if (typeof content === 'string') return [{ text: content }]
  return content.flatMap((part): PromptPart[] => {
    if (part.type === 'text') return [{ text: part.text }]
    const thought = block('THINK', { text: part.thinking })
    return (part.closed ?? true) ? thought : thought.slice(0, -1)
  })
}

function toolParts(tools: BuiltInOptions['tools']): PromptPart[] {
  if (tools === undefined) return []
  const list = tools.map(({ function: { name, description, parameters } }) => ({
    type: 'function',
    function: { name, description: description ?? '', parameters: parameters ?? {} },
  }))
  return block('AVAILABLE_TOOLS', { text: pythonJson(list) })
}

/** @throws ParameterError: there is no template that could read them */
function refuseVariables(variables: unknown): void {
  if (typeof variables === 'object' && variables !== null && Object.keys(variables).length === 0) return
  throw new ParameterError(
    'chat_template_kwargs',
    variables,
    'is for chat templates of checkpoints; this model has none',
  )
}

/** Where nothing is asked, the setting is that the model does not think. */
function settingsOf({ settings }: FormatRules, options: BuiltInOptions): readonly PromptPart[] {
  const values = settings ?? { none: [] }
  const { reasoningEffort: effort = 'none' } = options
  if (effort === 'auto' && settings === undefined && thinksUnasked(options)) return []
  const chosen = effort === 'auto' ? 'high' : effort
  if (Object.hasOwn(values, chosen)) return values[chosen]!
  const fact = settings === undefined ? 'the model has no such setting' : `must be ${Object.keys(values).join(' or ')}`
  throw new ParameterError('reasoning_effort', effort, fact)
}

/** A vocabulary that lacks a token of its format cannot be written for. */
function withKnownControls(parts: PromptPart[], format: ChatFormat, { specialTokens }: BuiltInOptions): PromptPart[] {
  for (const part of parts) {
    if (!('control' in part) || specialTokens.has(part.control)) continue
    throw new ChatTemplateError(
      `the ${format} chat format writes this conversation with "${part.control}", which the vocabulary does not have`,
    )
  }
  return parts
}
