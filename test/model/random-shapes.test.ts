/** Whole models of random shapes against the plain forward pass of `test/reference/forward.ts`. */
import { expect, test } from 'vitest'
import { MistralModel } from '../../src/index.ts'
import { forward, type PlainConfig } from '../reference/forward.ts'
import { asFolder, randomModel } from '../reference/random-model.ts'
import { disabledFeatures } from '../support/features.ts'
import { maxDifference, random } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'

const SHAPES = 6

/** No size is a multiple of anything, unless by chance. */
function randomConfig(seed: number): PlainConfig {
  const next = random(seed * 7919)
  const from = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))
  const nKvHeads = from(1, 4)
  return {
    dim: from(3, 90),
    nLayers: from(1, 3),
    nKvHeads,
    nHeads: nKvHeads * from(1, 5),
    headDim: 2 * from(1, 40),
    hiddenDim: from(3, 140),
    vocabSize: from(7, 300),
    normEps: 10 ** -from(5, 6),
    ropeTheta: 10 ** from(3, 6),
    slidingWindow: next() < 0.5 ? from(1, 20) : undefined,
  }
}

for (let seed = 1; seed <= SHAPES; seed++) {
  const config = randomConfig(seed)
  const window = config.slidingWindow === undefined ? '' : `, window ${config.slidingWindow}`
  const shape = `${config.nHeads}:${config.nKvHeads} heads of ${config.headDim}, dim ${config.dim}${window}`
  test(`${shape}: the logits of the plain forward pass`, { timeout: patience(240_000) }, async () => {
    const plain = randomModel(config, seed)
    const next = random(100 + seed)
    const tokens = Array.from({ length: 45 }, () => Math.floor(next() * config.vocabSize))
    const expected = forward(plain, tokens).flatMap((row) => [...row])
    const files = asFolder(plain)
    const options = { kvCache: 'f32', prefillChunk: 16, disableFeatures: disabledFeatures() } as const
    const model = await MistralModel.load({ open: (name) => files[name] }, options)
    try {
      const logits = (await model.logits(tokens)).flatMap((row) => [...row])
      expect(maxDifference(logits, expected)).toBeLessThan(1e-3)
    } finally {
      model.dispose()
    }
  })
}
