/** Bringing, listing, verifying and removing models in the cache: what `cached.ts` promises. */
import { platform } from '#platform'
import { throwIfAborted } from '../async/abort.ts'
import { abortSignal, type Checks, callback, check, checkOptions } from '../checks.ts'
import { CheckpointError } from '../errors.ts'
import { decodeName, isInTemplateFolder } from '../formats/file-names.ts'
import { hasTokenizerBeside } from '../formats/gguf-beside.ts'
import { openHub } from '../formats/hub/backend.ts'
import { pathsOfPick } from '../formats/hub/choose.ts'
import { hubParts } from '../formats/hub/name.ts'
import { isWhole } from '../formats/hub/verify.ts'
import { repositoryOfUrl } from '../formats/kept-url.ts'
import { openSource, type SourceFiles } from '../formats/source.ts'
import { openCheckpoint } from '../model/checkpoint.ts'
import { metered } from '../model/load-progress.ts'
import type { FileKey, ModelStore, StoredFile, StoredSnapshot } from '../platform/store-types.ts'
import type { CachedModel, CacheOptions, CacheVerdict, Pulled, PullOptions } from './cache-types.ts'

const CACHE: Checks<CacheOptions> = {
  hub: check((value) => typeof value === 'object' && value !== null, 'an object'),
  signal: abortSignal,
}
const PULL: Checks<PullOptions> = { ...CACHE, onProgress: callback, onChoice: callback }
/** Characters that say which commit is meant. */
const LEAST_COMMIT = 7
/** What a load may read beside weights. */
const SMALL_FILE = /(?:\.json|\.jinja2?|\.model(?:\.v\d+m?\d*)?)$/i

export async function pull(source: string, options: PullOptions): Promise<Pulled> {
  checkOptions<PullOptions>(options, PULL)
  const { signal, hub, onChoice } = options
  const report = metered(options.onProgress)
  report({ phase: 'open', loaded: 0, total: 0 })
  const onDownload = (progress: { loaded: number; total: number; file: string }) =>
    report({ phase: 'download', ...progress })
  const files = await openSource(source, { signal, hub, cache: true, defer: true, onChoice, onDownload })
  try {
    // What cannot be loaded is refused by its header, before it is downloaded.
    const checkpoint = await openCheckpoint(files, { signal })
    if (checkpoint.gguf === undefined || hasTokenizerBeside(checkpoint.gguf)) await openSmall(files, signal)
    await files.prepare?.(signal)
    report({ phase: 'ready', loaded: checkpoint.totalBytes, total: checkpoint.totalBytes })
    const isLocal = files.prepare === undefined
    return { name: files.label, bytes: checkpoint.totalBytes, isLocal, notes: checkpoint.notes }
  } finally {
    await files.close()
  }
}

async function openSmall(files: SourceFiles, signal: AbortSignal | undefined): Promise<void> {
  for (const name of files.names ?? []) {
    if (SMALL_FILE.test(name) || isInTemplateFolder(name)) await files.open(name, signal).catch(passOver)
  }
}

/** A file that nobody may need is no reason to fail; the load that needs it says what is wrong. */
function passOver(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'CheckpointError') throw error
}

export async function listCached(options: CacheOptions): Promise<CachedModel[]> {
  checkOptions<CacheOptions>(options, CACHE)
  const found: StoredSnapshot[] = []
  for (const store of await storesOf(options)) found.push(...(await store.snapshots()))
  return found.map(({ repository, commit, revisions, files }) => ({
    repository,
    commit,
    revisions,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    files: files.map(({ path, size }) => ({ name: path, bytes: size })),
  }))
}

/** Repositories of which something has come and is not whole yet, with its bytes. */
export async function listUnfinished(options: CacheOptions): Promise<(readonly [repository: string, bytes: number])[]> {
  const found: (readonly [string, number])[] = []
  for (const store of await storesOf(options)) found.push(...(await store.unfinished()))
  return found
}

/** What was removed. */
export interface Removed {
  readonly isFound: boolean
  /** Bytes. */
  readonly freed: number
}

export async function removeNamed(name: string, options: CacheOptions): Promise<Removed> {
  checkOptions<CacheOptions>(options, CACHE)
  const wanted = named(name)
  let isFound = false
  let freed = 0
  for (const store of await storesOf(options)) {
    const all = await store.snapshots()
    const meant = await snapshotsOf(store, all, wanted)
    for (const { repository, commit, files } of meant) {
      if (wanted.pick === undefined) freed += await store.remove(repository, commit)
      else freed += await store.removeFiles(repository, commit, pathsOf(files))
    }
    // What never became whole goes with the last commit, or is all that there is.
    const isWholly = wanted.pick === undefined && wanted.revision === undefined
    const unfinished = isWholly && wanted.repository !== undefined ? await store.remove(wanted.repository) : 0
    freed += unfinished
    isFound ||= meant.length > 0 || unfinished > 0
  }
  return { isFound, freed }
}

