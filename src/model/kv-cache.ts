/** The key/value cache: one ring of slots per layer and sequence. */
import type { Gpu } from '../gpu/device.ts'
import { BufferUsage } from '../gpu/flags.ts'
import { FULL_ATTENTION, type LayerCache } from '../kernels/attention.ts'
import type { CacheLayout } from '../kernels/cache-layouts.ts'
import type { ModelConfig } from './config.ts'

export interface CacheOptions {
  readonly layout: CacheLayout
  /** Positions that one sequence may reach. */
  readonly positions: number
  /** Rows that are written to a sequence ahead of what is kept of them, at most: a prefill chunk, or discarded steps. */
  readonly chunk: number
  readonly maxSequences: number
}

/**
 * Slots that a layer needs for one sequence. With a window, a ring of window + chunk: a chunk then never overwrites a
 * key that one of its own rows still sees.
 */
export function ringSlots(window: number | undefined, positions: number, chunk: number): number {
  return window === undefined ? positions : Math.min(positions, window + chunk)
}

/** Bytes of keys and values that one token at `position` reads, all layers together. */
export function cacheReadBytes(config: ModelConfig, layout: CacheLayout, position: number): number {
  const perSlot = config.nKvHeads * layout.bytesPerKey(config.headDim) * 2
  return config.slidingWindows.reduce<number>(
    (sum, window) => sum + perSlot * Math.min(position + 1, window ?? Infinity),
    0,
  )
}

/** A cache can be saved. */
const USAGE = BufferUsage.STORAGE | BufferUsage.COPY_DST | BufferUsage.COPY_SRC

/** One ring per layer and sequence, allocated once. Throws `MemoryError` when a layer does not fit one binding. */
export function createCache(gpu: Gpu, config: ModelConfig, options: CacheOptions): LayerCache[] {
  const { layout, positions, chunk, maxSequences } = options
  const { nHeads, nKvHeads, headDim, queryScale } = config
  const shape = { nHeads, nKvHeads, headDim, queryScale }
  const perSlot = maxSequences * nKvHeads * layout.bytesPerKey(headDim)
  return config.slidingWindows.map((window, layer) => {
    const ring = ringSlots(window, positions, chunk)
    const valuesAt = perSlot * ring
    const label = `layer ${layer} key/value cache`
    return {
      buffer: gpu.createBuffer(label, 2 * valuesAt, USAGE),
      valuesAt,
      layout,
      shape,
      ring,
      window: window ?? FULL_ATTENTION,
    }
  })
}
