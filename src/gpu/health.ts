/** What has gone wrong with a device so far. */
import { DeviceError, DeviceLostError } from '../errors.ts'

/** A browser tells of a loss this long after it has rejected what was pending, at most. */
const LOSS_MS = 2000

/**
 * Collects a device's failures. It is all that the device's callbacks refer to, and it refers to nothing: Dawn's Node
 * binding holds callbacks by references that no garbage collector follows, so that one which reaches the device keeps
 * the device, its pipelines and the model for the life of the process.
 */
export class DeviceHealth {
  #failure: Error | undefined
  #disposed = false
  /** Tells those who wait for more to be known. */
  #wake = () => {}

  /** Notes from now on the errors of validation and memory that no scope catches, and the loss of the device. */
  constructor(device: GPUDevice) {
    device.onuncapturederror = (event) => this.#failed(`the GPU refused an operation: ${event.error.message}`)
    // Old Deno versions have no `lost`.
    device.lost?.then((info) => this.#lost(info.reason ?? 'unknown', info.message))
  }

  /** The device is about to be destroyed on purpose: its loss is no failure. */
  dispose(device: GPUDevice): void {
    this.#disposed = true
    device.onuncapturederror = null
    this.#wake()
  }

  get isDisposed(): boolean {
    return this.#disposed
  }

  /** Throws what went wrong with the device, if anything did. */
  check(): void {
    if (this.#disposed) throw new DeviceError('the model was disposed')
    if (this.#failure) throw this.#failure
  }

  /** Waits until it is known why the device rejected something: browsers do so before they say that it is lost. */
  async settled(): Promise<void> {
    if (this.#disposed || this.#failure) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LOSS_MS)
      const wake = this.#wake
      this.#wake = () => {
        wake()
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #failed(message: string): void {
    this.#failure ??= new DeviceError(message)
  }

  #lost(reason: string, message: string): void {
    if (!this.#disposed) this.#failure = new DeviceLostError(reason, message)
    this.#wake()
  }
}
