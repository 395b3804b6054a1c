/** The matrix products that only software adapters gain by. They are loaded where a device uses one. */
import type { Gpu } from '../gpu/device.ts'
import { part, type ShaderModule, type ShaderPart } from '../gpu/shader.ts'
import { MATMUL_ROWS } from '../gpu/shaders.gen.ts'
import {
  matmulRows,
  rowsBlocks,
  rowsHalves,
  rowsQ4,
  rowsQ8,
  rowsWeights,
  shareNone,
  shareSubgroup,
} from '../gpu/shaders-rows.gen.ts'
import type { Kernel, MakeMatmul, MatmulTools, Product } from './linear.ts'
import { BLOCK, ceilDiv } from './shape.ts'
import { type Weight, weightParts } from './weight.ts'

const FLOATS = /^b?f\d+$/

export const ROWS_MATMULS = {
  // Four lanes share too little to gain by it where there is nothing to unpack.
  rows1: (gpu, product, tools) =>
    unpacksNothing(gpu, product) ? tools.vector(gpu, product) : rows(gpu, product, tools, 1),
  rows4: (gpu, product, tools) => rows(gpu, product, tools, 4),
  // Nor do more rows gain by it then what compiling them takes.
  rows8: (gpu, product, tools) => rows(gpu, product, tools, unpacksNothing(gpu, product) ? 4 : 8),
} as const satisfies Record<string, MakeMatmul>

function unpacksNothing(gpu: Gpu, { weight }: Product): boolean {
  return gpu.tuning.subgroupLanes === 4 && FLOATS.test(weight.layout.name)
}

/** Lanes of a workgroup: as many as there are quads in a block, or half of them. */
const MOST_LANES = 8

function rows(gpu: Gpu, product: Product, { shared }: MatmulTools, count: 1 | 4 | 8): Kernel {
  const { bindings, constants } = shared(product)
  const { subgroupLanes } = gpu.tuning
  const LANES = subgroupLanes === 0 ? MOST_LANES : Math.min(MOST_LANES, subgroupLanes)
  const share = part(subgroupLanes === 0 ? shareNone : shareSubgroup, { bindings: {}, constants: {} })
  return {
    body: [part(matmulRows, { bindings, constants: { ...constants, LANES, ROWS: count } }), share],
    weights: rowsParts(gpu, product.weight),
    size: [ceilDiv(product.weight.rows, LANES * MATMUL_ROWS.OUTPUTS), (b) => ceilDiv(b[product.rows], count)],
  }
}

/** Parts that read a block at a time, by those that they stand in for. They have the same buffers. */
const BY_BLOCK: Readonly<Record<string, ShaderModule>> = {
  weights_halves: rowsHalves,
  weights_q4: rowsQ4,
  weights_q8: rowsQ8,
}

/** What a lane reads its rows of weights with. */
function rowsParts(gpu: Gpu, weight: Weight): readonly ShaderPart[] {
  const parts = weightParts(gpu, weight)
  const [first, ...others] = parts
  const module = BY_BLOCK[first!.module.name]
  if (module !== undefined) return [{ ...first!, module }, ...others]
  if (others.some(({ module }) => module.provides === 'block')) {
    return [part(rowsBlocks, { bindings: {}, constants: { K_BLOCKS: ceilDiv(weight.cols, BLOCK) } }), ...others]
  }
  return [part(rowsWeights, { bindings: {}, constants: {} }), ...parts]
}
