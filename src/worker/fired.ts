/** What the tabs of a shared model wait for beside the model. */
import { onAbort } from '../async/abort.ts'
import { WorkerError } from './link.ts'

/** Between two tries of one tab to have a model, in milliseconds; others have their turn meanwhile. */
export const PAUSE_MS = 250

/** Gives an error as soon as the signal fires. */
export function fired(signal: AbortSignal): Promise<Error> {
  return new Promise((resolve) => {
    onAbort(signal, () => resolve(new WorkerError('this tab leaves')))
  })
}
