/** How keys and values may lie in the cache. A new layout is an entry here and a file with its shader parts, which it loads. */
import type { CacheParts } from './cache-parts.ts'
import { headStride, packedKeyBytes } from './shape.ts'

export type CacheDtype = 'f32' | 'f16' | 'q8'

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
