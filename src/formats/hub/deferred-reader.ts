/**
 * A file of weights that is not here yet: its header is read over the network, so that what cannot run is refused before gigabytes
 * come. When the file has come it is read from where it is kept.
 */
import { throwIfAborted } from '../../async/abort.ts'
import { CheckpointError } from '../../errors.ts'
import { type ByteReader, checkRange } from '../byte-reader.ts'
import { fetchInOrder, type RemoteFile } from './ranges.ts'

/** The beginning is kept in memory up to this size: headers and vocabularies have some megabytes. */
const MAX_PREFIX_BYTES = 64 * 2 ** 20
/** Asked for at a time at least. */
const STEP_BYTES = 256 * 1024

export class DeferredReader implements ByteReader {
  /** The beginning of the file, as far as it was read. The download takes it over. */
  prefix = new Uint8Array(0)
  private local: ByteReader | undefined
  private growing: Promise<void> = Promise.resolve()

  constructor(
    readonly name: string,
    private readonly remote: RemoteFile,
  ) {}

  get isSettled(): boolean {
    return this.local !== undefined
  }

  get size(): number {
    return this.remote.size
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    throwIfAborted(signal)
    checkRange(this.name, this.size, offset, length)
    if (this.local !== undefined) return this.local.read(offset, length, signal)
    const end = offset + length
    if (end > MAX_PREFIX_BYTES) return this.fetch(offset, end, signal)
    // One after the other, so that no byte comes twice.
    const grown = this.growing.then(() => this.grow(end, signal))
    this.growing = grown.catch(() => {})
    await grown
    return this.prefix.slice(offset, end)
  }

  private async grow(end: number, signal: AbortSignal | undefined): Promise<void> {
    const start = this.prefix.byteLength
    if (end <= start) return
    const stop = Math.min(this.size, Math.max(end, start + STEP_BYTES))
    const bytes = await this.fetch(start, stop, signal)
    const grown = new Uint8Array(stop)
    grown.set(this.prefix)
    grown.set(bytes, start)
    this.prefix = grown
  }

  private async fetch(start: number, end: number, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(end - start)
    let at = 0
    const take = async (piece: Uint8Array) => {
      bytes.set(piece, at)
      at += piece.byteLength
    }
    await fetchInOrder(this.remote, start, end, take, signal)
    return bytes
  }

  /**
   * From now on the file is read from here.
   * @throws CheckpointError when its beginning is not what was read of it before
   */
  async settle(local: ByteReader): Promise<void> {
    const beginning = await local.read(0, this.prefix.byteLength)
    const isSame = beginning.every((byte, i) => byte === this.prefix[i])
    if (!isSame) {
      await local.close()
      throw new CheckpointError({ file: this.name }, 'its first bytes came damaged, or it has changed; load it again')
    }
    this.local = local
    this.prefix = new Uint8Array(0)
  }

  async close(): Promise<void> {
    await this.local?.close()
  }
}
