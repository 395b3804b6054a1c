/** Brings one file of the Hub into the store: resumed where an earlier attempt ended, verified before it counts. */
import { throwIfAborted } from '../../async/abort.ts'
import { CheckpointError } from '../../errors.ts'
import type { FileKey, Hasher, Incoming, ModelStore } from '../../platform/store-types.ts'
import { fetchInOrder } from './ranges.ts'

/** Writes of less than this are put together. */
const WRITE_BYTES = 2 ** 20
/** What is kept of an earlier attempt is read back in pieces of this size, to hash it. */
const READ_BYTES = 4 * 2 ** 20
/** A file whose hash is wrong is fetched once more. */
const MAX_TRIES = 2

export interface Download {
  readonly key: FileKey
  readonly url: string
  readonly token: string | undefined
  readonly segmentBytes?: number | undefined
  /** What every answer has to call its version. */
  readonly version?: string | undefined
  /** The first bytes of the file, where they were read before. */
  readonly seed?: Uint8Array | undefined
}

/**
 * @param onBytes is told how many bytes of the file are there
 * @throws CheckpointError, StorageError, AbortError; what came stays for the next attempt, unless it was wrong
 */
export async function download(
  store: ModelStore,
  { key, seed, ...remote }: Download,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const incoming = await store.receive(key, { signal, onWait: onBytes })
  if (incoming === undefined) {
    onBytes(key.size)
    return
  }
  try {
    for (let attempt = 1; ; attempt++) {
      const kept = attempt === 1 ? incoming.kept : 0
      const writer = new Writer(incoming, await store.hasher(key.id.length === 64 ? 'sha256' : 'sha1'), key, onBytes)
      await writer.begin(kept, attempt === 1 && kept === 0 ? seed : undefined, signal)
      try {
        const file = { ...remote, name: key.path, size: key.size }
        await fetchInOrder(file, writer.at, key.size, (bytes) => writer.take(bytes), signal)
      } finally {
        await writer.flush()
      }
      const found = writer.digest()
      if (found === key.id || key.isUnhashed) break
      // Nothing wrong is kept: neither for the next attempt nor for anybody else.
      await incoming.restart()
      if (attempt >= MAX_TRIES) throw wrongHash(key, found)
    }
    throwIfAborted(signal)
    await incoming.finish()
  } finally {
    await incoming.leave()
  }
}

function wrongHash({ path, id }: FileKey, found: string): CheckpointError {
  const name = id.length === 64 ? 'SHA-256' : 'git hash'
  const fact = `what the server sent has the ${name} ${found} instead of ${id}; it was not kept`
  return new CheckpointError({ file: path }, fact)
}

/** Writes and hashes in order. */
class Writer {
  at = 0
  private pending: Uint8Array[] = []
  private pendingBytes = 0

  constructor(
    private readonly incoming: Incoming,
    private readonly hasher: Hasher,
    private readonly key: FileKey,
    private readonly onBytes: (bytes: number) => void,
  ) {
    // Git hashes a file with its kind and size before it.
    if (key.id.length === 40) hasher.update(new TextEncoder().encode(`blob ${key.size}\0`))
  }

  async begin(kept: number, seed: Uint8Array | undefined, signal: AbortSignal | undefined): Promise<void> {
    while (this.at < kept) {
      throwIfAborted(signal)
      const bytes = await this.incoming.read(this.at, Math.min(READ_BYTES, kept - this.at))
      this.hasher.update(bytes)
      this.at += bytes.byteLength
      this.onBytes(this.at)
    }
    if (seed !== undefined && seed.byteLength > 0) await this.take(seed.subarray(0, this.key.size))
  }

  async take(bytes: Uint8Array): Promise<void> {
    this.hasher.update(bytes)
    this.pending.push(bytes)
    this.pendingBytes += bytes.byteLength
    this.at += bytes.byteLength
    this.onBytes(this.at)
    if (this.pendingBytes >= WRITE_BYTES) await this.flush()
  }

  async flush(): Promise<void> {
    const pieces = this.pending
    const size = this.pendingBytes
    if (size === 0) return
    this.pending = []
    this.pendingBytes = 0
    const [only] = pieces
    if (only !== undefined && pieces.length === 1) return this.incoming.write(only)
    const joined = new Uint8Array(size)
    let at = 0
    for (const piece of pieces) {
      joined.set(piece, at)
      at += piece.byteLength
    }
    await this.incoming.write(joined)
  }

  digest(): string {
    return this.hasher.digest()
  }
}
