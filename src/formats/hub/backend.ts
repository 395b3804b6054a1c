/** A model on the Hugging Face Hub as a source: what is in the cache is read there, what is not is brought into it. */
import { platform } from '#platform'
import { throwIfAborted } from '../../async/abort.ts'
import { type Checks, checkOptions, filledText, flag } from '../../checks.ts'
import { CheckpointError, ChoiceError, ParameterError } from '../../errors.ts'
import type { HubSettings, ModelStore } from '../../platform/store-types.ts'
import type { Backend, Found } from '../backend.ts'
import { Absence } from '../examined.ts'
import { isGguf, isInTemplateFolder, TEMPLATE_FOLDER } from '../file-names.ts'
import type { HubOptions, SourceOptions } from '../source-options.ts'
import { type HubFile, type HubListing, type HubPlace, listRepository } from './api.ts'
import { chooseForm } from './choose.ts'
import { DeferredFiles, type Wanted } from './deferred-files.ts'
import type { HubName } from './name.ts'
import { SEGMENT_BYTES } from './ranges.ts'

const HUB = 'https://huggingface.co'
/** Weights may take this share of the memory: the rest is for the cache, the program and the system. */
const FIT_SHARE = 0.6
/** Where the memory is not known. */
const FIT_BYTES = 4 * 2 ** 30
const ADDRESS = 'must be an address: https://…'
const COMMIT = /^[0-9a-f]{40}$/

const OPTIONS: Checks<HubOptions> = {
  endpoint: filledText,
  token: filledText,
  cacheFolder: filledText,
  offline: flag,
}

export interface HubPlaceAndStore extends HubPlace {
  readonly store: ModelStore
  readonly settings: HubSettings
}

/** Where models come from and where they are kept: the options of a call, then the environment. */
export async function openHub({ hub = {} }: Pick<SourceOptions, 'hub'>): Promise<HubPlaceAndStore> {
  checkOptions<HubOptions>(hub, OPTIONS, 'hub.')
  const store = await platform.openStore({ folder: hub.cacheFolder })
  const given = Object.fromEntries(Object.entries(hub).filter(([, value]) => value !== undefined))
  const settings: HubSettings = { ...store.settings, ...given }
  const endpoint = (settings.endpoint ?? HUB).replace(/\/+$/, '')
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    throw new ParameterError(hub.endpoint === undefined ? 'HF_ENDPOINT' : 'hub.endpoint', endpoint, ADDRESS)
  }
  // It is sent in a header, which holds no other characters. It is not shown.
  if (/[^\x21-\x7e]/.test(settings.token ?? '')) {
    const fact = 'must be one word of ASCII characters, without line breaks'
    throw new ParameterError(hub.token === undefined ? 'HF_TOKEN' : 'hub.token', '…', fact)
  }
  return { store, settings, endpoint, token: settings.token }
}

