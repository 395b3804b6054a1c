/** Files that are read over the network until they are kept: opened by their headers, brought together, read from the store. */
import { throwIfAborted } from '../../async/abort.ts'
import { AbortError, CheckpointError, StorageError } from '../../errors.ts'
import type { ModelStore } from '../../platform/store-types.ts'
import { type ByteReader, blobReader, customReader, isBlob } from '../byte-reader.ts'
import type { SourceOptions } from '../source-options.ts'
import { bring } from './bring.ts'
import { DeferredReader } from './deferred-reader.ts'
import type { Download } from './download.ts'

/** A download tells of itself at most this often. */
const REPORT_MS = 100

/** What to bring, with the name that errors use. */
export type Wanted = Omit<Download, 'seed'>

export class DeferredFiles {
  private readonly deferred = new Map<string, { reader: DeferredReader; wanted: Wanted }>()
  /** The files that come, with their sizes and the bytes that have come: all count as one download. */
  private readonly coming = new Map<string, { readonly size: number; come: number }>()
  private toldAt = Number.NEGATIVE_INFINITY

  constructor(
    private readonly store: ModelStore,
    private readonly onDownload: SourceOptions['onDownload'],
  ) {}

  /** The file as it is kept; undefined where it is not. */
  async stored(name: string, { key }: Wanted): Promise<ByteReader | undefined> {
    const found = await this.store.open(key)
    if (found === undefined) return undefined
    return isBlob(found) ? blobReader(name, found) : customReader(name, found)
  }

  /** A reader that reads over the network until `prepare`. */
  defer(name: string, wanted: Wanted): DeferredReader {
    const reader = new DeferredReader(name, { ...wanted, name, size: wanted.key.size })
    this.deferred.set(name, { reader, wanted })
    this.coming.set(name, { size: wanted.key.size, come: 0 })
    return reader
  }

  /** Brings a file now. */
  async fetch(name: string, wanted: Wanted, signal: AbortSignal | undefined): Promise<ByteReader> {
    this.coming.set(name, { size: wanted.key.size, come: 0 })
    await this.bring(name, wanted, undefined, signal)
    return this.opened(name, wanted)
  }

  /** Brings all that were deferred. */
  async prepare(signal?: AbortSignal): Promise<void> {
    const all = [...this.deferred].filter(([, { reader }]) => !reader.isSettled)
    await this.refuseFull(all.map(([, { wanted }]) => wanted))
    for (const [name, { reader, wanted }] of all) {
      await this.bring(name, wanted, reader.prefix, signal)
      await reader.settle(await this.opened(name, wanted))
    }
  }

  /** Several files may fit one by one and not together: that should be known before the first has come. */
  private async refuseFull(all: readonly Wanted[]): Promise<void> {
    const [first] = all
    const free = await this.store.freeBytes()
    if (first === undefined || free === undefined) return
    let needed = 0
    for (const { key } of all) needed += Math.max(0, key.size - (await this.store.keptBytes(key)))
    if (needed > free) throw new StorageError(first.key.repository, needed, free)
  }

  /** Gives up keeping what is not kept yet: it is read from these. */
  async settleAll(readerOf: (name: string) => ByteReader): Promise<void> {
    for (const [name, { reader }] of this.deferred) if (!reader.isSettled) await reader.settle(readerOf(name))
  }

  private async bring(
    name: string,
    wanted: Wanted,
    seed: Uint8Array | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    try {
      await bring(this.store, { ...wanted, seed }, (bytes) => this.tell(name, bytes), signal)
    } catch (error) {
      throwIfAborted(signal)
      if (error instanceof CheckpointError || error instanceof AbortError) throw error
      throw new CheckpointError({ file: name }, `cannot be downloaded: ${String(error)}`, { cause: error })
    }
  }

  /** What came of a file that has to come once more is not taken back. */
  private tell(file: string, bytes: number): void {
    const one = this.coming.get(file)
    if (one === undefined) return
    one.come = Math.max(one.come, Math.min(bytes, one.size))
    const now = performance.now()
    if (now - this.toldAt < REPORT_MS && one.come < one.size) return
    this.toldAt = now
    let [loaded, total] = [0, 0]
    for (const { come, size } of this.coming.values()) {
      loaded += come
      total += size
    }
    this.onDownload?.({ loaded, total, file })
  }

  private async opened(name: string, wanted: Wanted): Promise<ByteReader> {
    const reader = await this.stored(name, wanted)
    if (reader !== undefined) return reader
    throw new CheckpointError({ file: name }, 'was removed from the cache while it was loaded')
  }
}
