import type { Buffer, Gpu } from '../gpu/device.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import {
  attentionMerge,
  attentionPrefill,
  attentionSplit,
  cacheReadF16,
  cacheReadF16Native,
  cacheReadF32,
  cacheWriteF16,
  cacheWriteF32,
  emitRopeCache,
} from '../gpu/shaders.gen.ts'
import { type Activation, type BatchShape, ceilDiv, ceilTo, powerOfTwo } from './shape.ts'

/** The shape of attention: the same for all layers of a model. */
export interface HeadShape {
  readonly nHeads: number
  readonly nKvHeads: number
  readonly headDim: number
}

/** Keys (after RoPE) and values of one layer, [sequences, kv heads, ring, headStride] each. */
export interface LayerCache {
  readonly keys: Buffer
  readonly values: Buffer
  readonly dtype: 'f32' | 'f16'
  /** Slots of one sequence; position p lies in slot p mod ring. */
  readonly ring: number
  /** Keys that a query sees, itself included; `FULL_ATTENTION` for all. */
  readonly window: number
}

export const FULL_ATTENTION = 0xffffffff

/** Parts that decode attention cuts the visible keys in, at most. */
export const MAX_PARTS = 16
/** Fewer keys than this are not worth a part of their own. */
const KEYS_PER_PART = 64
/** Neighbouring rows that prefill attention takes together. */
export const ROWS_PER_TILE = 4

export function partsFor(visibleKeys: number): number {
  return Math.min(MAX_PARTS, Math.max(1, ceilDiv(visibleKeys, KEYS_PER_PART)))
}

/** Elements from one head to the next in q and in the cache. */
export function headStride(headDim: number): number {
  return ceilTo(headDim, 4)
}

/** Buffers that attention works in, shared by all layers. */
export interface AttentionBuffers {
  /** [T] (sequence, position, picked row, parts) */
  readonly rows: Buffer
  /** [tiles] (first row, rows, sequence, first position) */
  readonly tiles: Buffer
  /** [positions, headDim / 2] (cos, sin) */
  readonly rope: Buffer
  /** [T, heads, headStride], after RoPE */
  readonly q: Buffer
  /** [T, heads, parts, headStride] */
  readonly parts: Buffer
  /** [T, heads, parts] */
  readonly stats: Buffer
}

/** Ends the fused q, k, v projection: rotates q and k, and writes k and v to the cache. */
export function ropeCache(shape: HeadShape, { rope, rows, q }: AttentionBuffers, cache: LayerCache): ShaderPart[] {
  const { keys, values } = cache
  const constants = {
    HEAD_DIM: shape.headDim,
    HEAD_STRIDE: headStride(shape.headDim),
    N_HEADS: shape.nHeads,
    N_KV_HEADS: shape.nKvHeads,
    RING: cache.ring,
  }
  const module = cache.dtype === 'f16' ? cacheWriteF16 : cacheWriteF32
  return [
    part(emitRopeCache, { bindings: { rope, rows, q }, constants }),
    part(module, { bindings: { keys, values }, constants: {} }),
  ]
}

/**
 * y [T, H·K] = softmax(q kᵀ / √K) v over the keys that each row may see. A few rows share the work of each row among many
 * workgroups; many rows share keys and values among neighbouring rows.
 */
export function attention(
  r: Recorder<BatchShape>,
  shape: HeadShape,
  buffers: AttentionBuffers,
  cache: LayerCache,
  y: Activation,
  few: boolean,
): void {
  if (few || !tilesFit(r.gpu, shape)) decodeAttention(r, shape, buffers, cache, y)
  else prefillAttention(r, shape, buffers, cache, y)
}

function decodeAttention(
  r: Recorder<BatchShape>,
  shape: HeadShape,
  { rows, q, parts, stats }: AttentionBuffers,
  cache: LayerCache,
  y: Activation,
): void {
  const stride = headStride(shape.headDim)
  const { RING, WINDOW, ...heads } = attentionConstants(shape, cache)
  const split = part(attentionSplit, { bindings: { q, rows, parts, stats }, constants: { ...heads, RING, WINDOW } })
  r.dispatch(
    'attention split',
    [split, cacheRead(r.gpu, cache)],
    [(batch) => batch.parts, workgroupsOfHeads(shape), (batch) => batch.rows],
  )
  const merge = part(attentionMerge, {
    bindings: { rows, parts, stats, y: y.buffer },
    constants: { HEAD_DIM: shape.headDim, HEAD_STRIDE: stride, N_HEADS: shape.nHeads, Y_STRIDE: y.stride },
  })
  r.dispatch('attention merge', [merge], [ceilDiv((shape.nHeads * stride) / 4, 64), (batch) => batch.rows])
}

function prefillAttention(
  r: Recorder<BatchShape>,
  shape: HeadShape,
  { tiles, q }: AttentionBuffers,
  cache: LayerCache,
  y: Activation,
): void {
  const constants = { ...attentionConstants(shape, cache), Y_STRIDE: y.stride }
  const body = part(attentionPrefill, { bindings: { q, tiles, y: y.buffer }, constants })
  r.dispatch('attention prefill', [body, cacheRead(r.gpu, cache)], [(batch) => batch.tiles, workgroupsOfHeads(shape)])
}

/** Whether this device's workgroup memory holds a tile of prefill attention: [16, headStride] q, scores and weights. */
export function tilesFit(gpu: Gpu, shape: HeadShape): boolean {
  const bytes = 16 * headStride(shape.headDim) * 4 + 2 * 4 * workgroup(shape) * 16
  return bytes <= gpu.limits.maxComputeWorkgroupStorageSize
}

/** The widest head that decode attention takes on this device; every device takes 256. */
export function maxHeadDim(gpu: Gpu): number {
  return gpu.limits.maxComputeWorkgroupStorageSize >= 32768 && gpu.limits.maxComputeInvocationsPerWorkgroup >= 128
    ? 512
    : 256
}

/** One workgroup serves up to four query heads of one kv head. */
function workgroupsOfHeads({ nHeads, nKvHeads }: HeadShape): number {
  return nKvHeads * ceilDiv(nHeads / nKvHeads, 4)
}

function workgroup(shape: HeadShape): number {
  return Math.max(64, powerOfTwo(headStride(shape.headDim) / 4))
}

function attentionConstants(shape: HeadShape, cache: LayerCache) {
  return {
    HEAD_DIM: shape.headDim,
    HEAD_STRIDE: headStride(shape.headDim),
    N_HEADS: shape.nHeads,
    N_KV_HEADS: shape.nKvHeads,
    RING: cache.ring,
    WINDOW: cache.window,
    WORKGROUP: workgroup(shape),
  }
}

function cacheRead(gpu: Gpu, { dtype, keys, values }: LayerCache): ShaderPart {
  const f16 = gpu.has('shader-f16') ? cacheReadF16Native : cacheReadF16
  return part(dtype === 'f16' ? f16 : cacheReadF32, { bindings: { keys, values }, constants: {} })
}
