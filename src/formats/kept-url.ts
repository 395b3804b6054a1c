/**
 * Weights from a plain address, kept as those of the Hub are. Nobody says their hash: a file is known by its address, its size and
 * what the server calls its version (ETag, Last-Modified), which every answer has to repeat.
 */
import { platform } from '#platform'
import { CheckpointError, StorageError } from '../errors.ts'
import type { ModelStore } from '../platform/store-types.ts'
import type { ByteReader } from './byte-reader.ts'
import type { Fetched } from './http-reader.ts'
import { DeferredFiles, type Wanted } from './hub/deferred-files.ts'
import type { SourceOptions } from './source-options.ts'

/** Smaller files come fast enough. */
const LEAST_BYTES = 64 * 2 ** 20

export class KeptUrls {
  private opening: Promise<{ store: ModelStore; files: DeferredFiles } | undefined> | undefined
  /** What is read over the network, should there be no room to keep it. */
  private readonly network = new Map<string, ByteReader>()

  constructor(private readonly options: SourceOptions) {}

  /**
   * The kept file in place of the one that was just opened, or one that `prepare` will keep.
   * @returns `fetched` itself where it is not kept
   */
  async keep(url: URL, name: string, fetched: Fetched): Promise<Fetched> {
    const { reader, origin } = fetched
    const { cache } = this.options
    const least = cache === true ? 0 : LEAST_BYTES
    if (cache === false || reader.size <= least) return fetched
    if (origin.status !== 206 || origin.version === undefined) {
      if (cache === undefined) return fetched
      const fact = 'cannot be kept: its server gives no parts (Range), or no version of it (ETag, Last-Modified)'
      throw new CheckpointError({ file: name }, fact)
    }
    this.opening ??= this.open()
    const opened = await this.opening
    if (opened === undefined) return fetched
    const wanted = await wantedOf(url, name, fetched, opened.store)
    const kept = await opened.files.stored(name, wanted)
    if (kept !== undefined) {
      await reader.close()
      return { reader: kept, origin }
    }
    this.network.set(name, reader)
    return { reader: opened.files.defer(name, wanted), origin }
  }

  /** @throws as downloads do; where there is no room, and keeping was not asked for, files are read over the network */
  async prepare(signal?: AbortSignal): Promise<void> {
    const opened = await this.opening
    try {
      await opened?.files.prepare(signal)
    } catch (error) {
      if (!(error instanceof StorageError) || this.options.cache === true) throw error
      await opened?.files.settleAll((name) => this.network.get(name)!)
    }
  }

  /** undefined where nothing can be kept, which is no reason not to load. */
  private async open() {
    try {
      const store = await platform.openStore({ of: 'urls' })
      return { store, files: new DeferredFiles(store, this.options.onDownload) }
    } catch (error) {
      if (error instanceof CheckpointError && this.options.cache !== true) return undefined
      throw error
    }
  }
}

async function wantedOf(url: URL, name: string, { reader, origin }: Fetched, store: ModelStore): Promise<Wanted> {
  const { version } = origin
  const hasher = await store.hasher('sha256')
  // A signature in the query is another one each time.
  hasher.update(new TextEncoder().encode([url.origin, url.pathname, reader.size, version].join('\n')))
  const id = hasher.digest()
  const key = {
    repository: repositoryOfUrl(url),
    commit: `url-${id.slice(0, 36)}`,
    path: name,
    size: reader.size,
    id,
    isUnhashed: true,
  }
  return { url: url.href, token: undefined, key, version }
}

/** What the cache calls the folder of an address by. */
export function repositoryOfUrl({ host, pathname }: URL): string {
  return `${host}${pathname.slice(0, pathname.lastIndexOf('/'))}`
    .replaceAll(/[^\w./-]/g, '_')
    .replaceAll(/\/+/g, '/')
    .replaceAll(/(^|\/)\.+(?=\/|$)/g, '$1_')
}
