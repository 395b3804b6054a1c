/** `POST /v1/embeddings`: one vector for each text. */
import * as v from 'valibot'
import type { ChatModel } from '../chat/chat-model.ts'
import { isInteger } from '../checks.ts'
import { ParameterError } from '../errors.ts'
import type { Embedding } from '../generate/embedding.ts'
import { HttpError, jsonResponse } from './errors.ts'
import { translate } from './face.ts'
import { answerHead } from './openai-wire.ts'
import {
  checkModel,
  lenientFields,
  modelRequest,
  openAiFields,
  parseFields,
  readFields,
  text,
  type Unsupported,
} from './schema.ts'
import type { AppContext, Service } from './service.ts'
import { follow } from './stream.ts'

/** Texts of one request: each is a pass through the model. */
const MAX_INPUTS = 256

const fields = {
  model: openAiFields.model,
  input: v.unknown(),
  encoding_format: v.nullish(v.picklist(['float', 'base64'], 'must be "float" or "base64"')),
  pooling: v.nullish(v.picklist(['last', 'mean'], 'must be "last" or "mean"')),
  normalize: v.nullish(v.boolean('must be true or false')),
  dimensions: v.nullish(v.number('must be an integer')),
  user: v.nullish(text),
}
const schema = v.looseObject(fields)
const lenientSchema = v.looseObject({ ...fields, model: lenientFields.model })
const FIELDS = Object.keys(fields)
/** Mistral's names for what is fixed here. */
const UNSUPPORTED: Unsupported = {
  output_dtype: { neutral: ['float'], fact: 'must be "float"' },
  output_dimension: { neutral: [], fact: 'is not supported: the model was not trained for shorter vectors' },
  truncate_prompt_tokens: { neutral: [], fact: 'is not supported: a text that is too long is an error' },
}

export async function createEmbeddings(c: AppContext, service: Service): Promise<Response> {
  const { config } = service
  const chat = service.model.use()
  const body = await readFields(c, config)
  const wire = parseFields(config.lenient ? lenientSchema : schema, body)
  modelRequest(body, { fields: FIELDS, passed: [], lenient: config.lenient, unsupported: UNSUPPORTED, parameters: [] })
  refuseAdapter(wire.model, service)
  const inputs = inputsOf(body.input, 'input')
  const options = { pooling: wire.pooling ?? 'last', normalize: wire.normalize ?? true } as const
  const results = await embedAll(c, chat, inputs, options)
  checkDimensions(wire.dimensions, results)
  const tokens = results.reduce((sum, result) => sum + result.tokens, 0)
  const shown = wire.encoding_format === 'base64' ? base64 : (vector: Float32Array) => Array.from(vector)
  return jsonResponse({
    // Mistral's clients want an id.
    id: answerHead('embd', config.modelId).id,
    object: 'list',
    data: results.map(({ embedding }, index) => ({ object: 'embedding', index, embedding: shown(embedding) })),
    model: config.modelId,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  })
}

/** @throws ParameterError, HttpError 404 */
export function refuseAdapter(model: string | null | undefined, service: Service): void {
  if (checkModel(model, service).adapter === undefined) return
  throw new ParameterError('model', model, 'is an adapter, and embeddings are those of the model itself')
}

/** One after another: each has the GPU for itself. @throws HttpError 400 where the model gives no embeddings */
export async function embedAll(
  c: AppContext,
  chat: ChatModel,
  inputs: readonly Input[],
  options: { readonly pooling: 'last' | 'mean'; readonly normalize: boolean },
): Promise<Embedding[]> {
  if (chat.embed === undefined) throw new HttpError(400, 'the model of this server gives no embeddings')
  c.get('trace').asked(inputs.map(({ content }) => content))
  const { abort, unlink } = follow(c.req.raw)
  try {
    const results: Embedding[] = []
    for (const { content, name } of inputs) {
      const embedding = chat.embed(content, { ...options, signal: abort.signal })
      const names = { tokenIds: name, text: name }
      results.push(
        await embedding.catch((error) => {
          throw translate(error, { names, places: [] })
        }),
      )
    }
    return results
  } finally {
    unlink()
  }
}

/** One text of a request. */
interface Input {
  /** The text, or its token ids. */
  readonly content: string | readonly number[]
  /** The field that it came in: `input[2]`. */
  readonly name: string
}

/** A text, token ids, or a list of either. @throws ParameterError naming `input[i]` */
export function inputsOf(input: unknown, name: string): Input[] {
  const isIds = (value: unknown): value is number[] =>
    Array.isArray(value) && value.length > 0 && value.every((id) => isInteger(id, 0))
  const single = typeof input === 'string' || isIds(input)
  if (!single && !Array.isArray(input)) {
    throw new ParameterError(name, input, 'must be a text, a list of texts, or token ids')
  }
  const list: unknown[] = single ? [input] : (input as unknown[])
  if (list.length === 0 || list.length > MAX_INPUTS) {
    throw new ParameterError(name, input, `must hold 1 to ${MAX_INPUTS} texts`)
  }
  return list.map((item, i) => {
    const at = single ? name : `${name}[${i}]`
    if (item === '') throw new ParameterError(at, item, 'must not be empty')
    if (typeof item === 'string' || isIds(item)) return { content: item, name: at }
    throw new ParameterError(at, item, 'must be a text or token ids')
  })
}

/** Vectors have the width of the model. @throws ParameterError */
export function checkDimensions(dimensions: number | null | undefined, [first]: readonly Embedding[]): void {
  const { length } = first!.embedding
  if (dimensions === null || dimensions === undefined || dimensions === length) return
  const fact = `must be ${length}, the model's own: it was not trained for shorter vectors`
  throw new ParameterError('dimensions', dimensions, fact)
}

/** Little-endian f32, as OpenAI's clients ask for it. */
function base64(vector: Float32Array): string {
  const view = new DataView(new ArrayBuffer(vector.length * 4))
  for (const [i, value] of vector.entries()) view.setFloat32(i * 4, value, true)
  let binary = ''
  for (const byte of new Uint8Array(view.buffer)) binary += String.fromCharCode(byte)
  return btoa(binary)
}
