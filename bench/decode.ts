/**
 * Prefill and decode of one shape of random weights, for each type of weights, with and without the device's optional
 * features: what a variant of a kernel is worth.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/decode.ts [--shape tiny|7b|nemo] [--layers 2] [--context 64] [--tokens 16]
 *     [--weights native,q8,q4]
 */
import { parseArgs } from 'node:util'
import { measureBandwidth } from '../src/cli/bench/bandwidth.ts'
import { ForwardBench } from '../src/cli/bench/forward.ts'
import { randomCheckpoint, SHAPES, type ShapeName } from '../src/cli/bench/random-checkpoint.ts'
import { digits, table } from '../src/cli/bench/render.ts'
import { MistralModel } from '../src/generate/mistral-model.ts'
import type { WeightsOption } from '../src/model/size-types.ts'

const { values } = parseArgs({
  options: {
    shape: { type: 'string', default: 'tiny' },
    layers: { type: 'string', default: '2' },
    context: { type: 'string', default: '64' },
    tokens: { type: 'string', default: '16' },
    weights: { type: 'string', default: 'native,q8,q4' },
  },
})

if (!(values.shape in SHAPES))
  throw new Error(`--shape ${values.shape}: must be among ${Object.keys(SHAPES).join(', ')}`)
const [layers, context, tokens] = [Number(values.layers), Number(values.context), Number(values.tokens)]
const rows: string[][] = []
for (const weights of values.weights.split(',') as WeightsOption[]) {
  for (const disabled of [[], ['shader-f16'], ['subgroups'], ['shader-f16', 'subgroups']]) {
    rows.push(await measure(weights, disabled))
  }
}
const titles = ['weights', 'without', 'prefill tok/s', 'decode tok/s', 'GB/s', 'of streaming', 'JS ms/token']
console.log(`\n${table(titles, rows).join('\n')}`)

async function measure(weights: WeightsOption, disabled: readonly string[]): Promise<string[]> {
  const checkpoint = randomCheckpoint(values.shape as ShapeName, layers, weights)
  const model = await MistralModel.fromCheckpoint(checkpoint, {
    contextLength: context + tokens + 1,
    disableFeatures: disabled,
  })
  try {
    if (rows.length === 0)
      console.log(`${model.loaded.gpu.name}: ${values.shape}, ${layers} layers, context ${context}`)
    const bandwidth = await measureBandwidth(model.loaded.gpu)
    const result = await new ForwardBench(model, bandwidth, { tokens, exactly: true }).context(context)
    return [
      weights,
      disabled.join(' ') || '-',
      digits(result.prefill_tokens_per_second),
      digits(result.decode_tokens_per_second),
      digits(result.gb_per_s),
      `${digits(100 * result.bandwidth_fraction)} %`,
      result.js_ms.toFixed(3),
    ]
  } finally {
    model.dispose()
  }
}
