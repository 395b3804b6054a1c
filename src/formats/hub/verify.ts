/** Compares a file of the cache with the hash that it is known by. */
import { throwIfAborted } from '../../async/abort.ts'
import type { FileKey, ModelStore } from '../../platform/store-types.ts'
import { blobReader, customReader, isBlob } from '../byte-reader.ts'

const PIECE_BYTES = 4 * 2 ** 20

/** @throws CheckpointError when it cannot be read; AbortError */
export async function isWhole(store: ModelStore, key: FileKey, signal?: AbortSignal): Promise<boolean> {
  const found = await store.open(key)
  if (found === undefined) return false
  const reader = isBlob(found) ? blobReader(key.path, found) : customReader(key.path, found)
  try {
    const hasher = await store.hasher(key.id.length === 64 ? 'sha256' : 'sha1')
    if (key.id.length === 40) hasher.update(new TextEncoder().encode(`blob ${key.size}\0`))
    for (let at = 0; at < reader.size; ) {
      throwIfAborted(signal)
      const bytes = await reader.read(at, Math.min(PIECE_BYTES, reader.size - at), signal)
      hasher.update(bytes)
      at += bytes.byteLength
    }
    return hasher.digest() === key.id
  } finally {
    await reader.close()
  }
}
