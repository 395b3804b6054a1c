/** The bodies of Ollama's `/api/chat` and `/api/generate`: what of them goes to the model. */
import * as v from 'valibot'
import type { ChatRequest } from '../../chat/request.ts'
import { closestName } from '../../closest-name.ts'
import { ParameterError } from '../../errors.ts'
import { MAX_TOP_LOGPROBS } from '../../sampling/loop-params.ts'
import type { BodyFields } from '../body.ts'
import type { Terms } from '../face.ts'
import { listOfObjects, modelRequest, parseFields, templateVariables, text, type Unsupported } from '../schema.ts'
import { messagesOf } from './messages.ts'

const flag = v.nullish(v.boolean('must be true or false'))
const fields = {
  model: v.pipe(text, v.nonEmpty('must not be empty'), v.maxLength(256, 'must have at most 256 characters')),
  // Streams unless the client says otherwise.
  stream: flag,
  format: v.nullish(v.union([text, v.custom<object>(isPlain)], 'must be "json" or a JSON schema')),
  options: v.nullish(v.record(v.string(), v.unknown(), 'must be an object'), {}),
  think: v.nullish(v.union([v.boolean(), text], 'must be true, false, or a text such as "high"')),
  logprobs: flag,
  chat_template_kwargs: templateVariables,
  top_logprobs: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_TOP_LOGPROBS))),
  // The model stays where it is, and what does not fit is an error.
  keep_alive: v.nullish(v.union([text, v.number()], 'must be a duration')),
  shift: flag,
  truncate: flag,
}
const chatSchema = v.looseObject({
  ...fields,
  messages: v.nullish(v.array(v.unknown(), 'must be a list of messages'), []),
  tools: v.nullish(listOfObjects),
  // Not Ollama's, but what ollama-ai-provider-v2 4.0.1 sends for the AI SDK's settings, beside temperature and top_p.
  max_output_tokens: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1))),
})
const generateSchema = v.looseObject({
  ...fields,
  prompt: v.nullish(text, ''),
  system: v.nullish(text),
  raw: flag,
})
const UNSUPPORTED: Unsupported = {
  template: { neutral: [''], fact: 'is not supported: the template is set where the model is loaded' },
  context: { neutral: [[]], fact: 'is not supported: send the conversation to /api/chat' },
  suffix: { neutral: [''], fact: 'is not supported: the model continues texts and does not fill gaps' },
  images: { neutral: [[]], fact: 'is not supported: the model reads text only' },
  width: { neutral: [0], fact: 'is not supported: the model writes text only' },
  height: { neutral: [0], fact: 'is not supported: the model writes text only' },
  steps: { neutral: [0], fact: 'is not supported: the model writes text only' },
}

/** Options that are parameters of the request. */
const SAMPLING: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  top_k: 'top_k',
  top_p: 'top_p',
  min_p: 'min_p',
  typical_p: 'typical_p',
  repeat_penalty: 'repetition_penalty',
  frequency_penalty: 'frequency_penalty',
  presence_penalty: 'presence_penalty',
  seed: 'seed',
  stop: 'stop',
}
/** How the model is run, which changes no answer that fits; and rules that are off. */
const HARMLESS = [
  ...['num_ctx', 'num_keep', 'num_batch', 'num_gpu', 'main_gpu', 'num_thread', 'numa', 'low_vram', 'f16_kv'],
  ...['use_mmap', 'use_mlock', 'logits_all', 'vocab_only', 'embedding_only', 'mirostat_tau', 'mirostat_eta'],
]
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  mirostat: [0],
  tfs_z: [1],
  penalize_newline: [true],
  // The penalty looks at the whole conversation.
  repeat_last_n: [-1],
}

export interface OllamaRequest {
  readonly model: string
  readonly stream: boolean
  /** undefined: nothing is asked, but that the model be loaded. */
  readonly request: ChatRequest | undefined
  readonly terms: Terms
}

