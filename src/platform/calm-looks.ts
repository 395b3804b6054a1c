/** Node: pauses between the looks that Dawn's binding takes at its device. */
import { platform } from 'node:process'
import { setTimeout as after, setImmediate as inNextTurn } from 'node:timers'
import { Crowd } from './crowd.ts'
import type { Looks } from './types.ts'

/** So long it looks in every turn of the event loop: what takes longer can wait for a timer. */
const BUSY_MS = 50
const PAUSE_MS = 1
/** How long the thread sleeps between two looks where the GPU is the CPU. Timers of Windows are far longer than that. */
const NAP_MS = platform === 'win32' ? 0 : 0.05

const NAPPING = new Int32Array(new SharedArrayBuffer(4))
/** What was asked for last decides: one chain of looks serves all that is pending. */
let began = Number.NEGATIVE_INFINITY
let naps = false
const crowd = new Crowd()

/**
 * As long as a promise of its device is pending, Dawn's binding asks the device in every turn of the event loop, and finds
 * `setImmediate` for that on the global object each time (webgpu 0.6.2). That takes a whole core: from shaders that are being
 * compiled, from computation where the adapter is a CPU, and from the program's user. So while the binding is called, and only
 * then, `setImmediate` is one that pauses. Nobody else runs meanwhile: a call is over before any other code goes on.
 *
 * Where the adapter computes on the CPU the first looks take naps, too, which are shorter than any timer; on a GPU they would only hold
 * results up. Small work is an exception: its threads go to sleep between any two dispatches, and begin the next sooner on cores
 * that are kept awake, unless others want these.
 */
export function calmly<T>(ask: () => T, { onCpu = false, patient = false, small = false }: Looks = {}): T {
  if (!patient) began = performance.now()
  naps = onCpu && NAP_MS > 0 && (!small || crowd.isCrowded())
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
  if (performance.now() - began >= BUSY_MS) return void after(again, PAUSE_MS)
  if (naps) Atomics.wait(NAPPING, 0, 0, NAP_MS)
  inNextTurn(again)
}
