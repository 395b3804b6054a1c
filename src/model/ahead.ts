/** The GPU and the code of a load, on their way while its source is still being looked at. */
import type { Gpu } from '../gpu/device.ts'
import { openGpu } from '../gpu/open.ts'
import { loadAttention } from '../kernels/load-attention.ts'
import { loadMatmuls } from '../kernels/load-matmuls.ts'
import { givenKernels } from './choose-kernels.ts'
import type { TuningOption } from './kernel-report.ts'
import type { SizeOptions } from './size-types.ts'
import { cacheLayout } from './sizes.ts'

interface AheadOptions {
  kvCache?: SizeOptions['kvCache'] | undefined
  disableFeatures?: readonly string[] | undefined
  tuning?: TuningOption | undefined
}

/** A device that is opened before anybody knows whether it will be needed. */
export class GpuAhead {
  private gpu: Promise<Gpu> | undefined

  constructor(options: AheadOptions) {
    this.gpu = gpuFor(options)
    // Whoever takes it hears of an error; the source may have one of its own first.
    this.gpu.then((gpu) => loadKernels(gpu, options)).catch(() => {})
    Promise.all([import('./weights.ts'), import('./memory.ts')]).catch(() => {})
  }

  /** Gives it to one who disposes of it; undefined for any other. Throws `DeviceError`. */
  take(): Promise<Gpu> | undefined {
    const { gpu } = this
    this.gpu = undefined
    return gpu
  }

  /** Disposes of it where nobody took it. */
  async end(): Promise<void> {
    await this.take()?.then(
      (gpu) => void gpu.dispose(),
      () => {},
    )
  }
}

/** What is imported while weights are read waits for these at each step. */
async function loadKernels(gpu: Gpu, { kvCache }: AheadOptions): Promise<void> {
  await Promise.all([
    loadMatmuls(gpu.tuning),
    loadAttention(gpu.tuning, cacheLayout(gpu, kvCache)),
    gpu.software ? import('./meanwhile.ts') : undefined,
  ])
}

/** The GPU that these options of a load ask for. */
export function gpuFor({ disableFeatures, tuning }: AheadOptions): Promise<Gpu> {
  return openGpu({ disableFeatures, tuning: givenKernels(tuning) })
}
