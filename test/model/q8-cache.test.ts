/** Whole models with keys and values of 8 bits: near the exact logits in every variant, and the same whatever way they came. */
import { describe, expect, test } from 'vitest'
import { HARDWARE, type Tuning } from '../../src/gpu/tuning.ts'
import type { MistralModel } from '../../src/index.ts'
import { fixture, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'

const norm = (values: Iterable<number>) => Math.hypot(...values)
const greedy = { do_sample: false, ignore_eos: true }

async function logitsOf(model: MistralModel, tokens: readonly number[]): Promise<Float32Array> {
  return Float32Array.from((await model.logits(tokens)).flatMap((row) => [...row]))
}

async function answer(model: MistralModel, prompt: readonly number[], count = 12): Promise<number[]> {
  const ids: number[] = []
  for await (const { tokenId } of model.generate(prompt, { ...greedy, max_tokens: count })) ids.push(tokenId)
  return ids
}

/** Heads of 10 to 64, windows, few and many key heads. */
const CASES = ['llama-linear', 'window-4', 'head-dim', 'ministral3'] as const
const VARIANTS: readonly (readonly [string, Partial<Tuning> | undefined])[] = [
  ['the kernels of this device', undefined],
  ['those of real GPUs', HARDWARE],
]

describe.each(VARIANTS)('with %s', (_, tuning) => {
  test.each(CASES)('%s is near the exact logits', { timeout: patience(300_000) }, async (name) => {
    const { path, reference } = fixture(name)
    await withModel(path, { kvCache: 'q8', tuning }, async (model) => {
      expect(model.status().memory!.cacheType).toBe('q8')
      const logits = await logitsOf(model, reference.prompt)
      const error = norm(logits.map((logit, i) => logit - reference.logits[i]!)) / norm(reference.logits)
      // Rounding shows, and is small.
      expect(error).toBeGreaterThan(1e-4)
      expect(error).toBeLessThan(0.02)
    })
  })
})

test('conversations that share a beginning get it copied, and go on with the same tokens', {
  timeout: patience(300_000),
}, async () => {
  const { path } = fixture('llama-linear')
  const prompt = Array.from({ length: 40 }, (_, i) => (11 + 29 * i + 3 * i * i) % 60)
  await withModel(path, { kvCache: 'q8', maxSequences: 2, prefillChunk: 16 }, async (model) => {
    const other = [...prompt.slice(0, 30), 5, 6, 7]
    const alone = await answer(model, other)
    await answer(model, prompt)
    await answer(model, [9, 8, 7])
    // The beginning of one is in the other sequence alone.
    const both = await Promise.all([answer(model, prompt), answer(model, other)])
    expect(both[1]).toEqual(alone)
  })
})
