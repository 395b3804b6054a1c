/** One answer of a session: its parts as they come, with the tools that the session runs by itself. */
import type { ChatModel } from '../chat/chat-model.ts'
import type { ChatRequest } from '../chat/request.ts'
import type { CompleteToolCall } from '../chat/tool-calls.ts'
import type { ChatMessage } from '../tokenizer/chat-messages.ts'
import { notSupported, syntaxError } from './errors.ts'
import type { LanguageModelContent } from './messages.ts'
import type { LanguageModelTool, PromptOptions } from './options.ts'
import { LanguageModelToolCall } from './tools.ts'

export interface AnswerOptions {
  readonly chat: ChatModel
  readonly before: readonly ChatMessage[]
  readonly input: readonly ChatMessage[]
  /** What the request has besides messages. */
  readonly request: ChatRequest
  readonly tools: readonly LanguageModelTool[]
  readonly includeThoughts: boolean
  readonly signal: AbortSignal
}

/** A model that calls tools without end is stopped. */
const MAX_ROUNDS = 16

/** Gives the parts of the answer, and returns the messages that it adds to the conversation. */
export async function* answer({
  chat,
  before,
  input,
  request,
  tools,
  includeThoughts,
  signal,
}: AnswerOptions): AsyncGenerator<LanguageModelContent, ChatMessage[], undefined> {
  const added: ChatMessage[] = [...input]
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const stream = chat.generate({ ...request, messages: [...before, ...added] }, { signal })
    for await (const { text, reasoning_content: thought } of stream) {
      if (thought !== null && includeThoughts) yield { type: 'thought', value: thought }
      if (text !== '') yield { type: 'text', value: text }
    }
    const { text, tool_calls: calls, finish_reason: reason } = (await stream.completion).choices[0]!
    // A call that was cut off is none.
    const whole = reason === 'tool_calls' ? (calls ?? []) : []
    addAnswer(added, text, whole)
    if (whole.length === 0) return added
    if (tools.some(({ execute }) => execute === undefined)) {
      for (const call of whole) yield { type: 'tool-call', value: toolCall(call) }
      return added
    }
    added.push(...(await Promise.all(whole.map((call) => run(call, tools)))))
    signal.throwIfAborted()
  }
  throw new DOMException(`the model called tools ${MAX_ROUNDS} times without an answer`, 'OperationError')
}

function addAnswer(added: ChatMessage[], text: string, calls: readonly CompleteToolCall[]): void {
  const last = added.at(-1)
  const tool_calls = calls.length > 0 ? { tool_calls: calls } : {}
  if (last?.role === 'assistant' && last.prefix) {
    added[added.length - 1] = { role: 'assistant', content: `${last.content ?? ''}${text}`, ...tool_calls }
  } else added.push({ role: 'assistant', content: text === '' && calls.length > 0 ? null : text, ...tool_calls })
}

function toolCall({ id, function: fn }: CompleteToolCall): LanguageModelToolCall {
  return new LanguageModelToolCall({ callID: id, name: fn.name, arguments: JSON.parse(fn.arguments || '{}') as object })
}

/** What a tool throws is told to the model. */
async function run(call: CompleteToolCall, tools: readonly LanguageModelTool[]): Promise<ChatMessage> {
  const { callID, name, arguments: args } = toolCall(call)
  const message = { role: 'tool', tool_call_id: callID, name }
  try {
    const tool = tools.find((one) => one.name === name)
    if (tool?.execute === undefined) return { ...message, content: `Error: there is no tool "${name}"` }
    const result = await tool.execute(args as never)
    return { ...message, content: typeof result === 'string' ? result : (JSON.stringify(result) ?? '') }
  } catch (error) {
    return { ...message, content: `Error: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/** `responseConstraint` as the request to the model has it. @throws TypeError; DOMException `NotSupportedError` */
export function constraintOf({ responseConstraint: constraint, omitResponseConstraintInput }: PromptOptions): object {
  if (constraint === undefined || constraint === null) {
    if (omitResponseConstraintInput) throw new TypeError('omitResponseConstraintInput needs a responseConstraint')
    return {}
  }
  if (constraint instanceof RegExp) {
    const { source, flags } = constraint
    if (flags.replace(/[dgyu]/g, '') !== '') throw notSupported(`the flags "${flags}" of a RegExp are not supported`)
    return { regex: source }
  }
  if (typeof constraint !== 'object' || Array.isArray(constraint)) {
    throw new TypeError('responseConstraint must be a JSON schema or a RegExp')
  }
  const json_schema = { name: 'response', schema: plainOf(constraint), strict: true }
  return { response_format: { type: 'json_schema', json_schema } }
}

/** A copy, so that what the caller does to it later changes nothing. @throws DOMException `NotSupportedError` */
function plainOf(schema: object): unknown {
  try {
    return JSON.parse(JSON.stringify(schema))
  } catch (error) {
    throw notSupported('responseConstraint cannot be written as JSON', error)
  }
}

/** An answer that was cut off may break its constraint. @throws DOMException `SyntaxError` */
export function checkConstraint(text: string, constraint: object | undefined): void {
  if (constraint === undefined || constraint === null) return
  if (constraint instanceof RegExp) {
    if (new RegExp(`^(?:${constraint.source})$`, constraint.flags.replace(/[gy]/g, '')).test(text)) return
    throw syntaxError('the answer was cut off before it matched the responseConstraint')
  }
  try {
    JSON.parse(text)
  } catch {
    throw syntaxError('the answer was cut off before it was JSON')
  }
}
