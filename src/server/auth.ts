/** API keys: which requests bring one, compared so that the time tells nothing. */
import { type ErrorFamily, HttpError } from './errors.ts'

/**
 * Checks `Authorization: Bearer KEY` (OpenAI's clients), `Authorization: Api-Key KEY` (the predict route's) and
 * `X-Api-Key: KEY` (Anthropic's).
 */
export class KeyCheck {
  private readonly digests: Promise<Uint8Array[]> | undefined

  /** @param keys none: every request passes */
  constructor(keys: readonly string[]) {
    this.digests = keys.length === 0 ? undefined : Promise.all(keys.map(digest))
  }

  /** @throws HttpError 401 */
  async check(headers: Headers, family: ErrorFamily): Promise<void> {
    if (this.digests === undefined) return
    const authorization = /^(?:bearer|api-key) +(\S.*)$/i.exec(headers.get('authorization') ?? '')
    const key = authorization?.[1]?.trim() ?? headers.get('x-api-key')
    if (!key) {
      const form = family === 'anthropic' ? 'X-Api-Key: KEY' : 'Authorization: Bearer KEY, or Api-Key KEY'
      throw unauthorized(family, `this server needs an API key: ${form}`, null)
    }
    if (!matchesOne(await digest(key), await this.digests)) {
      throw unauthorized(family, 'the API key is not one of this server', 'invalid_api_key')
    }
  }
}

function unauthorized(family: ErrorFamily, message: string, code: string | null): HttpError {
  const scheme = family === 'predict' ? 'Api-Key' : 'Bearer'
  return new HttpError(401, message, { type: 'authentication_error', code, headers: { 'www-authenticate': scheme } })
}

async function digest(key: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)))
}

/** Every byte of every digest is compared, so that the time tells neither which key nor how much of one was right. */
function matchesOne(candidate: Uint8Array, digests: readonly Uint8Array[]): boolean {
  let found = 0
  for (const known of digests) {
    let difference = 0
    for (let i = 0; i < known.length; i++) difference |= known[i]! ^ candidate[i]!
    // 1 when there is no difference, without a branch.
    found |= (difference - 1) >>> 31
  }
  return found === 1
}
