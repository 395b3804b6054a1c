/** Random requests against transformers' own chain of processors; see ../fixtures/sampling/make.py. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { processLogits } from '../../src/sampling/processors.ts'

interface Vector {
  logits: number[]
  tokens: number[]
  promptLength: number
  eos: number[]
  params: object
  ids: number[]
  p: number[]
}

const packed = readFileSync(new URL('../fixtures/sampling/vectors.json.gz', import.meta.url))
const vectors = JSON.parse(gunzipSync(packed).toString()) as Vector[]

test('500 requests keep the same ids with the same probabilities', () => {
  expect(vectors.length).toBe(500)
  for (const [n, v] of vectors.entries()) {
    const logits = Float32Array.from(v.logits, (x) => x / 1024)
    const before = logits.slice()
    const p = processLogits(logits, v.tokens, v.params, { promptLength: v.promptLength, eosTokenId: v.eos })
    const expected = new Float64Array(logits.length)
    for (const [i, id] of v.ids.entries()) expected[id] = v.p[i]!
    const message = `vector ${n}: ${JSON.stringify(v.params)}`
    for (let id = 0; id < p.length; id++) {
      expect(p[id]! > 0, `${message}, id ${id} kept`).toBe(expected[id]! > 0)
      expect(Math.abs(p[id]! - expected[id]!), `${message}, id ${id}`).toBeLessThanOrEqual(1e-6 * expected[id]!)
    }
    expect(logits).toEqual(before)
  }
})

test('the vectors reach every rule', () => {
  const rules = [
    'repetition_penalty',
    'no_repeat_ngram_size',
    'bad_words_ids',
    'logit_bias',
    'sequence_bias',
    'min_length',
    'min_new_tokens',
    'suppress_tokens',
    'temperature',
    'min_p',
    'typical_p',
    'epsilon_cutoff',
    'eta_cutoff',
  ]
  for (const rule of rules) {
    expect(vectors.filter((v) => rule in v.params).length, rule).toBeGreaterThan(30)
  }
})
