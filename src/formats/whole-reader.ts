/** Small files that are read at once where each read is a request of its own. */
import { throwIfAborted } from '../async/abort.ts'
import { type ByteReader, checkRange } from './byte-reader.ts'

/** Files up to this size: a request takes as long as a megabyte or two. */
const SMALL_BYTES = 16 << 20

/** The reader itself, or one that reads the whole file the first time that anything is read. */
export function wholeIfSmall(reader: ByteReader): ByteReader {
  if (reader.isRemote !== true || reader.size > SMALL_BYTES) return reader
  let whole: Promise<Uint8Array<ArrayBuffer>> | undefined
  const readWhole = async (signal: AbortSignal | undefined) => {
    try {
      return await reader.read(0, reader.size, signal)
    } catch (error) {
      // Whoever reads again after a failure tries again.
      whole = undefined
      throw error
    }
  }
  return {
    ...reader,
    async read(offset, length, signal, into) {
      throwIfAborted(signal)
      checkRange(reader.name, reader.size, offset, length)
      whole ??= readWhole(signal)
      const bytes = (await whole).subarray(offset, offset + length)
      if (into === undefined) return bytes.slice()
      into.set(bytes)
      return into
    },
    close: () => reader.close(),
  }
}
