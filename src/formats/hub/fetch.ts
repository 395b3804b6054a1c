/** Requests to the Hub: a token goes to the Hub and to nobody else, redirects are followed, failures are told apart. */
import { platform } from '#platform'
import { CheckpointError } from '../../errors.ts'
import { messageOf } from '../byte-reader.ts'
import { discard, withoutCredentials } from '../http-request.ts'

const MAX_REDIRECTS = 8

export interface HubRequest {
  readonly token?: string | undefined
  readonly range?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Fetches a URL. Browsers follow redirects themselves, and drop the token where another host begins; elsewhere that is done
 * here, so that it does not depend on the runtime.
 */
export async function hubFetch(url: string, { token, range, signal }: HubRequest): Promise<Response> {
  const { address, authorization } = token === undefined ? withoutCredentials(url) : { address: url }
  const secret = token === undefined ? authorization?.authorization : `Bearer ${token}`
  const origin = new URL(address).origin
  const isBrowser = platform.name === 'browser'
  let target = address
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const headers = new Headers()
    if (range !== undefined) headers.set('range', range)
    if (secret !== undefined && new URL(target).origin === origin) headers.set('authorization', secret)
    const redirect = isBrowser ? 'follow' : 'manual'
    const response = await fetch(target, { headers, redirect, ...(signal && { signal }) })
    const location = response.headers.get('location')
    if (isBrowser || response.status < 300 || response.status > 399 || location === null) return response
    await discard(response)
    target = nextTarget(location, target)
  }
  throw new CheckpointError({ file: new URL(url).pathname }, `was redirected more than ${MAX_REDIRECTS} times`)
}

function nextTarget(location: string, from: string): string {
  let next: URL
  try {
    next = new URL(location, from)
  } catch (error) {
    throw new CheckpointError({ file: new URL(from).pathname }, `was redirected nowhere: ${messageOf(error)}`)
  }
  const isDowngrade = from.startsWith('https:') && next.protocol !== 'https:'
  if (isDowngrade || !/^https?:$/.test(next.protocol)) {
    throw new CheckpointError(
      { file: new URL(from).pathname },
      `was redirected to ${next.protocol}//, which is not safe`,
    )
  }
  return next.href
}

/** The server's own words at the end of a message: a token may lack a right, or a request may wait for its answer. */
export function saidBy({ headers }: Response): string {
  const said = headers.get('x-error-message')?.slice(0, 300)
  return said ? `; the server says: ${said}` : ''
}

/** Why the Hub refuses, and what to do; undefined where the status says enough. */
export function hubRefusal(response: Response, repository: string, endpoint: string, hasToken: boolean) {
  const { status } = response
  const code = response.headers.get('x-error-code') ?? ''
  const said = response.headers.get('x-error-message')?.slice(0, 300)
  const page = `${endpoint}/${repository}`
  const at = { file: repository }
  if (code === 'GatedRepo' || /gated|restricted/i.test(said ?? '')) {
    const token = hasToken ? 'the token must belong to an account that did' : 'pass a token (HF_TOKEN, or hub.token)'
    const fact = `is gated (${status}): accept its conditions at ${page}, and ${token}${saidBy(response)}`
    return new CheckpointError(at, fact)
  }
  if (code === 'RevisionNotFound') return new CheckpointError(at, `has no such revision (${said ?? status})`)
  if (status === 401 && hasToken)
    return new CheckpointError(
      at,
      `the token (HF_TOKEN, hub.token, or of "hf auth login") is not accepted (401)${saidBy(response)}`,
    )
  if (status === 401 || status === 403 || status === 404 || code === 'RepoNotFound') {
    const token = hasToken
      ? 'or the token has no right to read it'
      : 'or it is private or gated and needs a token (HF_TOKEN)'
    return new CheckpointError(at, `there is no such model at ${page} (${status}), ${token}`)
  }
  return undefined
}
