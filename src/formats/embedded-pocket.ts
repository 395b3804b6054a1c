/** The embedded model by its name. */
import { ParameterError } from '../errors.ts'
import { importUnfollowed } from '../platform/unfollowed.ts'
import type { FileOpener } from './file-opener.ts'

/**
 * The files of the embedded model. They come by an import that bundlers do not follow: the model would otherwise be in
 * every app that loads another one.
 * @throws ParameterError in a bundle
 */
export async function embeddedPocket(): Promise<FileOpener> {
  let cause: unknown
  try {
    const { default: opener } = (await importUnfollowed('#pocket')) as { default?: FileOpener }
    if (typeof opener?.open === 'function') return opener
  } catch (error) {
    cause = error
  }
  throw new ParameterError(
    'source',
    'pocket',
    "is not found by its name from inside a bundle; import pocket from 'mistral-webgpu/pocket', and pass that",
    { cause },
  )
}
