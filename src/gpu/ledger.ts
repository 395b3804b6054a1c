/** A device that only counts: the code that allocates then says what it would allocate. */
import type { MemoryError } from '../errors.ts'
import type { Gpu } from './device.ts'

/** Has the limits and features of a device. Buffers are counted and not made, and what is written to them is dropped. */
export interface Ledger extends Gpu {
  /** What the device would refuse, the first of each label. */
  readonly refused: MemoryError[]
}

/** It derives from the device as it stands and needs none of its code, which so stays in one piece of a bundle. */
export function ledgerOf(gpu: Gpu): Ledger {
  const refused: MemoryError[] = []
  return Object.assign(Object.create(gpu), {
    refused,
    // What is kept once for each device is counted in each ledger, since each has a device of its own.
    device: { createBuffer: () => ({ destroy() {} }) },
    counters: {
      bytesAlive: 0,
      allocated(bytes: number) {
        this.bytesAlive += bytes
      },
    },
    check() {},
    write() {},
    async finish() {},
    refuse(error: MemoryError) {
      if (!refused.some(({ what }) => what === error.what)) refused.push(error)
    },
  })
}
