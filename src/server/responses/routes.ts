/** `/v1/responses`, OpenAI's newer API: an answer may go on from an earlier one, which is kept here. */
import type { ChatModel } from '../../chat/chat-model.ts'
import type { ChatRequest } from '../../chat/request.ts'
import { isInteger } from '../../checks.ts'
import { ContextLengthError, ParameterError } from '../../errors.ts'
import type { ChatMessage } from '../../tokenizer/chat-messages.ts'
import { HttpError, jsonResponse } from '../errors.ts'
import { type FaceRequest, respond, translate } from '../face.ts'
import { randomHex } from '../ids.ts'
import { answeringModel, checkModel, checkStreamOptions, readFields } from '../schema.ts'
import type { AppContext, Service } from '../service.ts'
import { NAMED_EVENTS } from '../sse.ts'
import { ResponseWriter } from './events.ts'
import { type Conversation, conversationOf, type Item, itemsOf } from './input.ts'
import { echoOf, NAMES, parseBody, type ResponsesWire } from './request.ts'
import { withIds } from './store.ts'

/** `POST /v1/responses` */
export async function createResponse(c: AppContext, service: Service): Promise<Response> {
  const chat = service.model.use()
  return respond(c, service, await faceRequest(c, service, chat), NAMED_EVENTS)
}

/** `POST /v1/responses/input_tokens`: how long the prompt of such a request would be. */
export async function countInputTokens(c: AppContext, service: Service): Promise<Response> {
  const chat = service.model.use()
  const { request, terms } = await faceRequest(c, service, chat)
  try {
    const { length } = await chat.encode(request)
    return jsonResponse({ object: 'response.input_tokens', input_tokens: length })
  } catch (error) {
    throw translate(error, terms)
  }
}

async function faceRequest(c: AppContext, service: Service, chat: ChatModel): Promise<FaceRequest> {
  const { config, responses } = service
  const body = await readFields(c, config)
  const { wire, request: asked } = parseBody(body, config.lenient)
  const request = { ...checkModel(wire.model, service), ...asked }
  checkStreamOptions(body, wire.stream, config.lenient)
  const before = wire.previous_response_id
    ? responses.get(wire.previous_response_id, 'previous_response_id')
    : undefined
  const earlier: readonly Item[] = before === undefined ? [] : [...before.items, ...before.body.output]
  const own = itemsOf(wire.input).map((item, i) => referred(item, `input[${i}].id`, service))
  const conversation = conversationOf([...earlier, ...own], earlier.length, wire.instructions ?? undefined)
  const terms = { names: NAMES, places: conversation.places }
  const kept = wire.truncation === 'auto' ? await shortened(conversation, request, chat) : conversation
  const head = {
    id: `resp_${randomHex(12)}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    background: false,
    error: null,
    incomplete_details: null,
    model: answeringModel(request, service),
    ...echoOf(wire, body),
    store: keeps(wire, service),
  }
  const answer = new ResponseWriter(head, (done) => {
    if (!keeps(wire, service)) return
    const input = withIds(own)
    responses.add({ body: done, input, items: [...earlier, ...input] })
  })
  return {
    request: { ...request, messages: kept.messages },
    stream: wire.stream,
    terms: { ...terms, places: kept.places },
    answer,
  }
}

function keeps({ store }: ResponsesWire, { responses }: Service): boolean {
  return (store ?? true) && responses.keeps
}

/** The item itself, where only its id was sent. @throws ParameterError */
function referred(item: Item, at: string, { responses }: Service): Item {
  // Clients leave out the type of a reference.
  const { type, id } = item
  if (type !== 'item_reference') return item
  const found = typeof id === 'string' ? responses.item(id) : undefined
  if (found === undefined) throw new ParameterError(at, id, 'is the id of no item of a stored response')
  return found
}

/** `truncation: "auto"`: the oldest turns go, until the rest fits and leaves room for an answer. */
async function shortened(conversation: Conversation, request: ChatRequest, chat: ChatModel): Promise<Conversation> {
  // The longest that fits is looked for by halves: a conversation can have thousands of turns.
  const candidates = shorterAndShorter(conversation)
  let [low, high] = [0, candidates.length - 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (await fits(candidates[middle]!(), request, chat)) high = middle
    else low = middle + 1
  }
  return candidates[low]!()
}

/** Makers of the conversation without its first 0, 1, 2, … turns; the last turn stays, and so do system messages. */
function shorterAndShorter({ messages, places }: Conversation): (() => Conversation)[] {
  const isSystem = ({ role }: ChatMessage) => role === 'system' || role === 'developer'
  const first = messages.findIndex((message) => !isSystem(message))
  const starts = messages.flatMap(({ role }, i) => (role === 'user' && i > first ? [i] : []))
  return [first, ...starts].map((start) => () => {
    const kept = messages.flatMap((message, i) => (i >= start || isSystem(message) ? [i] : []))
    return { messages: kept.map((i) => messages[i]!), places: kept.map((i) => places[i]!) }
  })
}

async function fits({ messages, places }: Conversation, request: ChatRequest, chat: ChatModel): Promise<boolean> {
  try {
    const { length } = await chat.encode({ ...request, messages })
    return length < chat.contextLength
  } catch (error) {
    if (error instanceof ContextLengthError) return false
    throw translate(error, { names: NAMES, places })
  }
}

/** `GET /v1/responses/:id` */
export function showResponse(c: AppContext, service: Service): Response {
  if (c.req.query('stream') === 'true') {
    throw new ParameterError('stream', true, 'is not supported: a stored response has come to its end')
  }
  return jsonResponse(service.responses.get(c.req.param('id') ?? '', 'id').body)
}

/** `DELETE /v1/responses/:id` */
export function deleteResponse(c: AppContext, { responses }: Service): Response {
  const { id } = responses.get(c.req.param('id') ?? '', 'id').body
  responses.remove(id)
  return jsonResponse({ id, object: 'response', deleted: true })
}

/** `POST /v1/responses/:id/cancel` */
export function cancelResponse(c: AppContext, { responses }: Service): never {
  responses.get(c.req.param('id') ?? '', 'id')
  throw new HttpError(400, 'only a response that is made in the background can be cancelled, and none is here')
}

const MAX_PAGE = 100

/** `GET /v1/responses/:id/input_items`: the newest first, unless `order=asc`. */
export function listInputItems(c: AppContext, { responses }: Service): Response {
  const { input } = responses.get(c.req.param('id') ?? '', 'id')
  const { order = 'desc', after, limit = '20' } = c.req.query()
  if (order !== 'asc' && order !== 'desc') throw new ParameterError('order', order, 'must be "asc" or "desc"')
  if (!isInteger(Number(limit), 1, MAX_PAGE)) {
    throw new ParameterError('limit', limit, `must be an integer from 1 to ${MAX_PAGE}`)
  }
  const sorted = order === 'asc' ? input : [...input].reverse()
  const start = after === undefined ? 0 : sorted.findIndex(({ id }) => id === after) + 1
  if (after !== undefined && start === 0) throw new ParameterError('after', after, 'is the id of no input item')
  const data = sorted.slice(start, start + Number(limit))
  return jsonResponse({
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + data.length < sorted.length,
  })
}
