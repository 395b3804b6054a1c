/** The compiled shaders of a device. */
import type { GpuCounters } from './counters.ts'
import { SHADER_STAGE_COMPUTE } from './flags.ts'
import { bindingsOf, compose, type ShaderPart } from './shader.ts'

/** Pipelines by their code, each compiled once. */
export class PipelineCache {
  private readonly layouts = new Map<string, GPUBindGroupLayout>()
  private readonly pipelines = new Map<string, Promise<GPUComputePipeline>>()

  constructor(
    private readonly device: GPUDevice,
    private readonly counters: GpuCounters,
  ) {}

  /** The layout that all pipelines of the same files share. */
  layout(parts: readonly ShaderPart[]): GPUBindGroupLayout {
    const key = fileKey(parts)
    let layout = this.layouts.get(key)
    if (layout === undefined) {
      const entries = parts.flatMap(({ module }) =>
        bindingsOf(module).map(
          ({ binding, type }): GPUBindGroupLayoutEntry => ({
            binding,
            visibility: SHADER_STAGE_COMPUTE,
            buffer: { type },
          }),
        ),
      )
      layout = this.device.createBindGroupLayout({ label: key, entries })
      this.layouts.set(key, layout)
    }
    return layout
  }

  pipeline(parts: readonly ShaderPart[]): Promise<GPUComputePipeline> {
    const { device, counters } = this
    const code = compose(parts)
    let pipeline = this.pipelines.get(code)
    if (pipeline === undefined) {
      counters.pipelinesCreated++
      const label = fileKey(parts)
      pipeline = device.createComputePipelineAsync({
        label,
        layout: device.createPipelineLayout({ label, bindGroupLayouts: [this.layout(parts)] }),
        compute: { module: device.createShaderModule({ label, code }), entryPoint: 'main' },
      })
      this.pipelines.set(code, pipeline)
      // What failed once is tried again.
      pipeline.catch(() => this.pipelines.delete(code))
    }
    return pipeline
  }

  /** Lets go of everything that was compiled. */
  clear(): void {
    this.layouts.clear()
    this.pipelines.clear()
  }
}

function fileKey(parts: readonly ShaderPart[]): string {
  return parts.map((part) => part.module.name).join(' + ')
}
