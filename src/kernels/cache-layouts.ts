/** How keys and values may lie in the cache. A new layout is an entry here and a file with its shader parts, which it loads. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import type { Recorder } from '../gpu/recorder.ts'
import type { ShaderPart } from '../gpu/shader.ts'
import { type BatchShape, headStride, packedKeyBytes } from './shape.ts'

export type CacheDtype = 'f32' | 'f16' | 'q8'

/** Where one layer's cache lies. */
export interface CachePlace {
  /** [2, sequences, kv heads, ring, key], where a key takes the layout's `bytesPerKey`: all keys, then all values. */
  readonly buffer: Buffer
  /** Bytes before the first value. */
  readonly valuesAt: number
  readonly shape: { readonly nKvHeads: number; readonly headDim: number }
  /** Slots of one sequence; position p lies in slot p mod ring. */
  readonly ring: number
}

/** Buffers of a batch on its way into the cache. */
export interface CacheRows {
  /** [T] (sequence, position, -, -) */
  readonly rows: Buffer
  /** [2, T, kv heads, headStride] in f32, for layouts that pack keys and values; undefined for others. */
  readonly unpacked?: Buffer | undefined
}

/** The code of a layout. */
export interface CacheParts {
  /** Takes pairs of elements from the projection. */
  readonly write: (place: CachePlace, rows: CacheRows) => ShaderPart
  /** Reads quads. */
  readonly read: (gpu: Gpu, place: CachePlace) => ShaderPart
  /** Reads pairs of quads. */
  readonly pairs: (place: CachePlace) => ShaderPart
  /** Records what must come between writing and reading. */
  readonly pack?: (r: Recorder<BatchShape>, rows: CacheRows, place: CachePlace) => void
}

/** One way to store the keys and values of a head. */
export interface CacheLayout {
  readonly name: CacheDtype
  /** Bytes from one key, or value, of a head to the next: whole words. */
  readonly bytesPerKey: (headDim: number) => number
  /** Whether keys and values of a batch are `unpacked` before they are in the cache. */
  readonly packs: boolean
  readonly load: () => Promise<CacheParts>
}

/** The layouts by their names. */
export const CACHE_LAYOUTS: Readonly<Record<CacheDtype, CacheLayout>> = {
  f32: {
    name: 'f32',
    bytesPerKey: (headDim) => headStride(headDim) * 4,
    packs: false,
    load: async () => (await import('./cache-floats.ts')).CACHE_F32,
  },
  f16: {
    name: 'f16',
    bytesPerKey: (headDim) => headStride(headDim) * 2,
    packs: false,
    load: async () => (await import('./cache-floats.ts')).CACHE_F16,
  },
  q8: {
    name: 'q8',
    bytesPerKey: packedKeyBytes,
    packs: true,
    load: async () => (await import('./cache-q8.ts')).CACHE_Q8,
  },
}

/** What `loadAttention` loaded. */
export const cacheParts = new Map<CacheDtype, CacheParts>()
