/** How keys and values may lie in the cache. A new layout is an entry here and its two shader parts. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import { cacheReadF16, cacheReadF16Native, cacheReadF32, cacheWriteF16, cacheWriteF32 } from '../gpu/shaders.gen.ts'
import { headStride } from './shape.ts'

/** Where one layer's cache lies. */
export interface CachePlace {
  /** [2, sequences, kv heads, ring, headStride]: all keys, then all values. */
  readonly buffer: Buffer
  /** Bytes before the first value. */
  readonly valuesAt: number
}

/** One way to store the keys and values of a head. */
export interface CacheLayout {
  readonly name: string
  /** Bytes from one key, or value, of a head to the next: whole words. */
  readonly bytesPerKey: (headDim: number) => number
  /** The shader part that writes pairs of elements. */
  readonly write: (place: CachePlace) => ShaderPart
  /** The shader part that reads quads of elements. */
  readonly read: (gpu: Gpu, place: CachePlace) => ShaderPart
}

/** The layouts by their names. */
export const CACHE_LAYOUTS = {
  f32: {
    name: 'f32',
    bytesPerKey: (headDim) => headStride(headDim) * 4,
    write: (place) => part(cacheWriteF32, use(place, 8)),
    read: (_, place) => part(cacheReadF32, use(place, 16)),
  },
  f16: {
    name: 'f16',
    bytesPerKey: (headDim) => headStride(headDim) * 2,
    write: (place) => part(cacheWriteF16, use(place, 4)),
    read: (gpu, place) => part(gpu.tuning.nativeF16 ? cacheReadF16Native : cacheReadF16, use(place, 8)),
  },
} as const satisfies Readonly<Record<string, CacheLayout>>

export type CacheDtype = keyof typeof CACHE_LAYOUTS

/** @param bytes of what the part writes or reads at a time */
function use({ buffer, valuesAt }: CachePlace, bytes: number) {
  return { bindings: { cache: buffer }, constants: { VALUES_AT: valuesAt / bytes } }
}
