/** Progress that is told to another thread. */
import type { LoadProgress } from '../model/load-progress.ts'

/** Progress is told at most this often, in milliseconds: each message costs the page time. */
const PROGRESS_MS = 50

/** Leaves out progress that comes too soon after the last, unless it begins or ends a phase. */
export function thinned(tell: (progress: LoadProgress) => void): (progress: LoadProgress) => void {
  let last: LoadProgress | undefined
  let at = 0
  return (progress) => {
    const now = performance.now()
    const notable = progress.phase !== last?.phase || progress.loaded === progress.total
    last = progress
    if (!notable && now - at < PROGRESS_MS) return
    at = now
    tell(progress)
  }
}
