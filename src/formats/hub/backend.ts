/** A model on the Hugging Face Hub as a source: what is in the cache is read there, what is not is brought into it. */
import { platform } from '#platform'
import { throwIfAborted } from '../../async/abort.ts'
import { AbortError, CheckpointError, ParameterError } from '../../errors.ts'
import type { FileKey, HubSettings, ModelStore } from '../../platform/store-types.ts'
import type { Backend, Found } from '../backend.ts'
import { type ByteReader, blobReader, customReader, isBlob } from '../byte-reader.ts'
import { Absence } from '../examined.ts'
import { isGguf, isInTemplateFolder, TEMPLATE_FOLDER } from '../file-names.ts'
import type { DownloadProgress, SourceOptions } from '../source-options.ts'
import { type HubFile, type HubListing, type HubPlace, listRepository } from './api.ts'
import { bring } from './bring.ts'
import { chooseForm } from './choose.ts'
import { DeferredReader } from './deferred-reader.ts'
import type { HubName } from './name.ts'
import type { RemoteFile } from './ranges.ts'

const HUB = 'https://huggingface.co'
/** Weights may take this share of the memory: the rest is for the cache, the program and the system. */
const FIT_SHARE = 0.6
/** Where the memory is not known. */
const FIT_BYTES = 4 * 2 ** 30
/** A download tells of itself at most this often. */
const REPORT_MS = 100
const COMMIT = /^[0-9a-f]{40}$/

export interface HubPlaceAndStore extends HubPlace {
  readonly store: ModelStore
  readonly settings: HubSettings
}

/** Where models come from and where they are kept: the options of a call, then the environment. */
export async function openHub({ hub = {} }: Pick<SourceOptions, 'hub'>): Promise<HubPlaceAndStore> {
  const store = await platform.openStore({ folder: hub.cacheFolder })
  const given = Object.fromEntries(Object.entries(hub).filter(([, value]) => value !== undefined))
  const settings: HubSettings = { ...store.settings, ...given }
  const endpoint = (settings.endpoint ?? HUB).replace(/\/+$/, '')
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    throw new ParameterError('hub.endpoint', endpoint, 'must be an address: https://…')
  }
  return { store, settings, endpoint, token: settings.token }
}

/** @throws CheckpointError, ChoiceError, ParameterError, AbortError */
export async function hubBackend(name: HubName, options: SourceOptions): Promise<Backend> {
  const place = await openHub(options)
  const { listing, note } = await listingOf(name, place, options.signal)
  const { memoryBytes } = place.settings
  const fitBytes = memoryBytes === undefined ? FIT_BYTES : memoryBytes * FIT_SHARE
  const chosen = chooseForm(name.repository, listing.files, name.pick, fitBytes)
  const files = new Map<string, HubFile>()
  for (const file of listing.files) {
    const inside = file.path.startsWith(chosen.folder) ? file.path.slice(chosen.folder.length) : undefined
    // The GGUFs of a folder whose safetensors were chosen are other models.
    const isOther = chosen.fileName === undefined && inside !== undefined && isGguf(inside)
    if (inside !== undefined && !isOther && (!inside.includes('/') || isPlainTemplate(inside))) files.set(inside, file)
  }
  const source = new HubSource(name, place, listing.commit, files, options)
  const notes = [chosen.reason, note].filter((text) => text !== undefined)
  return {
    label: name.repository,
    fileName: chosen.fileName,
    names: [...files.keys()],
    notes,
    open: (file, signal) => source.open(file, signal),
    prepare: (signal) => source.prepare(signal),
  }
}

function isPlainTemplate(path: string): boolean {
  return isInTemplateFolder(path) && !path.slice(TEMPLATE_FOLDER.length + 1).includes('/')
}

interface Listed {
  readonly listing: HubListing
  readonly note: string | undefined
}

/** What the Hub says, or what the cache holds when the Hub cannot be asked. */
async function listingOf(name: HubName, place: HubPlaceAndStore, signal: AbortSignal | undefined): Promise<Listed> {
  const { store, settings } = place
  if (settings.offline === true) {
    const listing = await cachedListing(name, store)
    if (listing !== undefined) return { listing, note: undefined }
    throw new CheckpointError(
      { file: name.repository },
      `is not in the cache (${store.label}), and the Hub is not asked (offline)`,
    )
  }
  try {
    const listing = await listRepository(name, place, signal)
    await store.noteCommit(name.repository, name.revision, listing.commit)
    return { listing, note: undefined }
  } catch (error) {
    throwIfAborted(signal)
    const isOutage = error instanceof CheckpointError && error.cause !== undefined
    if (!isOutage) throw error
    const listing = await cachedListing(name, store)
    if (listing === undefined) throw error
    return { listing, note: `${place.endpoint} cannot be asked (${error.fact}): the model is taken from the cache` }
  }
}

