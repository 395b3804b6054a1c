/** Results come in time from a runtime that looks for them every 100 ms, or when something is submitted. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LateResults, resultsAreLate } from '../../src/gpu/late-results.ts'

const TICK_MS = 100

/** A device that does its work in order, and tells of it only when it looks. */
class SlowDevice {
  /** Milliseconds after the start at which something was submitted. */
  readonly submits: number[] = []
  readonly lost: Promise<GPUDeviceLostInfo>
  lose = (_info: GPUDeviceLostInfo) => {}
  private readonly start = performance.now()
  private readonly told: { readonly at: number; readonly tell: () => void }[] = []
  private free = 0

  /** @param phase when its timer fires first */
  constructor(phase: number) {
    this.lost = new Promise((resolve) => {
      this.lose = resolve
    })
    const tick = () => {
      this.look()
      setTimeout(tick, TICK_MS)
    }
    setTimeout(tick, phase)
  }

  readonly queue = {
    submit: (commands: unknown[]) => {
      expect(commands).toEqual(['nothing'])
      this.submits.push(performance.now() - this.start)
      this.look()
    },
    onSubmittedWorkDone: () => this.result(0),
  }

  createCommandEncoder() {
    return { finish: () => 'nothing' }
  }

  /** The result of work that takes so long. */
  result(ms: number): Promise<void> {
    const at = Math.max(this.free, performance.now()) + ms
    this.free = at
    return new Promise((tell) => this.told.push({ at, tell }))
  }

  private look(): void {
    for (const { at, tell } of this.told) if (at <= performance.now()) tell()
  }

  get asDevice(): GPUDevice {
    return this as unknown as GPUDevice
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

async function run<T>(promise: Promise<T>, ms = 5000): Promise<T> {
  const settled = promise.finally(() => {})
  settled.catch(() => {})
  await vi.advanceTimersByTimeAsync(ms)
  return settled
}

/** Milliseconds until it is there. */
async function timed(promise: Promise<unknown>): Promise<number> {
  const start = performance.now()
  return run(promise.then(() => performance.now() - start))
}

describe('the measurement', () => {
  it('finds a slow timer wherever it is on its way, and submits nothing', async () => {
    for (let phase = 1; phase <= TICK_MS; phase++) {
      const device = new SlowDevice(phase)
      expect(await run(resultsAreLate(device.asDevice.queue), 60), `the timer fires after ${phase} ms`).toBe(true)
      expect(device.submits).toEqual([])
      vi.clearAllTimers()
    }
  })

  it('finds none in a runtime that tells at once, or that lost its device', async () => {
    const prompt = { onSubmittedWorkDone: async () => {} } as GPUQueue
    expect(await run(resultsAreLate(prompt))).toBe(false)
    const lost = { onSubmittedWorkDone: () => Promise.reject(new Error('lost')) } as unknown as GPUQueue
    expect(await run(resultsAreLate(lost))).toBe(false)
  })
})

describe('late results', () => {
  it.each([0, 1, 7, 30, 250, 3000])('come soon after work of %i ms', async (ms) => {
    const device = new SlowDevice(1)
    // The timer fires now.
    await vi.advanceTimersByTimeAsync(1)
    const waits = new LateResults(device.asDevice)
    const took = await timed(waits.resultOf(undefined, () => device.result(ms)))
    expect(took).toBeGreaterThanOrEqual(ms)
    expect(took).toBeLessThanOrEqual(ms + Math.min(25, ms / 7) + 2)
    // Long work is not looked for more than needed, and nothing is when nobody waits.
    expect(device.submits.length).toBeLessThan(40 + ms / 25)
    expect(device.submits.at(-1)).toBeLessThanOrEqual(took + 2)
  })

  it('come in order, one and several at a time', async () => {
    const device = new SlowDevice(TICK_MS)
    const waits = new LateResults(device.asDevice)
    const begun = performance.now()
    const ends: number[] = []
    const result = async (ms: number) => {
      await waits.resultOf('decode', () => device.result(ms))
      ends.push(performance.now() - begun)
    }
    await run(Promise.all([result(10), result(10), result(10)]))
    const late = ends.map((end, i) => end - 10 * (i + 1))
    expect(Math.max(...late)).toBeLessThanOrEqual(5)
    const { length } = device.submits
    await vi.advanceTimersByTimeAsync(1000)
    expect(device.submits).toHaveLength(length)
    await timed(result(10))
    expect(device.submits.length).toBeGreaterThan(length)
  })

  it('that are there at once need no look', async () => {
    const device = new SlowDevice(TICK_MS)
    const waits = new LateResults(device.asDevice)
    expect(await run(waits.resultOf('decode', async () => 7))).toBe(7)
    expect(device.submits).toEqual([])
  })

  it('that fail say why, and the next is looked for', async () => {
    const device = new SlowDevice(TICK_MS)
    const waits = new LateResults(device.asDevice)
    await expect(run(waits.resultOf('decode', () => Promise.reject(new Error('lost'))))).rejects.toThrow('lost')
    expect(await timed(waits.resultOf('decode', () => device.result(10)))).toBeLessThan(15)
  })

  it('of a lost device are looked for no more', async () => {
    const device = new SlowDevice(TICK_MS)
    const waits = new LateResults(device.asDevice)
    void waits.resultOf('decode', () => new Promise(() => {}))
    await vi.advanceTimersByTimeAsync(500)
    expect(device.submits.length).toBeGreaterThan(5)
    device.lose({ reason: 'unknown', message: 'reset' } as GPUDeviceLostInfo)
    await vi.advanceTimersByTimeAsync(100)
    const { length } = device.submits
    await vi.advanceTimersByTimeAsync(5000)
    expect(device.submits).toHaveLength(length)
  })
})
