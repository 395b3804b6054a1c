/** The cache in 8 bits: blocks of 32 with a scale, which are packed when all of their numbers are there. */
import { part } from '../gpu/shader.ts'
import { CACHE_PACK_Q8 } from '../gpu/shaders.gen.ts'
import { cachePackQ8, cachePairsQ8, cacheReadQ8, cacheWriteQ8 } from '../gpu/shaders-cache-q8.gen.ts'
import type { CacheParts, CachePlace } from './cache-parts.ts'
import { ceilDiv, headStride, packedKeyBytes } from './shape.ts'

export const CACHE_Q8: CacheParts = {
  write({ shape }, { unpacked }) {
    const constants = { VALUES_AT: unpackedValuesAt(unpacked!.size, shape, 8) }
    return part(cacheWriteQ8, { bindings: { unpacked: unpacked! }, constants })
  },
  read: (_, place) => part(cacheReadQ8, placeOf(place)),
  pairs: (place) => part(cachePairsQ8, placeOf(place)),
  pack(r, { rows, unpacked }, place) {
    const { bindings, constants } = placeOf(place)
    const { nKvHeads, headDim } = place.shape
    const stride = headStride(headDim)
    const pack = part(cachePackQ8, {
      bindings: { ...bindings, rows, unpacked: unpacked! },
      constants: {
        ...constants,
        HEAD_STRIDE: stride,
        N_KV_HEADS: nKvHeads,
        RING: place.ring,
        UNPACKED_AT: unpackedValuesAt(unpacked!.size, place.shape, 16),
      },
    })
    const scales = constants.WORDS - stride / 4
    const groups = ceilDiv(2 * nKvHeads * scales, CACHE_PACK_Q8.THREADS)
    r.dispatch('cache pack', [pack], [groups, (batch) => batch.rows])
  },
}

/** Where the values begin behind the keys of as many rows as fit: counted in so many bytes. */
function unpackedValuesAt(size: number, { nKvHeads, headDim }: CachePlace['shape'], bytes: number): number {
  const row = nKvHeads * headStride(headDim) * 4
  return (Math.floor(size / 2 / row) * row) / bytes
}

function placeOf({ buffer, valuesAt, shape }: CachePlace) {
  const words = packedKeyBytes(shape.headDim) / 4
  return { bindings: { cache: buffer }, constants: { VALUES_AT: valuesAt / 4, WORDS: words } }
}
