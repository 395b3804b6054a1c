/** What the tabs of a shared model wait for beside the model. */
import { onAbort, unlessAborted } from '../async/abort.ts'
import { WorkerError } from './link.ts'

/** Between two tries of one tab to have a model, in milliseconds; others have their turn meanwhile. */
const PAUSE_MS = 250

/** Throws what the signal fires with. */
export function pause(signal: AbortSignal): Promise<void> {
  return unlessAborted(new Promise<void>((resolve) => setTimeout(resolve, PAUSE_MS)), signal)
}

/** Gives an error as soon as the signal fires. */
export function fired(signal: AbortSignal): Promise<Error> {
  return new Promise((resolve) => {
    onAbort(signal, () => resolve(new WorkerError('this tab leaves')))
  })
}
