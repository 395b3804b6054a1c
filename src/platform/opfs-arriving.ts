/** A file on its way into a page's private file system, part by part. */
import { CheckpointError, StorageError } from '../errors.ts'
import { type OpfsFolder, type Sink, writeFields } from './opfs-files.ts'
import type { FileKey, Incoming } from './store-types.ts'

const PART_BYTES = 64 * 2 ** 20
/** Written when a blob was verified: its size. */
export const MARK = 'whole.json'

/** Parts are called by their numbers. */
export async function partsOf(folder: OpfsFolder): Promise<File[]> {
  const files: File[] = []
  for (let index = 0; ; index++) {
    const file = await folder.file(String(index))
    if (file === undefined) return files
    files.push(file)
  }
}

export class Arriving implements Incoming {
  private ended = false
  private sink: Sink | undefined

  private constructor(
    private readonly folder: OpfsFolder,
    private readonly key: FileKey,
    private readonly note: () => Promise<void>,
    private readonly release: () => void,
    private parts: readonly File[],
    readonly kept: number,
    private at = kept,
  ) {}

  static async start(folder: OpfsFolder, key: FileKey, note: () => Promise<void>, release: () => void) {
    await folder.remove(MARK)
    const parts = await partsOf(folder)
    // All parts but the last are full, or the bytes behind are not where they belong.
    const cut = parts.findIndex(({ size }) => size < PART_BYTES)
    const whole = cut < 0 ? parts : parts.slice(0, cut + 1)
    const kept = whole.reduce((sum, { size }) => sum + size, 0)
    const arriving = new Arriving(folder, key, note, release, whole, kept)
    if (kept > key.size || whole.length < parts.length) await arriving.restart()
    const needed = key.size - arriving.at
    const free = await freeBytes()
    if (free !== undefined && needed > free) throw new StorageError(key.path, needed, free)
    return kept === arriving.at ? arriving : new Arriving(folder, key, note, release, [], 0)
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await new Blob([...this.parts]).slice(offset, offset + length).arrayBuffer()
    if (bytes.byteLength !== length) {
      throw new CheckpointError({ file: this.key.path }, 'its unfinished download was cut short')
    }
    return new Uint8Array(bytes)
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.byteLength; ) {
        const inPart = this.at % PART_BYTES
        if (this.sink === undefined)
          this.sink = await this.folder.sink(String(Math.floor(this.at / PART_BYTES)), inPart)
        const piece = bytes.subarray(done, done + PART_BYTES - inPart)
        await this.sink.write(piece)
        done += piece.byteLength
        this.at += piece.byteLength
        if (this.at % PART_BYTES === 0) await this.closeSink()
      }
    } catch (error) {
      if ((error as { name?: unknown }).name !== 'QuotaExceededError') throw error
      const needed = this.key.size - this.at
      const free = await freeBytes()
      throw new StorageError(this.key.path, needed, free !== undefined && free < needed ? free : undefined, {
        cause: error,
      })
    }
  }

  private async closeSink(): Promise<void> {
    const { sink } = this
    this.sink = undefined
    await sink?.close()
  }

  async restart(): Promise<void> {
    await this.closeSink()
    for (const name of await this.folder.names()) await this.folder.remove(name)
    this.parts = []
    this.at = 0
  }

  async finish(): Promise<void> {
    await this.closeSink()
    const size = (await partsOf(this.folder)).reduce((sum, part) => sum + part.size, 0)
    if (size !== this.key.size) throw new CheckpointError({ file: this.key.path }, 'was changed while it was written')
    await writeFields(this.folder, MARK, { size })
    this.ended = true
    await this.note()
  }

  async leave(): Promise<void> {
    try {
      if (!this.ended) await this.closeSink()
    } finally {
      this.release()
    }
  }
}

/** What the browser lets the site have. */
export async function freeBytes(): Promise<number | undefined> {
  const { quota, usage } = await navigator.storage.estimate().catch(() => ({ quota: undefined, usage: undefined }))
  return quota === undefined || usage === undefined ? undefined : Math.max(0, quota - usage)
}
