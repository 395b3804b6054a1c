/**
 * What generation costs besides the forward pass: decoding at 1, 4, 16 and an adaptive number of steps per readback, greedy and
 * sampled, with the longest time that a reader waits for the next words; prompt lookup on a text that repeats itself and on
 * one that does not; and what the first requests of a kind take in a model that was just loaded, beyond one that comes when all is
 * compiled. All rows of a table run in turns in one process, and what is printed is the median of the ratios of each turn, by the clock and by
 * the processor's time, so that they mean something on a busy machine too.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/generation.ts [--model <source>] [--tokens 96] [--rounds 7]
 */
import { parseArgs } from 'node:util'
import { MistralModel, type SamplingInput } from '../src/index.ts'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'pocket' },
    tokens: { type: 'string', default: '96' },
    rounds: { type: 'string', default: '7' },
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
  /** The processor's, of each token. */
  readonly cpu: number[]
  /** The longest time from one token to the next, of each run. */
  readonly waits: number[]
}

/** Milliseconds of each token after the first, and the most between two. */
async function decode({ model, prompt, params }: Row): Promise<{ ms: number; cpu: number; wait: number }> {
  const steps = model.generate(prompt, { ...params, ignore_eos: true, max_tokens: tokens })
  let last: number | undefined
  let wait = 0
  let before = process.cpuUsage()
  for await (const _ of steps) {
    const now = performance.now()
    if (last === undefined) before = process.cpuUsage()
    wait = Math.max(wait, now - (last ?? now))
    last = now
  }
  const { timings } = await steps.summary
  const { user, system } = process.cpuUsage(before)
  return { ms: timings.decodeMs / (tokens - 1), cpu: (user + system) / 1000 / (tokens - 1), wait }
}

async function measure(title: string, rows: readonly Row[]): Promise<void> {
  for (const row of rows) await decode(row)
  for (let round = 0; round < rounds; round++) {
    for (const row of round % 2 === 0 ? rows : [...rows].reverse()) {
      const { ms, cpu, wait } = await decode(row)
      row.ms.push(ms)
      row.cpu.push(cpu)
      row.waits.push(wait)
    }
  }
  const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
  console.log(`\n${title}`)
  for (const row of rows) {
    const ratio = median(rows[0]!.ms.map((ms, round) => ms / row.ms[round]!)).toFixed(2)
    const cpu = median(rows[0]!.cpu.map((ms, round) => ms / row.cpu[round]!)).toFixed(2)
    const rate = `${(1000 / median(row.ms)).toFixed(1).padStart(8)} tokens/s`
    const wait = `longest wait ${median(row.waits).toFixed(0)} ms`
    console.log(`  ${row.label.padEnd(34)} ${rate}  ${ratio}x, of the processor ${cpu}x  ${wait}`)
  }
}

const models = await Promise.all(STEPS.map((stepsPerReadback) => MistralModel.load(values.model, { stepsPerReadback })))
const [one] = models
if (one === undefined) throw new Error('no model')
console.log(`adapter: ${one.loaded.gpu.name}; ${tokens} tokens, median of ${rounds}`)
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
    models.map((model, i): Row => ({ label: label(i), model, params, prompt, ms: [], cpu: [], waits: [] })),
  )
}
const again = [...prompt, ...prompt.slice(1), ...prompt.slice(1, 12)]
const adaptive = models.at(-1)!
const texts: readonly [string, readonly number[], SamplingInput][] = [
  ['a text that repeats itself, greedy', again, { do_sample: false }],
  ['a text that does not, sampled', prompt, { seed: 1, temperature: 1.2 }],
]
for (const [text, start, params] of texts) {
  const lookups = [0, 4, 8].map((prompt_lookup_num_tokens): Row => {
    const label = prompt_lookup_num_tokens === 0 ? 'without' : `up to ${prompt_lookup_num_tokens} tokens ahead`
    return {
      label,
      model: adaptive,
      params: { ...params, prompt_lookup_num_tokens },
      prompt: start,
      ms: [],
      cpu: [],
      waits: [],
    }
  })
  await measure(`prompt lookup, adaptive steps, on ${text}`, lookups)
}
for (const model of models) model.dispose()

const others: readonly [string, SamplingInput][] = [
  ['sampled: top_p alone', { seed: 1, top_k: 0, top_p: 0.9 }],
  ['sampled: temperature alone', { seed: 1, top_k: 0, top_p: 1, temperature: 0.8 }],
  ['sampled: log-probabilities', { seed: 1, logprobs: true, top_logprobs: 5 }],
]
console.log('\nfirst four requests of a model that was just loaded, of 4 tokens each, and one seconds later, ms')
for (const [kind, params] of [...kinds, ...others]) {
  const start = performance.now()
  const model = await MistralModel.load(values.model)
  const loaded = performance.now()
  // Each prompt begins with another token, so that none is in the cache.
  const ask = async (first: number) => {
    const from = performance.now()
    await model.generate([first, ...prompt], { ...params, ignore_eos: true, max_tokens: 4 }).summary
    return (performance.now() - from).toFixed(0).padStart(5)
  }
  const times = [await ask(5), await ask(6), await ask(7), await ask(8)]
  await new Promise((resolve) => setTimeout(resolve, 5000))
  console.log(`  ${kind.padEnd(34)} ${times.join('')}, ${await ask(9)}; loading took ${(loaded - start).toFixed(0)}`)
  model.dispose()
}