async function cachedListing({ repository, revision }: HubName, store: ModelStore): Promise<HubListing | undefined> {
  const commit = COMMIT.test(revision) ? revision : await store.commitOf(repository, revision)
  const stored = commit === undefined ? [] : await store.filesOf(repository, commit)
  if (commit === undefined || stored.length === 0) return undefined
  // Blobs that moved into a snapshot have lost their hash, which nobody needs to read them.
  return { commit, files: stored.map(({ path, size, id }) => ({ path, size, id: id ?? '' })) }
}

class HubSource {
  private readonly deferred = new Map<string, { reader: DeferredReader; file: HubFile }>()

  constructor(
    private readonly name: HubName,
    private readonly place: HubPlaceAndStore,
    private readonly commit: string,
    private readonly files: ReadonlyMap<string, HubFile>,
    private readonly options: SourceOptions,
  ) {}

  async open(name: string, signal?: AbortSignal): Promise<Found | Absence | undefined> {
    const file = this.files.get(name)
    if (file === undefined) return undefined
    const known = await this.stored(name, file)
    if (known !== undefined) return { reader: known }
    if (this.place.settings.offline) return new Absence('is not in the cache, and the Hub is not asked (offline)')
    if (this.options.defer && /\.(?:gguf|safetensors)$/i.test(name)) {
      const reader = new DeferredReader(name, { ...this.remote(file), name, size: file.size })
      this.deferred.set(name, { reader, file })
      return { reader }
    }
    await this.bring(file, undefined, this.meter(file.size), signal)
    return { reader: await this.opened(name, file) }
  }

  /** Brings all weights whose headers were read. */
  async prepare(signal?: AbortSignal): Promise<void> {
    const wanted = [...this.deferred]
    this.deferred.clear()
    const report = this.meter(wanted.reduce((sum, [, { file }]) => sum + file.size, 0))
    let before = 0
    for (const [name, { reader, file }] of wanted) {
      const start = before
      await this.bring(file, reader.prefix, (bytes, path) => report(start + bytes, path), signal)
      await reader.settle(await this.opened(name, file))
      before += file.size
    }
  }

  private async bring(
    file: HubFile,
    seed: Uint8Array | undefined,
    report: (bytes: number, path: string) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    try {
      const wanted = { ...this.remote(file), key: this.key(file), seed }
      await bring(this.place.store, wanted, (bytes) => report(bytes, file.path), signal)
    } catch (error) {
      throwIfAborted(signal)
      if (error instanceof CheckpointError || error instanceof AbortError) throw error
      throw new CheckpointError({ file: file.path }, `cannot be downloaded: ${String(error)}`, { cause: error })
    }
  }

  private meter(total: number): (bytes: number, path: string) => void {
    let last = Number.NEGATIVE_INFINITY
    return (bytes, path) => {
      const now = performance.now()
      if (now - last < REPORT_MS && bytes < total) return
      last = now
      const progress: DownloadProgress = { loaded: bytes, total, file: path }
      this.options.onDownload?.(progress)
    }
  }

  private remote({ path }: HubFile): Pick<RemoteFile, 'url' | 'token' | 'segmentBytes'> {
    const { endpoint, token } = this.place
    const inside = path.split('/').map(encodeURIComponent).join('/')
    const url = `${endpoint}/${this.name.repository}/resolve/${this.commit}/${inside}`
    return { url, token, segmentBytes: this.options.segmentBytes }
  }

  private key({ path, size, id }: HubFile): FileKey {
    return { repository: this.name.repository, commit: this.commit, path, size, id }
  }

  private async opened(name: string, file: HubFile): Promise<ByteReader> {
    const reader = await this.stored(name, file)
    if (reader === undefined)
      throw new CheckpointError({ file: name }, 'was removed from the cache while it was loaded')
    return reader
  }

  private async stored(name: string, file: HubFile): Promise<ByteReader | undefined> {
    const found = await this.place.store.open(this.key(file))
    if (found === undefined) return undefined
    return isBlob(found) ? blobReader(name, found) : customReader(name, found)
  }
}
