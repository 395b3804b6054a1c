/** What the tabs of one origin have in common: channels, and locks that a tab which goes away gives back. */
import { ParameterError } from '../errors.ts'
import { closable, portOf, type WorkerPort } from './worker-types.ts'

export interface Tabs {
  /** What is posted arrives at all others that have opened a channel of this name. What is posted after `close` is lost. */
  channel(name: string): WorkerPort
  /**
   * Waits until nobody else has the lock of this name, of which those that wait get it in their order.
   * @returns gives it back; the end of the tab, or of the worker that asked, does so, too
   * @throws the signal's reason, when it fires before
   */
  lock(name: string, signal: AbortSignal): Promise<() => void>
}

/** @throws ParameterError where the runtime has no such locks or channels */
export function tabsOfOrigin(): Tabs {
  const { BroadcastChannel: Channel, navigator } = globalThis
  const { locks } = (navigator ?? {}) as { locks?: LockManager }
  if (locks === undefined || Channel === undefined) {
    const fact = 'needs Web Locks and BroadcastChannel, which this runtime has not, or only in secure contexts'
    throw new ParameterError('shared', true, fact)
  }
  return {
    channel: (name) => closable(portOf(new Channel(name))),
    lock: (name, signal) =>
      new Promise((resolve, reject) => {
        locks.request(name, { signal }, () => new Promise<void>((release) => resolve(release))).catch(reject)
      }),
  }
}
