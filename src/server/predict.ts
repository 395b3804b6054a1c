/** The predict route of Truss: one text for a conversation, whole or streamed. */
import * as v from 'valibot'
import type { ChatModel } from '../chat/chat-model.ts'
import { type ChatRequest, type CheckedRequest, checkRequest } from '../chat/request.ts'
import { isInteger } from '../checks.ts'
import { ParameterError } from '../errors.ts'
import { type BodyFields, readJsonObject } from './body.ts'
import { HttpError, jsonResponse } from './errors.ts'
import type { ServedCompletion } from './records.ts'
import { type Pieces, runOne } from './run.ts'
import { checkModel, flag, modelRequest, numberWithin, parseFields, templateVariables, text } from './schema.ts'
import type { AppContext, Service } from './service.ts'
import { type Frames, follow, openFrameStream } from './stream.ts'
import { WordFlusher } from './word-flusher.ts'

const DEFAULT_MAX_TOKENS = 512

const schema = v.looseObject({
  messages: v.nullish(v.array(v.unknown(), 'must be a list of messages')),
  prompt: v.nullish(text),
  reasoning_effort: v.nullish(text),
  chat_template_kwargs: templateVariables,
  stream: flag,
  // Clients of the bridge to this route send the name of the model, and OpenAI's penalties.
  model: v.nullish(text),
  presence_penalty: numberWithin(-2, 2),
})
const FIELDS = Object.keys(schema.entries)
const PASSED = ['messages', 'prompt', 'reasoning_effort', 'chat_template_kwargs']
/** The answer of this route is one text: there is no place for more than that. */
const ONE_TEXT = ['n', 'logprobs', 'top_logprobs'] as const

/** `POST /predict` and its other paths: the route of Truss, whose `max_tokens` counts the prompt's tokens too. */
export async function predict(c: AppContext, service: Service): Promise<Response> {
  const { config } = service
  const chat = service.model.use()
  const body = await readJsonObject(c.req.raw, config)
  const wire = parseFields(schema, body)
  const named = checkModel(wire.model ?? c.req.param('name')?.replace(/:predict$/, ''), service)
  const request = checkRequest({ ...named, ...modelInput(body, config) })
  const trace = c.get('trace')
  trace.asked(wire.messages ?? wire.prompt)
  const joined = !wire.stream || wantsJoined(c.req.raw.headers)
  try {
    if (!joined) return await textStream(c, service, request)
    const { abort, unlink } = follow(c.req.raw)
    const { choices } = await runOne(service.model, request, { signal: abort.signal, trace }).result.finally(unlink)
    const answer = choices[0]!.text
    // A stream that was asked for and joined is a bare string in the reference too.
    return jsonResponse(config.predictOutput === 'object' && !wire.stream ? { output: answer } : answer)
  } catch (error) {
    throw (await promptTooLong(error, request, chat)) ?? error
  }
}

/** The answer as raw text, whole words as they come. */
async function textStream(c: AppContext, { config, model }: Service, request: CheckedRequest): Promise<Response> {
  const trace = c.get('trace')
  const { abort, unlink } = follow(c.req.raw)
  trace.stream = true
  const stream = await openFrameStream(words(runOne(model, request, { signal: abort.signal, trace })), {
    ...config,
    abort,
    // Every byte of this stream is text of the answer: there is no way to say nothing, and none to tell of an error.
    keepAlive: undefined,
    errorFrames: undefined,
    unlink,
    onEnd: trace.streamEnded,
  })
  trace.deferred = true
  return new Response(stream, {
    headers: { 'content-type': 'application/octet-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' },
  })
}

/** The request as the model takes it, where `max_length` is what counts the prompt, too. @throws ParameterError */
function modelInput(body: BodyFields, config: Service['config']): ChatRequest {
  const { lenient } = config
  const limit = parseMaxTokens(body, config)
  for (const name of ONE_TEXT) {
    const value = body[name] ?? null
    const neutral = value === null || value === false || value === (name === 'n' ? 1 : 0)
    if (!neutral && !lenient) throw new ParameterError(name, value, 'is for /v1/chat/completions: one text is returned')
  }
  // Fields that a lenient server ignores must not reach the model: the pieces of several answers would interleave.
  const dropped: readonly string[] = ['max_tokens', 'max_length', ...ONE_TEXT]
  const rest = Object.fromEntries(Object.entries(body).filter(([name]) => !dropped.includes(name)))
  // These count the answer only, as everywhere, and win.
  const own = body.max_new_tokens ?? body.max_completion_tokens ?? null
  const counted = own === null ? { ...rest, max_length: limit } : rest
  const request = modelRequest(counted, { fields: FIELDS, passed: PASSED, lenient }) as ChatRequest
  if (request.messages === undefined && request.prompt === undefined) {
    throw new ParameterError('messages', undefined, 'is required: a list of {role, content}')
  }
  return request
}

/** Translates the model's `max_length`, which is `max_tokens` here; undefined for any other error. */
async function promptTooLong(error: unknown, request: ChatRequest, chat: ChatModel): Promise<HttpError | undefined> {
  const { max_length: limit } = request
  if (!(error instanceof ParameterError && error.parameter === 'max_length') || limit === undefined) return undefined
  const { length } = await chat.encode(request)
  return new HttpError(
    400,
    `parameter "max_tokens" (${limit}): counts the prompt on this route, which has ${length} tokens already; ` +
      'raise it, or send max_new_tokens, which counts the answer only',
    { param: 'max_tokens' },
  )
}

/** Tokens that prompt and answer may have together. `max_length` is another name for it here. @throws ParameterError */
function parseMaxTokens(body: BodyFields, { maxTokens, lenient }: Service['config']): number {
  const given = ['max_tokens', 'max_length'].filter((name) => body[name] !== undefined && body[name] !== null)
  for (const name of given) {
    const value = body[name]
    if (!isInteger(value, 1, lenient ? Infinity : maxTokens))
      throw new ParameterError(name, value, `must be an integer from 1 to ${maxTokens}, this server's --max-tokens`)
  }
  const limits = given.length > 0 ? given.map((name) => body[name] as number) : [DEFAULT_MAX_TOKENS]
  return Math.min(maxTokens, ...limits)
}

/** Clients that ask for JSON and nothing else get one JSON string; OpenAI's send this header with every request. */
function wantsJoined(headers: Headers): boolean {
  return headers.get('accept') === 'application/json' && !/^(Async)?OpenAI\//i.test(headers.get('user-agent') ?? '')
}

async function* words(pieces: Pieces<ServedCompletion>): Frames {
  const flusher = new WordFlusher()
  for await (const piece of pieces) {
    const ready = flusher.push(piece.text)
    if (ready !== '') yield ready
  }
  return flusher.flush()
}
