/** Models that were downloaded: bring one beforehand, list, verify and remove them. The work is loaded when it is asked for. */
import type { CachedModel, CacheOptions, CacheVerdict, Pulled, PullOptions } from './cache-types.ts'

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
 * Removes a model from the cache: all commits of `owner/name`, the one of `owner/name@revision`, or the files that
 * `owner/name:Q4_K_M` means. An address removes what was kept of it.
 * @returns the bytes that got free; 0 when there was no such model
 */
export async function removeCached(name: string, options: CacheOptions = {}): Promise<number> {
  return (await (await import('./cache-work.ts')).removeNamed(name, options)).freed
}

/**
 * Reads files of the cache and compares their hashes; what is wrong is removed, so that the next load fetches it again.
 * @param name as for {@link removeCached}; all models without it
 * @throws CheckpointError when the cache has no such model; AbortError
 */
export async function* verifyCached(name?: string, options: CacheOptions = {}): AsyncGenerator<CacheVerdict, void> {
  yield* (await import('./cache-work.ts')).verifyCached(name, options)
}
