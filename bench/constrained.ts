/**
 * What a JSON schema costs while a model decodes: milliseconds of a token with it and without it, in turns, and their ratio, by the clock and
 * by the processor's time. Of
 * the free ones there are two kinds: step by step, and as many steps at a time as the adapter wants.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/constrained.ts [--model pocket] [--tokens 64] [--rounds 5]
 *   npx tsx --conditions=mistral-webgpu-source bench/constrained.ts --shape tiny --layers 2 --tokenizer FILE
 *
 * With `--shape` the weights are random, and the vocabulary is that of the tokenizer; its answers are what the schema lets through.
 */
import { parseArgs } from 'node:util'
import { answerConstraint } from '../src/chat/answer-constraint.ts'
import type { MistralModel, SamplingInput } from '../src/index.ts'
import { loadModel, MODEL_OPTIONS } from './model-or-shape.ts'

const { values } = parseArgs({
  options: {
    ...MODEL_OPTIONS,
    tokens: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '5' },
    /** Sampled answers end their texts more often than greedy ones. */
    temperature: { type: 'string', default: '0' },
  },
})
const [tokens, rounds] = [Number(values.tokens), Number(values.rounds)]

const object = (properties: object) => {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}
const SCHEMA = object({
  name: { type: 'string' },
  age: { type: 'integer', minimum: 0, maximum: 150 },
  tags: { type: 'array', items: { type: 'string' } },
  address: object({ street: { type: 'string' }, city: { type: 'string' }, zip: { type: 'string' } }),
  summary: { type: 'string' },
  rating: { enum: ['good', 'fair', 'poor'] },
})

const { model: adaptive, tokenizer } = await loadModel(values, { contextLength: 1024 })
const { model: single } = await loadModel(values, { contextLength: 1024, stepsPerReadback: 1 })
const format = {
  name: 'response_format' as const,
  value: { type: 'json_schema', json_schema: { name: 'person', schema: SCHEMA } },
}
const constraint = await answerConstraint(tokenizer, adaptive.eosTokenIds, {
  format,
  thinking: undefined,
  begins: false,
  prefix: '',
  tools: undefined,
})
const prompt = tokenizer.encode('Describe a person who lives by the sea, as JSON.', { bos: true })
const params: SamplingInput =
  values.temperature === '0' ? { do_sample: false } : { temperature: Number(values.temperature), top_k: 0, top_p: 1 }

interface Row {
  readonly label: string
  readonly model: MistralModel
  readonly constrained: boolean
  readonly ms: number[]
  /** Of the processor, the prompt included: on a software adapter that is the GPU too. */
  readonly cpu: number[]
  tokens: number
}

async function decode(
  { model, constrained }: Row,
  seed: number,
): Promise<{ ms: number; cpu: number; count: number; ids: number[] }> {
  const options = constrained ? { constraint } : {}
  const before = process.cpuUsage()
  const steps = model.generate(prompt, { ...params, seed, ignore_eos: !constrained, max_tokens: tokens }, options)
  const ids: number[] = []
  for await (const step of steps) ids.push(step.tokenId)
  const { timings } = await steps.summary
  const { user, system } = process.cpuUsage(before)
  const cpu = (user + system) / 1000 / ids.length
  return { ms: timings.decodeMs / (ids.length - 1), cpu, count: ids.length, ids }
}

const rows: Row[] = [
  { label: 'free, one step a readback', model: single, constrained: false, ms: [], cpu: [], tokens: 0 },
  { label: 'free, adaptive', model: adaptive, constrained: false, ms: [], cpu: [], tokens: 0 },
  { label: 'with a schema', model: adaptive, constrained: true, ms: [], cpu: [], tokens: 0 },
]
const { gpu, config } = adaptive.loaded
console.log(`adapter: ${gpu.name}; ${config.vocabSize} tokens in the vocabulary`)
for (const row of rows) console.log(`${row.label}: ${JSON.stringify(tokenizer.decode((await decode(row, 1)).ids))}`)
for (let round = 0; round < rounds; round++) {
  for (const row of rows) {
    const { ms, cpu, count } = await decode(row, 1 + round)
    row.ms.push(ms)
    row.cpu.push(cpu)
    row.tokens += count
  }
}
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
for (const row of rows) {
  const ratio = (than: Row) => (median(than.ms) / median(row.ms)).toFixed(2)
  console.log(
    `${row.label.padEnd(28)} ${median(row.ms).toFixed(2).padStart(8)} ms a token, ${row.tokens / rounds} tokens` +
      `   ${ratio(rows[0]!)} of one step a readback, ${ratio(rows[1]!)} of adaptive` +
      `   ${median(row.cpu).toFixed(2)} ms of the processor, ${(median(rows[0]!.cpu) / median(row.cpu)).toFixed(2)} and ${(median(rows[1]!.cpu) / median(row.cpu)).toFixed(2)}`,
  )
}
for (const model of [adaptive, single]) model.dispose()
