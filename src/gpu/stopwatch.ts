/** Measures how long passes take on the GPU: by its own clock where it shows one, else by the time until all work is done. */
import type { Gpu } from './device.ts'
import { BufferUsage, QUERY_RESOLVE } from './flags.ts'
import { Readback } from './readback.ts'

/** Encodes what is to be timed. */
export type Work = (pass: GPUComputePassEncoder) => void

export interface Stopwatch {
  /** Milliseconds that each takes, one after another. */
  time(works: readonly Work[]): Promise<number[]>
  destroy(): void
}

/** The most passes of one submit that the GPU's clock is read around. */
const MOST_PASSES = 64
const BYTES_OF_PASS = 16

export function createStopwatch(gpu: Gpu): Stopwatch {
  return gpu.has('timestamp-query') ? new Timestamps(gpu) : new WallClock(gpu)
}

/** Timestamps around passes. */
export class Timestamps implements Stopwatch {
  private readonly queries: GPUQuerySet
  private readonly resolved
  private readonly readback: Readback

  constructor(
    private readonly gpu: Gpu,
    readonly most = MOST_PASSES,
  ) {
    const bytes = most * BYTES_OF_PASS
    this.queries = gpu.device.createQuerySet({ label: 'timestamps', type: 'timestamp', count: 2 * most })
    this.resolved = gpu.createBuffer('timestamps', bytes, QUERY_RESOLVE | BufferUsage.COPY_SRC)
    this.readback = new Readback(gpu, 'timestamps readback', bytes)
  }

  /** Begins a pass that has a number of its own, from 0 to `most` - 1. */
  begin(encoder: GPUCommandEncoder, pass: number): GPUComputePassEncoder {
    const { queries: querySet } = this
    const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * pass, endOfPassWriteIndex: 2 * pass + 1 }
    return encoder.beginComputePass({ timestampWrites })
  }

  /** Encodes what brings the times of the first passes back; `read` gives them once this was submitted. */
  resolve(encoder: GPUCommandEncoder, passes: number): void {
    encoder.resolveQuerySet(this.queries, 0, 2 * passes, this.resolved.gpuBuffer, 0)
    this.readback.copy(encoder, this.resolved, passes * BYTES_OF_PASS)
  }

  /** Nanoseconds at which each pass began and ended, from a beginning that the GPU chose. */
  async read(passes: number): Promise<{ readonly begin: bigint; readonly end: bigint }[]> {
    const times = new BigUint64Array(await this.readback.read(passes * BYTES_OF_PASS))
    return Array.from({ length: passes }, (_, i) => ({ begin: times[2 * i]!, end: times[2 * i + 1]! }))
  }

  async time(works: readonly Work[]): Promise<number[]> {
    const ms: number[] = []
    for (let first = 0; first < works.length; first += this.most) {
      const some = works.slice(first, first + this.most)
      const encoder = this.gpu.device.createCommandEncoder()
      for (const [i, work] of some.entries()) {
        const pass = this.begin(encoder, i)
        work(pass)
        pass.end()
      }
      this.resolve(encoder, some.length)
      this.gpu.submit(encoder.finish())
      // A GPU that changes its clock on the way may count backwards.
      for (const { begin, end } of await this.read(some.length)) ms.push(Math.max(0, Number(end - begin) / 1e6))
    }
    return ms
  }

  destroy(): void {
    this.queries.destroy()
    this.resolved.destroy()
    this.readback.destroy()
  }
}

class WallClock implements Stopwatch {
  constructor(private readonly gpu: Gpu) {}

  async time(works: readonly Work[]): Promise<number[]> {
    const ms: number[] = []
    for (const work of works) {
      const encoder = this.gpu.device.createCommandEncoder()
      const pass = encoder.beginComputePass()
      work(pass)
      pass.end()
      const commands = encoder.finish()
      const start = performance.now()
      this.gpu.submit(commands)
      await this.gpu.finish()
      ms.push(performance.now() - start)
    }
    return ms
  }

  destroy(): void {}
}
