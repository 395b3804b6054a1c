/** `/v1/messages`, Anthropic's API. */
import type { ChatModel } from '../../chat/chat-model.ts'
import type { ChatRequest } from '../../chat/request.ts'
import { readJsonObject } from '../body.ts'
import { HttpError, jsonResponse } from '../errors.ts'
import { respond, type Terms, translate } from '../face.ts'
import { answeringModel, checkModel } from '../schema.ts'
import type { AppContext, Service } from '../service.ts'
import { NAMED_EVENTS } from '../sse.ts'
import { MessageWriter } from './events.ts'
import { parseMessage } from './request.ts'

/** `POST /v1/messages` */
export async function createMessage(c: AppContext, service: Service): Promise<Response> {
  const { config } = service
  const chat = service.model.use()
  checkVersion(c)
  const { model, stream, request, terms, hidesThoughts } = parseMessage(
    await readJsonObject(c.req.raw, config),
    config.lenient,
  )
  const adapted = { ...checkModel(model, service), ...request }
  const promptTokens = () => countPrompt(chat, request, terms)
  const answer = new MessageWriter({ model: answeringModel(adapted, service), promptTokens, hidesThoughts })
  return respond(c, service, { request: adapted, stream, terms, answer }, NAMED_EVENTS)
}

/** `POST /v1/messages/count_tokens`: how long the prompt of such a request would be. */
export async function countMessageTokens(c: AppContext, service: Service): Promise<Response> {
  const { config } = service
  const chat = service.model.use()
  checkVersion(c)
  const { model, request, terms } = parseMessage(await readJsonObject(c.req.raw, config), config.lenient, true)
  checkModel(model, service)
  return jsonResponse({ input_tokens: await countPrompt(chat, request, terms) })
}

async function countPrompt(chat: ChatModel, request: ChatRequest, terms: Terms): Promise<number> {
  try {
    const tools = request.tool_choice === 'none' ? undefined : request.tools
    return (await chat.encode({ ...request, tools })).length
  } catch (error) {
    throw translate(error, terms)
  }
}

/** Every version has what this face reads and writes; what is no date is no version. @throws HttpError 400 */
function checkVersion(c: AppContext): void {
  const version = c.req.header('anthropic-version')
  if (version === undefined || /^\d{4}-\d{2}-\d{2}$/.test(version)) return
  throw new HttpError(400, `anthropic-version: "${version.slice(0, 40)}" is no version, such as 2023-06-01`)
}
