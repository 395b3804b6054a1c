/** Ollama's API: `/api/chat`, `/api/generate`, and what tells of the model. */
import * as v from 'valibot'
import pkg from '../../../package.json' with { type: 'json' }
import { type BodyFields, readJsonObject } from '../body.ts'
import { jsonResponse } from '../errors.ts'
import { respond } from '../face.ts'
import { answeringModel, checkModel, modelNotFound, parseFields, text } from '../schema.ts'
import type { AppContext, Service } from '../service.ts'
import { JSON_LINES } from '../sse.ts'
import { CHAT_SHAPE, GENERATE_SHAPE, OllamaWriter, type Shape } from './events.ts'
import { withoutTag } from './names.ts'
import { type OllamaRequest, parseChat, parseGenerate } from './request.ts'

/** `POST /api/chat` */
export function ollamaChat(c: AppContext, service: Service): Promise<Response> {
  return answer(c, service, parseChat, CHAT_SHAPE)
}

/** `POST /api/generate` */
export function ollamaGenerate(c: AppContext, service: Service): Promise<Response> {
  return answer(c, service, parseGenerate, GENERATE_SHAPE)
}

async function answer(
  c: AppContext,
  service: Service,
  parse: (body: BodyFields, lenient: boolean, whole: number) => OllamaRequest,
  shape: Shape,
): Promise<Response> {
  const { config } = service
  const chat = service.model.use()
  const parsed = parse(await readJsonObject(c.req.raw, config), config.lenient, chat.contextLength)
  const { model, request, stream, terms } = parsed
  const adapted = { ...checkModel(withoutTag(model), service), ...request }
  const writer = new OllamaWriter(answeringModel(adapted, service), shape)
  if (request === undefined) return jsonResponse(writer.loaded())
  return respond(c, service, { request: adapted, stream, terms, answer: writer }, JSON_LINES)
}

/** `GET /api/version` */
export function ollamaVersion(): Response {
  return jsonResponse({ version: pkg.version })
}

/** `GET /api/tags` */
export async function ollamaTags(_: AppContext, service: Service): Promise<Response> {
  const { modelId } = service.config
  const names = [modelId, ...(service.model.ready?.adapters ?? []).map(({ name }) => name)]
  return jsonResponse({ models: await Promise.all(names.map((name) => modelCard(service, name))) })
}

/** `GET /api/ps`: the model never leaves the GPU. */
export async function ollamaRunning(_: AppContext, service: Service): Promise<Response> {
  const chat = service.model.ready
  if (chat === undefined) return jsonResponse({ models: [] })
  const card = await modelCard(service)
  const always = { expires_at: '9999-12-31T23:59:59Z', size_vram: card.size, context_length: chat.contextLength }
  return jsonResponse({ models: [{ ...card, ...always }] })
}

const showSchema = v.looseObject({ model: v.nullish(text), name: v.nullish(text) })

/** `POST /api/show` */
export async function ollamaShow(c: AppContext, service: Service): Promise<Response> {
  const { config } = service
  const chat = service.model.use()
  const { model, name = model } = parseFields(showSchema, await readJsonObject(c.req.raw, config))
  const asked = withoutTag(model ?? name ?? config.modelId)
  if (asked !== config.modelId && checkModel(asked, service).adapter === undefined)
    throw modelNotFound(asked, config.modelId)
  const { details, modified_at } = await modelCard(service, asked)
  return jsonResponse({
    modelfile: '',
    parameters: '',
    template: '',
    details,
    modified_at,
    model_info: {
      'general.architecture': 'mistral',
      'mistral.context_length': chat.contextLength,
      'mistral.vocab_size': chat.vocabSize,
    },
    capabilities: [
      'completion',
      ...(chat.takesTools ? ['tools'] : []),
      ...(chat.embed === undefined ? [] : ['embedding']),
      ...(chat.tokenizer?.specialTokens.has('[THINK]') ? ['thinking'] : []),
    ],
  })
}

/** What is not known of a model is an empty text there. */
async function modelCard({ config, model }: Service, name = config.modelId) {
  const status = await model.ready?.status()
  return {
    name,
    model: name,
    modified_at: new Date(Math.min(config.created * 1000, 8.64e15)).toISOString(),
    size: status?.gpuBytes ?? 0,
    digest: '',
    details: {
      parent_model: name === config.modelId ? '' : config.modelId,
      format: '',
      family: 'mistral',
      families: ['mistral'],
      parameter_size: '',
      quantization_level: '',
    },
  }
}
