/** Attention over the cache, and the end of the projection that fills it. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import { emitRopeCache } from '../gpu/shaders.gen.ts'
import type { AttentionVariant, BatchClass, Tuning } from '../gpu/tuning.ts'
import { type CacheLayout, cacheParts } from './cache-layouts.ts'
import type { CachePlace, CacheRows } from './cache-parts.ts'
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
  /** Keys that a query sees, itself included; `FULL_ATTENTION` for all. */
  readonly window: number
}

export const FULL_ATTENTION = 0xffffffff

/** The most splits of the visible keys when a batch decodes: each is a workgroup of its own. */
export const MAX_SPLITS = 16
/** Sums of each head that attention leaves for merging, all rows of a batch that decodes together. */
export const SUMS = DECODE_ROWS * MAX_SPLITS

/** Positions that the fine half of the rotary table covers. */
export const ROPE_FINE = 256

/** Workgroups that the keys of a row are shared among; the shaders count the same way. */
export function splitsFor({ keysPerSplit }: Tuning, visibleKeys: number): number {
  return Math.min(MAX_SPLITS, Math.max(1, ceilDiv(visibleKeys, keysPerSplit)))
}

/** Buffers that attention works in, shared by all layers. */
export interface AttentionBuffers extends CacheRows {
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
  /** [SUMS, heads, headStride] */
  readonly splits: Buffer
  /** [SUMS, heads] (maximum, sum of p) */
  readonly stats: Buffer
}

/** Ends the fused q, k, v projection: rotates q and k, and writes k and v to the cache. */
export function ropeCache(buffers: AttentionBuffers, cache: LayerCache): ShaderPart[] {
  const { rope, rows, q } = buffers
  const { shape, layout } = cache
  const constants = {
    HEAD_DIM: shape.headDim,
    HEAD_STRIDE: headStride(shape.headDim),
    N_HEADS: shape.nHeads,
    N_KV_HEADS: shape.nKvHeads,
    RING: cache.ring,
    ROPE_FINE,
    ...(shape.queryScale && { QUERY_BETA: shape.queryScale.beta, QUERY_LENGTH: shape.queryScale.length }),
  }
  const write = cacheParts.get(layout.name)!.write(cache, buffers)
  return [part(emitRopeCache, { bindings: { rope, rows, q }, constants }), write]
}

/** Records the attention of one layer. */
export type Attend = (
  r: Recorder<BatchShape>,
  buffers: AttentionBuffers,
  cache: LayerCache,
  y: Activation,
  batchClass: BatchClass,
) => void

/** The variants by their names. `loadAttention` fills in those that a device uses. */
export const attends = new Map<AttentionVariant, Attend>()

/**
 * y [T, H·K] = softmax(q kᵀ / √K) v over the keys that each row may see. Few rows share the work of each among many
 * workgroups; many rows are taken in tiles of neighbours that share keys and values.
 */
export const attention: Attend = (r, buffers, cache, y, batchClass) => {
  cacheParts.get(cache.layout.name)!.pack?.(r, buffers, cache)
  attends.get(attentionVariant(r.gpu, cache.shape.headDim))!(r, buffers, cache, y, batchClass)
}

/** The variant that this device uses for heads of this size: lanes hold heads of whole pairs of quads, up to a size. */
export function attentionVariant({ tuning }: Gpu, headDim: number): AttentionVariant {
  const fits = headDim % 8 === 0 && headDim <= 32 * attentionLanes(tuning)
  return tuning.attention === 'lanes' && !fits ? 'rows' : tuning.attention
}

/** Lanes of a subgroup that attention works with. */
export function attentionLanes({ subgroupLanes }: Tuning): number {
  return Math.min(8, subgroupLanes)
}

/**
 * Neighbouring rows that one workgroup takes: as many as leave its memory at 12 KiB, which every device has, where
 * attention works in tiles; else one.
 */
export function rowsPerTile(gpu: Gpu, headDim: number, batchClass: BatchClass): number {
  return batchClass === 'many' && gpu.tuning.attention === 'tiles'
    ? Math.max(1, 128 / keysPerTile(gpu, headDim, batchClass))
    : 1
}

/** Keys that a workgroup takes at a time: a thread for each, and for each quad of the output. */
export function keysPerTile(gpu: Gpu, headDim: number, batchClass: BatchClass): number {
  const least = batchClass === 'many' && gpu.tuning.attention === 'tiles' ? 32 : 64
  return Math.max(least, powerOfTwo(headStride(headDim) / 4))
}

/** The widest head that the kernels take: one quad for each of 128 threads. */
export const MAX_HEAD_DIM = 512
