/** Attention by single subgroups, whose lanes exchange what they read. */
import { part } from '../gpu/shader.ts'
import { ATTENTION_LANES } from '../gpu/shaders.gen.ts'
import { attentionLanes as attentionLanesShader } from '../gpu/shaders-lanes.gen.ts'
import { type Attend, attentionLanes } from './attention.ts'
import { mergeSplits, splitConstants } from './attention-rows.ts'
import { cacheParts } from './cache-layouts.ts'
import { ceilDiv } from './shape.ts'

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
    [body, cacheParts.get(cache.layout.name)!.pairs(cache)],
    [(batch) => batch.splits, headTiles, (batch) => batch.tiles],
  )
  mergeSplits(r, buffers, cache, y)
}
