/** What tests of the choice of kernels share: a device that says it is a GPU, matrices, and a stopwatch that says what it is told. */
import { afterAll } from 'vitest'
import type { Gpu } from '../../src/gpu/device.ts'
import { openGpu } from '../../src/gpu/open.ts'
import type { Stopwatch, Work } from '../../src/gpu/stopwatch.ts'
import { HARDWARE } from '../../src/gpu/tuning.ts'
import { WEIGHT_LAYOUTS } from '../../src/kernels/weight-layouts.ts'
import type { Notes } from '../../src/platform/types.ts'
import { disabledFeatures } from '../support/features.ts'

export const opened = await openGpu({ disableFeatures: disabledFeatures(), tuning: HARDWARE })
afterAll(() => opened.dispose())

/** The same device, which says that it is a GPU. */
export const gpu: Gpu = Object.defineProperty(Object.create(opened) as Gpu, 'software', { value: false })
gpu.withTuning = (tuning) => Object.assign(Object.create(gpu) as Gpu, { tuning: { ...gpu.tuning, ...tuning } })

const { q4 } = WEIGHT_LAYOUTS
export const MATRICES = [
  { layout: q4, rows: 4096, cols: 256 },
  { layout: q4, rows: 64, cols: 256 },
]

/** Says that each kernel takes so many milliseconds, and runs nothing. Kernels come in the order of `candidates`. */
export class FakeStopwatch implements Stopwatch {
  readonly asked: number[] = []
  destroyed = 0

  constructor(private readonly ms: (index: number, of: number) => number) {}

  async time(works: readonly Work[]): Promise<number[]> {
    this.asked.push(works.length)
    let repeats = 0
    const pass = {
      setPipeline() {},
      setBindGroup() {},
      dispatchWorkgroups: () => repeats++,
    } as unknown as GPUComputePassEncoder
    return works.map((work, i) => {
      repeats = 0
      work(pass)
      return this.ms(i, works.length) * repeats
    })
  }

  destroy(): void {
    this.destroyed++
  }
}

export function memory(): Notes & { readonly texts: Map<string, string> } {
  const texts = new Map<string, string>()
  return {
    texts,
    runtime: 'test',
    read: async (name) => texts.get(name),
    write: async (name, text) => void texts.set(name, text),
  }
}
