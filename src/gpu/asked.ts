/** What a device was asked for and has not answered yet. */
import { platform } from '#platform'
import { DeviceError } from '../errors.ts'
import type { Looks } from '../platform/types.ts'

/** Devices of this thread that were given up and still owe answers. */
const leaving = new Set<Promise<unknown>>()

/**
 * Resolves when every device that was given up has answered. Dawn's binding for Node ends the whole process when a thread ends
 * before one of its promises (webgpu 0.6.2), and shaders that are being compiled are promised until they are, also those of
 * a load that failed.
 */
export async function devicesLeft(): Promise<void> {
  while (leaving.size > 0) await Promise.all(leaving)
}

/** The promises of one device. */
export class Asked {
  readonly #pending = new Set<Promise<unknown>>()
  #end: Promise<void> | undefined

  /** @param onCpu the adapter computes on the CPU */
  constructor(readonly onCpu: boolean) {}

  /** Asks the runtime for something. Throws `DeviceError` once the device was given up. */
  async for<T>(ask: () => Promise<T>, looks?: Omit<Looks, 'onCpu'>): Promise<T> {
    if (this.#end !== undefined) throw new DeviceError('the model was disposed')
    const answer = platform.calmly(ask, { ...looks, onCpu: this.onCpu })
    this.#pending.add(answer)
    try {
      return await answer
    } finally {
      this.#pending.delete(answer)
    }
  }

  /** Nothing is asked any more. Resolves when all that was has been answered, where that matters. */
  ended(): Promise<void> {
    if (this.#end === undefined) {
      // Elsewhere nobody need wait, and a lost device of Firefox may never answer.
      const owed = platform.looksForResults ? this.#pending : []
      const end = Promise.allSettled(owed).then(() => void leaving.delete(end))
      this.#end = end
      leaving.add(end)
    }
    return this.#end
  }
}
