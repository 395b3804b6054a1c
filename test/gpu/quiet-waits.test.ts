/** Results are asked for when they can soon be there, where a runtime looks for them in a busy loop. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { QuietWaits } from '../../src/gpu/quiet-waits.ts'

/** A queue that does work in order, each piece in some milliseconds from its submission or from the end of the one before. */
class Queue {
  private free = 0
  /** When somebody began to look, after the submission. */
  readonly asked: number[] = []

  constructor(private readonly waits: QuietWaits) {}

  async work(ms: number, kind = 'work'): Promise<number> {
    const submitted = performance.now()
    const end = Math.max(submitted, this.free) + ms
    this.free = end
    await this.waits.resultOf(kind, async () => {
      this.asked.push(performance.now() - submitted)
      const left = end - performance.now()
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left))
    })
    return performance.now() - submitted
  }
}

describe('waits', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  async function run<T>(promise: Promise<T>): Promise<T> {
    const settled = promise.finally(() => {})
    await vi.advanceTimersByTimeAsync(10_000)
    return settled
  }

  it('ask at once where the runtime waits without looking', async () => {
    const queue = new Queue(new QuietWaits(false))
    for (let i = 0; i < 6; i++) await run(queue.work(100))
    expect(queue.asked).toEqual([0, 0, 0, 0, 0, 0])
  })

  it('ask at once until the time of such work is known, then shortly before its end', async () => {
    const queue = new Queue(new QuietWaits(true))
    // The first time counts for nothing: a driver compiled.
    const times = [5000, 100, 100, 100, 100]
    for (const ms of times) expect(await run(queue.work(ms))).toBe(ms)
    expect(queue.asked).toEqual([0, 0, 0, 89, 89])
    // Another kind of work is another time.
    expect(await run(queue.work(7, 'other'))).toBe(7)
    expect(queue.asked.at(-1)).toBe(0)
  })

  it('wait for what is before them in the queue', async () => {
    const queue = new Queue(new QuietWaits(true))
    for (let i = 0; i < 3; i++) await run(queue.work(100))
    const both = await run(Promise.all([queue.work(100), queue.work(100)]))
    expect(both).toEqual([100, 200])
    expect(queue.asked.slice(3)).toEqual([89, 189])
  })

  it('soon take less when work does', async () => {
    const queue = new Queue(new QuietWaits(true))
    for (let i = 0; i < 4; i++) await run(queue.work(100))
    const times: number[] = []
    for (let i = 0; i < 5; i++) times.push(await run(queue.work(10)))
    expect(times[0]).toBe(89)
    expect(times.at(-1)).toBe(10)
  })

  it('pass errors on, and go on after them', async () => {
    const waits = new QuietWaits(true)
    const lost = waits.resultOf('work', () => Promise.reject(new Error('lost')))
    const next = waits.resultOf('work', async () => 7)
    await expect(lost).rejects.toThrow('lost')
    expect(await next).toBe(7)
  })
})
