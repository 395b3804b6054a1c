/** `/tokenize`, `/detokenize` and `/props`, in the shapes of llama.cpp's server and of vLLM's. */
import * as v from 'valibot'
import type { ChatModel } from '../chat/chat-model.ts'
import type { PromptRequest } from '../chat/request.ts'
import { isInteger } from '../checks.ts'
import { ParameterError } from '../errors.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { type BodyFields, readJsonObject } from './body.ts'
import { HttpError, jsonResponse } from './errors.ts'
import { checkModel, listOfObjects, modelRequest, parseFields, templateVariables, text } from './schema.ts'
import type { AppContext, Service } from './service.ts'

const flag = v.nullish(v.boolean('must be true or false'))
const tokenizeFields = {
  // llama.cpp's.
  content: v.nullish(text),
  add_special: flag,
  parse_special: flag,
  with_pieces: flag,
  // vLLM's.
  model: v.nullish(text),
  prompt: v.nullish(text),
  messages: v.nullish(v.array(v.unknown(), 'must be a list of messages')),
  tools: v.nullish(listOfObjects),
  reasoning_effort: v.nullish(text),
  chat_template_kwargs: templateVariables,
  add_special_tokens: flag,
  return_token_strs: flag,
  add_generation_prompt: flag,
}
const tokenizeSchema = v.looseObject(tokenizeFields)
const detokenizeFields = { model: v.nullish(text), tokens: v.unknown() }
const detokenizeSchema = v.looseObject(detokenizeFields)

/** Reads a body whose fields are all the route's own. */
async function read<T extends v.GenericSchema>(
  c: AppContext,
  service: Service,
  schema: T,
  fields: object,
): Promise<{ wire: v.InferOutput<T>; body: BodyFields }> {
  const body = await readJsonObject(c.req.raw, service.config)
  const wire = parseFields(schema, body)
  const { lenient } = service.config
  modelRequest(body, { fields: Object.keys(fields), passed: [], lenient, unsupported: {}, parameters: [] })
  const { model } = wire as { model?: string | null }
  checkModel(model, service)
  return { wire, body }
}

/** `POST /tokenize`: `content` as llama.cpp's server takes it, `prompt` or `messages` as vLLM's does. */
export async function tokenize(c: AppContext, service: Service): Promise<Response> {
  const chat = service.model.use()
  const { wire } = await read(c, service, tokenizeSchema, tokenizeFields)
  const given = (['content', 'prompt', 'messages'] as const).filter((name) => wire[name] != null)
  if (given.length !== 1) {
    throw new ParameterError('content', wire.content, 'is required: a text; or send prompt, or messages, instead')
  }
  const tokenizer = tokenizerOf(chat)
  if (given[0] === 'content') {
    if (wire.parse_special === true) {
      throw new ParameterError('parse_special', true, 'is not supported: names of control tokens stay text here')
    }
    const ids = tokenizer.encode(wire.content!, { bos: wire.add_special === true && tokenizer.addsBos })
    const piece = (id: number) => ({ id, piece: pieceOf(tokenizer, id) })
    return jsonResponse({ tokens: wire.with_pieces ? ids.map(piece) : ids })
  }
  const ids = await promptIds(chat, tokenizer, wire)
  return jsonResponse({
    count: ids.length,
    max_model_len: chat.contextLength,
    tokens: ids,
    token_strs: wire.return_token_strs ? ids.map((id) => tokenizer.idToToken(id) ?? '') : null,
  })
}

async function promptIds(
  chat: ChatModel,
  tokenizer: Tokenizer,
  { prompt, messages, tools, add_special_tokens: special, ...settings }: v.InferOutput<typeof tokenizeSchema>,
): Promise<readonly number[]> {
  if (prompt != null) return tokenizer.encode(prompt, { bos: special !== false && tokenizer.addsBos })
  const { reasoning_effort, chat_template_kwargs } = settings
  return chat.encode({ messages, tools, reasoning_effort, chat_template_kwargs } as PromptRequest)
}

/** A piece that is no text of its own is a list of bytes. */
function pieceOf(tokenizer: Tokenizer, id: number): string | number[] {
  const bytes = tokenizer.tokenBytes(id)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return [...bytes]
  }
}

/** `POST /detokenize`: `content` is llama.cpp's name of the text, `prompt` vLLM's. */
export async function detokenize(c: AppContext, service: Service): Promise<Response> {
  const chat = service.model.use()
  const { wire } = await read(c, service, detokenizeSchema, detokenizeFields)
  const { tokens } = wire
  if (!Array.isArray(tokens)) throw new ParameterError('tokens', tokens, 'must be a list of token ids')
  for (const [i, id] of tokens.entries()) {
    if (isInteger(id, 0, chat.vocabSize - 1)) continue
    throw new ParameterError(`tokens[${i}]`, id, `must be an integer from 0 to ${chat.vocabSize - 1}`)
  }
  const whole = await chat.decode(tokens as number[])
  return jsonResponse({ content: whole, prompt: whole })
}

/** `GET /props`, as llama.cpp's server tells of itself. */
export async function props(_: AppContext, service: Service): Promise<Response> {
  const chat = service.model.use()
  const { maxSequences } = await chat.status()
  return jsonResponse({
    default_generation_settings: { n_ctx: chat.contextLength },
    total_slots: maxSequences,
    model_path: service.config.modelId,
    model_alias: service.config.modelId,
    modalities: { vision: false, audio: false },
    is_sleeping: false,
  })
}

/** @throws HttpError 400 where the model lives elsewhere, and its vocabulary with it */
function tokenizerOf(chat: ChatModel): Tokenizer {
  if (chat.tokenizer !== undefined) return chat.tokenizer
  throw new HttpError(400, 'the model of this server does not show its vocabulary')
}
