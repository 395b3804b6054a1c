/** A buffer on the GPU, with its label and size. */
import type { GpuCounters } from './counters.ts'

/** A GPU buffer that is counted while it lives. */
export class Buffer {
  private destroyed = false

  constructor(
    readonly gpuBuffer: GPUBuffer,
    readonly label: string,
    readonly size: number,
    private readonly counters: GpuCounters,
  ) {
    counters.allocated(size)
  }

  /** Frees the memory. Safe to call twice, and after the device was destroyed. */
  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.gpuBuffer.destroy()
    this.counters.freed(this.size)
  }
}
