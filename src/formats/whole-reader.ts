/** Small files that are read at once where each read is a request of its own. */
import { throwIfAborted } from '../async/abort.ts'
import { type ByteReader, checkRange } from './byte-reader.ts'

/** Files up to this size: a request takes as long as a megabyte or two. */
const SMALL_BYTES = 16 << 20

/** The reader itself, or one that reads the whole file the first time that anything is read. */
export function wholeIfSmall(reader: ByteReader): ByteReader {
  if (reader.isRemote !== true || reader.size > SMALL_BYTES) return reader
  let whole: Promise<Uint8Array<ArrayBuffer>> | undefined
  return {
    ...reader,
    async read(offset, length, signal, into) {
      throwIfAborted(signal)
      checkRange(reader.name, reader.size, offset, length)
      whole ??= reader.read(0, reader.size, signal)
      // Whoever reads again after a failure tries again.
      whole.catch(() => {
        whole = undefined
      })
      const bytes = (await whole).subarray(offset, offset + length)
      if (into === undefined) return bytes.slice()
      into.set(bytes)
      return into
    },
    close: () => reader.close(),
  }
}
