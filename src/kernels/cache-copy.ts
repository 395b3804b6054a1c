/** Copies the keys and values of one sequence to another. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { part } from '../gpu/shader.ts'
import { cacheCopy as shader } from '../gpu/shaders-copy.gen.ts'
import type { LayerCache } from './attention.ts'
import { ceilDiv } from './shape.ts'

const WORKGROUP = 256
/** Enough to keep a GPU busy; the threads go on from there. */
const MOST_GROUPS = 1024

/** Copies keys and values of one layer from one sequence to another, as `plan` says when it runs. */
export function cacheCopy(r: Recorder<unknown>, plan: Buffer, cache: LayerCache): void {
  const { buffer, valuesAt, ring, layout, shape } = cache
  const words = layout.bytesPerKey(shape.headDim) / 4
  const constants = { WORDS: words, RING: ring, N_KV_HEADS: shape.nKvHeads, VALUES_AT: valuesAt / 4, WORKGROUP }
  const groups = Math.min(MOST_GROUPS, ceilDiv(ring * words, WORKGROUP))
  r.dispatch('cache copy', [part(shader, { bindings: { plan, cache: buffer }, constants })], [groups, shape.nKvHeads])
}
