/** Turns the operations of a computation into dispatches that can be encoded again and again. */
import { DeviceError } from '../errors.ts'
import { type GroupEntry, type GroupPlan, ownGroups, sharedGroups } from './bind-groups.ts'
import type { Gpu } from './device.ts'
import type { ShaderPart } from './shader.ts'

/** Workgroups along one axis: fixed, or a function of the batch that is about to run. */
export type Extent<B> = number | ((batch: B) => number)

interface Placed {
  readonly parts: readonly ShaderPart[]
  readonly plan: GroupPlan
}

interface Step<B> {
  readonly label: string
  readonly pipeline: GPUComputePipeline
  /** undefined for one that goes on, until a batch has work for it. */
  bindGroup: GPUBindGroup | undefined
  readonly bind: () => GPUBindGroup
  readonly x: Extent<B>
  readonly y: Extent<B>
  readonly z: Extent<B>
}

interface Request<B> {
  readonly label: string
  readonly parts: readonly ShaderPart[]
  readonly size: readonly Extent<B>[]
  readonly goesOn: boolean
}

/**
 * Collects the dispatches of a computation. Pipelines and bind groups are made once, in `build()`; what remains for
 * each run is to encode them, which creates no GPU object but the command buffer.
 */
export class Recorder<B> {
  readonly #requests: Request<B>[] = []

  constructor(readonly gpu: Gpu) {}

  /**
   * Throws `DeviceError` where the device has no room for so many workgroups along one axis.
   * @param goesOn with the kernel of the dispatch before, at other slices of the same buffers, which few batches have work for: it is
   * bound when the first does. Not where bind groups are shared
   */
  dispatch(label: string, parts: readonly ShaderPart[], size: readonly Extent<B>[], goesOn = false): void {
    const most = this.gpu.limits.maxComputeWorkgroupsPerDimension
    for (const extent of size) {
      if (typeof extent === 'number' && extent > most) {
        throw new DeviceError(`${label}: ${extent} workgroups along one axis; the device allows ${most}`)
      }
    }
    this.#requests.push({ label, parts, size, goesOn })
  }

  /** Compiles its pipelines one by one, each when it is called; what fails here fails again when it is needed. */
  pieces(): (() => Promise<GPUComputePipeline>)[] {
    return this.#placed().flatMap(({ parts, plan }, i) =>
      this.#requests[i]!.goesOn ? [] : () => this.gpu.pipelines.pipeline(parts, plan.entries),
    )
  }

  /** Compiles all pipelines side by side. Throws `DeviceError` with the label of the dispatch that does not compile. */
  compile(): Promise<GPUComputePipeline[]> {
    return this.#pipelines(this.#placed())
  }

  /** The same, with everything that the dispatches are bound to. */
  async build(): Promise<Recording<B>> {
    const placed = this.#placed()
    const pipelines = await this.#pipelines(placed)
    const steps = this.#requests.map(({ label, size, goesOn }, i): Step<B> => {
      const [x = 1, y = 1, z = 1] = size
      const { plan } = placed[i]!
      const bind = () => {
        plan.group ??= this.#bindGroup(plan.entries)
        return plan.group
      }
      return { pipeline: pipelines[i]!, bindGroup: goesOn ? undefined : bind(), bind, label, x, y, z }
    })
    return new Recording(this.gpu, steps)
  }

  /** The parts of each dispatch, and the bind group that they are bound to. */
  #placed(): Placed[] {
    const files = this.#requests.map(({ parts }) => parts)
    const plans = this.gpu.tuning.sharedBindGroups ? sharedGroups(files) : ownGroups(files)
    return plans.flatMap((plan) => plan.dispatches.map((parts) => ({ parts, plan })))
  }

  #pipelines(placed: readonly Placed[]): Promise<GPUComputePipeline[]> {
    let last: Promise<GPUComputePipeline>
    return Promise.all(
      placed.map((one, i) => {
        const { label, goesOn } = this.#requests[i]!
        if (!goesOn) last = this.#pipeline(label, one)
        return last
      }),
    )
  }

  async #pipeline(label: string, { parts, plan }: Placed): Promise<GPUComputePipeline> {
    try {
      return await this.gpu.pipelines.pipeline(parts, plan.entries)
    } catch (error) {
      const names = parts.map((part) => part.module.name).join(' + ')
      const why = error instanceof Error ? error.message : String(error)
      const what = `${label}: the shader ${names}`
      throw new DeviceError(`${what} does not compile on ${this.gpu.name}: ${why}`, { cause: error })
    }
  }

  #bindGroup(entries: readonly GroupEntry[]): GPUBindGroup {
    const { counters, device, pipelines } = this.gpu
    counters.bindGroupsCreated++
    return device.createBindGroup({
      label: entries.map(({ buffer }) => buffer.label).join(', '),
      layout: pipelines.layout(entries),
      entries: entries.map(({ binding, buffer, slice }) => ({
        binding,
        resource: { buffer: buffer.gpuBuffer, ...slice },
      })),
    })
  }
}

/** A pass that is told the label of each dispatch before it: a bind group may serve several. */
export interface LabelledPass {
  next: string
}

/** Dispatches that are ready to be encoded, again and again, for batches of any shape. */
export class Recording<B> {
  constructor(
    private readonly gpu: Gpu,
    private readonly steps: readonly Step<B>[],
  ) {}

  get dispatches(): number {
    return this.steps.length
  }

  encode(pass: GPUComputePassEncoder & Partial<LabelledPass>, batch: B): void {
    const isTold = pass.next !== undefined
    let bindGroup: GPUBindGroup | undefined
    let dispatches = 0
    for (const step of this.steps) {
      const x = extent(step.x, batch)
      const y = extent(step.y, batch)
      const z = extent(step.z, batch)
      // What a batch has no work for costs nothing.
      if (x === 0 || y === 0 || z === 0) continue
      if (isTold) pass.next = step.label
      pass.setPipeline(step.pipeline)
      step.bindGroup ??= step.bind()
      if (step.bindGroup !== bindGroup) pass.setBindGroup(0, step.bindGroup)
      bindGroup = step.bindGroup
      // An argument that is left out need not cross into the runtime, which takes longer than to look at it.
      if (z !== 1) pass.dispatchWorkgroups(x, y, z)
      else if (y !== 1) pass.dispatchWorkgroups(x, y)
      else pass.dispatchWorkgroups(x)
      dispatches++
    }
    this.gpu.counters.dispatches += dispatches
  }
}

function extent<B>(value: Extent<B>, batch: B): number {
  return typeof value === 'number' ? value : value(batch)
}
