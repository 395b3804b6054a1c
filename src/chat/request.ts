/** Chat requests: their fields, which are read once. */
import { changed } from '../checks.ts'
import { ParameterError } from '../errors.ts'
import { parseRequestParams, type RequestParams, type SamplingInput } from '../sampling/request-params.ts'
import type { TextParams } from '../sampling/text-params.ts'
import type { ChatMessage, TextPart } from '../tokenizer/chat-messages.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { Tool, ToolCall } from '../tokenizer/tools.ts'
import { planTools, type ToolChoice, type ToolPlan } from './tool-choice.ts'

/** The content of a prompt: a conversation to answer, or a text to continue. */
export interface PromptRequest {
  /** The conversation. Where it ends with the assistant's text, the answer goes on with that, and is what comes after it. */
  messages?: readonly ChatMessage[] | undefined
  /** Instead of messages: text to go on from as it stands, without a template; or its token ids. */
  prompt?: string | readonly number[] | undefined
  /** Functions that the model may call, for templates that have tools. */
  tools?: readonly Tool[] | null | undefined
  /**
   * For models with such a setting: `'high'` lets the model think before it answers, `'none'` (default) does not. `'auto'` is
   * `'high'` where there is the setting; a model without it that has tokens for thoughts thinks as its system prompt asks.
   */
  reasoning_effort?: string | null | undefined
  /**
   * Further variables for the checkpoint's chat template, such as `{ enable_thinking: false }`. One that the template does
   * not name is refused.
   */
  chat_template_kwargs?: Readonly<Record<string, unknown>> | null | undefined
}

/** A prompt, and how it is answered. */
export interface ChatRequest extends PromptRequest, SamplingInput {
  /**
   * `'auto'` (default with tools), `'none'`, `'required'` or its other name `'any'`, or the one function to call. The
   * tokens that begin a call that is asked for count as the answer's, against `max_tokens` too; the model adds at least
   * one.
   */
  tool_choice?: ToolChoice | null | undefined
  /** false allows one call in an answer. Default true. */
  parallel_tool_calls?: boolean | null | undefined
}

export interface ParsedRequest {
  readonly messages: readonly ChatMessage[] | undefined
  readonly prompt: string | readonly number[] | undefined
  readonly params: RequestParams
  readonly tools: ToolPlan
  /** The value as it was sent, for errors. */
  readonly toolChoice: unknown
  readonly reasoning_effort: string | undefined
  readonly chat_template_kwargs: Readonly<Record<string, unknown>> | undefined
}

const OWN = [
  'messages',
  'prompt',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'reasoning_effort',
  'chat_template_kwargs',
]

const PARSED = Symbol('parsed')

/** A request that was checked; it holds what was read from it. A copy of it is a request like any other. */
export type CheckedRequest = Readonly<ChatRequest> & { readonly [PARSED]: ParsedRequest }

/** @throws ParameterError naming the field */
export function checkRequest(request: ChatRequest): CheckedRequest {
  return withParsed(request, readRequest(request))
}

function withParsed(request: ChatRequest, parsed: ParsedRequest): CheckedRequest {
  // Not enumerable, so that copies do not take it along.
  return Object.freeze(Object.defineProperty({ ...request }, PARSED, { value: parsed })) as CheckedRequest
}

/** The request with at most `most` tokens in its answer, or in prompt and answer together where it limits these. */
export function limitLength(request: CheckedRequest, most: number): CheckedRequest {
  const parsed = request[PARSED]
  const { loop } = parsed.params
  const name = loop.max_length === undefined ? 'max_tokens' : 'max_length'
  if (loop[name]! <= most) return request
  const params = { ...parsed.params, loop: changed(loop, { [name]: most }) }
  // This name of `max_tokens` wins over the others.
  const sent = name === 'max_tokens' ? 'max_new_tokens' : name
  return withParsed({ ...request, [sent]: most }, { ...parsed, params })
}

/**
 * The parts of a request, as they were read when it was checked, or are read now. @throws ParameterError naming the
 * field
 */
