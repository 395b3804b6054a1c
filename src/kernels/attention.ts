/** Attention over the cache, and the end of the projection that fills it. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import {
  ATTENTION,
  ATTENTION_MERGE,
  attentionMerge,
  attention as attentionShader,
  emitRopeCache,
} from '../gpu/shaders.gen.ts'
import type { BatchClass } from '../gpu/tuning.ts'
import type { CacheLayout, CachePlace } from './cache-layouts.ts'
import { type Activation, type BatchShape, ceilDiv, DECODE_ROWS, headStride, powerOfTwo } from './shape.ts'

/** The shape of one layer's attention. */
export interface HeadShape {
  readonly nHeads: number
  readonly nKvHeads: number
  readonly headDim: number
  /** Queries grow with their position: they are multiplied with 1 + beta · ln(1 + ⌊position / length⌋). */
  readonly queryScale?: { readonly beta: number; readonly length: number } | undefined
}

/** Keys (after RoPE) and values of one layer, and what its attention looks like. */
export interface LayerCache extends CachePlace {
  readonly shape: HeadShape
  readonly layout: CacheLayout
  /** Slots of one sequence; position p lies in slot p mod ring. */
  readonly ring: number
  /** Keys that a query sees, itself included; `FULL_ATTENTION` for all. */
  readonly window: number
}

export const FULL_ATTENTION = 0xffffffff

/** The most splits of the visible keys when a batch decodes: each is a workgroup of its own. */
export const MAX_SPLITS = 16
/** Fewer keys than this are not worth a split of their own. */
const KEYS_PER_SPLIT = 64

/** Positions that the fine half of the rotary table covers. */
export const ROPE_FINE = 256

/** Workgroups that the keys of a row are shared among; the shaders count the same way. */
export function splitsFor(visibleKeys: number): number {
  return Math.min(MAX_SPLITS, Math.max(1, ceilDiv(visibleKeys, KEYS_PER_SPLIT)))
}

/** Sums that attention leaves for merging, all rows of the largest batch together: the size of `splits` and `stats`. */
export function sumsOfBatch(gpu: Gpu, headDim: number, maxRows: number): number {
  const quads = headStride(headDim) / 4
  const few = DECODE_ROWS * MAX_SPLITS * Math.floor(keysPerTile(gpu, headDim, 1) / quads)
  return Math.max(few, maxRows * Math.floor(keysPerTile(gpu, headDim, 'many') / quads))
}

/** Buffers that attention works in, shared by all layers. */
export interface AttentionBuffers {
  /** [T] (sequence, position, output row, splits at most) */
  readonly rows: Buffer
  /** [tiles] (first row, rows) */
  readonly tiles: Buffer
  /**
   * [1 + ROPE_FINE + coarse, headDim / 2] (frequency, 0), then (cos, sin): by 0 .. ROPE_FINE - 1 positions, then by
   * multiples of ROPE_FINE. Angles are rounded to f32 where frequencies are above 0.
   */
  readonly rope: Buffer
  /** [T, heads, headStride], after RoPE */
  readonly q: Buffer
  /** [T, heads, sums, headStride] */
  readonly splits: Buffer
  /** [T, heads, sums] */
  readonly stats: Buffer
}

/** Ends the fused q, k, v projection: rotates q and k, and writes k and v to the cache. */
export function ropeCache({ rope, rows, q }: AttentionBuffers, cache: LayerCache): ShaderPart[] {
  const { shape } = cache
  const constants = {
    HEAD_DIM: shape.headDim,
    HEAD_STRIDE: headStride(shape.headDim),
    N_HEADS: shape.nHeads,
    N_KV_HEADS: shape.nKvHeads,
    RING: cache.ring,
    ROPE_FINE,
    ...(shape.queryScale && { QUERY_BETA: shape.queryScale.beta, QUERY_LENGTH: shape.queryScale.length }),
  }
  return [part(emitRopeCache, { bindings: { rope, rows, q }, constants }), cache.layout.write(cache)]
}

/**
 * y [T, H·K] = softmax(q kᵀ / √K) v over the keys that each row may see. Few rows share the work of each among many
 * workgroups; many rows are taken in tiles of neighbours that share keys and values.
 */
export function attention(
  r: Recorder<BatchShape>,
  { rows, tiles, q, splits, stats }: AttentionBuffers,
  cache: LayerCache,
  y: Activation,
  batchClass: BatchClass,
): void {
  const { nHeads, nKvHeads, headDim } = cache.shape
  const stride = headStride(headDim)
  const body = part(attentionShader, {
    bindings: { q, tiles, rows, splits, stats },
    constants: {
      HEAD_STRIDE: stride,
      SCALE: 1 / Math.sqrt(headDim),
      N_HEADS: nHeads,
      N_KV_HEADS: nKvHeads,
      RING: cache.ring,
      WINDOW: cache.window,
      KEYS_PER_SPLIT,
      KEYS: keysPerTile(r.gpu, headDim, batchClass),
      ROWS: rowsPerTile(r.gpu, headDim, batchClass),
    },
  })
  const headTiles = nKvHeads * ceilDiv(nHeads / nKvHeads, ATTENTION.TILE_HEADS)
  r.dispatch(
    'attention',
    [body, cache.layout.read(r.gpu, cache)],
    [(batch) => batch.splits, headTiles, (batch) => batch.tiles],
  )
  const lanes = Math.floor(keysPerTile(r.gpu, headDim, batchClass) / (stride / 4))
  const merge = part(attentionMerge, {
    bindings: { rows, splits, stats, y: y.buffer },
    constants: {
      HEAD_DIM: headDim,
      HEAD_STRIDE: stride,
      N_HEADS: nHeads,
      LANES: lanes,
      WINDOW: cache.window,
      KEYS_PER_SPLIT,
      Y_STRIDE: y.stride,
    },
  })
  const groups = ceilDiv((nHeads * stride) / 4, ATTENTION_MERGE.THREADS)
  r.dispatch('attention merge', [merge], [groups, (batch) => batch.rows])
}

/**
 * Neighbouring rows that one workgroup takes: as many as leave its memory at 12 KiB, which every device has, where
 * attention works in tiles; else one.
 */
export function rowsPerTile(gpu: Gpu, headDim: number, batchClass: BatchClass): number {
  return batchClass === 'many' && gpu.tuning.attentionTiles
    ? Math.max(1, 128 / keysPerTile(gpu, headDim, batchClass))
    : 1
}

function keysPerTile(gpu: Gpu, headDim: number, batchClass: BatchClass): number {
  return Math.max(batchClass === 'many' && gpu.tuning.attentionTiles ? 32 : 64, powerOfTwo(headStride(headDim) / 4))
}

/** The widest head that the kernel takes: one quad for each of 128 threads. */
export const MAX_HEAD_DIM = 512
