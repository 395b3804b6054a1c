/** The body of `POST /v1/responses`: what of it goes to the model, and what only comes back. */
import * as v from 'valibot'
import type { ChatRequest } from '../../chat/request.ts'
import { ParameterError } from '../../errors.ts'
import { plainJson } from '../../json/value.ts'
import { MAX_TOP_LOGPROBS } from '../../sampling/loop-params.ts'
import type { Tool } from '../../tokenizer/tools.ts'
import type { BodyFields } from '../body.ts'
import {
  lenientFields,
  listOfObjects,
  modelRequest,
  openAiFields,
  parseFields,
  templateVariables,
  text,
  type Unsupported,
} from '../schema.ts'

const nameless = v.nullish(v.unknown())
const whole = (most: number) => v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(most)))
const effort = v.nullish(
  v.strictObject({ effort: v.nullish(text), summary: v.nullish(text), generate_summary: v.nullish(text) }),
)
const textOptions = v.strictObject({
  format: v.nullish(v.looseObject({ type: text }, 'must be an object with a type')),
  verbosity: v.nullish(v.literal('medium', 'is not supported: only "medium" is')),
})

const fields = {
  ...openAiFields,
  input: v.union([text, v.array(v.unknown())], 'must be a string or a list of items'),
  instructions: v.nullish(text),
  previous_response_id: v.nullish(text),
  // Stored unless the client says otherwise, as at OpenAI.
  store: v.nullish(v.boolean('must be true or false')),
  max_output_tokens: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1))),
  max_tool_calls: whole(Number.MAX_SAFE_INTEGER),
  top_logprobs: whole(MAX_TOP_LOGPROBS),
  include: v.nullish(v.array(text)),
  tools: v.nullish(listOfObjects),
  tool_choice: nameless,
  parallel_tool_calls: v.nullish(v.boolean('must be true or false')),
  reasoning: effort,
  chat_template_kwargs: templateVariables,
  text: v.nullish(textOptions),
  truncation: v.nullish(v.picklist(['auto', 'disabled'], 'must be "auto" or "disabled"')),
}
const schema = v.looseObject(fields)
const lenientSchema = v.looseObject({
  ...fields,
  model: lenientFields.model,
  stream_options: lenientFields.stream_options,
})
const FIELDS = Object.keys(fields)

const UNSUPPORTED: Unsupported = {
  background: { neutral: [false], fact: 'is not supported: an answer is made while the client waits' },
  conversation: { neutral: [], fact: 'is not supported: send previous_response_id, or the items themselves' },
  prompt: { neutral: [], fact: 'is not supported: there are no stored prompts here; send instructions and input' },
  context_management: { neutral: [[]], fact: 'is not supported' },
  moderation: { neutral: [], fact: 'is not supported: nothing judges the answers here' },
  prompt_cache_options: { neutral: [{}], fact: 'is not supported: what prompts share is found by itself' },
}
/** What an answer can be asked to hold besides; all others are results of tools that do not exist here. */
const LOGPROBS = 'message.output_text.logprobs'
const INCLUDE = [
  LOGPROBS,
  'reasoning.encrypted_content',
  'file_search_call.results',
  'web_search_call.results',
  'web_search_call.action.sources',
  'code_interpreter_call.outputs',
  'computer_call_output.output.image_url',
  'message.input_image.image_url',
]

/** The names of this face for fields of a request to the model. */
export const NAMES: Readonly<Record<string, string>> = {
  messages: 'input',
  max_new_tokens: 'max_output_tokens',
  max_tokens: 'max_output_tokens',
  reasoning_effort: 'reasoning.effort',
  response_format: 'text.format',
}

export type ResponsesWire = v.InferOutput<typeof schema>

export interface ParsedBody {
  readonly wire: ResponsesWire
  /** The request, without its messages. */
  readonly request: ChatRequest
}