export function parseRequest(request: ChatRequest | CheckedRequest): ParsedRequest {
  const checked = typeof request === 'object' && request !== null && PARSED in request
  return checked ? request[PARSED] : readRequest(request)
}

function readRequest(request: ChatRequest): ParsedRequest {
  if (typeof request !== 'object' || request === null) {
    throw new ParameterError('request', request, 'must be an object with messages or a prompt')
  }
  const { messages, prompt, tools, tool_choice, parallel_tool_calls, reasoning_effort: effort, ...rest } = request
  const { chat_template_kwargs: variables, ...sampling } = rest
  const params = parseRequestParams(sampling, OWN)
  if (effort !== undefined && effort !== null && typeof effort !== 'string') {
    throw new ParameterError('reasoning_effort', effort, 'must be a string')
  }
  refuseForPrompt(prompt, params.text)
  const plan = planTools({ tools, tool_choice, parallel_tool_calls })
  return {
    ...{ messages, prompt, params, tools: plan, toolChoice: tool_choice },
    reasoning_effort: effort ?? undefined,
    chat_template_kwargs: variables ?? undefined,
  }
}

/** Where there are no messages, nothing tells thoughts from text. @throws ParameterError */
function refuseForPrompt(
  prompt: unknown,
  { max_reasoning_tokens: budget, include_reasoning: included }: TextParams,
): void {
  const fact = 'needs messages: a prompt is taken as it stands'
  if (prompt === undefined || prompt === null) return
  if (budget !== undefined) throw new ParameterError('max_reasoning_tokens', budget, fact)
  if (!included) throw new ParameterError('include_reasoning', included, fact)
}

/**
 * Characters of the texts that every chat format puts into the prompt. The request is unchecked: what is no text counts
 * nothing, and what stands in it twice, or holds itself, counts once.
 */
export function characters({ messages, prompt, tools, chat_template_kwargs }: PromptRequest): number {
  const values: unknown[] = [prompt, chat_template_kwargs]
  for (const message of listOf<ChatMessage>(messages)) {
    const parts = Array.isArray(message?.content) ? listOf<TextPart>(message.content) : [{ text: message?.content }]
    for (const part of parts) values.push(part?.text)
    for (const call of listOf<ToolCall>(message?.tool_calls)) values.push(call?.function?.arguments)
  }
  for (const tool of listOf<Tool>(tools)) values.push(tool?.function?.description, tool?.function?.parameters)
  return inTexts(values)
}

function listOf<T>(value: unknown): readonly (Partial<T> | null | undefined)[] {
  return Array.isArray(value) ? value : []
}

/**
 * Of all texts in the values, which are used up. Not recursive: what is nested too deep is refused later, and must not
 * overflow the stack here.
 */
function inTexts(values: unknown[]): number {
  const seen = new Set<object>()
  let total = 0
  while (values.length > 0) {
    const value = values.pop()
    if (typeof value === 'string') total += value.length
    else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !seen.has(value)) {
      seen.add(value)
      for (const item of value instanceof Map ? value.values() : Object.values(value)) values.push(item)
    }
  }
  return total
}

/** Ids of the texts, as they stand at the beginning of a word and inside one. */
export function badWordIds(tokenizer: Tokenizer, words: readonly string[]): number[][] {
  const ids = new Map<string, number[]>()
  for (const word of words) {
    const bare = word.trimStart()
    for (const variant of [
      tokenizer.encodePart(bare, 'after-control'),
      tokenizer.encode(` ${bare}`),
      tokenizer.encode(bare),
    ]) {
      if (variant.length > 0) ids.set(variant.join(), variant)
    }
  }
  return [...ids.values()]
}

/** Errors speak of the texts that were sent, and not of the ids that these became. */
export function aboutTexts(error: unknown, { bad_words: words }: TextParams): unknown {
  const blamed = error instanceof ParameterError && error.parameter === 'bad_words_ids' && words.length > 0
  return blamed ? new ParameterError('bad_words', words, error.fact) : error
}
