/** The interface by which callers open the files of a checkpoint themselves. */
import type { AnyAbortSignal, AnyBlob } from '../platform/globals.ts'
import type { CustomReader } from './byte-reader.ts'

type MaybePromise<T> = T | Promise<T>

/** What an opener may answer. Undefined, null, or an error named `NotFoundError` or with code `ENOENT`: no such file. */
export type OpenedFile = AnyBlob | ArrayBuffer | Uint8Array | string | CustomReader | undefined | null

/** A caller's own way to open the files of a checkpoint, for example from a zip or a cache. */
export interface FileOpener {
  open(name: string, signal?: AnyAbortSignal): MaybePromise<OpenedFile>
  /** The names it has; only needed to find a `.gguf` that is not called `model.gguf`. */
  list?(): MaybePromise<Iterable<string>>
}
