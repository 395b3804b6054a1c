/** Embeddings against those of transformers, and what they say of faults. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AbortError, ContextLengthError, type MistralChat, ParameterError } from '../../src/index.ts'
import { loadPocket } from '../server/pocket.ts'
import { patience } from '../support/patience.ts'

interface Golden {
  text: string
  ids: number[]
  last: number[]
  mean: number[]
}
const file = new URL('../fixtures/pocket/embeddings.json', import.meta.url)
const goldens: Golden[] = JSON.parse(readFileSync(file, 'utf8')).embeddings

let chat: MistralChat
beforeAll(async () => {
  chat = await loadPocket({ prefillChunk: 64 })
}, patience(120_000))
afterAll(() => chat?.dispose())

/** The cosine of the angle between them, and how much longer the second is. */
function compare(a: ArrayLike<number>, b: ArrayLike<number>) {
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>) =>
    Array.from(x, (value, i) => value * y[i]!).reduce((s, v) => s + v, 0)
  const [aa, bb] = [Math.sqrt(dot(a, a)), Math.sqrt(dot(b, b))]
  return { cosine: dot(a, b) / (aa * bb), ratio: bb / aa }
}

describe('embeddings', () => {
  test.each(['last', 'mean'] as const)('with pooling %s are those of transformers', async (pooling) => {
    for (const golden of goldens) {
      const { embedding, tokens } = await chat.model.embed(golden.text, { pooling, normalize: false })
      expect([tokens, embedding.length]).toEqual([golden.ids.length, golden[pooling].length])
      const { cosine, ratio } = compare(golden[pooling], embedding)
      expect(cosine).toBeGreaterThan(0.9999)
      expect(Math.abs(ratio - 1)).toBeLessThan(0.01)
      const unit = await chat.model.embed(golden.ids, { pooling })
      expect(Math.hypot(...unit.embedding)).toBeCloseTo(1, 5)
      expect(compare(embedding, unit.embedding).cosine).toBeGreaterThan(0.99999)
    }
  })

  test('take the last token unless told otherwise', async () => {
    const [{ text }] = goldens as [Golden]
    expect(await chat.model.embed(text)).toEqual(await chat.model.embed(text, { pooling: 'last' }))
  })

  test('run beside answers', async () => {
    const [{ text }] = goldens as [Golden]
    const request = { messages: [{ role: 'user', content: 'What is a mistral?' }], temperature: 0, max_tokens: 24 }
    const [alone, before] = [await chat.complete(request), await chat.model.embed(text)]
    const [beside, after] = await Promise.all([chat.complete(request), chat.model.embed(text)])
    expect(beside.text).toBe(alone.text)
    expect(compare(before.embedding, after.embedding).cosine).toBeGreaterThan(0.99999)
  })

  test('faults are named', async () => {
    const embed = (...args: Parameters<typeof chat.model.embed>) => chat.model.embed(...args)
    await expect(embed('a', { pooling: 'max' as never })).rejects.toThrow(ParameterError)
    await expect(embed('a', { polling: 'last' } as never)).rejects.toThrow('did you mean pooling')
    await expect(embed([])).rejects.toThrow(ParameterError)
    await expect(embed([99_999])).rejects.toThrow('tokenIds[0]')
    await expect(embed('a '.repeat(5000))).rejects.toThrow(ContextLengthError)
    await expect(embed('a', { signal: AbortSignal.abort() })).rejects.toThrow(AbortError)
  })
})
