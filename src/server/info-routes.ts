/** The routes that tell about the server: models, health, metrics. */
import type { ChatModel } from '../chat/chat-model.ts'
import { HttpError, jsonResponse } from './errors.ts'
import { modelNotFound } from './schema.ts'
import type { AppContext, Service } from './service.ts'

/** `GET /v1/models` */
export function listModels(c: AppContext, service: Service): Response {
  const ids = idsOf(service)
  const data = ids.map((id) => modelCard(c, service, id))
  if (c.get('family') !== 'anthropic') return jsonResponse({ object: 'list', data })
  return jsonResponse({ data, first_id: ids[0], last_id: ids.at(-1), has_more: false })
}

/** `GET /v1/models/:id`. @throws HttpError 404 */
export function showModel(c: AppContext, service: Service): Response {
  const id = c.req.param('id') ?? ''
  if (!idsOf(service).includes(id)) throw modelNotFound(id, service.config.modelId)
  return jsonResponse(modelCard(c, service, id))
}

/** The model, and itself with each of its adapters. */
function idsOf({ config, model }: Service): string[] {
  return [config.modelId, ...(model.ready?.adapters ?? []).map(({ name }) => name)]
}

function modelCard(c: AppContext, { config, model }: Service, id: string): object {
  const contextLength = model.ready?.contextLength
  if (c.get('family') === 'anthropic') {
    const created_at = new Date(Math.min(config.created * 1000, 8.64e15)).toISOString()
    return { type: 'model', id, display_name: id, created_at }
  }
  return {
    id,
    object: 'model',
    created: config.created,
    owned_by: 'mistral-webgpu',
    // An adapter's model, under the name that vLLM gives it.
    ...(id !== config.modelId && { parent: config.modelId }),
    // Under the name that vLLM gives it; clients size their prompts by it.
    ...(contextLength !== undefined && { max_model_len: contextLength }),
    ...(c.get('family') === 'mistral' && mistralCard(model.ready)),
  }
}

/** Fields that Mistral's clients need besides; they refuse a card without them. */
function mistralCard(chat: ChatModel | undefined): object {
  return {
    type: 'base',
    capabilities: { completion_chat: true, function_calling: chat?.takesTools ?? false },
    ...(chat !== undefined && { max_context_length: chat.contextLength }),
  }
}

/** `GET /health`: 200 when requests are answered, 503 as long as they are not. Open to everybody, so it tells little. */
export function health(c: AppContext, { model }: Service): Response {
  const { state } = model
  // The log learns what state the model is in, and how much that matters.
  if (model.unready !== undefined) c.get('trace').failed(model.unready)
  return jsonResponse(
    { status: state },
    state === 'ready' ? 200 : 503,
    state === 'loading' ? { 'retry-after': '5' } : {},
  )
}

/** `GET /metrics`, for those with a key unless it was opened. @throws HttpError 404 when they are turned off */
export async function metricsPage({ config, metrics, model }: Service): Promise<Response> {
  if (!config.metrics) throw new HttpError(404, 'metrics are turned off on this server', { type: 'not_found_error' })
  return new Response(metrics.render(await model.ready?.status()), {
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
  })
}
