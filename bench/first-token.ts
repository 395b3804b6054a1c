/**
 * What a JSON schema that was never seen before adds to the time until the first token: medians of requests with one and without, in turns, in a
 * warm process, compiling the schema included, beside the time of a step. The first line is the first schema of the process, which makes
 * what depends on the vocabulary.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/first-token.ts [--model pocket] [--rounds 15]
 *   npx tsx --conditions=mistral-webgpu-source bench/first-token.ts --shape tiny --layers 2 --tokenizer FILE
 */
import { parseArgs } from 'node:util'
import { answerConstraint } from '../src/chat/answer-constraint.ts'
import { loadModel, MODEL_OPTIONS } from './model-or-shape.ts'

const { values } = parseArgs({
  options: {
    ...MODEL_OPTIONS,
    rounds: { type: 'string', default: '15' },
  },
})

/** Names and bounds are others each time. */
const SCHEMAS = [
  (n: number) => ({
    type: 'object',
    properties: { [`name${n}`]: { type: 'string' }, [`age${n}`]: { type: 'integer' } },
  }),
  (n: number) => ({
    type: 'array',
    items: { enum: [`red${n}`, `green${n}`, `blue${n}`] },
    minItems: 1,
    maxItems: 2 + (n % 7),
  }),
  (n: number) => ({
    type: 'object',
    properties: {
      [`id${n}`]: { type: 'string', pattern: `^[A-Z]{${2 + (n % 5)}}-[0-9]+$` },
      [`at${n}`]: { format: 'date-time' },
    },
    required: [`id${n}`],
    additionalProperties: false,
  }),
  (n: number) => ({
    $ref: '#/$defs/node',
    $defs: {
      node: {
        type: 'object',
        properties: { [`value${n}`]: { type: 'number', minimum: n }, next: { $ref: '#/$defs/node' } },
      },
    },
  }),
]

const { model, tokenizer } = await loadModel(values, { contextLength: 512 })
const prompt = tokenizer.encode('Describe a person who lives by the sea, as JSON.', { bos: true })
const median = (all: readonly number[]) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)]!

async function firstToken(schema: object | undefined): Promise<number> {
  const start = performance.now()
  const format = {
    name: 'response_format' as const,
    value: { type: 'json_schema', json_schema: { name: 's', schema } },
  }
  const wanted = { format, thinking: undefined, begins: false, prefix: '', tools: undefined }
  const constraint = schema && (await answerConstraint(tokenizer, model.eosTokenIds, wanted))
  const params = { do_sample: false, ignore_eos: true, use_cache: false, max_tokens: 1 }
  for await (const _ of model.generate(prompt, params, constraint ? { constraint } : {})) break
  return performance.now() - start
}

async function step(): Promise<number> {
  const steps = model.generate(prompt, { do_sample: false, ignore_eos: true, max_tokens: 24 })
  for await (const _ of steps);
  const { timings } = await steps.summary
  return timings.decodeMs / 23
}

const rounds = Number(values.rounds)
for (let i = 0; i < 4; i++) await firstToken(undefined)
const first = await firstToken(SCHEMAS[0]!(1))
console.log(
  `${model.config.vocabSize} tokens; the first schema of the process: ${first.toFixed(1)} ms to the first token`,
)
const [free, bound, steps]: number[][] = [[], [], []]
for (let round = 0; round < rounds + 3; round++) {
  const times = [
    await firstToken(undefined),
    await firstToken(SCHEMAS[round % SCHEMAS.length]!(100 + round)),
    await step(),
  ]
  if (round >= 3) for (const [i, all] of [free!, bound!, steps!].entries()) all.push(times[i]!)
}
const differences = bound!.map((ms, i) => ms - free![i]!)
console.log(
  `without a schema ${median(free!).toFixed(1)} ms, with a new one ${median(bound!).toFixed(1)} ms; ` +
    `median of the differences ${median(differences).toFixed(2)} ms; a step of a free answer ${median(steps!).toFixed(2)} ms`,
)
model.dispose()
