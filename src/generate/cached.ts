/** Models that were downloaded: bring one beforehand, list, verify and remove them. The work is loaded when it is asked for. */
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
  readonly notes: readonly string[]
}

/**
 * Downloads what `load` would read of a model on the Hugging Face Hub, or at a plain address, without a GPU. What is in the cache already is not
 * fetched again, and an interrupted download goes on where it ended.
 * @throws CheckpointError, ChoiceError, StorageError, ConfigError, ParameterError, AbortError
 */
export async function pull(source: string, options: PullOptions = {}): Promise<Pulled> {
  return (await import('./cache-work.ts')).pull(source, options)
}

/** The models in the cache, whoever brought them, by name. */
export async function listCached(options: CacheOptions = {}): Promise<CachedModel[]> {
  return (await import('./cache-work.ts')).listCached(options)
}

/**
 * Removes a model from the cache: all commits of `owner/name`, or the one of `owner/name@revision`.
 * @returns the bytes that got free; 0 when there was no such model
 */
export async function removeCached(name: string, options: CacheOptions = {}): Promise<number> {
  return (await import('./cache-work.ts')).removeCached(name, options)
}

/** Reads files of the cache and compares their hashes; what is wrong is removed, so that the next load fetches it again. */
export async function* verifyCached(name?: string, options: CacheOptions = {}): AsyncGenerator<CacheVerdict, void> {
  yield* (await import('./cache-work.ts')).verifyCached(name, options)
}
