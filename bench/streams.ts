/**
 * What a step of several answers costs beside a step of one: milliseconds from one token to the next once all answers have two tokens, in
 * turns on one model, and the median of the turns' ratios, by the clock and by the processor's time.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/streams.ts --model FILE.gguf [--streams 8] [--tokens 14] [--rounds 9]
 */
import { parseArgs } from 'node:util'
import { median } from '../src/cli/bench/measure.ts'
import { MistralModel } from '../src/index.ts'
import { processorMs } from './processor-ms.ts'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'pocket' },
    streams: { type: 'string', default: '8' },
    tokens: { type: 'string', default: '14' },
    rounds: { type: 'string', default: '9' },
  },
})
const [streams, tokens, rounds] = [Number(values.streams), Number(values.tokens), Number(values.rounds)]
const PROMPT = 16

interface Cost {
  readonly ms: number
  readonly cpu: number
}

/** Of one step of `count` answers. */
async function step(model: MistralModel, count: number): Promise<Cost> {
  let arrived = 0
  let [ms, cpu] = [0, 0]
  const one = async () => {
    // No two prompts begin alike, so that none comes from the cache.
    const rest = Array.from({ length: PROMPT - 1 }, () => 3 + Math.floor(Math.random() * 250))
    const params = { do_sample: false, max_tokens: tokens, ignore_eos: true }
    for await (const _ of model.generate([1, ...rest], params)) {
      if (++arrived === 2 * count) [ms, cpu] = [performance.now(), processorMs()]
    }
  }
  await Promise.all(Array.from({ length: count }, one))
  return { ms: (performance.now() - ms) / (tokens - 2), cpu: (processorMs() - cpu) / (tokens - 2) }
}

const model = await MistralModel.load(values.model, { contextLength: 256, maxSequences: streams })
for (const count of [1, streams]) await step(model, count)
const turns: { readonly one: Cost; readonly all: Cost }[] = []
for (let i = 0; i < rounds; i++) turns.push({ one: await step(model, 1), all: await step(model, streams) })
for (const unit of ['ms', 'cpu'] as const) {
  const [one, all] = [median(turns.map(({ one }) => one[unit])), median(turns.map(({ all }) => all[unit]))]
  const ratio = median(turns.map(({ one, all }) => all[unit] / one[unit]))
  const by = unit === 'ms' ? 'clock' : 'processor'
  console.log(`${by}: a step of 1 ${one.toFixed(0)} ms, of ${streams} ${all.toFixed(0)} ms, ratio ${ratio.toFixed(2)}`)
}
await model.dispose()
