/** Models whose matrices lie in several pieces, since a buffer or a binding of the device is smaller. */
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { loadBlockTypes } from '../../src/formats/ggml-blocks.ts'
import { HARDWARE, SOFTWARE, type Tuning } from '../../src/gpu/tuning.ts'
import { type LoadOptions, MemoryError, MistralModel } from '../../src/index.ts'
import type { Matrix } from '../../src/kernels/weight.ts'
import { forward } from '../reference/forward.ts'
import { asFolder, randomModel } from '../reference/random-model.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture, maxDifference, random, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { randomGguf, SUPER_BLOCK_CONFIG } from '../support/random-gguf.ts'
import { stubSmallGpu } from '../support/small-gpu.ts'

// Each piece is a kernel of its own, and software adapters compile them for long.
vi.setConfig({ testTimeout: patience(300_000) })

async function allLogits(model: MistralModel, prompt: readonly number[]): Promise<Float32Array> {
  return Float32Array.from((await model.logits(prompt)).flatMap((row) => [...row]))
}

async function greedyIds(model: MistralModel, prompt: readonly number[], count: number): Promise<number[]> {
  const ids: number[] = []
  const params = { do_sample: false, max_tokens: count, ignore_eos: true }
  for await (const { tokenId } of model.generate(prompt, params)) ids.push(tokenId)
  return ids
}

function piecesOf({ loaded }: MistralModel): {
  readonly sizes: number[]
  readonly split: number
} {
  const { tokEmbeddings, output, layers } = loaded.weights
  const matrices: Matrix[] = [tokEmbeddings, output, ...layers.flatMap(({ wqkv, wo, w13, w2 }) => [wqkv, wo, w13, w2])]
  const sizes = matrices.flat().flatMap(({ quants, scales }) => [quants.size, scales?.size ?? 0])
  return { sizes, split: matrices.filter(({ length }) => length > 1).length }
}

/** Bytes that no row, no head and no tile ends at, with which the larger half of the matrices lies in two or three pieces. */
const CASES: readonly [name: string, pieceBytes: number, kernels: Partial<Tuning>, path?: string][] = [
  ['llama-bias', 3001, {}],
  ['head-dim', 20_011, SOFTWARE],
  ['ministral3', 5003, HARDWARE],
  ['tied-f16', 12_011, {}],
  ['gguf-mixed', 10_007, HARDWARE, 'model.gguf'],
  ['gguf-tied-q8_0', 9001, SOFTWARE, 'model.gguf'],
]

describe('random models in pieces give the logits of Hugging Face transformers', () => {
  for (const [name, pieceBytes, kernels, file] of CASES) {
    test(`${name}: ${pieceBytes} bytes a piece`, async () => {
      const { path, reference } = fixture(name)
      const { prompt, greedy, logits } = reference
      const from = file === undefined ? path : `${path}/${file}`
      await withModel(from, { kvCache: 'f32', tuning: { ...kernels, pieceBytes } }, async (model) => {
        const { sizes, split } = piecesOf(model)
        expect(Math.max(...sizes)).toBeLessThanOrEqual(pieceBytes)
        expect(split).toBeGreaterThan(1)
        expect(maxDifference(await allLogits(model, prompt), logits)).toBeLessThan(1e-3)
        expect(await greedyIds(model, prompt, greedy.length)).toEqual(greedy)
      })
    })
  }
})

/** A piece has its own kernel, but no output is computed in another way. */
test.each<[string, number, LoadOptions]>([
  ['window-4', 1203, { weights: 'q8' }],
  ['tied-two', 4001, {}],
])('%s in pieces of %i bytes with %o: the same logits, bit for bit', async (name, size, options) => {
  const { path, reference } = fixture(name)
  const logits: Float32Array[] = []
  for (const pieceBytes of [undefined, size]) {
    const tuning = pieceBytes === undefined ? {} : { pieceBytes }
    await withModel(path, { ...options, kvCache: 'f32', tuning }, async (model) => {
      expect(piecesOf(model).split > 0).toBe(pieceBytes !== undefined)
      logits.push(await allLogits(model, reference.prompt))
    })
  }
  expect(logits[1]).toEqual(logits[0])
})

