/**
 * Writes to buffers through a few others that are used again and again. An adapter that computes on the CPU then touches new memory on
 * its own thread, and the program's thread only memory that it has written before, which takes a tenth of the time.
 */
import type { Buffer } from './buffer.ts'
import type { Gpu } from './device.ts'
import { BufferUsage } from './flags.ts'

const SIZE = { slots: 12, bytes: 4 << 20 } as const
const AHEAD_BYTES = 64 << 20
/** Slots that must be free before more is written: what most pieces of a matrix take at most. */
const ENOUGH = 2

export class StagedWrites {
  private readonly slots: Buffer[] = []
  private readonly free: Buffer[] = []
  /** What copies that are not submitted yet read, the last of them up to `filled`. */
  private used: Buffer[] = []
  private filled = 0
  private encoder: GPUCommandEncoder | undefined
  private readonly pending: Promise<void>[] = []
  private readonly expected = new Set<Buffer>()
  /** Those that were expected and are not begun yet; bytes of them. */
  private readonly cleared = new Set<Buffer>()
  private ahead = 0

  /**
   * @param size how many slots there are, and of how many bytes
   * @param aheadBytes that are cleared before they are begun, and a buffer more
   */
  constructor(
    private readonly gpu: Gpu,
    private readonly size: { readonly slots: number; readonly bytes: number } = SIZE,
    private readonly aheadBytes = AHEAD_BYTES,
  ) {}

  /** Waits until there is room for a piece. Throws what went wrong with the device. */
  async room(): Promise<void> {
    const { slots, free, size, pending } = this
    while (size.slots - slots.length + free.length < ENOUGH && pending.length > 0) await pending.shift()
  }

  /** As `gpu.write`: whole words, which the next {@link submit} copies. */
  write(buffer: Buffer, offset: number, data: ArrayBufferView<ArrayBuffer>): void {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    for (let done = 0; done < bytes.byteLength; ) {
      const part = bytes.subarray(done, done + this.size.bytes)
      const slot = this.slotFor(part.byteLength)
      if (slot === undefined) {
        this.submit()
        this.gpu.write(buffer, offset + done, part)
      } else {
        this.gpu.write(slot, this.filled, part)
        this.encoder ??= this.gpu.device.createCommandEncoder()
        this.encoder.copyBufferToBuffer(slot.gpuBuffer, this.filled, buffer.gpuBuffer, offset + done, part.byteLength)
        this.filled += part.byteLength
      }
      done += part.byteLength
    }
  }

  /** Names buffers that will be begun in this order, and to which nothing was written yet. */
  expect(buffers: readonly Buffer[]): void {
    for (const buffer of buffers) this.expected.add(buffer)
  }

  /** Must be called before anything is written to buffers that were expected. */
  begin(buffers: readonly Buffer[]): void {
    for (const buffer of buffers) {
      this.expected.delete(buffer)
      if (this.cleared.delete(buffer)) this.ahead -= buffer.size
    }
    this.touchAhead()
  }

  /**
   * Has the adapter clear the next of the buffers that are expected, before the first copy asks for it. So it is never without work, and a
   * few slots are enough.
   */
  touchAhead(): void {
    for (const buffer of this.expected) {
      if (this.ahead >= this.aheadBytes) return
      this.expected.delete(buffer)
      this.encoder ??= this.gpu.device.createCommandEncoder()
      this.encoder.clearBuffer(buffer.gpuBuffer)
      this.cleared.add(buffer)
      this.ahead += buffer.size
      this.submit()
    }
  }

  /** Hands what was written to the queue. */
  submit(): void {
    const { gpu, encoder, used } = this
    if (encoder === undefined) return
    this.encoder = undefined
    this.used = []
    gpu.submit(encoder.finish())
    const done = gpu.finish(undefined, true).then(() => {
      this.free.push(...used)
    })
    done.catch(() => undefined)
    this.pending.push(done)
  }

  /** Frees the slots: nothing may be written any more. */
  destroy(): void {
    for (const slot of this.slots) slot.destroy()
  }

  /** One that has room for so many bytes from `filled` on; undefined while all are on their way. */
  private slotFor(bytes: number): Buffer | undefined {
    const last = this.used.at(-1)
    if (last !== undefined && this.filled + bytes <= this.size.bytes) return last
    const slot = this.free.pop() ?? this.make()
    if (slot !== undefined) {
      this.used.push(slot)
      this.filled = 0
    }
    return slot
  }

  private make(): Buffer | undefined {
    const { gpu, slots, size } = this
    if (slots.length === size.slots) return undefined
    const slot = gpu.createBuffer('staged weights', size.bytes, BufferUsage.COPY_SRC | BufferUsage.COPY_DST)
    slots.push(slot)
    return slot
  }
}
