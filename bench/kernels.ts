/**
 * Times the matrix product for every type of weight, at T = 1, 4, 8 and 64, without a model.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/kernels.ts [OUTPUTSxINPUTS ...] [--weights q4,q8] [--disable f16,subgroups] [--json]
 *
 * With `--beside q4` each type is timed beside that one, in turn, and a table says how many times its time each takes; the
 * last column is the rate of weights, in bytes, against that one's at T = 1.
 */
import { parseArgs } from 'node:util'
import { measureBandwidth } from '../src/cli/bench/bandwidth.ts'
import { type MatrixShape, measureKernels } from '../src/cli/bench/kernels.ts'
import { digits, kernelTable, table } from '../src/cli/bench/render.ts'
import { openGpu } from '../src/gpu/open.ts'
import { BLOCK_LAYOUTS } from '../src/kernels/block-layouts.ts'
import { GRID_LAYOUTS } from '../src/kernels/grid-layouts.ts'
import { weightBytes } from '../src/kernels/weight.ts'
import { WEIGHT_LAYOUTS, type WeightLayout } from '../src/kernels/weight-layouts.ts'

const LAYOUTS: ReadonlyMap<string, WeightLayout> = new Map(
  Object.entries({ ...WEIGHT_LAYOUTS, ...BLOCK_LAYOUTS, ...GRID_LAYOUTS }),
)

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    weights: { type: 'string', default: [...LAYOUTS.keys()].join(',') },
    beside: { type: 'string' },
    disable: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
})

const disableFeatures = values.disable.split(',').map((name) => (name === 'f16' ? 'shader-f16' : name))
const gpu = await openGpu({ disableFeatures })
try {
  const sizes = positionals.length > 0 ? positionals : ['1024x1024']
  const types = values.weights.split(',')
  const name = `${gpu.name}${gpu.software ? ' (a software adapter: its times say nothing about a GPU)' : ''}`
  if (values.beside === undefined) await alone(sizes, types, name)
  else await beside(sizes, types, values.beside, name)
} finally {
  gpu.dispose()
}

async function alone(sizes: readonly string[], types: readonly string[], name: string): Promise<void> {
  const bandwidth = await measureBandwidth(gpu)
  const kernels = await measureKernels(
    gpu,
    sizes.flatMap((size) => types.map((type) => shapeOf(size, type))),
  )
  if (values.json) {
    console.log(JSON.stringify({ adapter: gpu.name, software: gpu.software, bandwidth, kernels }, undefined, 2))
    return
  }
  console.log(`${name}\nstreaming read ${digits(bandwidth.gb_per_s)} GB/s\n`)
  console.log(kernelTable(kernels).join('\n'))
}

/** Software adapters share their cores with everything else: the least of so many ratios counts. */
const TURNS = 3

async function beside(sizes: readonly string[], types: readonly string[], other: string, name: string): Promise<void> {
  console.log(name)
  for (const size of sizes) {
    const rows: string[][] = []
    for (const type of types) rows.push(await ratios(size, type, other))
    console.log(`\n${size}, times ${other}\n`)
    console.log(table(['type', 'bits', 'T = 1', 'T = 4', 'T = 64', 'rate of bytes at T = 1'], rows).join('\n'))
  }
}

async function ratios(size: string, type: string, other: string): Promise<string[]> {
  const shapes = [shapeOf(size, other), shapeOf(size, type)]
  const least = new Map<string, number>()
  for (let turn = 0; turn < TURNS; turn++) {
    for (const { dtype, T, ms } of await measureKernels(gpu, shapes)) {
      const key = `${dtype} ${T}`
      least.set(key, Math.min(ms, least.get(key) ?? ms))
    }
  }
  const [base, own] = shapes.map(({ layout, rows, cols }) => {
    const { quants, scales } = weightBytes(layout, rows, cols)
    return (8 * (quants + scales)) / rows / cols
  })
  const ratio = (T: number) => least.get(`${type} ${T}`)! / least.get(`${other} ${T}`)!
  const rate = own! / base! / ratio(1)
  return [type, own!.toFixed(2), ...[1, 4, 64].map((T) => ratio(T).toFixed(2)), rate.toFixed(2)]
}

function shapeOf(name: string, type: string): MatrixShape {
  const [, rows, cols] = /^(\d+)x(\d+)$/.exec(name) ?? []
  if (rows === undefined || cols === undefined) throw new Error(`${name}: a matrix is named as in 4096x14336`)
  const layout = LAYOUTS.get(type)
  if (layout === undefined) throw new Error(`--weights ${type}: must be among ${[...LAYOUTS.keys()].join(', ')}`)
  return { name, layout, rows: Number(rows), cols: Number(cols) }
}
