/** Counts what is asked of a device. */

/** What was asked of a device since it was opened: the numbers that benchmarks and leak tests read. */
export interface GpuCounts {
  readonly buffersCreated: number
  readonly buffersAlive: number
  readonly bytesAlive: number
  readonly pipelinesCreated: number
  readonly bindGroupsCreated: number
  readonly dispatches: number
  readonly passes: number
  readonly submits: number
  readonly readbacks: number
}

export class GpuCounters implements GpuCounts {
  buffersCreated = 0
  buffersAlive = 0
  bytesAlive = 0
  pipelinesCreated = 0
  bindGroupsCreated = 0
  dispatches = 0
  passes = 0
  submits = 0
  readbacks = 0

  allocated(bytes: number): void {
    this.buffersCreated++
    this.buffersAlive++
    this.bytesAlive += bytes
  }

  /** Does nothing after `freedAll()`, which has counted every buffer already. */
  freed(bytes: number): void {
    if (this.buffersAlive === 0) return
    this.buffersAlive--
    this.bytesAlive -= bytes
  }

  /** The device was destroyed, and its buffers with it. */
  freedAll(): void {
    this.buffersAlive = 0
    this.bytesAlive = 0
  }
}
