/** Repeats a measurement and takes its median. */
import { throwIfAborted } from '../../async/abort.ts'
import type { Gpu } from '../../gpu/device.ts'
import type { Recording } from '../../gpu/recorder.ts'

/** The middle value; of an even number the mean of the two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  const upper = sorted[Math.floor(half)]
  if (upper === undefined) throw new RangeError('the median of nothing')
  return Number.isInteger(half) ? (sorted[half - 1]! + upper) / 2 : upper
}

/** The value that the share `q` of all values does not exceed. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]
  if (value === undefined) throw new RangeError('a quantile of nothing')
  return value
}

export interface SampleOptions {
  /** Samples to take at most. */
  readonly most: number
  /** No further sample is begun when this much time is spent; there is always one. */
  readonly budgetMs: number
  readonly signal?: AbortSignal | undefined
}

/** Calls `once`, which returns a number, until there are enough samples or the time is spent. */
export async function sample(once: () => Promise<number>, options: SampleOptions): Promise<number[]> {
  const values: number[] = []
  const start = performance.now()
  do {
    throwIfAborted(options.signal)
    values.push(await once())
  } while (values.length < options.most && performance.now() - start < options.budgetMs)
  return values
}

export interface TimingOptions {
  /** A submit is made at least this long, so that the way to the GPU and back does not count. */
  readonly submitMs: number
  readonly budgetMs: number
  readonly signal?: AbortSignal | undefined
}

/** Median milliseconds of one run of the recording, from submits of many. The first run is left out. */
export async function timeRecording<B>(
  gpu: Gpu,
  recording: Recording<B>,
  batch: B,
  options: TimingOptions,
): Promise<number> {
  const run = async (times: number): Promise<number> => {
    const encoder = gpu.device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    for (let i = 0; i < times; i++) recording.encode(pass, batch)
    pass.end()
    const commands = encoder.finish()
    const start = performance.now()
    gpu.submit(commands)
    await gpu.finish()
    return performance.now() - start
  }
  await run(1)
  let times = 1
  let last = await run(times)
  while (last < options.submitMs && times < 4096) {
    throwIfAborted(options.signal)
    times = Math.min(4096, times * Math.max(2, Math.ceil(options.submitMs / Math.max(last, 0.01) / 2)))
    last = await run(times)
  }
  const { budgetMs, signal } = options
  // A first measurement that has eaten the budget is the measurement.
  if (last >= budgetMs) return last / times
  return median(await sample(async () => (await run(times)) / times, { most: 5, budgetMs, signal }))
}

/** Software adapters are slow and have next to no way to go: shorter submits, and fewer of them, do. */
export function timingFor(gpu: Gpu): Pick<TimingOptions, 'submitMs' | 'budgetMs'> {
  return gpu.software ? { submitMs: 20, budgetMs: 150 } : { submitMs: 30, budgetMs: 500 }
}