/** @param whole tokens that an answer without a limit may have. @throws ParameterError naming the field */
export function parseChat(body: BodyFields, lenient: boolean, whole: number): OllamaRequest {
  const wire = parseFields(chatSchema, body)
  const messages = messagesOf(wire.messages)
  const { tools, max_output_tokens: limit } = wire
  const asked = { messages, ...(tools && tools.length > 0 && { tools }), ...(limit && { max_tokens: limit }) }
  return assemble(wire, body, asked, { lenient, whole, own: Object.keys(chatSchema.entries) }, messages.length === 0)
}

/** As {@link parseChat}: one question, or a text to go on from. */
export function parseGenerate(body: BodyFields, lenient: boolean, whole: number): OllamaRequest {
  const wire = parseFields(generateSchema, body)
  const { prompt, system, raw } = wire
  if (raw && system) throw new ParameterError('system', system, 'is not for raw prompts, which are taken as they stand')
  const messages = [...(system ? [{ role: 'system', content: system }] : []), { role: 'user', content: prompt }]
  const asked = raw ? { prompt } : { messages }
  return assemble(wire, body, asked, { lenient, whole, own: Object.keys(generateSchema.entries) }, prompt === '')
}

interface Assembly {
  readonly lenient: boolean
  readonly whole: number
  /** Names of the fields that the route reads. */
  readonly own: readonly string[]
}

function assemble(
  wire: v.InferOutput<v.LooseObjectSchema<typeof fields, undefined>>,
  body: BodyFields,
  asked: object,
  { lenient, whole, own }: Assembly,
  empty: boolean,
): OllamaRequest {
  const {
    logprobs: _,
    top_logprobs: _top,
    ...rest
  } = modelRequest(body, {
    fields: own,
    passed: ['chat_template_kwargs', ...('tools' in asked ? ['tool_choice'] : [])],
    lenient,
    unsupported: UNSUPPORTED,
  })
  const { model, stream, format, think, logprobs, top_logprobs } = wire
  const request = {
    ...rest,
    ...asked,
    ...optionsOf(wire.options, lenient, whole),
    ...formatOf(format),
    ...(think !== null && think !== undefined && { reasoning_effort: effortOf(think) }),
    ...(logprobs && { logprobs, top_logprobs: top_logprobs ?? 0 }),
  }
  return { model, stream: stream ?? true, request: empty ? undefined : (request as ChatRequest), terms: TERMS }
}

const TERMS: Terms = {
  names: {
    ...Object.fromEntries(Object.entries(SAMPLING).map(([option, name]) => [name, `options.${option}`])),
    max_tokens: 'options.num_predict',
    reasoning_effort: 'think',
    response_format: 'format',
  },
  places: [],
}

function effortOf(think: boolean | string): string {
  if (typeof think === 'string') return think
  return think ? 'auto' : 'none'
}

/** As `response_format` of chat completions. */
function formatOf(format: string | object | null | undefined): object {
  if (format === undefined || format === null || format === '') return {}
  if (format === 'json') return { response_format: { type: 'json_object' } }
  if (typeof format === 'string') throw new ParameterError('format', format, 'must be "json" or a JSON schema')
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: format, strict: true } } }
}

/** @throws ParameterError naming `options.name` */
function optionsOf(options: Readonly<Record<string, unknown>>, lenient: boolean, whole: number): object {
  const request: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    const at = `options.${name}`
    if (value === null) continue
    if (name === 'num_predict') request.max_tokens = limitOf(value, whole)
    else if (Object.hasOwn(SAMPLING, name)) request[SAMPLING[name]!] = value
    else if (Object.hasOwn(NEUTRAL, name)) {
      const [harmless] = NEUTRAL[name]!
      if (value !== harmless && !lenient) {
        throw new ParameterError(at, value, `is not supported; only ${harmless} is accepted`)
      }
    } else if (!HARMLESS.includes(name) && !lenient) {
      const nearest = closestName(name, ['num_predict', ...Object.keys(SAMPLING), ...Object.keys(NEUTRAL), ...HARMLESS])
      throw new ParameterError(at, value, `is not known${nearest ? `; did you mean "${nearest}"?` : ''}`)
    }
  }
  return request
}

/** Negative: until the model ends, or the context does. */
function limitOf(value: unknown, whole: number): unknown {
  return value === -1 || value === -2 ? whole : value
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
