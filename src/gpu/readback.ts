/** The way back: results of the GPU to JavaScript. */
import type { Buffer } from './buffer.ts'
import type { Gpu } from './device.ts'
import { BufferUsage, MAP_MODE_READ } from './flags.ts'

/** A staging buffer through which results come back to JavaScript, again and again. */
export class Readback {
  private readonly staging: Buffer

  /** @param bytes the most that one read brings, a multiple of 4 */
  constructor(
    private readonly gpu: Gpu,
    label: string,
    bytes: number,
  ) {
    this.staging = gpu.createBuffer(label, bytes, BufferUsage.MAP_READ | BufferUsage.COPY_DST)
  }

  /** Encodes the copy; call it before the commands are finished. */
  copy(encoder: GPUCommandEncoder, source: Buffer, bytes: number): void {
    this.copyAt(encoder, source, { from: 0, to: 0, bytes })
  }

  /** The same from and to byte offsets, each a multiple of 4. */
  copyAt(encoder: GPUCommandEncoder, source: Buffer, at: { from: number; to: number; bytes: number }): void {
    encoder.copyBufferToBuffer(source.gpuBuffer, at.from, this.staging.gpuBuffer, at.to, at.bytes)
  }

  /**
   * Waits for the submitted copy and returns a copy of its bytes.
   * @param kind names the work before the copy when it was just submitted and takes the same time again
   * @param small that work is of one row
   */
  async read(bytes: number, kind?: string, small = false): Promise<ArrayBuffer> {
    const buffer = this.staging.gpuBuffer
    this.gpu.counters.readbacks++
    try {
      const map = () => this.gpu.asked.for(() => buffer.mapAsync(MAP_MODE_READ, 0, bytes), { small })
      await this.gpu.waits.resultOf(kind, map)
      try {
        const copy = buffer.getMappedRange(0, bytes).slice(0)
        this.gpu.check()
        return copy
      } finally {
        buffer.unmap()
      }
    } catch (error) {
      throw await this.gpu.failureOf(error)
    }
  }

  destroy(): void {
    this.staging.destroy()
  }
}
