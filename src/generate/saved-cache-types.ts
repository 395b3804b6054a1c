/** What users say and learn of saved key/value caches. */
import type { AnyBlob, AnyReadableStream, AnyResponse } from '../platform/globals.ts'
import type { LogitsOptions } from './options.ts'

export interface SaveCacheOptions extends LogitsOptions {}

/** A saved cache: a file, an upload or download on its way, or its bytes. */
export type CacheSource = AnyBlob | AnyReadableStream | AnyResponse | ArrayBuffer | Uint8Array<ArrayBuffer>

export interface RestoredCache {
  /** The tokens that need not be computed again at the beginning of a prompt. */
  readonly tokenIds: readonly number[]
  /** The adapter that they were computed with, which a request must name to use them; null for none. */
  readonly adapter: string | null
}
