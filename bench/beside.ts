/**
 * Times the matrix product for types of weights beside that of another type, in turn, at T = 1, 4 and 64: how many times its
 * time each takes, and at T = 1 the rate at which weights are read, in bytes, against its rate.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/beside.ts [OUTPUTSxINPUTS ...] [--weights q4_k,q6_k] [--to q4]
 *
 * On a software adapter the time is the processor's for this process, which other programs disturb less, and the least of
 * many runs counts.
 */
import { parseArgs } from 'node:util'
import { fillWeight } from '../src/cli/bench/kernels.ts'
import { table } from '../src/cli/bench/render.ts'
import { openGpu } from '../src/gpu/open.ts'
import { Recorder } from '../src/gpu/recorder.ts'
import { BLOCK_LAYOUTS } from '../src/kernels/block-layouts.ts'
import { GRID_LAYOUTS } from '../src/kernels/grid-layouts.ts'
import { linear, store } from '../src/kernels/linear.ts'
import { type BatchShape, batchClassOf, createActivation } from '../src/kernels/shape.ts'
import { createWeight, type Weight, weightBytes } from '../src/kernels/weight.ts'
import { WEIGHT_LAYOUTS, type WeightLayout } from '../src/kernels/weight-layouts.ts'
import { processorMs } from './processor-ms.ts'

const LAYOUTS: ReadonlyMap<string, WeightLayout> = new Map(
  Object.entries({ ...WEIGHT_LAYOUTS, ...BLOCK_LAYOUTS, ...GRID_LAYOUTS }),
)
const ROWS = [1, 4, 64] as const
/** Turns of each pair, by the rows. */
const TURNS = { 1: 40, 4: 12, 64: 4 } as const

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    weights: { type: 'string', default: ['q8', ...Object.keys(BLOCK_LAYOUTS), ...Object.keys(GRID_LAYOUTS)].join(',') },
    to: { type: 'string', default: 'q4' },
  },
})
const gpu = await openGpu({})
try {
  console.log(gpu.name)
  for (const size of positionals.length > 0 ? positionals : ['1024x4096']) await compare(size)
} finally {
  gpu.dispose()
}

async function compare(size: string): Promise<void> {
  const [, rows, cols] = (/^(\d+)x(\d+)$/.exec(size) ?? []).map(Number)
  if (rows === undefined || cols === undefined) throw new Error(`${size}: a matrix is named as in 4096x14336`)
  const base = await filled(values.to, rows, cols)
  const lines: string[][] = []
  for (const type of values.weights.split(',')) {
    const own = await filled(type, rows, cols)
    const ratios: number[] = []
    for (const T of ROWS) ratios.push(await ratio(own, base, T))
    const rate = bits(own) / bits(base) / ratios[0]!
    lines.push([type, ...[bits(own), ...ratios, rate].map((number) => number.toFixed(2))])
    for (const buffer of [own.quants, own.scales]) buffer?.destroy()
  }
  for (const buffer of [base.quants, base.scales]) buffer?.destroy()
  console.log(`\n${size}, times ${values.to}\n`)
  console.log(table(['type', 'bits', 'T = 1', 'T = 4', 'T = 64', 'rate of bytes, T = 1'], lines).join('\n'))
}

async function filled(type: string, rows: number, cols: number): Promise<Weight> {
  const layout = LAYOUTS.get(type)
  if (layout === undefined) throw new Error(`${type}: must be among ${[...LAYOUTS.keys()].join(', ')}`)
  const weight = createWeight(gpu, type, layout, rows, cols)
  await fillWeight(gpu, weight)
  return weight
}

/** Bits of the GPU's memory for each weight. */
function bits({ layout, rows, cols }: Weight): number {
  const { quants, scales } = weightBytes(layout, rows, cols)
  return (8 * (quants + scales)) / rows / cols
}

async function ratio(own: Weight, base: Weight, T: (typeof ROWS)[number]): Promise<number> {
  const x = createActivation(gpu, 'x', 64, own.cols)
  const y = createActivation(gpu, 'y', 64, own.rows)
  const batch: BatchShape = { rows: T, outputs: T, splits: 1, tiles: T, ruled: 0, logged: 0 }
  const runner = async (weight: Weight) => {
    const recorder = new Recorder<BatchShape>(gpu)
    linear(recorder, x, weight, store(y), { batchClass: batchClassOf(T) })
    const recording = await recorder.build()
    return async () => {
      const encoder = gpu.device.createCommandEncoder()
      const pass = encoder.beginComputePass()
      recording.encode(pass, batch)
      pass.end()
      const commands = encoder.finish()
      const start = now()
      gpu.submit(commands)
      await gpu.finish()
      return now() - start
    }
  }
  const [runOwn, runBase] = [await runner(own), await runner(base)]
  const times: [own: number[], base: number[]] = [[], []]
  await runOwn()
  await runBase()
  for (let turn = 0; turn < TURNS[T]; turn++) {
    times[0].push(await runOwn())
    times[1].push(await runBase())
  }
  for (const { buffer } of [x, y]) buffer.destroy()
  return Math.min(...times[0]) / Math.min(...times[1])
}

/** Milliseconds: of the process on a software adapter, of the clock on a GPU. */
function now(): number {
  return gpu.software ? processorMs() : performance.now()
}
