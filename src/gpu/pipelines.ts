import type { Gpu } from './device.ts'
import { SHADER_STAGE_COMPUTE } from './flags.ts'
import { compose, type ShaderPart } from './shader.ts'

/** Pipelines by (shader files, constants), each compiled once. */
export class PipelineCache {
  private readonly modules = new Map<string, GPUShaderModule>()
  private readonly layouts = new Map<string, GPUBindGroupLayout>()
  private readonly pipelines = new Map<string, Promise<GPUComputePipeline>>()

  constructor(private readonly gpu: Gpu) {}

  /** The layout that all pipelines of the same files share. */
  layout(parts: readonly ShaderPart[]): GPUBindGroupLayout {
    const key = fileKey(parts)
    let layout = this.layouts.get(key)
    if (layout === undefined) {
      const entries = parts.flatMap(({ module }) =>
        Object.values(module.bindings).map(
          ({ binding, access }): GPUBindGroupLayoutEntry => ({
            binding,
            visibility: SHADER_STAGE_COMPUTE,
            buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
          }),
        ),
      )
      layout = this.gpu.device.createBindGroupLayout({ label: key, entries })
      this.layouts.set(key, layout)
    }
    return layout
  }

  pipeline(parts: readonly ShaderPart[]): Promise<GPUComputePipeline> {
    const constants: Record<string, number> = {}
    for (const part of parts) {
      for (const [name, value] of Object.entries(part.constants)) constants[name] = Number(value)
    }
    const files = fileKey(parts)
    const key = `${files} ${JSON.stringify(constants)}`
    let pipeline = this.pipelines.get(key)
    if (pipeline === undefined) {
      this.gpu.counters.pipelinesCreated++
      pipeline = this.gpu.device.createComputePipelineAsync({
        label: key,
        layout: this.gpu.device.createPipelineLayout({ label: files, bindGroupLayouts: [this.layout(parts)] }),
        compute: { module: this.shaderModule(files, parts), entryPoint: 'main', constants },
      })
      this.pipelines.set(key, pipeline)
    }
    return pipeline
  }

  private shaderModule(key: string, parts: readonly ShaderPart[]): GPUShaderModule {
    let module = this.modules.get(key)
    if (module === undefined) {
      const code = compose(parts.map((part) => part.module))
      module = this.gpu.device.createShaderModule({ label: key, code })
      this.modules.set(key, module)
    }
    return module
  }
}

function fileKey(parts: readonly ShaderPart[]): string {
  return parts.map((part) => part.module.name).join(' + ')
}
