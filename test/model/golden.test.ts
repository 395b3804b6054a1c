/** Whole models against Hugging Face transformers: logits, greedy answers, windows, quantized weights. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { HARDWARE, SHARING, SOFTWARE } from '../../src/gpu/tuning.ts'
import type { MistralModel } from '../../src/index.ts'
import { MAX_IN_FLIGHT, MAX_STEPS } from '../../src/model/runner.ts'
import { fixture, maxDifference, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'

const CASES = readdirSync(fileURLToPath(new URL('../fixtures/checkpoints', import.meta.url)), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith('__'))
  .map((entry) => entry.name)

/** The checkpoints of which something is said when they are loaded. */
const IMAGES = [
  /^config.json: .*vision_config.* are about images and have no effect/,
  /^model.safetensors: \d+ tensors of multi_modal_projector, vision_tower are about images and are not read$/,
]
const NOTES: Readonly<Record<string, readonly RegExp[]>> = {
  'tied-two': [/^config.json says tie_word_embeddings, but lm_head.weight differs from model.embed_tokens.weight/],
  'llama-window': [/^config.json: sliding_window \(5\) means nothing/],
  'mistral3-ministral3': IMAGES,
  'mistral3-mistral': IMAGES,
  'mistral3-untied': IMAGES,
  'native-ministral3': [
    /^params.json: vision_encoder is about images and has no effect/,
    /^consolidated.safetensors: 2 tensors of vision_encoder, vision_language_adapter are about images and are not read$/,
  ],
}

/** Logits of all tokens, [T, V], computed in batches of the given size. */
async function logitsInChunks(model: MistralModel, tokens: readonly number[], chunk: number): Promise<Float32Array> {
  const all: number[] = []
  for (let first = 0; first < tokens.length; first += chunk) {
    const some = tokens.slice(first, first + chunk)
    model.loaded.runner.writeTokens(0, first, some)
    const rows = some.map((_, i) => ({ sequence: 0, position: first + i, output: true }))
    for (const logits of await (await model.loaded.runner.logits(rows)).result) all.push(...logits)
  }
  return Float32Array.from(all)
}

/** Logits after the last token, [V]; the prompt is cut before `cut`. */
async function lastLogits(model: MistralModel, tokens: readonly number[], cut: number): Promise<Float32Array> {
  const { runner } = model.loaded
  runner.writeTokens(0, 0, tokens)
  const rows = tokens.map((_, position) => ({ sequence: 0, position, output: position === tokens.length - 1 }))
  if (cut > 0) await (await runner.logits(rows.slice(0, cut))).result
  const [logits] = await (await runner.logits(rows.slice(cut))).result
  return logits!
}

async function greedyIds(model: MistralModel, prompt: readonly number[], count: number): Promise<number[]> {
  const ids: number[] = []
  const params = { do_sample: false, max_tokens: count, ignore_eos: true }
  for await (const { tokenId } of model.generate(prompt, params)) ids.push(tokenId)
  return ids
}

describe('random models give the logits of Hugging Face transformers', () => {
  test('there are checkpoints of every kind', () => expect(CASES.length).toBeGreaterThanOrEqual(16))

  for (const [i, name] of CASES.entries()) {
    test(name, { timeout: patience(240_000) }, async () => {
      const { path, reference } = fixture(name)
      await withModel(path, { kvCache: 'f32' }, async (model) => {
        expect(model.notes).toEqual((NOTES[name] ?? []).map((note) => expect.stringMatching(note)))
        const logits = await model.logits(reference.prompt)
        expect(logits.length).toBe(reference.prompt.length)
        const whole = Float32Array.from(logits.flatMap((row) => [...row]))
        expect(maxDifference(whole, reference.logits), 'against transformers').toBeLessThan(1e-3)
        // Prefill = decode: one row at a time, and batches that go through each matmul (all of them for some models:
        // software adapters take seconds to compile a model's kernels).
        for (const chunk of i % 4 === 0 ? [1, 3, 7, 13] : [1, 7]) {
          const chunked = await logitsInChunks(model, reference.prompt, chunk)
          expect(maxDifference(chunked, whole), `chunks of ${chunk} against one`).toBeLessThan(1e-4)
        }
        expect(await greedyIds(model, reference.prompt, reference.greedy.length)).toEqual(reference.greedy)
      })
      if (!SOME.includes(name)) return
      await withModel(path, { kvCache: 'f16' }, async (model) => {
        const logits = await model.logits(reference.prompt)
        const whole = Float32Array.from(logits.flatMap((row) => [...row]))
        expect(maxDifference(whole, reference.logits), 'with an f16 cache').toBeLessThan(4e-2)
      })
    })
  }
})

/** Compiling a model's kernels takes software adapters seconds: a third of the models stands for all, unless GOLDENS=all says otherwise. */
const SOME = CASES.filter((_, i) => process.env.GOLDENS === 'all' || i % 3 === 0)

