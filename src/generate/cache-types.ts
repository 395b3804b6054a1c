/** Models in the cache: what is asked of it, and what it tells. */
import type { HubOptions } from '../formats/source-options.ts'
import type { LoadProgress } from '../model/load-progress.ts'
import type { AnyAbortSignal } from '../platform/globals.ts'

export interface CacheOptions {
  /** As in `load`. */
  hub?: HubOptions | undefined
  signal?: AnyAbortSignal | undefined
}

export interface PullOptions extends CacheOptions {
  /** Is told which of several forms was chosen, and why, before it is downloaded. It stands in `notes`, too. */
  onChoice?: ((text: string) => void) | undefined
  /** As in `load`. */
  onProgress?: ((progress: LoadProgress) => void) | undefined
}

/** A file of a model in the cache. */
export interface CachedFile {
  readonly name: string
  readonly bytes: number
}

/** One commit of a repository in the cache. */
export interface CachedModel {
  /** `owner/name`, which `load` takes; of files from a plain address its host and folder. */
  readonly repository: string
  readonly commit: string
  /** Branches and tags that meant this commit when they were last asked for. */
  readonly revisions: readonly string[]
  /** Of all its files; commits of one repository may share some. */
  readonly bytes: number
  readonly files: readonly CachedFile[]
}

export interface CacheVerdict {
  readonly repository: string
  readonly commit: string
  readonly file: string
  /** `'unknown'`: whoever brought the file left no hash of it. */
  readonly verdict: 'right' | 'wrong' | 'unknown'
}

/** What was brought. */
export interface Pulled {
  /** `owner/name` */
  readonly name: string
  /** Of the files that a load reads. */
  readonly bytes: number
  /** It is a file or folder of this machine: nothing was downloaded, and no more read than its headers. */
  readonly isLocal: boolean
  readonly notes: readonly string[]
}
