/** Errors as clients get to see them: a status, and a body in the form of the route and of the client. */
import {
  AbortError,
  ChatTemplateError,
  ConstraintError,
  ContextLengthError,
  ConversationError,
  DeviceError,
  DeviceLostError,
  MemoryError,
  MistralError,
  NoTokenLeftError,
  ParameterError,
  QueueFullError,
  TokenizerError,
} from '../errors.ts'
import { inServerTerms } from './flags.ts'
import { fieldDetail, isMistralClient, isUnnamedClient } from './mistral-client.ts'

/**
 * The ways in which clients expect errors: OpenAI's nested object, Mistral's flat one, both in one body where it cannot be
 * told, Anthropic's, and a text (the predict route's and Ollama's).
 */
export type ErrorFamily = 'openai' | 'mistral' | 'either' | 'anthropic' | 'ollama' | 'predict'

/** By the path, before it is decoded: a model's name may end in an encoded `:predict`. Then by who asks. */
export function familyOf(path: string, headers: Headers): ErrorFamily {
  const predicts = path.startsWith('/v1/') ? /^\/v1\/models\/.+(:|%3a)predict$/i : /\/predict$/
  if (predicts.test(path)) return 'predict'
  if (/^\/api\//.test(path)) return 'ollama'
  // Both OpenAI's and Anthropic's clients list models under one path.
  const anthropic = headers.has('anthropic-version') ? /^\/v1\/(messages|models)(\/|$)/ : /^\/v1\/messages(\/|$)/
  if (anthropic.test(path)) return 'anthropic'
  if (isMistralClient(headers)) return 'mistral'
  return isUnnamedClient(headers) ? 'either' : 'openai'
}

export interface HttpErrorFields {
  /** OpenAI's class of the error. */
  type?: string | undefined
  /** The field of the request that is at fault. */
  param?: string | null | undefined
  code?: string | null | undefined
  headers?: Readonly<Record<string, string>> | undefined
  /** The message quotes the request, which a log may not be allowed to. */
  quotes?: boolean | undefined
  cause?: unknown
}

/** An error with the status and the fields that a client gets to see. */
export class HttpError extends MistralError {
  override name = 'HttpError'
  readonly type: string
  readonly param: string | null
  readonly code: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly quotes: boolean

  constructor(
    readonly status: number,
    message: string,
    { type, param, code, headers, quotes, cause }: HttpErrorFields = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.type = type ?? (status >= 500 ? 'server_error' : 'invalid_request_error')
    this.param = param ?? null
    this.code = code ?? null
    this.headers = headers ?? {}
    this.quotes = quotes ?? false
  }
}

/** nginx's status for a client that left before its answer. Nobody reads it but the log. */
export const CLIENT_LEFT = 499

/**
 * Words any error for a client. Of an unexpected one the client learns no more than that there was one.
 * @param promptField the field of the request that holds what the model is to answer
 */
export function toHttpError(error: unknown, promptField = 'messages'): HttpError {
  if (error instanceof HttpError) return error
  if (error instanceof ParameterError) {
    return new HttpError(400, error.message, { param: error.parameter, quotes: true })
  }
  if (error instanceof ConstraintError) return new HttpError(400, error.message, { code: 'constraint_error' })
  if (error instanceof NoTokenLeftError) return new HttpError(400, error.message, { code: 'no_token_left' })
  if (error instanceof ContextLengthError) {
    return new HttpError(400, inServerTerms(error), { code: 'context_length_exceeded', param: promptField })
  }
  if (error instanceof ConversationError || error instanceof TokenizerError)
    return new HttpError(400, error.message, { quotes: true })
  // No other request would do better: the fault is the checkpoint's.
  if (error instanceof ChatTemplateError) {
    return new HttpError(500, inServerTerms(error), { code: 'chat_template_error', quotes: true, cause: error })
  }
  if (error instanceof QueueFullError) {
    return new HttpError(429, inServerTerms(error), {
      type: 'rate_limit_error',
      code: 'queue_full',
      headers: { 'retry-after': '1' },
    })
  }
  if (isAbort(error)) return new HttpError(CLIENT_LEFT, 'the client closed the connection', { code: 'client_left' })
  return fromDevice(error) ?? new HttpError(500, 'the server failed to answer; its log says more', { cause: error })
}

function isAbort(error: unknown): boolean {
  return error instanceof AbortError || (error instanceof DOMException && error.name === 'AbortError')
}

function fromDevice(error: unknown): HttpError | undefined {
  if (error instanceof DeviceLostError) {
    return new HttpError(503, error.message, { code: 'device_lost', headers: { 'retry-after': '5' }, cause: error })
  }
  if (error instanceof MemoryError) {
    const headers = { 'retry-after': '1' }
    return new HttpError(503, inServerTerms(error), { code: 'out_of_memory', headers, cause: error })
  }
  // Further lines hold shader sources and the driver's own words: they are for the log.
  const [fact] = error instanceof Error ? error.message.split('\n') : []
  if (error instanceof DeviceError) return new HttpError(500, fact!, { code: 'device_error', cause: error })
  return undefined
}

/** The body of an error, in the shape that the family's clients read. */
export function errorBody(family: ErrorFamily, error: HttpError, requestId?: string): object {
  const { message, type, param, code } = error
  if (family === 'predict' || family === 'ollama') return { error: message }
  if (family === 'anthropic') {
    const details = code === null ? {} : { details: { error_code: code } }
    const shown = { type: anthropicType(error), message, ...details }
    return { type: 'error', error: shown, ...(requestId && { request_id: requestId }) }
  }
  const fields = { message, type, param, code }
  return {
    ...(family !== 'mistral' && { error: fields }),
    ...(family !== 'openai' && { object: 'error', ...fields }),
  }
}

/** Anthropic's classes of errors, by the status. */
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
}

function anthropicType({ status }: HttpError): string {
  return ANTHROPIC_TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
}

export function errorResponse(family: ErrorFamily, error: HttpError, requestId: string): Response {
  const body = errorBody(family, error, requestId)
  const { status, param, code, message, headers } = error
  // Where a field is at fault, Mistral's API answers so, and its client makes a `HTTPValidationError` of it.
  if (family === 'mistral' && status === 400 && param !== null && code === null) {
    return jsonResponse({ ...body, detail: [fieldDetail(param, message)] }, 422, headers)
  }
  return jsonResponse(body, status, headers)
}

export function jsonResponse(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })
}
