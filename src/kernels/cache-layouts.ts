/** How keys and values may lie in the cache. A new layout is an entry here and its two shader parts. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import { cacheReadF16, cacheReadF16Native, cacheReadF32, cacheWriteF16, cacheWriteF32 } from '../gpu/shaders.gen.ts'
import { headStride } from './shape.ts'

/** The two buffers of one layer's cache. */
export interface CacheBuffers {
  readonly keys: Buffer
  readonly values: Buffer
}

/** One way to store the keys and values of a head. */
export interface CacheLayout {
  readonly name: string
  /** Bytes from one key, or value, of a head to the next: whole words. */
  readonly bytesPerKey: (headDim: number) => number
  /** The shader part that writes pairs of elements. */
  readonly write: (buffers: CacheBuffers) => ShaderPart
  /** The shader part that reads quads of elements. */
  readonly read: (gpu: Gpu, buffers: CacheBuffers) => ShaderPart
}

/** The layouts by their names. */
export const CACHE_LAYOUTS = {
  f32: {
    name: 'f32',
    bytesPerKey: (headDim) => headStride(headDim) * 4,
    write: (buffers) => part(cacheWriteF32, { bindings: pick(buffers), constants: {} }),
    read: (_, buffers) => part(cacheReadF32, { bindings: pick(buffers), constants: {} }),
  },
  f16: {
    name: 'f16',
    bytesPerKey: (headDim) => headStride(headDim) * 2,
    write: (buffers) => part(cacheWriteF16, { bindings: pick(buffers), constants: {} }),
    read: (gpu, buffers) =>
      part(gpu.tuning.nativeF16 ? cacheReadF16Native : cacheReadF16, { bindings: pick(buffers), constants: {} }),
  },
} as const satisfies Readonly<Record<string, CacheLayout>>

export type CacheDtype = keyof typeof CACHE_LAYOUTS

function pick({ keys, values }: CacheBuffers): CacheBuffers {
  return { keys, values }
}
