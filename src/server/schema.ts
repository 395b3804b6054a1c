/** The fields of bodies: which there are, which change nothing, and which go to the model. */
import * as v from 'valibot'
import { closestName } from '../closest-name.ts'
import { shortened } from '../errors/show.ts'
import { ParameterError } from '../errors.ts'
import { isJsonObject, plainJson } from '../json/value.ts'
import type { LoopInput } from '../sampling/loop-params.ts'
import { PARAMETERS, parseRequestParams, UNSUPPORTED_PARAMETERS } from '../sampling/request-params.ts'
import { type BodyFields, type BodyLimits, readJsonObject } from './body.ts'
import { HttpError } from './errors.ts'
import { hasMistralFields } from './mistral-client.ts'
import type { AppContext, Service } from './service.ts'

/** Fields that routes share. null stands for a missing field everywhere, as OpenAI's own clients send it. */
export const flag = v.nullish(v.boolean('must be true or false'), false)
export const text = v.string('must be a string')
const note = v.nullish(text)

/** Objects that stay as they were sent: their keys may stand in a `Map`. */
export const listOfObjects = v.array(v.custom<object>(isJsonObject, 'must be an object'), 'must be a list of objects')

/** A number that the wire limits more than the sampler does. */
export function numberWithin(min: number, max: number) {
  const message = `must be a number from ${min} to ${max}`
  return v.nullish(v.pipe(v.number(message), v.minValue(min, message), v.maxValue(max, message)))
}

/** Further variables of the chat template. */
export const templateVariables = v.nullish(v.custom<object>(isJsonObject, 'must be an object'))

const streamOptions = { include_usage: flag, include_obfuscation: flag }
const streamOptionsMessage = 'must be an object with include_usage'
const metadataMessage = 'must be an object whose values are strings'
/** The options for fields that a server does not know. */
const LENIENCE = 'a server started with --lenient ignores unknown fields'

/** The fields that both of OpenAI's routes have. */
export const openAiFields = {
  model: v.pipe(text, v.nonEmpty('must not be empty'), v.maxLength(256, 'must have at most 256 characters')),
  stream: flag,
  stream_options: v.nullish(
    v.strictObject(streamOptions, (issue) =>
      issue.expected === 'never' ? `is not a known field of stream_options; ${LENIENCE}` : streamOptionsMessage,
    ),
  ),
  temperature: numberWithin(0, 2),
  // Fields about accounts, storage and routing, which nothing here depends on.
  user: note,
  safety_identifier: note,
  prompt_cache_key: note,
  prompt_cache_retention: note,
  service_tier: note,
  store: flag,
  metadata: v.nullish(
    v.pipe(
      v.custom<object>((value) => typeof value === 'object' && !Array.isArray(value), metadataMessage),
      v.record(v.string(), v.string(metadataMessage), metadataMessage),
    ),
  ),
}

/** The same for a server that ignores what it does not know. */
export const lenientFields = {
  model: v.nullish(openAiFields.model),
  stream_options: v.nullish(v.looseObject(streamOptions, streamOptionsMessage)),
}

/** Fields that are known and not supported: the values with which they change nothing, and why others are refused. */
export type Unsupported = Readonly<Record<string, { neutral: readonly unknown[]; fact: string }>>

/**
 * Fields of OpenAI's and Mistral's APIs that change the answer and that this server cannot follow. They may come with the
 * value that changes nothing; any other is refused, with the reason.
 */
const UNSUPPORTED: Unsupported = {
  safe_prompt: { neutral: [false], fact: 'is for /v1/chat/completions: it is a message of its own' },
  prompt_mode: { neutral: [], fact: 'is not supported: there is no system prompt for reasoning here' },
  guardrails: { neutral: [[]], fact: 'is not supported: nothing judges the answers here' },
  functions: { neutral: [], fact: 'is the deprecated form of tools: send tools' },
  function_call: { neutral: ['auto', 'none'], fact: 'is the deprecated form of tool_choice: send tool_choice' },
  audio: { neutral: [], fact: 'is not supported: the model writes text only' },
  modalities: { neutral: [['text']], fact: 'must be ["text"]: the model writes text only' },
  reasoning_effort: { neutral: ['none'], fact: 'is for /v1/chat/completions: a text is gone on with as it stands' },
  verbosity: { neutral: ['medium'], fact: 'is not supported' },
  web_search_options: { neutral: [], fact: 'is not supported' },
  prediction: { neutral: [], fact: 'is for /v1/chat/completions' },
  suffix: { neutral: [''], fact: 'is not supported: the model continues texts and does not fill gaps' },
}

