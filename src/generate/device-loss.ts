/** Whether the device of a model still works, and the replacement of one that is lost. */
import { DeviceLostError } from '../errors.ts'
import type { LoadedModel } from '../model/loaded-model.ts'

/** Brings the model back to a GPU; throws when it cannot. */
export type Recover = (error: DeviceLostError) => Promise<void>

export class DeviceLoss {
  private mending = false
  private gaveUp = false

  constructor(
    private readonly loaded: LoadedModel,
    private readonly recover: Recover | undefined,
  ) {}

  /** Another device is on its way. */
  get isMending(): boolean {
    return this.mending
  }

  /** What went wrong with the device; undefined while it works, and while it is being replaced. */
  get error(): Error | undefined {
    try {
      if (!this.mending) this.loaded.gpu.check()
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  /** Why the model answers no more: an error of the device that nothing can be done about. */
  get failure(): Error | undefined {
    const { error } = this
    return this.recoverable(error) ? undefined : error
  }

  /**
   * Begins to replace a device that is lost; `done` hears of the end, with the error of a failure.
   * @returns false when the error is no loss, or nothing can be done about it
   */
  mend(error: Error, done: (failure: Error | undefined) => void): boolean {
    if (!this.recoverable(error)) return false
    this.mending = true
    const end = (failure?: Error) => {
      this.mending = false
      this.gaveUp = failure !== undefined
      done(failure)
    }
    this.recover!(error).then(() => end(), end)
    return true
  }

  private recoverable(error: unknown): error is DeviceLostError {
    return this.recover !== undefined && !this.gaveUp && error instanceof DeviceLostError
  }
}
