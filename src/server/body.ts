/** Reads a request's body: JSON within limits of size, time and depth, with every digit of its whole numbers. */
import { JsonSyntaxError, parseJson } from '../json/parse.ts'
import { entriesOf, exactJson, isJsonObject } from '../json/value.ts'
import { CLIENT_LEFT, HttpError } from './errors.ts'

/** The fields of a body: plain values, but whole numbers beyond 2^53 are bigints, and prompts' are `JsonValue`s. */
export type BodyFields = Record<string, unknown>

export interface BodyLimits {
  bodyLimitBytes: number
  bodyTimeoutMs: number
}

/** Deeper than any request of these APIs, tool schemas included, and shallow enough for code that recurses. */
const MAX_DEPTH = 100

/**
 * Fields that templates read stay as they were sent: numbers keep their kind and their digits, and keys their order.
 */
const FOR_PROMPT = ['messages', 'tools', 'chat_template_kwargs']

/** The rest of the body would be taken for the next request of the connection. */
const UNREAD = { connection: 'close' }

/**
 * The request's body as a JSON object.
 * @throws HttpError 400, 408, 413, 415
 */
export async function readJsonObject(request: Request, limits: BodyLimits): Promise<BodyFields> {
  // Forms and plain text can be sent by a page of any origin without asking first; JSON cannot. Against a page whose own
  // name was made to point to this machine (DNS rebinding) that is no help: `allowedHosts` is.
  if (!/^application\/([\w.-]+\+)?json *(;|$)/i.test(request.headers.get('content-type') ?? '')) {
    throw new HttpError(415, 'the body must be JSON, with the header Content-Type: application/json', {
      code: 'unsupported_media_type',
    })
  }
  const text = decode(await readBytes(request, limits))
  const body = parse(text)
  if (!isJsonObject(body)) throw new HttpError(400, 'the body must be a JSON object')
  if (/\\ud[89a-f]/i.test(text)) checkTexts(body)
  const fields = entriesOf(body).map(([name, value]) => [name, FOR_PROMPT.includes(name) ? value : exactJson(value)])
  return Object.fromEntries(fields)
}

function parse(text: string): unknown {
  try {
    return parseJson(text, { maxDepth: MAX_DEPTH, nonFinite: false })
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    throw new HttpError(400, `Invalid JSON payload: ${error.message}`)
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new HttpError(400, 'Invalid JSON payload: it is not UTF-8')
  }
}

/** The declared length is only a hint: what comes is counted too. */
async function readBytes(request: Request, { bodyLimitBytes, bodyTimeoutMs }: BodyLimits): Promise<Uint8Array> {
  const tooLarge = () =>
    new HttpError(413, `the body is larger than the ${bodyLimitBytes} bytes that this server takes`, {
      code: 'body_too_large',
      headers: UNREAD,
    })
  if (Number(request.headers.get('content-length') ?? 0) > bodyLimitBytes) throw tooLarge()
  const body = await streamOf(request)
  if (body === null) return new Uint8Array()
  const reader = body.getReader()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new HttpError(408, `the body did not come within ${bodyTimeoutMs} ms`, {
      code: 'body_timeout',
      headers: UNREAD,
    })
    timer = setTimeout(() => reject(error), bodyTimeoutMs)
  })
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late])
      if (done) return joined(chunks, length)
      length += value.byteLength
      if (length > bodyLimitBytes) throw tooLarge()
      chunks.push(value)
    }
  } catch (error) {
    reader.cancel(error).catch(() => {})
    if (error instanceof HttpError) throw error
    throw new HttpError(CLIENT_LEFT, 'the body broke off', { code: 'client_left' })
  } finally {
    clearTimeout(timer)
  }
}

/** Requests of Firefox have no stream: what a page has made there, or its service worker was sent, is read as a whole. */
async function streamOf(request: Request): Promise<ReadableStream<Uint8Array> | null> {
  const { body } = request as { readonly body: Request['body'] | undefined }
  return body === undefined ? (await request.blob()).stream() : body
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}

/** Refuses halves of surrogate pairs, which no tokenizer can encode. @throws HttpError 400 naming the field */
function checkTexts(value: unknown, at = ''): void {
  if (typeof value === 'string') checkText(value, at)
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of entriesOf(value)) {
    checkText(key, at)
    checkTexts(inner, Array.isArray(value) ? `${at}[${key}]` : `${at}${at === '' ? '' : '.'}${key}`)
  }
}

function checkText(text: string, at: string): void {
  // The u flag makes this match unpaired surrogates only.
  if (!/\p{Surrogate}/u.test(text)) return
  const param = at.replaceAll(/\p{Surrogate}/gu, '\ufffd')
  throw new HttpError(400, `${param || 'the body'} holds half of a surrogate pair, which is no character`, { param })
}
