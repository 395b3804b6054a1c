/** Ollama's `/api/embed`, and its older form `/api/embeddings`. */
import * as v from 'valibot'
import { readJsonObject } from '../body.ts'
import { checkDimensions, embedAll, inputsOf, refuseAdapter } from '../embeddings.ts'
import { jsonResponse } from '../errors.ts'
import { modelRequest, parseFields, text } from '../schema.ts'
import type { AppContext, Service } from '../service.ts'
import { withoutTag } from './names.ts'

const shared = {
  model: v.pipe(text, v.nonEmpty('must not be empty')),
  // The model stays where it is, and runs as it was loaded.
  keep_alive: v.nullish(v.union([text, v.number()], 'must be a duration')),
  options: v.nullish(v.record(v.string(), v.unknown(), 'must be an object')),
}
const embedFields = {
  ...shared,
  input: v.unknown(),
  dimensions: v.nullish(v.number('must be an integer')),
  // What is too long is an error.
  truncate: v.nullish(v.boolean('must be true or false')),
}
const embeddingsFields = { ...shared, prompt: text }

/** `POST /api/embed`: unit vectors of one text or several. */
export async function ollamaEmbed(c: AppContext, service: Service): Promise<Response> {
  const startedAt = performance.now()
  const wire = await read(c, service, embedFields)
  const results = await embedAll(c, service.model.use(), inputsOf(wire.input, 'input'), UNIT)
  checkDimensions(wire.dimensions, results)
  return jsonResponse({
    model: service.config.modelId,
    embeddings: results.map(({ embedding }) => Array.from(embedding)),
    total_duration: Math.round((performance.now() - startedAt) * 1e6),
    load_duration: 0,
    prompt_eval_count: results.reduce((sum, { tokens }) => sum + tokens, 0),
  })
}

/** `POST /api/embeddings`: the vector of one text, as the model has it. */
export async function ollamaEmbeddings(c: AppContext, service: Service): Promise<Response> {
  const { prompt } = await read(c, service, embeddingsFields)
  const [result] = await embedAll(c, service.model.use(), inputsOf(prompt, 'prompt'), { ...UNIT, normalize: false })
  return jsonResponse({ embedding: Array.from(result!.embedding) })
}

const UNIT = { pooling: 'last', normalize: true } as const

async function read<T extends v.ObjectEntries>(c: AppContext, service: Service, fields: T) {
  const { config } = service
  const body = await readJsonObject(c.req.raw, config)
  const wire = parseFields(v.looseObject(fields), body)
  const { lenient } = config
  modelRequest(body, { fields: Object.keys(fields), passed: [], lenient, unsupported: {}, parameters: [] })
  refuseAdapter(withoutTag((wire as { model: string }).model), service)
  return wire
}
