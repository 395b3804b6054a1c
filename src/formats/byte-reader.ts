/** Reading parts of one file, wherever it lies: in memory, in a `Blob`, on a disk, behind a caller's own reader. */
import { throwIfAborted, unlessAborted } from '../async/abort.ts'
import { show, messageOf as textOf } from '../errors/show.ts'
import { AbortError, CheckpointError } from '../errors.ts'
import { parseLooseJson } from '../json/loose.ts'
import type { AnyAbortSignal } from '../platform/globals.ts'
import type { RandomAccessFile } from '../platform/types.ts'

/** One opened file that can be read by range. */
export interface ByteReader {
  /** The file's name inside its checkpoint. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Each read is a request to a server. */
  readonly isRemote?: boolean | undefined
  /**
   * Exactly `length` bytes from `offset`. Where `into` is given, which has room for just as many, they may be put there
   * instead of into new memory.
   * @throws CheckpointError when the file ends before or cannot be read; AbortError when the signal fired
   */
  read(
    offset: number,
    length: number,
    signal?: AbortSignal,
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>
  close(): Promise<void>
}

/** What a caller's own {@link FileOpener} may give instead of bytes. */
export interface CustomReader {
  readonly size: number
  read(
    offset: number,
    length: number,
    signal?: AnyAbortSignal,
  ): Promise<Uint8Array | ArrayBuffer> | Uint8Array | ArrayBuffer
  close?(): void | Promise<void>
}

/** @throws CheckpointError when `offset`, `length` do not lie inside the file */
export function checkRange(name: string, size: number, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw new CheckpointError({ file: name }, `asked for ${length} bytes at ${offset}`)
  }
  if (length > size - offset) {
    throw new CheckpointError(
      { file: name },
      `ends at byte ${size}, but bytes ${offset} to ${offset + length} are needed; the file is damaged or incomplete`,
    )
  }
}

/** A file that is in memory already. Answers copies, so that a caller may keep or transfer them. */
export function bytesReader(name: string, bytes: Uint8Array): ByteReader {
  return {
    name,
    size: bytes.byteLength,
    async read(offset, length, signal) {
      throwIfAborted(signal)
      checkRange(name, bytes.byteLength, offset, length)
      return new Uint8Array(bytes.subarray(offset, offset + length))
    },
    async close() {},
  }
}

/** By its shape, because a `Blob` of another realm or of a polyfill is no instance of ours. */
export function isBlob(value: unknown): value is Blob {
  const { size, slice, arrayBuffer } = (value ?? {}) as Partial<Record<keyof Blob, unknown>>
  return typeof size === 'number' && typeof slice === 'function' && typeof arrayBuffer === 'function'
}

/** A `Blob` or `File`: read by slices, so that a file of many gigabytes never lies in memory. */
export function blobReader(name: string, blob: Blob): ByteReader {
  return wrap(
    name,
    blob.size,
    async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
  )
}

/** A file of the platform's. */
export function fileReader(name: string, file: RandomAccessFile): ByteReader {
  const read: ReadPart = (offset, length, signal, into) => file.read(offset, length, signal, into)
  return wrap(name, file.size, read, () => file.close())
}

/** A caller's own reader: its answers are checked and its errors become ours. */
export function customReader(name: string, reader: CustomReader): ByteReader {
  const { size } = reader
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new CheckpointError({ file: name }, `its reader says that it has ${show(size)} bytes`)
  }
  return wrap(
    name,
    size,
    async (offset, length, signal) => {
      const got: unknown = await unlessAborted(Promise.resolve(reader.read(offset, length, signal)), signal)
      if (got instanceof ArrayBuffer) return new Uint8Array(got)
      if (!ArrayBuffer.isView(got)) throw new CheckpointError({ file: name }, 'its reader did not give bytes')
      const view = new Uint8Array(got.buffer, got.byteOffset, got.byteLength)
      return view.buffer instanceof ArrayBuffer ? (view as Uint8Array<ArrayBuffer>) : new Uint8Array(view)
    },
    async () => reader.close?.(),
  )
}

type ReadPart = (
  offset: number,
  length: number,
  signal?: AbortSignal,
  into?: Uint8Array<ArrayBuffer>,
) => Promise<Uint8Array<ArrayBuffer>>

function wrap(name: string, size: number, part: ReadPart, close: () => Promise<void> = async () => {}): ByteReader {
  return {
    name,
    size,
    async read(offset, length, signal, into) {
      throwIfAborted(signal)
      checkRange(name, size, offset, length)
      let bytes: Uint8Array<ArrayBuffer>
      try {
        bytes = await part(offset, length, signal, into)
      } catch (error) {
        throwIfAborted(signal)
        if (error instanceof CheckpointError || error instanceof AbortError) throw error
        throw new CheckpointError({ file: name }, `cannot be read: ${messageOf(error)}`, { cause: error })
      }
      throwIfAborted(signal)
      if (bytes.byteLength !== length) {
        throw new CheckpointError(
          { file: name },
          `${bytes.byteLength} bytes came instead of ${length} at byte ${offset}; has the file changed?`,
        )
      }
      return bytes
    },
    close,
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  const { cause } = error instanceof Error ? error : {}
  return `${textOf(error)}${cause instanceof Error && cause.message !== '' ? ` (${textOf(cause)})` : ''}`
}

/**
 * A whole small file.
 * @throws CheckpointError when it is larger than `maxBytes`
 */
export async function readWhole(
  reader: ByteReader,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  if (reader.size > maxBytes) {
    throw new CheckpointError({ file: reader.name }, `has ${reader.size} bytes, the limit for it is ${maxBytes}`)
  }
  return reader.read(0, reader.size, signal)
}

/** A whole small UTF-8 file; a byte order mark is dropped. */
export async function readText(reader: ByteReader, maxBytes: number, signal?: AbortSignal): Promise<string> {
  const bytes = await readWhole(reader, maxBytes, signal)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new CheckpointError({ file: reader.name }, 'is not UTF-8 text', { cause: error })
  }
}

/** Why a text is no JSON, and whether that looks like a download that broke off. */
export function jsonFault(text: string, error: unknown): string {
  return `is not JSON: ${messageOf(error)}${/[}\]]\s*$/.test(text) ? '' : '; is the file complete?'}`
}

/** A whole small JSON file. */
export async function readJson(reader: ByteReader, maxBytes: number, signal?: AbortSignal): Promise<unknown> {
  const text = await readText(reader, maxBytes, signal)
  try {
    return parseLooseJson(text)
  } catch (error) {
    throw new CheckpointError({ file: reader.name }, jsonFault(text, error), { cause: error })
  }
}
