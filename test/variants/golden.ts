/** Whole models with each kernel that a GPU may choose, forced for all matrices that it takes: a file of tests for each kind. */
import { describe, expect, test } from 'vitest'
import { openGpu } from '../../src/gpu/open.ts'
import { type BatchClass, type GpuMatmul, HARDWARE, type MatmulVariant } from '../../src/gpu/tuning.ts'
import type { LoadOptions, MistralModel } from '../../src/index.ts'
import { GPU_MATMULS } from '../../src/kernels/gpu-matmuls.ts'
import { WEIGHT_LAYOUTS } from '../../src/kernels/weight-layouts.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture, maxDifference, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'

const gpu = await openGpu({ disableFeatures: disabledFeatures() })
const NAMES = (Object.keys(GPU_MATMULS) as GpuMatmul[]).filter((name) =>
  GPU_MATMULS[name].runsOn(gpu, WEIGHT_LAYOUTS.q4),
)
gpu.dispose()

/** Window, biases, heads of odd sizes: what surrounds a product differs between them. */
const MODELS = ['window-4', 'llama-bias', 'head-dim', 'ministral3']

/** The kernel for the classes of batches that it is for, and what GPUs begin with for the others. */
function forced(name: GpuMatmul): Record<BatchClass, MatmulVariant> {
  const classes = Object.fromEntries(GPU_MATMULS[name].classes.map((batchClass) => [batchClass, name]))
  return { ...HARDWARE.matmul, ...classes }
}

/** Logits after every token, [T, V], in batches of so many. */
async function logitsOf(model: MistralModel, tokens: readonly number[], size: number): Promise<Float32Array> {
  const all: number[] = []
  for (let first = 0; first < tokens.length; first += size) {
    const some = tokens.slice(first, first + size)
    model.loaded.runner.writeTokens(0, first, some)
    const rows = some.map((_, i) => ({ sequence: 0, position: first + i, output: true }))
    for (const logits of await (await model.loaded.runner.logits(rows)).result) all.push(...logits)
  }
  return Float32Array.from(all)
}

/** A batch of many, of eight, of four, of one. */
const SIZES = [19, 7, 3, 1]
/** Of the size of the logits, which rounding in every layer adds up to. */
const ROUNDED = { f16: 0.01, int8: 0.1 } as const

async function logitsBySize(path: string, tokens: readonly number[], options: LoadOptions): Promise<Float32Array[]> {
  return withModel(path, { kvCache: 'f32', ...options }, async (model) => {
    const all: Float32Array[] = []
    for (const size of SIZES) all.push(await logitsOf(model, tokens, size))
    return all
  })
}

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
}

/** Tests the kernels of these names that run on this adapter. */
export function testVariants(names: RegExp): void {
  const chosen = NAMES.filter((name) => names.test(name))
  // A kind that no device of this machine has is no failure.
  if (chosen.length === 0) test.skip(`no kernel ${names} runs on this adapter`, () => {})
  for (const name of chosen) describe(name, () => testVariant(name))
}

function testVariant(name: GpuMatmul): void {
  const { rounds } = GPU_MATMULS[name]
  const tuning = { ...HARDWARE, matmul: forced(name) }
  for (const model of MODELS) {
    test(model, { timeout: patience(300_000) }, async () => {
      const { path, reference } = fixture(model)
      const { prompt, logits, greedy } = reference
      if (rounds === 'nothing') {
        for (const got of await logitsBySize(path, prompt, { tuning })) {
          expect(maxDifference(got, logits)).toBeLessThan(1e-3)
        }
        await withModel(path, { kvCache: 'f32', tuning }, async (loaded) => {
          const ids: number[] = []
          const params = { do_sample: false, max_tokens: greedy.length, ignore_eos: true }
          for await (const { tokenId } of loaded.generate(prompt, params)) ids.push(tokenId)
          expect(ids).toEqual(greedy)
        })
        return
      }
      // Rounded weights, for which alone such kernels are chosen: beside the same weights without rounded activations.
      const [got] = await logitsBySize(path, prompt, { weights: 'q4', tuning })
      const [exact] = await logitsBySize(path, prompt, { weights: 'q4', tuning: HARDWARE })
      const error = norm(got!.map((logit, i) => logit - exact![i]!)) / norm(exact!)
      expect(error).toBeLessThan(ROUNDED[rounds])
      expect(error).toBeGreaterThan(0)
    })
  }
}
