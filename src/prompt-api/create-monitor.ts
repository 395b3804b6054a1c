/** Tells the progress of a download, as `create()` of the Prompt API does. */

/** `monitor` of `create()`: gets an event target that fires `downloadprogress`. */
export type MonitorCallback = (monitor: EventTarget) => void

/** `ProgressEvent` where there is one; it tells the same without. `loaded` is from 0 to 1, and `total` is 1. */
function progressEvent(loaded: number): Event {
  const fields = { loaded, total: 1, lengthComputable: true }
  const { ProgressEvent } = globalThis as { ProgressEvent?: new (type: string, fields: object) => Event }
  if (ProgressEvent !== undefined) return new ProgressEvent('downloadprogress', fields)
  return Object.assign(new Event('downloadprogress'), fields)
}

/** Progress is told in these steps, so that it says little of how fast things are. */
const STEPS = 65_536

/** Fires 0 first and 1 last, once each, and nothing that goes back. */
export class CreateMonitor extends EventTarget {
  private last = -1

  /** @param fraction of the download, from 0 to 1 */
  report(fraction: number): void {
    const loaded = Math.floor(fraction * STEPS) / STEPS
    if (loaded <= this.last) return
    this.last = loaded
    this.dispatchEvent(progressEvent(loaded))
  }
}
