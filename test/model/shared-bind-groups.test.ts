/** Recordings whose dispatches share bind groups are valid, all of them: Dawn's null backend checks what it does not run. */
import { expect, test } from 'vitest'
import { randomCheckpoint } from '../../src/cli/bench/random-checkpoint.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { CACHE_LAYOUTS } from '../../src/kernels/cache-layouts.ts'
import { SAMPLER_KINDS } from '../../src/kernels/sampler.ts'
import { createCache } from '../../src/model/kv-cache.ts'
import { Mistral } from '../../src/model/mistral.ts'
import { Recordings } from '../../src/model/recordings.ts'
import { loadWeights } from '../../src/model/weights.ts'
import { createWorkspace } from '../../src/model/workspace.ts'
import { disabledFeatures } from '../support/features.ts'
import { patience } from '../support/patience.ts'

const CLASSES = [1, 4, 8, 'decode', 'many'] as const

test.each([
  [true, 'f32'],
  [false, 'f32'],
  [true, 'q8'],
] as const)('with norms in products: %s, in a cache of %s', { timeout: patience(120_000) }, async (on, dtype) => {
  const foldedNorms = { 1: on, 4: on, 8: on, decode: on, many: on }
  // Without those matmuls that a model loads with its weights.
  const matmul = { 1: 'vector', 4: 'batch4', 8: 'batch8', decode: 'batch8', many: 'batch8' } as const
  const tuning = { foldedNorms, matmul, sharedBindGroups: true }
  const gpu = await openGpu({ backend: 'null', disableFeatures: disabledFeatures(), tuning })
  try {
    const checkpoint = randomCheckpoint('tiny', 3, 'q4')
    const { config } = checkpoint
    const layout = CACHE_LAYOUTS[dtype]
    const sizes = { maxRows: 64, maxOutputs: 8, maxSequences: 2, positions: 128, vocabSize: config.vocabSize, layout }
    const cache = createCache(gpu, config, { ...sizes, chunk: 32 })
    const workspace = createWorkspace(gpu, config, sizes)
    const weights = await loadWeights(gpu, checkpoint, { weights: 'native' })
    const recordings = new Recordings(new Mistral(gpu, config, weights, cache, workspace))
    for (const batchClass of CLASSES) {
      const layers = await recordings.layers(batchClass)
      expect(layers.dispatches).toBe(1 + 3 * ((on ? 6 : 8) + (dtype === 'q8' ? 1 : 0)))
      await recordings.head(batchClass)
    }
    for (const kind of SAMPLER_KINDS) {
      const all = await recordings.endings({ ruled: true, kind, logged: true })
      expect(all).toHaveLength(3)
    }
    await recordings.copy()
    await gpu.finish()
  } finally {
    gpu.dispose()
  }
})
