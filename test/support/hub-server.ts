/** A Hugging Face Hub on this machine, with the ways in which servers and networks misbehave, by seed. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { random as generator } from './fixtures.ts'
import { type Fault, flipped } from './hub-faults.ts'

export interface HubServer {
  /** Of the API and of `resolve`. */
  readonly endpoint: string
  /** Of the store that redirects lead to. */
  readonly store: string
  /** Bytes of files that were sent. */
  served: number
  /** Requests of files. */
  readonly requests: {
    readonly path: string
    readonly host: 'hub' | 'store'
    readonly authorization: string | undefined
  }[]
  /** Sets what goes wrong from now on. */
  misbehave(fault: Fault, seed: number, budget?: number): void
  /** Replaces a repository; a new commit comes of it. */
  publish(repository: string, files: ReadonlyMap<string, Uint8Array>): string
  /** The token without which a repository is gated: its files alone, or its listing, too. */
  gate(repository: string, token: string | undefined, what?: 'files' | 'all'): void
  close(): Promise<void>
}

interface Repository {
  readonly commit: string
  readonly files: ReadonlyMap<string, Uint8Array>
  token: string | undefined
  isListed: boolean
}

const LFS_BYTES = 4096

/** @param options.redirects whether large files lie in another store, behind addresses that expire */
export async function startHub({ redirects = true, slowMs = 0 } = {}): Promise<HubServer> {
  const repositories = new Map<string, Repository>()
  let fault: Fault = 'none'
  let budget = 0
  let random = generator(1)
  const valid = new Set<string>()
  const state = { served: 0 }
  const requests: HubServer['requests'] = []
  const hub = createServer((request, response) => void answerHub(request, response))
  const store = createServer((request, response) => void answerStore(request, response))
  await Promise.all([hub, store].map((server) => new Promise<void>((ok) => server.listen(0, '127.0.0.1', ok))))
  // Another name of the same machine is another host.
  const endpoint = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`
  const storeOrigin = `http://localhost:${(store.address() as AddressInfo).port}`

  function answerHub(request: IncomingMessage, response: ServerResponse): void {
    cors(response)
    if (request.method === 'OPTIONS') return void response.writeHead(204).end()
    const url = new URL(request.url ?? '/', endpoint)
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/revision\/([^/]+)$/.exec(url.pathname)
    const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(decodeURIComponent(url.pathname))
    const repository = repositories.get(api?.[1] ?? resolve?.[1] ?? '')
    if (repository === undefined) {
      return void response
        .writeHead(401, { 'x-error-code': 'RepoNotFound', 'x-error-message': 'Repository not found' })
        .end()
    }
    const { authorization } = request.headers
    const isOpen = api !== null && repository.isListed
    if (!isOpen && repository.token !== undefined && authorization !== `Bearer ${repository.token}`) {
      const status = authorization === undefined ? 401 : 403
      const headers = { 'x-error-code': 'GatedRepo', 'x-error-message': 'Access to this model is restricted' }
      return void response.writeHead(status, headers).end()
    }
    if (api) return void answerListing(repository, decodeURIComponent(api[2]!), response)
    requests.push({ path: resolve![3]!, host: 'hub', authorization })
    const bytes = repository.files.get(resolve![3]!)
    if (bytes === undefined) return void response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end()
    // What huggingface_hub asks before it downloads.
    const id = bytes.byteLength > LFS_BYTES ? sha256(bytes) : gitHash(bytes)
    response.setHeader('x-repo-commit', repository.commit)
    response.setHeader('etag', `"${id}"`)
    if (bytes.byteLength > LFS_BYTES) {
      response.setHeader('x-linked-etag', `"${id}"`)
      response.setHeader('x-linked-size', bytes.byteLength)
    }
    if (redirects && bytes.byteLength > LFS_BYTES) {
      const ticket = `${Math.floor(random() * 1e9)}`
      valid.add(ticket)
      const location = `${storeOrigin}/${resolve![1]}/${encodeURIComponent(resolve![3]!)}?ticket=${ticket}`
      return void response.writeHead(302, { location }).end()
    }
    if (request.method === 'HEAD') return void response.writeHead(200, { 'content-length': bytes.byteLength }).end()
    send(bytes, request, response)
  }

  function answerListing(repository: Repository, revision: string, response: ServerResponse): void {
    if (revision !== 'main' && revision !== repository.commit) {
      return void response
        .writeHead(404, { 'x-error-code': 'RevisionNotFound', 'x-error-message': 'Invalid rev id' })
        .end()
    }
    const siblings = [...repository.files].map(([rfilename, bytes]) => {
      const size = bytes.byteLength
      const blobId = gitHash(bytes)
      if (size <= LFS_BYTES) return { rfilename, size, blobId }
      return { rfilename, size, blobId, lfs: { sha256: sha256(bytes), size, pointerSize: 130 } }
    })
    const text = JSON.stringify({ id: 'x', sha: repository.commit, siblings })
    response.writeHead(200, { 'content-type': 'application/json' }).end(text)
  }

  function answerStore(request: IncomingMessage, response: ServerResponse): void {
    cors(response)
    if (request.method === 'OPTIONS') return void response.writeHead(204).end()
    const url = new URL(request.url ?? '/', storeOrigin)
    const [, owner, name, file = ''] = url.pathname.split('/')
    requests.push({ path: decodeURIComponent(file), host: 'store', authorization: request.headers.authorization })
    const bytes = repositories.get(`${owner}/${name}`)?.files.get(decodeURIComponent(file))
    const ticket = url.searchParams.get('ticket') ?? ''
    if (bytes === undefined || !valid.has(ticket)) return void response.writeHead(403).end('Request has expired')
    if (fault === 'signed-expires' && random() < 0.5) valid.delete(ticket)
    send(bytes, request, response)
  }

  function send(whole: Uint8Array, request: IncomingMessage, response: ServerResponse): void {
    const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
    const isFaulty = budget > 0 && random() < 0.6
    if (isFaulty) budget--
    const hasRanges = asked !== null && fault !== 'no-ranges' && fault !== 'no-ranges-cut'
    const from = hasRanges ? Number(asked[1]) : 0
    const last = hasRanges && asked[2] ? Math.min(Number(asked[2]), whole.byteLength - 1) : whole.byteLength - 1
    const size = whole.byteLength
    const plain = (start: number, bytes: Uint8Array, extra: Record<string, string | number> = {}) => {
      state.served += bytes.byteLength
      const range = { 'content-range': `bytes ${start}-${start + bytes.byteLength - 1}/${size}` }
      response.writeHead(hasRanges ? 206 : 200, {
        'content-length': bytes.byteLength,
        ...(hasRanges && range),
        ...extra,
      })
      return bytes
    }
    const body = whole.subarray(from, last + 1)
    const all = () => drip(response, plain(from, body), slowMs)
    if (fault === 'flip-always') return void response.end(plain(from, flipped(body, random)))
    if (!isFaulty) return void all()
    switch (fault) {
      case 'cut':
      case 'no-ranges-cut': {
        plain(from, body)
        const sent = Math.floor(random() * body.byteLength)
        state.served -= body.byteLength - sent
        response.write(body.subarray(0, sent), () => setTimeout(() => response.destroy(), 2))
        return
      }
      case '503':
        return void response.writeHead(503, random() < 0.5 ? { 'retry-after': '0' } : {}).end('busy')
      case '429':
        return void response.writeHead(429, { 'retry-after': random() < 0.2 ? '1' : '0' }).end('slow down')
      case 'throttle':
        return void drip(response, plain(from, body), 3)
      case 'wrong-range': {
        const shift = 1 + Math.floor(random() * 63)
        const moved = whole.subarray(Math.min(from + shift, size - 1), Math.min(last + 1 + shift, size))
        return void response.end(plain(Math.min(from + shift, size - 1), moved))
      }
      case 'short-length':
        return void response.end(
          plain(from, body.subarray(0, Math.max(1, body.byteLength - 1 - Math.floor(random() * 900)))),
        )
      case 'size-lies':
        response.writeHead(206, {
          'content-length': body.byteLength,
          'content-range': `bytes ${from}-${last}/${size + 4096}`,
        })
        return void response.end(body)
      case 'html':
        return void response
          .writeHead(200, { 'content-type': 'text/html' })
          .end('<!doctype html><title>sign in</title>')
      case 'gzip':
        return void response.end(plain(from, body, { vary: 'accept-encoding' }))
      case 'flip':
        return void response.end(plain(from, flipped(body, random)))
      case 'too-long': {
        response.writeHead(206, { 'content-range': `bytes ${from}-${last}/${size}` })
        state.served += body.byteLength
        response.write(body)
        return void response.end('and more')
      }
      default:
        return void all()
    }
  }

  return {
    endpoint,
    store: storeOrigin,
    requests,
    get served() {
      return state.served
    },
    set served(value) {
      state.served = value
    },
    misbehave(kind, seed, faults = 3) {
      fault = kind
      budget = faults
      random = generator(seed)
    },
    publish(repository, files) {
      const commit = createHash('sha1').update(JSON.stringify([...files].map(([name, bytes]) => [name, sha256(bytes)])))
      const entry = { commit: commit.digest('hex'), files, token: repositories.get(repository)?.token, isListed: false }
      repositories.set(repository, entry)
      return entry.commit
    },
    gate(repository, token, what = 'all') {
      Object.assign(repositories.get(repository)!, { token, isListed: what === 'files' })
    },
    async close() {
      const ended = [hub, store].map((server) => new Promise<void>((ok) => server.close(() => ok())))
      hub.closeAllConnections()
      store.closeAllConnections()
      await Promise.all(ended)
    },
  }
}

/** Sends a body slowly: a piece every few milliseconds. */
function drip(response: ServerResponse, body: Uint8Array, ms: number): void {
  if (ms === 0) return void response.end(body)
  let at = 0
  const timer = setInterval(() => {
    if (at >= body.byteLength || response.destroyed) {
      clearInterval(timer)
      response.end()
      return
    }
    response.write(body.subarray(at, at + 65_536))
    at += 65_536
  }, ms)
}

function cors(response: ServerResponse): void {
  response.setHeader('access-control-allow-origin', '*')
  response.setHeader('access-control-allow-headers', 'authorization, range')
  response.setHeader(
    'access-control-expose-headers',
    'content-range, content-length, etag, x-error-code, x-error-message',
  )
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export function gitHash(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex')
}