test('blocks of 256 in pieces give the same logits as in one', async () => {
  const types = ['q4_k', 'q6_k', 'iq3_s', 'tq2_0'] as const
  const matrices = ['tokEmbeddings', 'wq', 'wk', 'wv', 'wo', 'w1', 'w3', 'w2', 'output'] as const
  await loadBlockTypes(types)
  const { file, model: plain } = randomGguf(SUPER_BLOCK_CONFIG, (name, layer) => {
    // The two that are interleaved are of one type.
    const place = matrices.indexOf(name === 'w3' ? 'w1' : (name as (typeof matrices)[number]))
    return types[(Math.max(0, place) + layer) % types.length]!
  })
  const next = random(4)
  const tokens = Array.from({ length: 11 }, () => Math.floor(next() * SUPER_BLOCK_CONFIG.vocabSize))
  const options = { kvCache: 'f32', disableFeatures: disabledFeatures() } as const
  const expected = Float32Array.from(forward(plain, tokens).flatMap((row) => [...row]))
  const model = await MistralModel.load(new File([file as Uint8Array<ArrayBuffer>], 'model.gguf'), {
    ...options,
    tuning: { pieceBytes: 50_003 },
  })
  try {
    const { sizes, split } = piecesOf(model)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(50_003)
    expect(split).toBeGreaterThan(1)
    expect(maxDifference(await allLogits(model, tokens), expected)).toBeLessThan(2e-3)
  } finally {
    model.dispose()
  }
})

test('adapters add to each piece what belongs to it', async () => {
  const { path } = fixture('window-4')
  const base = fileURLToPath(new URL('../fixtures/adapters', import.meta.url))
  const logits: Float32Array[] = []
  for (const pieceBytes of [undefined, 5005]) {
    const tuning = pieceBytes === undefined ? {} : { pieceBytes }
    await withModel(path, { kvCache: 'f32', tuning }, async (model) => {
      for (const name of ['attention', 'head']) {
        await model.loadAdapter(`${base}/${name}`)
        const rows = await model.logits(fixture('window-4').reference.prompt, { adapter: name })
        logits.push(Float32Array.from(rows.flatMap((row) => [...row])))
      }
    })
  }
  for (const i of [0, 1]) expect(maxDifference(logits[i]!, logits[i + 2]!)).toBeLessThan(1e-5)
  expect(maxDifference(logits[0]!, logits[1]!)).toBeGreaterThan(1e-2)
})

describe('a device whose buffers are small', () => {
  const config = {
    dim: 256,
    nLayers: 1,
    nHeads: 4,
    nKvHeads: 4,
    headDim: 32,
    hiddenDim: 96,
    vocabSize: 1000,
    normEps: 1e-5,
    ropeTheta: 10000,
    slidingWindow: undefined,
  }
  const plain = randomModel(config, 3)
  const source = () =>
    Object.entries(asFolder(plain)).map(([name, data]) => new File([data as Uint8Array<ArrayBuffer>], name))
  const small = { kvCache: 'f32', prefillChunk: 16, contextLength: 64 } as const

  afterEach(() => vi.unstubAllGlobals())

  async function smallGpu(bytes: number) {
    return stubSmallGpu({ limits: { maxBufferSize: bytes, maxStorageBufferBindingSize: bytes } })
  }

  // The embedding and the output take 1,024,000 bytes each.
  test.each([300_000, 511_999])('of %i bytes holds a model whose embedding is larger', async (bytes) => {
    const asked = await smallGpu(bytes)
    await withModel(source(), small, async (model) => {
      expect(model.loaded.gpu.limits.maxBufferSize).toBe(bytes)
      const tokens = [1, 999, 500, 250, 251, 749, 750, 0]
      const expected = forward(plain, tokens).flatMap((row) => [...row])
      expect(maxDifference(await allLogits(model, tokens), expected)).toBeLessThan(1e-3)
      expect(piecesOf(model).split).toBeGreaterThan(1)
    })
    expect(Math.max(...asked.buffers.values())).toBeLessThanOrEqual(bytes)
    expect([...asked.buffers.keys()]).toContain('tokEmbeddings 2')
  })

  test('says which context its largest binding holds, and holds that', async () => {
    const slot = 2 * 4 * 32 * 4
    await smallGpu(280_000)
    const fitting = Math.floor(280_000 / slot)
    const options = { ...small, contextLength: 500 } as const
    const error = await withModel(source(), options, async () => undefined).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(MemoryError)
    expect(error).toMatchObject({ limitBytes: 280_000, neededBytes: 500 * slot, fittingContext: fitting })
    await withModel(source(), { ...options, contextLength: fitting }, async (model) => {
      expect(model.contextLength).toBe(fitting)
    })
  })
})

test.each([
  ['gptq-act-order', 9001],
  ['fp8-block', 30_011],
])('%s: rows in groups lie in pieces of %i bytes too', async (name, pieceBytes) => {
  const { path, reference } = fixture(`../quantized/${name}`)
  await withModel(path, { kvCache: 'f32', tuning: { pieceBytes } }, async (model) => {
    const { sizes, split } = piecesOf(model)
    expect(split).toBeGreaterThan(0)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(pieceBytes)
    expect(maxDifference(await allLogits(model, reference.prompt), reference.logits)).toBeLessThan(2e-3)
  })
})
