/** Walks a file's header from the front, fetching it in growing pieces, without knowing its length beforehand. */
import { CheckpointError } from '../errors.ts'
import type { ByteReader } from './byte-reader.ts'

const FIRST_CHUNK_BYTES = 256 * 1024
const MAX_CHUNK_BYTES = 4 * 1024 * 1024

/** Little-endian values one after the other. {@link HeaderStream.need} must come before the synchronous reads. */
export class HeaderStream {
  #window = new Uint8Array(0)
  #view = new DataView(this.#window.buffer)
  /** Where the window begins in the file, and where in the window we are. */
  #base = 0
  #at = 0
  #chunkBytes = FIRST_CHUNK_BYTES

  /** @param maxBytes how long the header may be at most */
  constructor(
    readonly reader: ByteReader,
    readonly maxBytes: number,
    readonly signal: AbortSignal | undefined,
  ) {}

  /** Bytes of the file before the next value. */
  get position(): number {
    return this.#base + this.#at
  }

  /** What is left: of the file, or of what a header may have. */
  get remaining(): number {
    return Math.min(this.reader.size, this.maxBytes) - this.position
  }

  /** True when `count` bytes are at hand; otherwise `await need(count)`. */
  has(count: number): boolean {
    return this.#window.byteLength - this.#at >= count
  }

  /** Makes the next `count` bytes readable. Checks against the file's end before anything is allocated. */
  async need(count: number, what: string): Promise<void> {
    if (this.has(count)) return
    const { remaining } = this
    if (count > remaining) {
      const limit = this.reader.size <= this.maxBytes ? 'the file ends before' : `a header may have ${this.maxBytes}`
      throw this.error(`${what} needs ${count} bytes at byte ${this.position}, ${limit}`)
    }
    const kept = this.#window.subarray(this.#at)
    const fetchFrom = this.position + kept.byteLength
    const wanted = Math.max(count, Math.min(this.#chunkBytes, remaining)) - kept.byteLength
    const fetched = await this.reader.read(fetchFrom, wanted, this.signal)
    const window = new Uint8Array(kept.byteLength + wanted)
    window.set(kept)
    window.set(fetched, kept.byteLength)
    this.#base = this.position
    this.#at = 0
    this.#window = window
    this.#view = new DataView(window.buffer)
    this.#chunkBytes = Math.min(this.#chunkBytes * 2, MAX_CHUNK_BYTES)
  }

  u32(): number {
    this.#at += 4
    return this.#view.getUint32(this.#at - 4, true)
  }

  /** A number of 64 bits: exact up to 2^53. It takes a tenth of the time of {@link u64}. */
  length(): number {
    this.#at += 8
    return this.#view.getUint32(this.#at - 8, true) + 2 ** 32 * this.#view.getUint32(this.#at - 4, true)
  }

  u64(): bigint {
    this.#at += 8
    return this.#view.getBigUint64(this.#at - 8, true)
  }

  /** A view that is valid until the next {@link need}. */
  bytes(count: number): Uint8Array<ArrayBuffer> {
    this.#at += count
    return this.#window.subarray(this.#at - count, this.#at)
  }

  error(fact: string, tensor?: string): CheckpointError {
    return new CheckpointError({ file: this.reader.name, tensor }, fact)
  }
}
