/** Positions up to the 262,144 of Ministral 3: logits of transformers below and beyond each model's original length. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { MistralModel } from '../../src/index.ts'
import { ropeFrequencies } from '../../src/model/rope.ts'
import { add, attention, matmul, type PlainModel, rmsNorm, silu } from '../reference/forward.ts'
import { asFolder, randomModel } from '../reference/random-model.ts'
import { disabledFeatures } from '../support/features.ts'
import { maxDifference, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'

interface Probes {
  readonly lead: number
  readonly rows: number
  readonly original: number
  readonly probes: readonly { readonly start: number; readonly ids: readonly number[]; readonly logits: string }[]
}

const FOLDER = fileURLToPath(new URL('../fixtures/long', import.meta.url))
const CASES = readdirSync(FOLDER, { withFileTypes: true }).filter(
  (entry) => entry.isDirectory() && !entry.name.startsWith('__'),
)

function probesOf(name: string): Probes {
  return JSON.parse(gunzipSync(readFileSync(`${FOLDER}/${name}/probes.json.gz`)).toString())
}

function floats(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer)
}

describe('logits of transformers below and beyond the original length', () => {
  test('there are cases of every scaling', () => expect(CASES.length).toBeGreaterThanOrEqual(19))

  test.each(CASES.map(({ name }) => name))('%s', { timeout: patience(240_000) }, async (name) => {
    const { lead, rows, original, probes } = probesOf(name)
    const path = name.startsWith('gguf') ? `${FOLDER}/${name}/model.gguf` : `${FOLDER}/${name}`
    expect(probes.some(({ start }) => start + lead + rows <= original)).toBe(true)
    expect(probes.filter(({ start }) => start > original).length).toBeGreaterThanOrEqual(2)
    await withModel(path, { kvCache: 'f32', contextLength: 262_144, prefillChunk: 64 }, async ({ loaded }) => {
      for (const { start, ids, logits } of probes) {
        loaded.runner.writeTokens(0, start, ids)
        const batch = ids.map((_, i) => ({ sequence: 0, position: start + i, output: i >= lead }))
        const got = (await (await loaded.runner.logits(batch)).result).flatMap((row) => [...row])
        expect(maxDifference(got, floats(logits)), `from position ${start}`).toBeLessThan(1e-3)
      }
    })
  })
})

const POSITIONS = 262_144

describe('a sequence of 262,144 positions', () => {
  test('is attended to from its first key to its last', { timeout: patience(240_000) }, async () => {
    const sizes = { dim: 8, nLayers: 1, nHeads: 2, nKvHeads: 1, headDim: 8, hiddenDim: 12, vocabSize: 40 }
    const plain = randomModel({ ...sizes, normEps: 1e-5, ropeTheta: 1e6, slidingWindow: undefined }, 11)
    const files = asFolder(plain)
    const config = JSON.parse(new TextDecoder().decode(files['config.json']))
    const json = JSON.stringify({ ...config, max_position_embeddings: POSITIONS })
    const past = pastOf(plain)
    const model = await MistralModel.load(
      { open: (name) => (name === 'config.json' ? json : files[name]) },
      { kvCache: 'f32', contextLength: POSITIONS, prefillChunk: 64, disableFeatures: disabledFeatures() },
    )
    try {
      const { loaded } = model
      const [cache] = loaded.cache
      loaded.gpu.write(cache!.buffer, 0, past.cache)
      // One row, a few, and a piece of a prompt, of which the last row is compared.
      for (const [end, rows] of [
        [131_074, 1],
        [200_003, 5],
        [POSITIONS, 1],
        [POSITIONS, 40],
      ] as const) {
        const start = end - rows
        loaded.runner.writeTokens(0, start, past.tokens.slice(start, end))
        const batch = Array.from({ length: rows }, (_, i) => ({
          sequence: 0,
          position: start + i,
          output: i === rows - 1,
        }))
        const [got] = await (await loaded.runner.logits(batch)).result
        expect(maxDifference(got!, past.logitsAt(end - 1)), `${rows} rows before ${end}`).toBeLessThan(1e-3)
      }
    } finally {
      model.dispose()
    }
  })

  test('is read and continued where every layer has a window', { timeout: patience(600_000) }, async () => {
    const ids = Array.from({ length: 131_100 }, (_, i) => 3 + ((i * 7 + (i >> 4)) % 90))
    const options = { kvCache: 'f32', contextLength: POSITIONS, prefillChunk: 4096 } as const
    await withModel(`${FOLDER}/ministral3`, options, async (model) => {
      const params = { do_sample: false, max_tokens: 3, ignore_eos: true }
      const answer: number[] = []
      for await (const { tokenId } of model.generate(ids, params)) answer.push(tokenId)
      // What lies further back than two windows has no effect.
      const expected: number[] = []
      const { runner } = model.loaded
      for (let i = 0; i < 3; i++) {
        const all = [...ids, ...expected]
        const start = all.length - 40
        runner.writeTokens(0, start, all.slice(start))
        const batch = Array.from({ length: 40 }, (_, i) => ({ sequence: 0, position: start + i, output: i === 39 }))
        const [logits] = await (await runner.logits(batch)).result
        expected.push(logits!.indexOf(Math.max(...logits!)))
      }
      expect(answer).toEqual(expected)
    })
  })
})

/** Keys and values of a model of one layer, which depend on token and position alone, and logits that see them all. */
function pastOf(model: PlainModel) {
  const { config, tokEmbeddings, layers, norm, output } = model
  const { dim, headDim, vocabSize, normEps } = config
  const layer = layers[0]!
  const frequencies = ropeFrequencies({ ...config, ropeScaling: undefined, ropeDivisors: undefined, maxPositions: 0 })
  const turned = (x: Float64Array, position: number) => {
    const out = x.slice()
    for (let at = 0; at < x.length; at += headDim) {
      for (const [i, frequency] of frequencies.entries()) {
        const angle = Math.fround(position * frequency)
        const [a, b] = [x[at + i]!, x[at + i + headDim / 2]!]
        out[at + i] = a * Math.cos(angle) - b * Math.sin(angle)
        out[at + i + headDim / 2] = b * Math.cos(angle) + a * Math.sin(angle)
      }
    }
    return out
  }
  const embedded = Array.from({ length: vocabSize }, (_, id) =>
    Float64Array.from(tokEmbeddings.subarray(id * dim, (id + 1) * dim)),
  )
  const normed = embedded.map((x) => rmsNorm(x, layer.attentionNorm, normEps))
  const [k, v] = [normed.map((x) => matmul(layer.wk, x)), normed.map((x) => matmul(layer.wv, x))]
  const tokens = Array.from({ length: POSITIONS }, (_, i) => (i * 7 + (i >> 3)) % vocabSize)
  const keys = tokens.map((token, position) => turned(k[token]!, position))
  const values = tokens.map((token) => v[token]!)
  // The elements that are rotated together lie next to each other on the GPU.
  const cache = new Float32Array(2 * POSITIONS * headDim)
  for (const [position, key] of keys.entries()) {
    for (let i = 0; i < headDim; i++) cache[position * headDim + i] = key[(i % 2) * (headDim / 2) + (i >> 1)]!
    cache.set(values[position]!, (POSITIONS + position) * headDim)
  }
  const logitsAt = (position: number) => {
    const x = embedded[tokens[position]!]!
    const q = turned(matmul(layer.wq, normed[tokens[position]!]!), position)
    const seen = attention(q, keys.slice(0, position + 1), values.slice(0, position + 1), config)
    const attended = add(x, matmul(layer.wo, seen))
    const inner = rmsNorm(attended, layer.ffnNorm, normEps)
    const up = matmul(layer.w3, inner)
    const hidden = matmul(layer.w1, inner).map((gate, i) => silu(gate) * up[i]!)
    return matmul(output, rmsNorm(add(attended, matmul(layer.w2, hidden)), norm, normEps))
  }
  return { tokens, cache, logitsAt }
}
