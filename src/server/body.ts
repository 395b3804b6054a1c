import { CLIENT_LEFT, HttpError } from './errors.ts'

export type JsonObject = Record<string, unknown>

export interface BodyLimits {
  bodyLimitBytes: number
  bodyTimeoutMs: number
}

/** Deeper than any request of these APIs, tool schemas included, and shallow enough for code that recurses. */
const MAX_DEPTH = 100

/** What is left of the body would be taken for the next request of the connection. */
const UNREAD = { connection: 'close' }

/**
 * The request's body as a JSON object.
 * @throws HttpError 400, 408, 413, 415
 */
export async function readJsonObject(request: Request, limits: BodyLimits): Promise<JsonObject> {
  // Forms and plain text can be sent by a page of any origin without asking first; JSON cannot. Against a page whose own
  // name was made to point to this machine (DNS rebinding) that is no help: `allowedHosts` is.
  if (!/^application\/([\w.-]+\+)?json *(;|$)/i.test(request.headers.get('content-type') ?? '')) {
    throw new HttpError(415, 'the body must be JSON, with the header Content-Type: application/json', {
      code: 'unsupported_media_type',
    })
  }
  const text = decode(await readBytes(request, limits))
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    const fact = error instanceof Error ? error.message : 'it cannot be read'
    throw new HttpError(400, `Invalid JSON payload: ${fact}`, { quotes: true })
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new HttpError(400, 'the body must be a JSON object')
  }
  checkValues(body, /\\ud[89a-f]/i.test(text))
  return body as JsonObject
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
  if (request.body === null) return new Uint8Array()
  const reader = request.body.getReader()
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

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}

/**
 * Refuses what would hurt further on: nesting that recursion cannot follow, and halves of surrogate pairs, which no
 * tokenizer can encode. Walks with a list, because the nesting is the sender's choice.
 */
function checkValues(body: object, hasSurrogates: boolean): void {
  const open: { value: unknown; at: string; depth: number }[] = [{ value: body, at: '', depth: 0 }]
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    const { value, at, depth } = item
    if (hasSurrogates && typeof value === 'string') checkText(value, at)
    if (typeof value !== 'object' || value === null) continue
    if (depth > MAX_DEPTH) throw new HttpError(400, `the body is nested deeper than ${MAX_DEPTH} levels`)
    for (const [key, inner] of Object.entries(value)) {
      const path = Array.isArray(value) ? `${at}[${key}]` : `${at}${at === '' ? '' : '.'}${key}`
      if (hasSurrogates) checkText(key, at)
      open.push({ value: inner, at: path, depth: depth + 1 })
    }
  }
}

function checkText(text: string, at: string): void {
  // With the u flag this matches unpaired surrogates only.
  if (!/\p{Surrogate}/u.test(text)) return
  const param = at.replaceAll(/\p{Surrogate}/gu, '\ufffd')
  throw new HttpError(400, `${param || 'the body'} holds half of a surrogate pair, which is no character`, { param })
}
