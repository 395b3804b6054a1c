/**
 * What generation costs besides the forward pass: decoding at 1, 4, 16 and the adapter's own number of steps per
 * readback, greedy and sampled, and prompt lookup on a prompt that asks to repeat parts of it. All rows of a table run in
 * turns in one process, so their ratios mean something on a busy machine too.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/generation.ts [--model <source>] [--tokens 96] [--rounds 3]
 */
import { parseArgs } from 'node:util'
import { MistralModel, type SamplingInput } from '../src/index.ts'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'pocket' },
    tokens: { type: 'string', default: '96' },
    rounds: { type: 'string', default: '3' },
  },
})
const tokens = Number(values.tokens)
const rounds = Number(values.rounds)
const STEPS = [1, 4, 16, undefined] as const

const TEXT =
  'The mistral is a strong, cold and dry wind that blows from the north down the Rhône valley to the Mediterranean coast. ' +
  'The sirocco is a hot wind that blows from the Sahara across the Mediterranean to southern Europe. '

interface Row {
  readonly label: string
  readonly model: MistralModel
  readonly params: SamplingInput
  readonly prompt: readonly number[]
  readonly ms: number[]
}

/** Milliseconds of each token after the first. */
async function decode({ model, prompt, params }: Row): Promise<number> {
  const steps = model.generate(prompt, { ...params, ignore_eos: true, max_tokens: tokens })
  const { timings } = await steps.summary
  return timings.decodeMs / (tokens - 1)
}

async function measure(title: string, rows: readonly Row[]): Promise<void> {
  for (const row of rows) await decode(row)
  for (let round = 0; round < rounds; round++) for (const row of rows) row.ms.push(await decode(row))
  const median = ({ ms }: Row) => [...ms].sort((a, b) => a - b)[Math.floor(ms.length / 2)]!
  console.log(`\n${title}`)
  for (const row of rows) {
    const ms = median(row)
    const ratio = median(rows[0]!) / ms
    console.log(`  ${row.label.padEnd(34)} ${(1000 / ms).toFixed(1).padStart(8)} tokens/s  ${ratio.toFixed(2)}x`)
  }
}

const models = await Promise.all(STEPS.map((stepsPerReadback) => MistralModel.load(values.model, { stepsPerReadback })))
const [one] = models
if (one === undefined) throw new Error('no model')
const { gpu, readbackMs } = one.loaded
console.log(`adapter: ${gpu.name}; readback ${readbackMs.toFixed(2)} ms; ${tokens} tokens, median of ${rounds}`)
const prompt = one.tokenizer?.encode(TEXT, { bos: true }) ?? [1, 2, 3]

const kinds: readonly [string, SamplingInput][] = [
  ['greedy', { do_sample: false }],
  ['sampled: top_k 50, top_p 0.95', { seed: 1 }],
  ['sampled: penalties and n-grams too', { seed: 1, repetition_penalty: 1.1, no_repeat_ngram_size: 4 }],
]
for (const [kind, params] of kinds) {
  const label = (i: number) => `${STEPS[i] ?? 'adaptive'} steps a readback`
  await measure(
    `decode, ${kind}`,
    models.map((model, i): Row => ({ label: label(i), model, params, prompt, ms: [] })),
  )
}
const again = [...prompt, ...prompt.slice(1), ...prompt.slice(1, 12)]
const lookups = [0, 4, 8].map((prompt_lookup_num_tokens): Row => {
  const params = { do_sample: false, prompt_lookup_num_tokens }
  const label = prompt_lookup_num_tokens === 0 ? 'without' : `up to ${prompt_lookup_num_tokens} tokens ahead`
  return { label, model: one, params, prompt: again, ms: [] }
})
await measure('prompt lookup, greedy, on a text that repeats itself', lookups)
for (const model of models) model.dispose()
