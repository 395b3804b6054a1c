/** Attention by single subgroups, whose lanes exchange what they read. */
import { part, type ShaderPart } from '../gpu/shader.ts'
import { ATTENTION_LANES } from '../gpu/shaders.gen.ts'
import { attentionLanes as attentionLanesShader, cachePairsF16, cachePairsF32 } from '../gpu/shaders-lanes.gen.ts'
import { type Attend, attentionLanes } from './attention.ts'
import { mergeSplits, splitConstants } from './attention-rows.ts'
import { type CacheDtype, type CachePlace, placeOf } from './cache-layouts.ts'
import { ceilDiv } from './shape.ts'

/** The shader parts that read pairs of quads of each layout. */
const PAIRS: Readonly<Record<CacheDtype, (place: CachePlace) => ShaderPart>> = {
  f32: ({ buffer, valuesAt }) =>
    part(cachePairsF32, { bindings: { cache: buffer }, constants: { VALUES_AT: valuesAt / 32 } }),
  f16: (place) => part(cachePairsF16, placeOf(place, 16)),
}

/** One row at a time, for heads of whole pairs of quads. */
export const attendLanes: Attend = (r, buffers, cache, y) => {
  const { tiles, q, splits, stats, rows } = buffers
  const { nHeads, nKvHeads, headDim } = cache.shape
  const body = part(attentionLanesShader, {
    bindings: { q, tiles, rows, splits, stats, y: y.buffer },
    constants: {
      ...splitConstants(r.gpu, cache, y),
      SCALE: 1 / Math.sqrt(headDim),
      N_KV_HEADS: nKvHeads,
      RING: cache.ring,
      LANES: attentionLanes(r.gpu.tuning),
    },
  })
  const headTiles = nKvHeads * ceilDiv(nHeads / nKvHeads, ATTENTION_LANES.LANE_HEADS)
  r.dispatch(
    'attention',
    [body, PAIRS[cache.layout.name](cache)],
    [(batch) => batch.splits, headTiles, (batch) => batch.tiles],
  )
  mergeSplits(r, buffers, cache, y)
}
