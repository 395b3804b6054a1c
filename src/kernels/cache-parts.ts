/** What the code of a cache layout is given, and what it makes. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import type { Recorder } from '../gpu/recorder.ts'
import type { ShaderPart } from '../gpu/shader.ts'
import type { BatchShape } from './shape.ts'

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
