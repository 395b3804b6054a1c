/** Which snapshot a repository in the Hugging Face cache means, wherever the cache lies. */
import { CheckpointError } from '../errors.ts'

/**
 * @param label the cache's folder, for messages
 * @param revisions the names in `snapshots/`
 * @param main what `refs/main` holds; undefined when there is no such file
 * @returns the name of a folder in `snapshots/`
 * @throws CheckpointError when that is not clear
 */
export function chooseSnapshot(label: string, revisions: readonly string[], main: string | undefined): string {
  const wanted = main?.trim()
  if (wanted !== undefined && revisions.includes(wanted)) return wanted
  const [only, ...others] = revisions
  if (only !== undefined && others.length === 0) return only
  const at = { file: label }
  if (only === undefined) throw new CheckpointError(at, 'is a cache of the Hugging Face Hub without a snapshot')
  throw new CheckpointError(
    at,
    `holds ${revisions.length} snapshots, and refs/main names none of them; pass one: snapshots/${revisions.slice(0, 5).join(', snapshots/')}`,
  )
}
