/** The compiled shaders of a device. */
import type { Asked } from './asked.ts'
import type { GpuCounters } from './counters.ts'
import { SHADER_STAGE_COMPUTE } from './flags.ts'
import { bindingsOf, compose, type ShaderBinding, type ShaderPart } from './shader.ts'

/** Which buffers a bind group has, and how they are bound. */
export type GroupShape = readonly Pick<ShaderBinding, 'binding' | 'type'>[]

interface Layouts {
  readonly group: GPUBindGroupLayout
  readonly pipeline: GPUPipelineLayout
}

/** Pipelines by their code and layout, each compiled once. */
export class PipelineCache {
  readonly #layouts = new Map<string, Layouts>()
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>()

  constructor(
    private readonly device: GPUDevice,
    private readonly counters: GpuCounters,
    private readonly asked: Asked,
  ) {}

  /** The layout that all bind groups of the same shape share. */
  layout(shape: GroupShape): GPUBindGroupLayout {
    return this.#layoutsOf(shape).group
  }

  /** @param shape of the bind group, which may have more than the parts use */
  pipeline(parts: readonly ShaderPart[], shape: GroupShape = shapeOf(parts)): Promise<GPUComputePipeline> {
    const { device, counters, asked } = this
    const code = compose(parts)
    const key = `${keyOf(shape)}\n${code}`
    let pipeline = this.#pipelines.get(key)
    if (pipeline === undefined) {
      counters.pipelinesCreated++
      const label = parts.map((part) => part.module.name).join(' + ')
      const layout = this.#layoutsOf(shape).pipeline
      const compute = { module: device.createShaderModule({ label, code }), entryPoint: 'main' }
      const compiled = () => device.createComputePipelineAsync({ label, layout, compute })
      pipeline = asked.for(compiled, { patient: asked.onCpu })
      this.#pipelines.set(key, pipeline)
      // What failed once is tried again.
      pipeline.catch(() => this.#pipelines.delete(key))
    }
    return pipeline
  }

  #layoutsOf(shape: GroupShape): Layouts {
    const label = keyOf(shape)
    let layouts = this.#layouts.get(label)
    if (layouts === undefined) {
      const entries = shape.map(
        ({ binding, type }): GPUBindGroupLayoutEntry => ({
          binding,
          visibility: SHADER_STAGE_COMPUTE,
          buffer: { type },
        }),
      )
      const group = this.device.createBindGroupLayout({ label, entries })
      layouts = { group, pipeline: this.device.createPipelineLayout({ label, bindGroupLayouts: [group] }) }
      this.#layouts.set(label, layouts)
    }
    return layouts
  }

  /** Lets go of everything that was compiled. */
  clear(): void {
    this.#layouts.clear()
    this.#pipelines.clear()
  }
}

function shapeOf(parts: readonly ShaderPart[]): GroupShape {
  return parts.flatMap(({ module }) => bindingsOf(module))
}

/** Bindings in order, each with the first letter of its type. */
function keyOf(shape: GroupShape): string {
  const marked = shape.map(({ binding, type }) => binding + type[0]!)
  return marked.sort().join(' ')
}