/** @throws CheckpointError, ChoiceError, ParameterError, AbortError */
export async function hubBackend(name: HubName, options: SourceOptions): Promise<Backend> {
  const place = await openHub(options)
  const { listing, note, unasked } = await listingOf(name, place, options.signal)
  const { memoryBytes } = place.settings
  const fitBytes = memoryBytes === undefined ? FIT_BYTES : memoryBytes * FIT_SHARE
  const chosen = chosenOf({ name, files: listing.files, fitBytes, place, unasked })
  if (chosen.reason !== undefined) options.onChoice?.(chosen.reason)
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

/** @param unasked why the cache had to say what there is, which may be a part of what the Hub has */
function chosenOf({
  name,
  files,
  fitBytes,
  place,
  unasked,
}: {
  name: HubName
  files: readonly HubFile[]
  fitBytes: number
  place: HubPlaceAndStore
  unasked: string | undefined
}) {
  const { repository, pick } = name
  try {
    return chooseForm(repository, files, pick, fitBytes)
  } catch (error) {
    if (unasked === undefined || !(error instanceof CheckpointError)) throw error
    const fact = `what the cache (${place.store.label}) has of it ${error.fact}; ${unasked}`
    throw error instanceof ChoiceError
      ? new ChoiceError(repository, fact, error.choices)
      : new CheckpointError({ file: repository }, fact, { cause: error })
  }
}

function isPlainTemplate(path: string): boolean {
  return isInTemplateFolder(path) && !path.slice(TEMPLATE_FOLDER.length + 1).includes('/')
}

interface Listed {
  readonly listing: HubListing
  readonly note: string | undefined
  /** Why it is the cache's own, which need not have all of the Hub's files; undefined where it is the Hub's. */
  readonly unasked: string | undefined
}

/** What the Hub says, or what the cache holds when the Hub cannot be asked. */
async function listingOf(name: HubName, place: HubPlaceAndStore, signal: AbortSignal | undefined): Promise<Listed> {
  const { store, settings } = place
  const cached = await cachedListing(name, store)
  if (settings.offline === true) {
    if (cached !== undefined) return { listing: cached, note: undefined, unasked: 'the Hub is not asked (offline)' }
    throw new CheckpointError(
      { file: name.repository },
      `is not in the cache (${store.label}), and the Hub is not asked (offline)`,
    )
  }
  try {
    const listing = await listRepository(name, { ...place, isOptional: cached !== undefined }, signal)
    return { listing, note: undefined, unasked: undefined }
  } catch (error) {
    throwIfAborted(signal)
    // A token that has expired, a model that went, or the page of a network to sign in at: what is here is here.
    if (!(error instanceof CheckpointError) || cached === undefined) throw error
    const isOutage = error.cause !== undefined
    const unasked = `${place.endpoint} ${isOutage ? 'cannot be asked' : 'refuses'} (${error.fact})`
    return { listing: cached, note: `${unasked}: the model is taken from the cache`, unasked }
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
  private readonly deferred: DeferredFiles

  constructor(
    private readonly name: HubName,
    private readonly place: HubPlaceAndStore,
    private readonly commit: string,
    private readonly files: ReadonlyMap<string, HubFile>,
    private readonly options: SourceOptions,
  ) {
    this.deferred = new DeferredFiles(place.store, options.onDownload)
  }

  async open(name: string, signal?: AbortSignal): Promise<Found | Absence | undefined> {
    const file = this.files.get(name)
    if (file === undefined) return undefined
    const wanted = this.wanted(file)
    const known = await this.deferred.stored(name, wanted)
    if (known !== undefined) {
      await this.noteHeld()
      return { reader: known }
    }
    if (this.place.settings.offline) return new Absence('is not in the cache, and the Hub is not asked (offline)')
    // Of a small file the header alone is hardly less, and a server without ranges would send all of it twice.
    const isLarge = file.size > 2 * (this.options.segmentBytes ?? SEGMENT_BYTES)
    const isWeights = /\.(?:gguf|safetensors)$/i.test(name)
    if (this.options.defer && isWeights && isLarge) return { reader: this.deferred.defer(name, wanted) }
    const reader = await this.deferred.fetch(name, wanted, signal)
    await this.noteHeld()
    return { reader }
  }

  /** Brings all weights whose headers were read. */
  async prepare(signal?: AbortSignal): Promise<void> {
    await this.deferred.prepare(signal)
    await this.noteCommit()
  }

  /** Whoever defers has all that it wants when it has prepared. */
  private async noteHeld(): Promise<void> {
    if (!this.options.defer) await this.noteCommit()
  }

  /**
   * A branch means a commit to those who ask nobody: it must not mean one whose files are not here, least of all in place of an
   * older one that is.
   */
  private async noteCommit(): Promise<void> {
    const { repository, revision } = this.name
    if (!this.place.settings.offline) await this.place.store.noteCommit(repository, revision, this.commit)
  }

  private wanted({ path, size, id }: HubFile): Wanted {
    const { endpoint, token } = this.place
    const { repository } = this.name
    const inside = path.split('/').map(encodeURIComponent).join('/')
    const url = `${endpoint}/${repository}/resolve/${this.commit}/${inside}`
    const key = { repository, commit: this.commit, path, size, id }
    return { url, token, segmentBytes: this.options.segmentBytes, key }
  }
}
