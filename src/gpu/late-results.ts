/** Results in time, where the runtime looks for them by a slow timer, or when something is submitted. */
import type { Waits } from './quiet-waits.ts'

/** An idle queue that takes longer to say so waits for a timer. */
const LATE_MS = 25
/** Looks cost the driver something: who has waited for long waits this share longer at most. */
const SHARE = 1 / 8
const LEAST_MS = 1
const MOST_MS = 25

/**
 * Whether results that are there are told late. It must be asked before anything is submitted. Firefox looks every 100 ms
 * (bug 1870699, 104 ms for an idle queue in 153): the first answer may come in less, as its timer is somewhere on its way.
 */
export async function resultsAreLate(queue: GPUQueue): Promise<boolean> {
  for (let i = 0; i < 2; i++) {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<true>((resolve) => {
      timer = setTimeout(resolve, LATE_MS, true)
    })
    // A lost device says so itself.
    const told = queue.onSubmittedWorkDone().then(
      () => false,
      () => false,
    )
    if (await Promise.race([told, late]).finally(() => clearTimeout(timer))) return true
  }
  return false
}

/**
 * Whatever is submitted makes such a runtime look at what is done. So as long as somebody waits, nothing is submitted every few
 * milliseconds: at first every millisecond, later in pauses that grow with the time that was waited.
 */
export class LateResults implements Waits {
  private waiting = 0
  private looking = false
  private since = 0

  constructor(private readonly device: GPUDevice) {
    // What waits for a lost device may wait for ever.
    void device.lost.then(() => {
      this.waiting = Number.NEGATIVE_INFINITY
    })
  }

  async resultOf<T>(_kind: string | undefined, ask: () => Promise<T>): Promise<T> {
    const result = ask()
    this.waiting++
    // What comes next may be short.
    this.since = performance.now()
    if (!this.looking) void this.look()
    try {
      return await result
    } finally {
      this.waiting--
    }
  }

  private async look(): Promise<void> {
    this.looking = true
    while (true) {
      const pause = Math.min(MOST_MS, Math.max(LEAST_MS, SHARE * (performance.now() - this.since)))
      await new Promise((resolve) => setTimeout(resolve, pause))
      if (this.waiting <= 0) break
      // An empty command buffer, not an empty list: it is what was seen to work.
      this.device.queue.submit([this.device.createCommandEncoder({ label: 'look for results' }).finish()])
    }
    this.looking = false
  }
}
