/**
 * The work that all faces do alike: one request to the model for one body, whose answer and whose errors the face words
 * itself.
 */
import { ResultStream } from '../async/result-stream.ts'
import type { ChatChunk } from '../chat/answer.ts'
import { type ChatRequest, checkRequest, parseRequest } from '../chat/request.ts'
import { ParameterError } from '../errors.ts'
import { type HttpError, jsonResponse } from './errors.ts'
import type { ServedCompletion } from './records.ts'
import { type Pieces, runOne } from './run.ts'
import type { AppContext, Service } from './service.ts'
import { type Framing, framedStream } from './sse.ts'
import { follow } from './stream.ts'

/** The names that a face has for the fields of a request to the model. */
export interface Terms {
  /** The face's names by the request's; those that are the same are left out. */
  readonly names: Readonly<Record<string, string>>
  /** Where each message of the request came from, such as `input[2]`. */
  readonly places: readonly string[]
}

/** One answer in the words of a face. Either `whole` or `events` is asked, once. */
export interface FaceAnswer {
  /** The answer as one object. */
  whole(pieces: Pieces<ServedCompletion>): Promise<object>
  /** The answer as it comes. */
  events(pieces: Pieces<ServedCompletion>): AsyncGenerator<object, void, undefined>
  /** The events after which nothing comes, when the model failed on the way. */
  failure(error: HttpError): readonly object[]
}

export interface FaceRequest {
  readonly request: ChatRequest
  readonly stream: boolean
  readonly terms: Terms
  readonly answer: FaceAnswer
}

/** Runs the request and answers with one object, or with a stream of events. @throws HttpError, MistralError */
export async function respond(
  c: AppContext,
  service: Service,
  { request, stream, terms, answer }: FaceRequest,
  framing: Framing,
): Promise<Response> {
  const trace = c.get('trace')
  trace.stream = stream
  trace.asked(request.messages ?? request.prompt)
  const checked = inTerms(terms, () => checkRequest(request))
  const { n } = parseRequest(checked).params.text
  if (n > 1) throw new ParameterError('n', n, 'is for /v1/chat/completions: one answer is returned')
  const { abort, unlink } = follow(c.req.raw)
  const pieces = new ResultStream(translated(runOne(service.model, checked, { signal: abort.signal, trace }), terms))
  if (!stream) return jsonResponse(await answer.whole(pieces).finally(unlink))
  const failure = (error: HttpError) => answer.failure(error)
  return framedStream(answer.events(pieces), { abort, unlink, trace, limits: service.config, framing, failure })
}

/** What `work` gives; the fields in its errors have the names that the client sent. @throws ParameterError */
export function inTerms<T>(terms: Terms, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw translate(error, terms)
  }
}

async function* translated(
  pieces: Pieces<ServedCompletion>,
  terms: Terms,
): AsyncGenerator<ChatChunk, ServedCompletion, undefined> {
  try {
    for await (const piece of pieces) yield piece
    return await pieces.result
  } catch (error) {
    throw translate(error, terms)
  }
}

/** The same error, with the name of the field that the client sent. Others stay as they are. */
export function translate(error: unknown, { names, places }: Terms): unknown {
  if (!(error instanceof ParameterError)) return error
  const { parameter, value, fact } = error
  const [, index] = /^messages\[(\d+)\]/.exec(parameter) ?? []
  const name = index === undefined ? renamed(parameter, names) : places[Number(index)]
  return name === undefined || name === parameter ? error : new ParameterError(name, value, fact, { cause: error })
}

/** `response_format.json_schema` is renamed with `response_format`. */
function renamed(parameter: string, names: Readonly<Record<string, string>>): string | undefined {
  if (Object.hasOwn(names, parameter)) return names[parameter]
  const [head] = /^\w+/.exec(parameter) ?? []
  if (head === undefined || !Object.hasOwn(names, head)) return undefined
  return `${names[head]}${parameter.slice(head.length)}`
}
