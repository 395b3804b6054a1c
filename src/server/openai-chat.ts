/** `POST /v1/chat/completions`: a body becomes a request to the model, and its answer chunks or one object. */
import * as v from 'valibot'
import type { ChatChoice, ChatChunk } from '../chat/answer.ts'
import { type ChatRequest, type CheckedRequest, checkRequest, parseRequest } from '../chat/request.ts'
import { ParameterError } from '../errors.ts'
import type { BodyFields } from './body.ts'
import { jsonResponse } from './errors.ts'
import { withSafePrompt } from './mistral-client.ts'
import { mistralEvents, thoughtfulContent } from './mistral-stream.ts'
import { type AnswerHead, answerHead, chatLogprobs, chunksOf, wireUsage } from './openai-wire.ts'
import type { ServedCompletion } from './records.ts'
import { type Pieces, runOne } from './run.ts'
import {
  answeringModel,
  checkModel,
  checkStreamOptions,
  flag,
  lenientFields,
  modelRequest,
  openAiFields,
  parseFields,
  readFields,
  templateVariables,
  text,
} from './schema.ts'
import type { AppContext, Service } from './service.ts'
import { eventStream } from './sse.ts'
import { follow } from './stream.ts'

const fields = {
  ...openAiFields,
  messages: v.array(v.unknown(), 'must be an array of messages'),
  tools: v.nullish(v.array(v.unknown(), 'must be an array of tools')),
  tool_choice: v.nullish(v.unknown()),
  parallel_tool_calls: v.nullish(v.boolean('must be true or false')),
  reasoning_effort: v.nullish(text),
  chat_template_kwargs: templateVariables,
  echo: flag,
  // It may make an answer come sooner at OpenAI, and never changes it.
  prediction: v.nullish(
    v.looseObject({ type: v.literal('content', 'must be "content"') }, 'must be an object with a type'),
  ),
  // Mistral's.
  safe_prompt: flag,
}
const schema = v.looseObject(fields)
const lenientSchema = v.looseObject({ ...fields, ...lenientFields })
const FIELDS = Object.keys(fields)
const PASSED = ['messages', 'tools', 'tool_choice', 'parallel_tool_calls', 'reasoning_effort', 'chat_template_kwargs']

interface ChatWire {
  request: CheckedRequest
  stream: boolean
  includeUsage: boolean
}

/**
 * `POST /v1/chat/completions`. What a request leaves out is what it is in process and on the predict route (top_p 0.95,
 * top_k 50, 512 tokens), and not what it is at OpenAI: one request gives one answer, wherever it is sent.
 */
export async function chatCompletions(c: AppContext, service: Service): Promise<Response> {
  const { config } = service
  service.model.use()
  const wire = parseChat(await readFields(c, config), service)
  const trace = c.get('trace')
  trace.stream = wire.stream
  trace.asked(wire.request.messages)
  const { abort, unlink } = follow(c.req.raw)
  const head = answerHead('chatcmpl', answeringModel(wire.request, service))
  const pieces = runOne(service.model, wire.request, { signal: abort.signal, trace })
  const family = c.get('family')
  if (!wire.stream) return jsonResponse(completionBody(head, await pieces.result.finally(unlink), family === 'mistral'))
  const choices = parseRequest(wire.request).params.text.n
  const stream = { ...head, choices, includeUsage: wire.includeUsage }
  const events = family === 'mistral' ? mistralEvents(pieces, stream) : chatEvents(pieces, stream)
  return eventStream(events, { abort, unlink, trace, family, limits: config })
}

/** @throws ParameterError, HttpError */
function parseChat(body: BodyFields, service: Service): ChatWire {
  const { lenient } = service.config
  const wire = parseFields(lenient ? lenientSchema : schema, body)
  const named = checkModel(wire.model, service)
  const { stream_options: options } = wire
  if (wire.echo && !lenient) {
    throw new ParameterError('echo', true, 'is for /v1/completions; return_full_text gives the conversation here')
  }
  checkStreamOptions(body, wire.stream, lenient)
  const asked = wire.safe_prompt ? { ...body, messages: withSafePrompt(wire.messages) } : body
  return {
    request: checkRequest({
      ...named,
      ...modelRequest(asked, { fields: FIELDS, passed: PASSED, lenient }),
    } as ChatRequest),
    stream: wire.stream,
    includeUsage: options?.include_usage ?? false,
  }
}

function completionBody(
  { id, created, model }: AnswerHead,
  { choices, usage }: ServedCompletion,
  mistral: boolean,
): object {
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: choices.map((choice) => ({
      index: choice.index,
      message: mistral ? mistralMessage(choice) : message(choice),
      logprobs: chatLogprobs(choice.logprobs),
      finish_reason: choice.finish_reason,
    })),
    usage: wireUsage([usage], choices),
  }
}

function message({ text, reasoning_content: thought, tool_calls: calls }: ChatChoice): object {
  return {
    role: 'assistant',
    content: calls && text === '' ? null : text,
    ...(thought !== null && { reasoning_content: thought }),
    ...(calls && { tool_calls: calls }),
  }
}

function mistralMessage(choice: ChatChoice): object {
  const { reasoning_content: thought, text } = choice
  const plain = message({ ...choice, reasoning_content: null })
  return thought === null ? plain : { ...plain, content: thoughtfulContent(thought, text) }
}

interface StreamHead extends AnswerHead {
  choices: number
  includeUsage: boolean
}

/** OpenAI's chunks in their order: roles, pieces, finish reasons, then usage where it was asked for. */
async function* chatEvents(
  pieces: Pieces<ServedCompletion>,
  head: StreamHead,
): AsyncGenerator<object, void, undefined> {
  const { includeUsage } = head
  const chunk = chunksOf(head, 'chat.completion.chunk', includeUsage)
  const choice = (index: number, delta: object, rest: { logprobs?: object | null; finish_reason?: string } = {}) =>
    chunk([{ index, delta, logprobs: null, finish_reason: null, ...rest }])
  const roles = Array.from({ length: head.choices }, (_, index) => choice(index, { role: 'assistant', content: '' }))
  for await (const piece of pieces) {
    // The first piece comes before the first event: what fails until then gets a status of its own.
    yield* roles.splice(0)
    const { index, finish_reason } = piece
    for (const { delta, logprobs } of deltas(piece)) yield choice(index, delta, { logprobs })
    if (finish_reason !== null) yield choice(index, {}, { finish_reason })
  }
  if (!includeUsage) return
  const { usage, choices } = await pieces.result
  yield chunk([], wireUsage([usage], choices))
}

/**
 * Logprobs are those of tokens whose text is shown, so they come with it. Calls come one by one: LlamaIndex for TypeScript
 * (@llamaindex/openai 0.4.23) reads the first of a chunk alone.
 */
function deltas({ text, reasoning_content: thought, logprobs, tool_calls: calls }: ChatChunk) {
  const out: { delta: object; logprobs: object | null }[] = []
  if (thought !== null) out.push({ delta: { reasoning_content: thought }, logprobs: null })
  if (text !== '') out.push({ delta: { content: text }, logprobs: chatLogprobs(logprobs) })
  for (const call of calls ?? []) out.push({ delta: { tool_calls: [call] }, logprobs: null })
  return out
}
