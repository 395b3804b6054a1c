/** Times each dispatch of a batch by the GPU's own clock: every dispatch becomes a pass of its own. It is loaded where a profile is asked for. */
import { DeviceError } from '../errors.ts'
import type { Gpu } from './device.ts'
import type { LabelledPass } from './recorder.ts'
import { Timestamps } from './stopwatch.ts'

/** One dispatch of a batch. */
export interface KernelTime {
  /** What it computes: `layers.3.wqkv`, `attention`. */
  readonly label: string
  /** The files of its shader. */
  readonly kernel: string
  /** Along each axis. */
  readonly workgroups: readonly number[]
  /** Milliseconds since the first dispatch of the first batch began. */
  readonly start: number
  readonly ms: number
}

/** The dispatches of one submit, in their order. */
export interface BatchProfile {
  readonly kernels: readonly KernelTime[]
  /** Dispatches beyond those that the GPU has room to time. */
  readonly untimed: number
}

/** As many passes as one set of queries holds by the specification. */
const MOST_PASSES = 2048

export class Profiler {
  private readonly free: Timestamps[] = []
  private readonly all: Timestamps[] = []
  private readonly pending = new Set<Promise<void>>()
  private first: bigint | undefined

  /** Throws `DeviceError` where the device has no clock. */
  constructor(
    private readonly gpu: Gpu,
    private readonly onBatch: (profile: BatchProfile) => void,
    private readonly most = MOST_PASSES,
  ) {
    if (!gpu.has('timestamp-query')) {
      throw new DeviceError(`a profile needs the feature timestamp-query, which ${gpu.name} does not show`)
    }
  }

  /**
   * Encodes what `work` does, timed. The returned function is to be called once the commands were submitted; the times are
   * told when the GPU is done.
   */
  encode(encoder: GPUCommandEncoder, work: (pass: GPUComputePassEncoder) => void): () => void {
    const clock = this.free.pop() ?? this.newClock()
    const pass = new TimedPass(encoder, clock)
    // What recordings ask of a pass is what it has.
    work(pass as unknown as GPUComputePassEncoder)
    const { dispatches, untimed } = pass
    if (dispatches.length === 0) {
      this.free.push(clock)
      return () => {}
    }
    clock.resolve(encoder, dispatches.length)
    return () => {
      // A device that fails tells so by the batch's own result.
      const collecting = this.collect(clock, dispatches, untimed).catch(() => undefined)
      this.pending.add(collecting)
      collecting.finally(() => this.pending.delete(collecting))
    }
  }

  /** Resolves when all that was submitted has been told. */
  async finish(): Promise<void> {
    await Promise.all(this.pending)
  }

  /** Frees what it has on the GPU. */
  destroy(): void {
    for (const clock of this.all) clock.destroy()
  }

  private newClock(): Timestamps {
    const clock = new Timestamps(this.gpu, this.most)
    this.all.push(clock)
    return clock
  }

  private async collect(clock: Timestamps, dispatches: readonly Dispatch[], untimed: number): Promise<void> {
    const times = await clock.read(dispatches.length)
    this.free.push(clock)
    this.first ??= times[0]!.begin
    const since = (time: bigint): number => Number(time - this.first!) / 1e6
    const kernels = dispatches.map((dispatch, i) => {
      const { begin, end } = times[i]!
      return { ...dispatch, start: since(begin), ms: Math.max(0, Number(end - begin) / 1e6) }
    })
    this.onBatch({ kernels, untimed })
  }
}

type Dispatch = Pick<KernelTime, 'label' | 'kernel' | 'workgroups'>

/** Makes a pass of each dispatch. */
class TimedPass implements LabelledPass {
  readonly dispatches: Dispatch[] = []
  next = ''
  untimed = 0
  private pipeline: GPUComputePipeline | undefined
  private readonly bindGroups: GPUBindGroup[] = []

  constructor(
    private readonly encoder: GPUCommandEncoder,
    private readonly clock: Timestamps,
  ) {}

  setPipeline(pipeline: GPUComputePipeline): void {
    this.pipeline = pipeline
  }

  setBindGroup(index: number, group: GPUBindGroup): void {
    this.bindGroups[index] = group
  }

  dispatchWorkgroups(x: number, y = 1, z = 1): void {
    const { dispatches, clock, encoder, pipeline, next: label } = this
    const isTimed = dispatches.length < clock.most
    const pass = isTimed ? clock.begin(encoder, dispatches.length) : encoder.beginComputePass()
    pass.setPipeline(pipeline!)
    for (const [index, group] of this.bindGroups.entries()) pass.setBindGroup(index, group)
    pass.dispatchWorkgroups(x, y, z)
    pass.end()
    if (!isTimed) this.untimed++
    else dispatches.push({ label, kernel: pipeline!.label, workgroups: [x, y, z] })
  }
}
