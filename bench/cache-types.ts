/**
 * Measures what each type of the key/value cache costs and changes: bytes a token, the perplexity of a text, how often the most
 * probable next token is that of an f32 cache, and how many greedy answers are the same to their end. Prints a table. No times
 * are measured.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/cache-types.ts [--source models/pocket] [--text TEXT] [--answers 24]
 *     [--tokens 64]
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { MistralModel } from '../src/index.ts'
import { CACHE_LAYOUTS, type CacheDtype } from '../src/kernels/cache-layouts.ts'

const { values } = parseArgs({
  options: {
    source: { type: 'string', default: 'models/pocket' },
    text: { type: 'string', default: 'test/fixtures/perplexity/winds.txt' },
    answers: { type: 'string', default: '24' },
    tokens: { type: 'string', default: '64' },
  },
})
const answers = Number(values.answers)
const tokens = Number(values.tokens)

interface Found {
  readonly adapter: string
  readonly bytesPerToken: number
  readonly nll: number
  readonly perplexity: number
  /** The most probable token after each one of the text. */
  readonly best: readonly number[]
  /** Greedy continuations of beginnings of the text. */
  readonly answers: readonly (readonly number[])[]
}

const found = new Map<CacheDtype, Found>()
for (const dtype of Object.keys(CACHE_LAYOUTS) as CacheDtype[]) found.set(dtype, await measure(dtype))
const base = found.get('f32')!
console.log(`${values.source}, ${values.text}: ${base.best.length} positions, ${answers} answers of ${tokens} tokens,`)
console.log(`${base.adapter}\n`)
console.log(
  '| cache | bytes a token | nats per token | perplexity | same most probable token | greedy answers that are the same |',
)
console.log('|---|---|---|---|---|---|')
for (const [dtype, one] of found) {
  const same = one.best.filter((id, i) => id === base.best[i]).length
  const whole = one.answers.filter((ids, i) => ids.join() === base.answers[i]!.join()).length
  const share = ((100 * same) / base.best.length).toFixed(2)
  const numbers = [one.bytesPerToken, one.nll.toFixed(4), one.perplexity.toFixed(3)]
  console.log(`| ${[dtype, ...numbers, `${share} %`, `${whole} of ${answers}`].join(' | ')} |`)
}

async function measure(kvCache: CacheDtype): Promise<Found> {
  const model = await MistralModel.load(values.source, { kvCache })
  try {
    const ids = model.tokenizer!.encode(readFileSync(values.text, 'utf8'), { bos: true })
    const { nll, perplexity } = await model.perplexity(ids)
    const best: number[] = []
    for (let first = 0; first < ids.length; first += model.contextLength) {
      for (const logits of await model.logits(ids.slice(first, first + model.contextLength))) best.push(argmax(logits))
    }
    const continued: number[][] = []
    for (let i = 0; i < answers; i++) {
      const first = Math.floor((i * (ids.length - 200)) / answers)
      const prompt = ids.slice(first, first + 40 + 6 * i)
      const answer: number[] = []
      const params = { do_sample: false, max_tokens: tokens, ignore_eos: true }
      for await (const { tokenId } of model.generate(prompt, params)) answer.push(tokenId)
      continued.push(answer)
    }
    const { cachePerToken } = model.status().memory!
    const adapter = model.loaded.gpu.name
    return { adapter, bytesPerToken: cachePerToken, nll, perplexity, best, answers: continued }
  } finally {
    model.dispose()
  }
}

function argmax(values: Float32Array): number {
  return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0)
}
