/**
 * How keys and values may lie in the cache. A new layout is an entry here and its shader parts; those that read have entries
 * where attention is recorded.
 */
import type { Buffer } from '../gpu/buffer.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import { cacheWriteF16, cacheWriteF32 } from '../gpu/shaders.gen.ts'
import { headStride } from './shape.ts'

export type CacheDtype = 'f32' | 'f16'

/** Where one layer's cache lies. */
export interface CachePlace {
  /** [2, sequences, kv heads, ring, headStride]: all keys, then all values. */
  readonly buffer: Buffer
  /** Bytes before the first value. */
  readonly valuesAt: number
}

/** One way to store the keys and values of a head. */
export interface CacheLayout {
  readonly name: CacheDtype
  /** Bytes from one key, or value, of a head to the next: whole words. */
  readonly bytesPerKey: (headDim: number) => number
  /** The shader part that writes pairs of elements. */
  readonly write: (place: CachePlace) => ShaderPart
}

/** The layouts by their names. */
export const CACHE_LAYOUTS: Readonly<Record<CacheDtype, CacheLayout>> = {
  f32: {
    name: 'f32',
    bytesPerKey: (headDim) => headStride(headDim) * 4,
    write: (place) => part(cacheWriteF32, placeOf(place, 8)),
  },
  f16: {
    name: 'f16',
    bytesPerKey: (headDim) => headStride(headDim) * 2,
    write: (place) => part(cacheWriteF16, placeOf(place, 4)),
  },
}

/** @param bytes of what the part writes or reads at a time */
export function placeOf({ buffer, valuesAt }: CachePlace, bytes: number) {
  return { bindings: { cache: buffer }, constants: { VALUES_AT: valuesAt / bytes } }
}
