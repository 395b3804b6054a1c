import { describe, expect, test } from 'vitest'
import { openGpu } from '../../src/gpu/open.ts'
import { FULL_ATTENTION } from '../../src/kernels/attention.ts'
import { CACHE_LAYOUTS } from '../../src/kernels/cache-layouts.ts'
import type { ModelConfig } from '../../src/model/config.ts'
import { cacheReadBytes, createCache, ringSlots } from '../../src/model/kv-cache.ts'
import { disabledFeatures } from '../support/features.ts'

const config = { nKvHeads: 3, headDim: 6, slidingWindows: [undefined, 4, 4] } as unknown as ModelConfig

describe('a ring', () => {
  test('holds the context without a window, else window and chunk, never more than the context', () => {
    expect(ringSlots(undefined, 1000, 32)).toBe(1000)
    expect(ringSlots(100, 1000, 32)).toBe(132)
    expect(ringSlots(100, 120, 32)).toBe(120)
    expect(ringSlots(4096, 1000, 32)).toBe(1000)
  })

  test.each([
    [1, 1],
    [4, 8],
    [7, 3],
    [5, 32],
  ])('of window %i and chunk %i never loses a key that a row of the chunk sees', (window, chunk) => {
    const ring = ringSlots(window, 10_000, chunk)
    const holds = new Map<number, number>()
    for (let first = 0; first < 5 * ring; first += chunk) {
      const rows = Array.from({ length: chunk }, (_, i) => first + i)
      for (const position of rows) holds.set(position % ring, position)
      for (const position of rows) {
        for (let key = Math.max(0, position - window + 1); key <= position; key++)
          expect(holds.get(key % ring)).toBe(key)
      }
    }
  })
})

test('a key of 8 bits takes its numbers, and a word for the scales of two blocks of 32', () => {
  const bytes = [2, 32, 64, 80, 96, 128, 256, 500].map(CACHE_LAYOUTS.q8.bytesPerKey)
  expect(bytes).toEqual([8, 36, 68, 88, 104, 136, 272, 532])
})

describe('the cache', () => {
  const options = { positions: 100, chunk: 8, maxSequences: 2 } as const

  test('takes the bytes of its layout', async () => {
    const gpu = await openGpu({ disableFeatures: disabledFeatures() })
    try {
      for (const dtype of ['f16', 'f32', 'q8'] as const) {
        const before = gpu.counters.bytesAlive
        const layers = createCache(gpu, config, { ...options, layout: CACHE_LAYOUTS[dtype] })
        expect(layers.map(({ ring, window }) => [ring, window])).toEqual([
          [100, FULL_ATTENTION],
          [12, 4],
          [12, 4],
        ])
        // Heads of 6 lie 8 apart, in 8 bits with a word of scales.
        const keys = 2 * 3 * (100 + 12 + 12)
        expect(gpu.counters.bytesAlive - before).toBe(keys * 2 * { f16: 16, f32: 32, q8: 8 + 4 }[dtype])
      }
    } finally {
      gpu.dispose()
    }
  })

  test('reads as many keys as are visible', () => {
    const slot = 3 * 8 * 2 * 4
    expect(cacheReadBytes(config, CACHE_LAYOUTS.f32, 0)).toBe(3 * slot)
    expect(cacheReadBytes(config, CACHE_LAYOUTS.f32, 9)).toBe((10 + 4 + 4) * slot)
    expect(cacheReadBytes(config, CACHE_LAYOUTS.f16, 9)).toBe(((10 + 4 + 4) * slot) / 2)
  })
})
