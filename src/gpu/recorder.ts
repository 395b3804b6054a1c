/** Turns the operations of a computation into dispatches that can be encoded again and again. */
import { DeviceError } from '../errors.ts'
import type { Gpu } from './device.ts'
import { bindingsOf, type ShaderPart } from './shader.ts'

/** Workgroups along one axis: fixed, or a function of the batch that is about to run. */
export type Extent<B> = number | ((batch: B) => number)

interface Step<B> {
  readonly pipeline: GPUComputePipeline
  readonly bindGroup: GPUBindGroup
  readonly x: Extent<B>
  readonly y: Extent<B>
  readonly z: Extent<B>
}

/**
 * Collects the dispatches of a computation. Pipelines and bind groups are made once, in `build()`; what remains for
 * each run is to encode them, which creates no GPU object but the command buffer.
 */
export class Recorder<B> {
  private readonly requests: { label: string; parts: readonly ShaderPart[]; size: readonly Extent<B>[] }[] = []

  constructor(readonly gpu: Gpu) {}

  /** Throws `DeviceError` where the device has no room for so many workgroups along one axis. */
  dispatch(label: string, parts: readonly ShaderPart[], size: readonly Extent<B>[]): void {
    const most = this.gpu.limits.maxComputeWorkgroupsPerDimension
    for (const extent of size) {
      if (typeof extent === 'number' && extent > most) {
        throw new DeviceError(`${label}: ${extent} workgroups along one axis; the device allows ${most}`)
      }
    }
    this.requests.push({ label, parts, size })
  }

  /** Compiles all pipelines side by side. Throws `DeviceError` with the label of the dispatch that does not compile. */
  compile(): Promise<GPUComputePipeline[]> {
    return Promise.all(
      this.requests.map(async ({ label, parts }) => {
        try {
          return await this.gpu.pipelines.pipeline(parts)
        } catch (error) {
          const names = parts.map((part) => part.module.name).join(' + ')
          const why = error instanceof Error ? error.message : String(error)
          throw new DeviceError(`${label}: the shader ${names} does not compile on ${this.gpu.name}: ${why}`, {
            cause: error,
          })
        }
      }),
    )
  }

  /** The same, with everything that the dispatches are bound to. */
  async build(): Promise<Recording<B>> {
    const pipelines = await this.compile()
    const steps = this.requests.map(({ label, parts, size }, i): Step<B> => {
      const [x = 1, y = 1, z = 1] = size
      return { pipeline: pipelines[i]!, bindGroup: this.bindGroup(label, parts), x, y, z }
    })
    return new Recording(this.gpu, steps)
  }

  private bindGroup(label: string, parts: readonly ShaderPart[]): GPUBindGroup {
    this.gpu.counters.bindGroupsCreated++
    return this.gpu.device.createBindGroup({
      label,
      layout: this.gpu.pipelines.layout(parts),
      entries: parts.flatMap(({ module, bindings }) =>
        bindingsOf(module).map(({ name, binding }) => ({
          binding,
          resource: { buffer: bindings[name]!.gpuBuffer },
        })),
      ),
    })
  }
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

  encode(pass: GPUComputePassEncoder, batch: B): void {
    for (const step of this.steps) {
      const x = extent(step.x, batch)
      const y = extent(step.y, batch)
      const z = extent(step.z, batch)
      // What a batch has no work for costs nothing.
      if (x === 0 || y === 0 || z === 0) continue
      pass.setPipeline(step.pipeline)
      pass.setBindGroup(0, step.bindGroup)
      pass.dispatchWorkgroups(x, y, z)
      this.gpu.counters.dispatches++
    }
  }
}

function extent<B>(value: Extent<B>, batch: B): number {
  return typeof value === 'number' ? value : value(batch)
}