/** The body of a request to one of OpenAI's routes. @throws HttpError */
export async function readFields(c: AppContext, limits: BodyLimits): Promise<BodyFields> {
  const body = await readJsonObject(c.req.raw, limits)
  if (c.get('family') === 'openai' && hasMistralFields(body)) c.set('family', 'either')
  return body
}

/** Checks the fields that the wire has besides the sampling parameters. @throws ParameterError naming the field */
export function parseFields<T extends v.GenericSchema>(schema: T, body: BodyFields): v.InferOutput<T> {
  const result = v.safeParse(schema, body)
  if (result.success) return result.output
  const [issue] = result.issues
  const path = v.getDotPath(issue) ?? 'body'
  const missing = issue.input === undefined && !(path in body)
  throw new ParameterError(path, issue.input, missing ? 'is required' : issue.message)
}

export interface SplitOptions {
  /** Names that the route itself reads. */
  fields: readonly string[]
  /** The `fields` that go to the model all the same. */
  passed: readonly string[]
  lenient: boolean
  /** The fields of the route's own API that are not supported. Default: those of OpenAI's and Mistral's. */
  unsupported?: Unsupported
  /** Parameters that the route takes. Default: all of a request. */
  parameters?: readonly string[]
}

/**
 * The part of a body that goes to the model; what it says is checked by whoever gets it.
 * @throws ParameterError for an unsupported field, and an unknown one with the nearest name
 */
export function modelRequest(
  body: BodyFields,
  { fields, passed, lenient, unsupported = UNSUPPORTED, parameters = PARAMETERS }: SplitOptions,
): BodyFields {
  const request: BodyFields = {}
  for (const [name, value] of Object.entries(body)) {
    // Clients fill what they do not use with null: that asks for nothing, whatever its name.
    if (value === null || value === undefined) continue
    if (passed.includes(name) || parameters.includes(name)) request[name] = value
    else if (!fields.includes(name) && !lenient) checkUnsupported(name, value, { own: fields, unsupported, parameters })
  }
  return request
}

interface Known {
  readonly own: readonly string[]
  readonly unsupported: Unsupported
  readonly parameters: readonly string[]
}

/** Returns when the field is one that changes nothing. */
function checkUnsupported(name: string, value: unknown, { own, unsupported, parameters }: Known): void {
  const generates = parameters.length > 0
  if (Object.hasOwn(unsupported, name)) {
    const { neutral, fact } = unsupported[name]!
    const sent = JSON.stringify(plainJson(value))
    if (!neutral.some((harmless) => JSON.stringify(harmless) === sent)) throw new ParameterError(name, value, fact)
  } else if (generates && UNSUPPORTED_PARAMETERS.includes(name)) {
    // Throws unless it comes with its neutral value.
    parseRequestParams({ [name]: value })
  } else {
    const known = [...parameters, ...own, ...(generates ? UNSUPPORTED_PARAMETERS : []), ...Object.keys(unsupported)]
    const nearest = closestName(name, known)
    const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`
    throw new ParameterError(name, value, `is not a known parameter${hint}; ${LENIENCE}`)
  }
}

/** @throws ParameterError as OpenAI's server does for options that would be ignored */
export function checkStreamOptions(body: BodyFields, stream: boolean, lenient: boolean): void {
  const options = body.stream_options
  if (options !== undefined && options !== null && !stream && !lenient) {
    throw new ParameterError('stream_options', options, 'is allowed with "stream": true only')
  }
}

/**
 * Reads the name of a model in a request: the name of an adapter is that of the model with it, as vLLM has it.
 * @throws HttpError 404 when the server answers for its own models only and this is another
 */
export function checkModel(
  name: string | null | undefined,
  { config, model }: Pick<Service, 'config' | 'model'>,
): { readonly adapter?: string } {
  const { modelId, strictModel } = config
  if (name === null || name === undefined || name === modelId) return {}
  if (model.ready?.adapters?.some((adapter) => adapter.name === name)) return { adapter: name }
  if (strictModel) throw modelNotFound(name, modelId)
  return {}
}

/** The name of the model that answers a request. */
export function answeringModel({ adapter, adapter_id }: LoopInput, { config }: Pick<Service, 'config'>): string {
  return adapter ?? adapter_id ?? config.modelId
}

export function modelNotFound(model: string, modelId: string): HttpError {
  return new HttpError(404, `the model "${shortened(model, 80)}" does not exist here; "${modelId}" does`, {
    type: 'not_found_error',
    code: 'model_not_found',
    param: 'model',
  })
}