const FOLDED = [true, false].map((on) => ({ 1: on, 4: on, 8: on, decode: on, many: on }))

/**
 * The variants of the kernels that real GPUs use, on whole models: software adapters leave out the tiled matmul, the ones
 * for small batches, and attention over tiles of rows.
 */
describe('random models give the same logits with the kernels of real GPUs', () => {
  for (const [i, name] of SOME.entries()) {
    test(name, { timeout: patience(300_000) }, async () => {
      const { path, reference } = fixture(name)
      const { prompt, logits: expected, vocab, greedy } = reference
      // Norms are parts of products in one half of the models, and dispatches of their own in the other.
      const tuning = { ...HARDWARE, foldedNorms: FOLDED[i % 2]! }
      await withModel(path, { kvCache: 'f32', tuning }, async (model) => {
        // A prompt at once, and in two pieces of which the second begins in the middle of a tile.
        for (const first of [0, 11]) {
          const got = await lastLogits(model, prompt, first)
          expect(maxDifference(got, expected.subarray(-vocab)), `a prompt cut at ${first}`).toBeLessThan(1e-3)
        }
        // Each small batch has a matmul of its own; they take turns, since software adapters compile them for seconds.
        const chunk = [3, 7, 13][i % 3]!
        const chunked = await logitsInChunks(model, prompt, chunk)
        expect(maxDifference(chunked, expected), `chunks of ${chunk}`).toBeLessThan(1e-3)
        expect(await greedyIds(model, prompt, greedy.length)).toEqual(greedy)
      })
    })
  }
})

/** The matrix products that a software adapter with subgroups leaves out, on some of the models. */
describe.each([
  ['each row of a batch by itself, and prompts by eight', SOFTWARE],
  ['lanes that load their inputs for themselves', { ...SHARING, subgroupLanes: 0 }],
])('random models give the same logits with %s', (_, tuning) => {
  // Lanes that share nothing compile for minutes on lavapipe: nightly runs have more of them than one model by four rows.
  const isOne = 'subgroupLanes' in tuning && process.env.GOLDENS !== 'all'
  const [every, chunk] = isOne ? [CASES.length, 4] : [6, 13]
  for (const name of CASES.filter((_, i) => i % every === 0)) {
    test(name, { timeout: patience(300_000) }, async () => {
      const { path, reference } = fixture(name)
      await withModel(path, { kvCache: 'f32', tuning }, async (model) => {
        const chunked = await logitsInChunks(model, reference.prompt, chunk)
        expect(maxDifference(chunked, reference.logits)).toBeLessThan(1e-3)
        expect(await greedyIds(model, reference.prompt, reference.greedy.length)).toEqual(reference.greedy)
      })
    })
  }
})

/** What a window must not change: where chunks begin, and how often the ring has gone round. */
describe('sliding window', () => {
  for (const name of ['window-4', 'window-7', 'layer-types']) {
    test(`${name}: exact over more than three windows at small chunks and rings`, {
      timeout: patience(120_000),
    }, async () => {
      const { path, reference } = fixture(name)
      for (const prefillChunk of [1, 2, 5]) {
        await withModel(path, { kvCache: 'f32', prefillChunk }, async (model) => {
          const window = Math.min(...model.config.slidingWindows.map((w) => w ?? Infinity))
          expect(reference.prompt.length).toBeGreaterThan(3 * window)
          const rings = model.loaded.cache.filter((layer) => layer.window === window).map((layer) => layer.ring)
          // Room for a chunk, or for the steps of two batches that may be discarded.
          const ahead = Math.max(prefillChunk, MAX_IN_FLIGHT * MAX_STEPS)
          for (const ring of rings) expect(ring).toBe(window + ahead)
          expect(await greedyIds(model, reference.prompt, reference.greedy.length)).toEqual(reference.greedy)
        })
      }
    })
  }
})

describe('weights quantized while loading', () => {
  // Random weights are the hardest to quantize; models/pocket shows what a trained one loses. Plain rounding errs more than
  // these limits: by 0.028 and 0.35.
  const names = ['llama-linear', 'window-4', 'llama-bias', 'ministral3', 'head-dim', 'llama-window']
  for (const [weights, limit] of [
    ['q8', 0.0278],
    ['q4', 0.31],
  ] as const) {
    test(`${weights}: logits err by ${limit} of their size at most`, { timeout: patience(240_000) }, async () => {
      const errors: number[] = []
      for (const { path, reference } of names.map(fixture)) {
        await withModel(path, { kvCache: 'f32', weights }, async (model) => {
          const logits = (await model.logits(reference.prompt)).flatMap((row) => [...row])
          errors.push(norm(logits.map((logit, i) => logit - reference.logits[i]!)) / norm([...reference.logits]))
        })
      }
      expect(Math.min(...errors)).toBeGreaterThan(1e-3)
      expect(errors.reduce((sum, error) => sum + error) / errors.length).toBeLessThan(limit)
    })
  }
})

function norm(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
}
