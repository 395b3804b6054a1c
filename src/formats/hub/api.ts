/** Asks the Hub what a repository holds: the commit, and each file's size and hash. */
import { CheckpointError } from '../../errors.ts'
import { messageOf } from '../byte-reader.ts'
import { Absence } from '../examined.ts'
import { refusal, withRetries } from '../http-request.ts'
import { inTime } from './answers.ts'
import { hubFetch, hubRefusal } from './fetch.ts'
import type { HubName } from './name.ts'

export interface HubFile {
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** SHA-256 of the content, or git's SHA-1 of the blob for files that are not in LFS. */
  readonly id: string
}

export interface HubListing {
  readonly commit: string
  readonly files: readonly HubFile[]
}

export interface HubPlace {
  /** Without a slash at the end. */
  readonly endpoint: string
  readonly token: string | undefined
  /** True where there is something to go on with when no answer comes: then it is not waited for as long. */
  readonly isOptional?: boolean | undefined
}

/** How long, and how often, an answer is tried for that can be done without. */
const OPTIONAL = { ms: 10_000, patience: { attempts: 2, waitMs: 10_000 } }

/** The most bytes of an answer: repositories have thousands of files at most. */
const MAX_ANSWER_BYTES = 32 * 2 ** 20
const MAX_PAGES = 100
const COMMIT = /^[0-9a-f]{40}$/
const ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

/**
 * @throws CheckpointError when the Hub refuses, cannot be reached, or answers what is no listing; AbortError
 */
export async function listRepository(name: HubName, place: HubPlace, signal?: AbortSignal): Promise<HubListing> {
  const { repository, revision } = name
  const base = `${place.endpoint}/api/models/${repository}`
  const { value } = await getJson(`${base}/revision/${encodeURIComponent(revision)}?blobs=true`, name, place, signal)
  const commit = field(value, 'sha')
  if (typeof commit !== 'string' || !COMMIT.test(commit)) throw notListed(repository, place, 'names no commit')
  const siblings = field(value, 'siblings')
  const files = Array.isArray(siblings) ? siblings.map(sibling) : []
  if (files.length > 0 && files.every((file) => file !== undefined)) return { commit, files: files as HubFile[] }
  return { commit, files: await listTree(base, commit, name, place, signal) }
}

/** Mirrors may not say sizes with the revision; the tree has them, page by page. */
async function listTree(
  base: string,
  commit: string,
  name: HubName,
  place: HubPlace,
  signal?: AbortSignal,
): Promise<HubFile[]> {
  const files: HubFile[] = []
  let url: string | undefined = `${base}/tree/${commit}?recursive=true`
  for (let page = 0; url !== undefined && page < MAX_PAGES; page++) {
    const { value, next } = await getJson(url, name, place, signal)
    if (!Array.isArray(value)) throw notListed(name.repository, place, 'is no list of files')
    for (const item of value) {
      if (field(item, 'type') !== 'file') continue
      const lfs = field(item, 'lfs')
      const file = checked(field(item, 'path'), field(item, 'size'), field(lfs, 'oid') ?? field(item, 'oid'))
      if (file !== undefined) files.push(file)
    }
    // A page of another host would get the token.
    url = next !== undefined && new URL(next, url).origin === new URL(url).origin ? new URL(next, url).href : undefined
  }
  return files
}

function sibling(item: unknown): HubFile | undefined {
  const lfs = field(item, 'lfs')
  const size = field(lfs, 'size') ?? field(item, 'size')
  return checked(field(item, 'rfilename'), size, field(lfs, 'sha256') ?? field(lfs, 'oid') ?? field(item, 'blobId'))
}

/** Undefined for an entry that names no file safely and completely. */
function checked(path: unknown, size: unknown, id: unknown): HubFile | undefined {
  if (typeof path !== 'string' || !isSafePath(path)) return undefined
  if (!Number.isSafeInteger(size) || (size as number) < 0) return undefined
  const plain = typeof id === 'string' ? id.replace(/^sha256:/, '') : ''
  return ID.test(plain) ? { path, size: size as number, id: plain } : undefined
}

/** A path below the repository that means the same on every system. */
function isSafePath(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (path.length > 1024 || /[\\:\u0000-\u001f]/.test(path)) return false
  return path.split('/').every((part) => part !== '' && !/^\.+$/.test(part) && part.length <= 255)
}

async function getJson(url: string, name: HubName, place: HubPlace, signal?: AbortSignal) {
  const { repository } = name
  const ask = async (signal: AbortSignal) => {
    const response = await hubFetch(url, { token: place.token, signal })
    if (!response.ok) {
      const known = hubRefusal(response, repository, place.endpoint, place.token !== undefined)
      const refused = await refusal(response, repository)
      throw known ?? (refused instanceof Absence ? new CheckpointError({ file: repository }, refused.fact) : refused)
    }
    const next = /<([^>]+)>\s*;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
    const text = await limitedText(response, repository, place)
    try {
      return { value: JSON.parse(text) as unknown, next }
    } catch (error) {
      throw notListed(repository, place, `is no JSON: ${messageOf(error)}`)
    }
  }
  const { ms, patience }: Partial<typeof OPTIONAL> = place.isOptional ? OPTIONAL : {}
  return withRetries(repository, signal, (signal) => inTime(signal, ask, ms), undefined, patience)
}

async function limitedText(response: Response, repository: string, place: HubPlace): Promise<string> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  while (reader !== undefined) {
    const { done, value } = await reader.read()
    if (done) break
    bytes += value.byteLength
    if (bytes > MAX_ANSWER_BYTES) {
      await reader.cancel().catch(() => {})
      throw notListed(repository, place, `has more than ${MAX_ANSWER_BYTES} bytes`)
    }
    text += decoder.decode(value, { stream: true })
  }
  return text + decoder.decode()
}

function notListed(repository: string, { endpoint }: HubPlace, fact: string): CheckpointError {
  return new CheckpointError({ file: repository }, `what ${endpoint} says of it ${fact}; is that a Hub?`)
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
