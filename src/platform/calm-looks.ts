/** Node: pauses between the looks that Dawn's binding takes at its device. */
import { setTimeout as after, setImmediate as inNextTurn } from 'node:timers'

/** So long it looks in every turn of the event loop: what takes longer can wait for a timer. */
const BUSY_MS = 50
const PAUSE_MS = 1

let began = 0

/**
 * As long as a promise of its device is pending, Dawn's binding asks the device in every turn of the event loop, and finds
 * `setImmediate` for that on the global object each time (webgpu 0.6.2). That takes a whole core: from shaders that are being
 * compiled, from computation where the adapter is a CPU, and from the program's user. So while the binding is called, and only
 * then, `setImmediate` is one that pauses. Nobody else runs meanwhile: a call is over before any other code goes on.
 */
export function calmly<T>(ask: () => T): T {
  began = performance.now()
  return withPauses(ask)
}

function withPauses<T>(call: () => T): T {
  const before = globalThis.setImmediate
  globalThis.setImmediate = lookAgain as unknown as typeof setImmediate
  try {
    return call()
  } finally {
    globalThis.setImmediate = before
  }
}

function lookAgain(look: () => void): void {
  const again = () => withPauses(look)
  if (performance.now() - began < BUSY_MS) inNextTurn(again)
  else after(again, PAUSE_MS)
}
