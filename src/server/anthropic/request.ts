/** The body of `POST /v1/messages`: what of it goes to the model. */
import * as v from 'valibot'
import type { ChatRequest } from '../../chat/request.ts'
import { ParameterError } from '../../errors.ts'
import { entriesOf } from '../../json/value.ts'
import type { Tool } from '../../tokenizer/tools.ts'
import type { BodyFields } from '../body.ts'
import { HttpError } from '../errors.ts'
import type { Terms } from '../face.ts'
import {
  flag,
  listOfObjects,
  modelRequest,
  numberWithin,
  openAiFields,
  parseFields,
  templateVariables,
  text,
  type Unsupported,
} from '../schema.ts'
import { conversationOf } from './messages.ts'

const atLeastOne = v.pipe(
  v.number('must be an integer'),
  v.integer('must be an integer'),
  v.minValue(1, 'must be at least 1'),
)
const thinkingFields = { display: v.nullish(v.picklist(['summarized', 'omitted'])) }
const fields = {
  model: openAiFields.model,
  messages: v.array(v.unknown(), 'must be a list of messages'),
  system: v.nullish(v.unknown()),
  stream: flag,
  stop_sequences: v.nullish(v.array(text)),
  temperature: numberWithin(0, 2),
  tools: v.nullish(listOfObjects),
  tool_choice: v.nullish(
    v.looseObject(
      { type: text, name: v.nullish(text), disable_parallel_tool_use: flag },
      'must be an object with a type',
    ),
  ),
  thinking: v.nullish(
    v.variant(
      'type',
      [
        v.object({ type: v.literal('enabled'), budget_tokens: v.nullish(atLeastOne), ...thinkingFields }),
        v.object({ type: v.literal('adaptive'), ...thinkingFields }),
        v.object({ type: v.literal('disabled') }),
      ],
      'must be an object whose type is "enabled", "adaptive" or "disabled"',
    ),
  ),
  output_config: v.nullish(
    v.strictObject(
      { effort: v.nullish(text), format: v.nullish(v.looseObject({ type: text })) },
      'must be an object with effort or format',
    ),
  ),
  chat_template_kwargs: templateVariables,
  // About accounts, prices and caches, which nothing here depends on.
  metadata: v.nullish(v.looseObject({ user_id: v.nullish(text) }, 'must be an object with user_id')),
  service_tier: v.nullish(text),
  cache_control: v.nullish(v.looseObject({})),
  inference_geo: v.nullish(text),
  speed: v.nullish(text),
  user_profile_id: v.nullish(text),
  workspace_id: v.nullish(text),
}
const messageSchema = v.looseObject({ ...fields, max_tokens: atLeastOne })
const countSchema = v.looseObject({ ...fields, max_tokens: v.nullish(atLeastOne) })
const FIELDS = Object.keys(messageSchema.entries)

const UNSUPPORTED: Unsupported = {
  container: { neutral: [], fact: 'is not supported: nothing is run here' },
  mcp_servers: { neutral: [[]], fact: 'is not supported: the client runs the tools' },
  context_management: { neutral: [{ edits: [] }], fact: 'is not supported' },
  diagnostics: { neutral: [], fact: 'is not supported' },
}

/** The names of this face for fields of a request to the model. */
const NAMES: Readonly<Record<string, string>> = {
  stop: 'stop_sequences',
  reasoning_effort: 'thinking',
  max_reasoning_tokens: 'thinking.budget_tokens',
  response_format: 'output_config.format',
}

export interface MessageRequest {
  readonly model: string
  readonly stream: boolean
  readonly request: ChatRequest
  readonly terms: Terms
  /** Thoughts are no part of the answer. */
  readonly hidesThoughts: boolean
}

