/**
 * Times the matrix product for every type of weight, at T = 1, 4, 8 and 64, without a model.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/kernels.ts [OUTPUTSxINPUTS ...] [--weights q4,q8] [--disable f16,subgroups] [--json]
 */
import { parseArgs } from 'node:util'
import { measureBandwidth } from '../src/cli/bench/bandwidth.ts'
import { type MatrixShape, measureKernels } from '../src/cli/bench/kernels.ts'
import { digits, kernelTable } from '../src/cli/bench/render.ts'
import { openGpu } from '../src/gpu/open.ts'
import { BLOCK_LAYOUTS } from '../src/kernels/block-layouts.ts'
import { GRID_LAYOUTS } from '../src/kernels/grid-layouts.ts'
import { WEIGHT_LAYOUTS, type WeightLayout } from '../src/kernels/weight-layouts.ts'

const LAYOUTS: ReadonlyMap<string, WeightLayout> = new Map(
  Object.entries({ ...WEIGHT_LAYOUTS, ...BLOCK_LAYOUTS, ...GRID_LAYOUTS }),
)

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    weights: { type: 'string', default: [...LAYOUTS.keys()].join(',') },
    disable: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
})

const disableFeatures = values.disable.split(',').map((name) => (name === 'f16' ? 'shader-f16' : name))
const gpu = await openGpu({ disableFeatures })
try {
  const sizes = positionals.length > 0 ? positionals : ['1024x1024']
  const shapes = sizes.flatMap((size) => values.weights.split(',').map((layout) => shapeOf(size, layout)))
  const bandwidth = await measureBandwidth(gpu)
  const kernels = await measureKernels(gpu, shapes)
  if (values.json) {
    console.log(JSON.stringify({ adapter: gpu.name, software: gpu.software, bandwidth, kernels }, undefined, 2))
  } else {
    console.log(`${gpu.name}${gpu.software ? ' (a software adapter: its times say nothing about a GPU)' : ''}`)
    console.log(`streaming read ${digits(bandwidth.gb_per_s)} GB/s\n`)
    console.log(kernelTable(kernels).join('\n'))
  }
} finally {
  gpu.dispose()
}

function shapeOf(name: string, type: string): MatrixShape {
  const [, rows, cols] = /^(\d+)x(\d+)$/.exec(name) ?? []
  if (rows === undefined || cols === undefined) throw new Error(`${name}: a matrix is named as in 4096x14336`)
  const layout = LAYOUTS.get(type)
  if (layout === undefined) throw new Error(`--weights ${type}: must be among ${[...LAYOUTS.keys()].join(', ')}`)
  return { name, layout, rows: Number(rows), cols: Number(cols) }
}