/** What a name of the cache says. */
interface Named {
  /** As the list shows it, which is what addresses are called by, too. */
  readonly text: string
  readonly repository: string | undefined
  readonly revision: string | undefined
  readonly pick: string | undefined
}

function named(text: string): Named {
  const isAddress = /^https?:\/\//i.test(text) && URL.canParse(text)
  const parts = hubParts(text)
  if (parts !== undefined) return { ...parts, text }
  if (!isAddress) return { text, repository: undefined, revision: undefined, pick: undefined }
  const url = new URL(text)
  const file = decodeName(url.pathname.slice(url.pathname.lastIndexOf('/') + 1))
  return { text, repository: repositoryOfUrl(url), revision: undefined, pick: file === '' ? undefined : file }
}

/** The commits that a name means, with those of their files that it picks. */
async function snapshotsOf(
  store: ModelStore,
  all: readonly StoredSnapshot[],
  { text, repository, revision, pick }: Named,
): Promise<readonly StoredSnapshot[]> {
  // The list shows the beginning of a commit that no branch means.
  const cut = text.lastIndexOf('@')
  const isListed = (one: StoredSnapshot) =>
    text === one.repository ||
    (one.repository === text.slice(0, cut) &&
      cut < text.length - LEAST_COMMIT &&
      one.commit.startsWith(text.slice(cut + 1)))
  const listed = all.filter(isListed)
  if (listed.length > 0) return listed
  if (repository === undefined) return []
  const known = revision === undefined ? undefined : await store.commitOf(repository, revision)
  const isMeant = ({ commit }: StoredSnapshot) =>
    revision === undefined || (known === undefined ? commit.startsWith(revision) : commit === known)
  const found = all.filter((one) => one.repository === repository && isMeant(one))
  if (pick === undefined) return found
  const picked = found.map((one) => {
    const paths = new Set(pathsOfPick(one.files, pick))
    return { ...one, files: one.files.filter(({ path }) => paths.has(path)) }
  })
  return picked.filter(({ files }) => files.length > 0)
}

function pathsOf(files: readonly StoredFile[]): string[] {
  return files.map(({ path }) => path)
}

/** The stores of the Hub and of plain addresses, which are one in a page. */
async function storesOf(options: CacheOptions): Promise<ModelStore[]> {
  const { store } = await openHub(options)
  return platform.name === 'browser' ? [store] : [store, await platform.openStore({ of: 'urls' })]
}

export async function* verifyCached(
  name: string | undefined,
  options: CacheOptions,
): AsyncGenerator<CacheVerdict, void> {
  checkOptions<CacheOptions>(options, CACHE)
  const { signal } = options
  const wanted = name === undefined ? undefined : named(name)
  // Commits share blobs, of which each is read once.
  const judged = new Map<string, CacheVerdict['verdict']>()
  let isFound = false
  for (const store of await storesOf(options)) {
    const all = await store.snapshots()
    for (const snapshot of wanted === undefined ? all : await snapshotsOf(store, all, wanted)) {
      isFound = true
      yield* verifySnapshot(store, snapshot, judged, signal)
    }
  }
  if (wanted !== undefined && !isFound) throw new CheckpointError({ file: wanted.text }, 'is not in the cache')
}

/** What is wrong must be known, also where it has to stay. */
async function discard(store: ModelStore, key: FileKey): Promise<void> {
  try {
    await store.discard(key)
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
    throw new CheckpointError({ file: key.path }, `is not what its hash says, and ${error.fact}`, { cause: error })
  }
}

async function* verifySnapshot(
  store: ModelStore,
  { repository, commit, files }: StoredSnapshot,
  judged: Map<string, CacheVerdict['verdict']>,
  signal: AbortSignal | undefined,
): AsyncGenerator<CacheVerdict, void> {
  for (const { path, size, id } of files) {
    throwIfAborted(signal)
    const isUnhashed = id === undefined || commit.startsWith('url-')
    const known = isUnhashed ? 'unknown' : judged.get(id)
    const key = { repository, commit, path, size, id: id ?? '' }
    const verdict = known ?? ((await isWhole(store, key, signal)) ? 'right' : 'wrong')
    if (!isUnhashed) judged.set(id, verdict)
    if (verdict === 'wrong') await discard(store, key)
    yield { repository, commit, file: path, verdict }
  }
}