/** @param counts a request whose prompt is counted only. @throws ParameterError naming the field */
export function parseMessage(body: BodyFields, lenient: boolean, counts = false): MessageRequest {
  if (body.thread !== undefined && body.thread !== null) throw noThreads()
  const wire = parseFields(counts ? countSchema : messageSchema, body)
  const rest = modelRequest(body, {
    fields: FIELDS,
    passed: ['chat_template_kwargs'],
    lenient,
    unsupported: UNSUPPORTED,
  })
  const placed = conversationOf(wire.messages, wire.system)
  const { thinking, output_config: output } = wire
  const request = {
    ...rest,
    messages: placed.map(({ message }) => message),
    ...(wire.stop_sequences && { stop: wire.stop_sequences }),
    ...(wire.tools && wire.tools.length > 0 && { tools: wire.tools.map(toolOf) }),
    ...choiceOf(wire.tool_choice),
    ...(thinking?.type === 'enabled' && { reasoning_effort: 'auto' }),
    ...(thinking?.type === 'disabled' && { reasoning_effort: 'none' }),
    ...(thinking?.type === 'enabled' && thinking.budget_tokens && { max_reasoning_tokens: thinking.budget_tokens }),
    // `high` is the default there, and says nothing.
    ...(output?.effort && output.effort !== 'high' && { reasoning_effort: output.effort }),
    ...formatOf(output?.format),
  }
  const names =
    output?.effort && output.effort !== 'high' ? { ...NAMES, reasoning_effort: 'output_config.effort' } : NAMES
  return {
    model: wire.model,
    stream: wire.stream,
    request: request as ChatRequest,
    terms: { names, places: placed.map(({ place }) => place) },
    hidesThoughts: thinking != null && 'display' in thinking && thinking.display === 'omitted',
  }
}

/** Clients that try to have their conversation kept read the code, and send it whole from then on. */
function noThreads(): HttpError {
  return new HttpError(400, 'thread: conversations are not kept here; send all messages', {
    param: 'thread',
    code: 'thread_unsupported_request',
  })
}

/** As `response_format` of chat completions. */
function formatOf(format: { type: string } | null | undefined): object {
  if (!format) return {}
  const { type, ...rest } = format
  if (type !== 'json_schema') throw new ParameterError('output_config.format.type', type, 'must be "json_schema"')
  return { response_format: { type, json_schema: { name: 'answer', strict: true, ...rest } } }
}

/** What the caches and the callers of a tool may do, which changes no answer. */
const TOOL_NOTES = ['cache_control', 'eager_input_streaming', 'defer_loading', 'allowed_callers']

function toolOf(tool: object, i: number): Tool {
  const { type, name, description, input_schema, strict, ...rest } = Object.fromEntries(entriesOf(tool)) as Record<
    string,
    unknown
  >
  const at = `tools[${i}]`
  if (type !== undefined && type !== null && type !== 'custom') {
    throw new ParameterError(`${at}.type`, type, 'must be "custom": there are no built-in tools here')
  }
  for (const [field, value] of Object.entries(rest)) {
    if (value === null || TOOL_NOTES.includes(field)) continue
    throw new ParameterError(`${at}.${field}`, value, 'is not supported')
  }
  if (input_schema === undefined) throw new ParameterError(`${at}.input_schema`, input_schema, 'is required')
  return {
    type: 'function',
    function: {
      name,
      ...(description !== null && { description }),
      parameters: input_schema,
      ...(typeof strict === 'boolean' && { strict }),
    },
  } as Tool
}

function choiceOf(
  choice: { type: string; name?: string | null | undefined; disable_parallel_tool_use: boolean } | null | undefined,
): object {
  if (!choice) return {}
  const { type, name, disable_parallel_tool_use: single } = choice
  if (!['auto', 'any', 'none', 'tool'].includes(type) || (type === 'tool' && !name)) {
    const allowed = 'must be {type: "auto"}, {type: "any"}, {type: "none"} or {type: "tool", name}'
    throw new ParameterError('tool_choice', choice, allowed)
  }
  return {
    tool_choice: type === 'tool' ? { type: 'function', function: { name } } : type,
    ...(single && { parallel_tool_calls: false }),
  }
}
