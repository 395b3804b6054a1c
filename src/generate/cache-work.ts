/** Bringing, listing, verifying and removing models in the cache: what `cached.ts` promises. */
import { platform } from '#platform'
import { throwIfAborted } from '../async/abort.ts'
import { abortSignal, type Checks, callback, check, checkOptions } from '../checks.ts'
import { ParameterError } from '../errors.ts'
import { isInTemplateFolder } from '../formats/file-names.ts'
import { hasTokenizerBeside } from '../formats/gguf-beside.ts'
import { openHub } from '../formats/hub/backend.ts'
import { type HubName, parseHubName } from '../formats/hub/name.ts'
import { isWhole } from '../formats/hub/verify.ts'
import { openSource, type SourceFiles } from '../formats/source.ts'
import { openCheckpoint } from '../model/checkpoint.ts'
import { metered } from '../model/load-progress.ts'
import type { ModelStore, StoredSnapshot } from '../platform/store-types.ts'
import type { CachedModel, CacheOptions, CacheVerdict, Pulled, PullOptions } from './cache-types.ts'

const CACHE: Checks<CacheOptions> = {
  hub: check((value) => typeof value === 'object' && value !== null, 'an object'),
  signal: abortSignal,
}
const PULL: Checks<PullOptions> = { ...CACHE, onProgress: callback, onChoice: callback }
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
    return { name: files.label, bytes: checkpoint.totalBytes, notes: checkpoint.notes }
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

export async function removeCached(name: string, options: CacheOptions): Promise<number> {
  checkOptions<CacheOptions>(options, CACHE)
  let freed = 0
  for (const store of await storesOf(options)) {
    // What a plain address gave is called by the address.
    const isListed = (await store.snapshots()).some(({ repository }) => repository === name)
    if (isListed) freed += await store.remove(name)
    else if (!name.includes('@')) freed += await store.remove(hubName(name).repository)
    else {
      const { repository, revision } = hubName(name)
      const commit = await commitNamed(store, repository, revision)
      if (commit !== undefined) freed += await store.remove(repository, commit)
    }
  }
  return freed
}

/** The stores of the Hub and of plain addresses, which are one in a page. */
async function storesOf(options: CacheOptions): Promise<ModelStore[]> {
  const { store } = await openHub(options)
  return platform.name === 'browser' ? [store] : [store, await platform.openStore({ of: 'urls' })]
}

async function commitNamed(store: ModelStore, repository: string, revision: string): Promise<string | undefined> {
  const known = await store.commitOf(repository, revision)
  if (known !== undefined) return known
  const commits = (await store.snapshots()).filter((one) => one.repository === repository).map(({ commit }) => commit)
  return commits.find((commit) => commit.startsWith(revision))
}

export async function* verifyCached(
  name: string | undefined,
  options: CacheOptions,
): AsyncGenerator<CacheVerdict, void> {
  checkOptions<CacheOptions>(options, CACHE)
  const { signal } = options
  const { store } = await openHub(options)
  const wanted = name === undefined ? undefined : hubName(name)
  // Commits share blobs, of which each is read once.
  const judged = new Map<string, CacheVerdict['verdict']>()
  for (const snapshot of await store.snapshots()) {
    if (wanted !== undefined && snapshot.repository !== wanted.repository) continue
    yield* verifySnapshot(store, snapshot, judged, signal)
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
    if (verdict === 'wrong') await store.discard(key)
    yield { repository, commit, file: path, verdict }
  }
}

function hubName(name: string): HubName {
  const parsed = parseHubName(name)
  if (parsed === undefined) throw new ParameterError('name', name, 'must be the name of a model: owner/name')
  return parsed
}
