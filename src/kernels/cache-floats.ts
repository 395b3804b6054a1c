/** The cache in f32 and in f16: each element by itself. */
import { part } from '../gpu/shader.ts'
import {
  cachePairsF16,
  cachePairsF32,
  cacheReadF16,
  cacheReadF16Native,
  cacheReadF32,
  cacheWriteF16,
  cacheWriteF32,
} from '../gpu/shaders-cache.gen.ts'
import type { CacheParts, CachePlace } from './cache-parts.ts'

export const CACHE_F32: CacheParts = {
  write: (place) => part(cacheWriteF32, placeOf(place, 8)),
  read: (_, place) => part(cacheReadF32, placeOf(place, 16)),
  pairs: (place) => part(cachePairsF32, placeOf(place, 32)),
}

export const CACHE_F16: CacheParts = {
  write: (place) => part(cacheWriteF16, placeOf(place, 4)),
  read: ({ tuning }, place) => part(tuning.nativeF16 ? cacheReadF16Native : cacheReadF16, placeOf(place, 8)),
  pairs: (place) => part(cachePairsF16, placeOf(place, 16)),
}

/** @param bytes of what the part writes or reads at a time */
function placeOf({ buffer, valuesAt }: CachePlace, bytes: number) {
  return { bindings: { cache: buffer }, constants: { VALUES_AT: valuesAt / bytes } }
}
