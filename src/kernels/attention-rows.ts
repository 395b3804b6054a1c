/** Attention by workgroups that share what they read in workgroup memory, and the joining of splits. */
import type { Gpu } from '../gpu/device.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import { ATTENTION, ATTENTION_MERGE } from '../gpu/shaders.gen.ts'
import {
  attentionMerge,
  attention as attentionShader,
  tileMaxSubgroup,
  tileMaxWorkgroup,
} from '../gpu/shaders-attention.gen.ts'
import { type Attend, type AttentionBuffers, keysPerTile, type LayerCache, rowsPerTile } from './attention.ts'
import { cacheParts } from './cache-layouts.ts'
import { type Activation, type BatchShape, ceilDiv, headStride } from './shape.ts'

/** One row at a time, or prompts in tiles of rows. */
export const attendRows: Attend = (r, buffers, cache, y, batchClass) => {
  const { tiles, q, splits, stats, rows } = buffers
  const { nHeads, nKvHeads, headDim } = cache.shape
  const body = part(attentionShader, {
    bindings: { q, tiles, rows, splits, stats, y: y.buffer },
    constants: {
      ...splitConstants(r.gpu, cache, y),
      HEAD_STRIDE: headStride(headDim),
      SCALE: 1 / Math.sqrt(headDim),
      N_KV_HEADS: nKvHeads,
      RING: cache.ring,
      KEYS: keysPerTile(r.gpu, headDim, batchClass),
      ROWS: rowsPerTile(r.gpu, headDim, batchClass),
    },
  })
  const headTiles = nKvHeads * ceilDiv(nHeads / nKvHeads, ATTENTION.TILE_HEADS)
  r.dispatch(
    'attention',
    [body, cacheParts.get(cache.layout.name)!.read(r.gpu, cache), tileMaximum(r.gpu)],
    [(batch) => batch.splits, headTiles, (batch) => batch.tiles],
  )
  mergeSplits(r, buffers, cache, y)
}

function tileMaximum({ tuning }: Gpu): ShaderPart {
  const { subgroupLanes } = tuning
  return subgroupLanes > 0
    ? part(tileMaxSubgroup, { bindings: {}, constants: { LANES_OF_TILE: subgroupLanes } })
    : part(tileMaxWorkgroup, { bindings: {}, constants: {} })
}

/** What the kernels that split keys and the one that joins the splits must agree on. */
export function splitConstants(gpu: Gpu, { shape, window }: LayerCache, y: Activation) {
  return {
    HEAD_DIM: shape.headDim,
    N_HEADS: shape.nHeads,
    WINDOW: window,
    KEYS_PER_SPLIT: gpu.tuning.keysPerSplit,
    Y_STRIDE: y.stride,
  }
}

/** Joins what several workgroups made of the keys of a row; with one split there is nothing to join. */
export function mergeSplits(
  r: Recorder<BatchShape>,
  { rows, splits, stats }: AttentionBuffers,
  cache: LayerCache,
  y: Activation,
): void {
  const { nHeads, headDim } = cache.shape
  const stride = headStride(headDim)
  const merge = part(attentionMerge, {
    bindings: { rows, splits, stats, y: y.buffer },
    constants: { ...splitConstants(r.gpu, cache, y), HEAD_STRIDE: stride },
  })
  const groups = ceilDiv((nHeads * stride) / 4, ATTENTION_MERGE.THREADS)
  r.dispatch('attention merge', [merge], [groups, (batch) => (batch.splits > 1 ? batch.rows : 0)])
}