/** @throws ParameterError naming the field */
export function parseBody(body: BodyFields, lenient: boolean): ParsedBody {
  const wire = parseFields(lenient ? lenientSchema : schema, body) as ResponsesWire
  const rest = modelRequest(body, {
    fields: FIELDS,
    passed: ['chat_template_kwargs'],
    lenient,
    unsupported: UNSUPPORTED,
  })
  for (const [i, name] of (wire.include ?? []).entries()) {
    if (!INCLUDE.includes(name) && !lenient) {
      throw new ParameterError(`include[${i}]`, name, `must be one of ${INCLUDE.join(', ')}`)
    }
  }
  const { top_logprobs: top, max_output_tokens: most, reasoning, text: form } = wire
  const { top_logprobs: _, ...sampling } = rest
  const request = {
    ...sampling,
    ...((top || wire.include?.includes(LOGPROBS)) && { logprobs: true, top_logprobs: top ?? 0 }),
    ...(most && { max_new_tokens: most }),
    ...(reasoning?.effort && { reasoning_effort: reasoning.effort }),
    ...formatOf(form?.format),
    ...toolFields(body, wire),
  }
  return { wire, request: request as ChatRequest }
}

/** `text.format` as the request to the model names it: `response_format` of chat completions. */
function formatOf(format: { type: string } | null | undefined): object {
  if (!format || format.type === 'text') return {}
  const { type, ...rest } = format
  return { response_format: type === 'json_schema' ? { type, json_schema: rest } : format }
}

function toolFields(body: BodyFields, wire: ResponsesWire): object {
  const tools = (wire.tools as readonly object[] | null | undefined)?.map(toolOf)
  const choice = choiceOf(wire.tool_choice)
  const shown = choice.names === undefined ? tools : tools?.filter((tool) => choice.names!.includes(tool.function.name))
  return {
    ...(shown && shown.length > 0 && { tools: shown }),
    ...(choice.value !== undefined && { tool_choice: choice.value }),
    ...(wire.parallel_tool_calls === false && { parallel_tool_calls: body.parallel_tool_calls }),
  }
}

/** Functions stand in an object of their own in requests to the model. */
function toolOf(tool: object, i: number): Tool {
  const { type, ...fn } = Object.fromEntries(
    tool instanceof Map ? (tool as Map<string, unknown>) : Object.entries(tool),
  ) as Record<string, unknown>
  if (type !== 'function') {
    throw new ParameterError(`tools[${i}].type`, type, 'must be "function": there are no built-in tools here')
  }
  const { strict, parameters, defer_loading: _, ...rest } = fn
  return {
    type,
    function: { ...rest, ...(parameters !== null && { parameters }), ...(typeof strict === 'boolean' && { strict }) },
  } as Tool
}

/** @returns the choice as requests to the model have it, and the names of the tools that are allowed, if not all are */
function choiceOf(choice: unknown): { value?: unknown; names?: readonly string[] } {
  if (choice === undefined || choice === null) return {}
  if (typeof choice !== 'object') return { value: choice }
  const { type, name, mode, tools } = choice as Record<string, unknown>
  if (type === 'function' && typeof name === 'string') return { value: { type, function: { name } } }
  if (type === 'allowed_tools' && Array.isArray(tools) && (mode === 'auto' || mode === 'required')) {
    const names = tools.map((tool) => (tool as { name?: unknown } | null)?.name)
    if (names.every((one) => typeof one === 'string')) return { value: mode, names: names as string[] }
  }
  throw new ParameterError(
    'tool_choice',
    choice,
    'must be "none", "auto", "required", {type: "function", name} or {type: "allowed_tools", mode, tools}',
  )
}

/** What a response says of its request. */
export function echoOf(wire: ResponsesWire, body: BodyFields): Record<string, unknown> {
  const echo = {
    instructions: wire.instructions ?? null,
    max_output_tokens: wire.max_output_tokens ?? null,
    max_tool_calls: wire.max_tool_calls ?? null,
    metadata: wire.metadata ?? {},
    parallel_tool_calls: wire.parallel_tool_calls ?? true,
    previous_response_id: wire.previous_response_id ?? null,
    prompt_cache_key: wire.prompt_cache_key ?? null,
    reasoning: { effort: wire.reasoning?.effort ?? null, summary: null },
    safety_identifier: wire.safety_identifier ?? null,
    service_tier: 'default',
    temperature: body.temperature ?? 1,
    text: { format: wire.text?.format ?? { type: 'text' }, verbosity: 'medium' },
    tool_choice: wire.tool_choice ?? 'auto',
    tools: wire.tools ?? [],
    top_logprobs: wire.top_logprobs ?? 0,
    top_p: body.top_p ?? 0.95,
    truncation: wire.truncation ?? 'disabled',
    user: wire.user ?? null,
  }
  return plainJson(echo) as Record<string, unknown>
}
