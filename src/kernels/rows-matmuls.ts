/** The matrix products that only software adapters gain by. They are loaded where a device uses one. */
import type { Gpu } from '../gpu/device.ts'
import { part, type ShaderModule, type ShaderPart, type Slice } from '../gpu/shader.ts'
import { MATMUL_ROWS } from '../gpu/shaders.gen.ts'
import {
  matmulRows,
  matmulWide,
  productsFour,
  rowsBlocks,
  rowsHalves,
  rowsQ4,
  rowsQ8,
  rowsWeights,
  shareNone,
  shareSubgroup,
  shareUniform,
  shareUniforms,
} from '../gpu/shaders-rows.gen.ts'
import type { RowsMatmul } from '../gpu/tuning.ts'
import type { Kernel, MakeMatmul, MatmulTools, Product } from './linear.ts'
import { type Activation, type BatchShape, BLOCK, ceilDiv } from './shape.ts'
import { type Weight, weightParts } from './weight.ts'

const FLOATS = /^b?f\d+$/

export const ROWS_MATMULS = {
  // Four lanes share too little to gain by it where there is nothing to unpack.
  rows1: (gpu, product, tools) =>
    unpacksNothing(gpu, product) ? tools.vector(gpu, product) : rows(gpu, product, tools, 1),
  rows4: (gpu, product, tools) => rows(gpu, product, tools, 4),
  // Nor do more rows gain by it then what compiling them takes.
  rows8: eight,
  // For sixteen rows and eight outputs of a lane there is a kernel with uniforms alone.
  rows16: (gpu, product, tools) => (bindsRows(gpu, product) ? wide(gpu, product, tools) : eight(gpu, product, tools)),
} as const satisfies Record<RowsMatmul, MakeMatmul>

function eight(gpu: Gpu, product: Product, tools: MatmulTools): Kernel | Kernel[] {
  return rows(gpu, product, tools, unpacksNothing(gpu, product) ? 4 : 8)
}

function unpacksNothing(gpu: Gpu, { weight }: Product): boolean {
  return gpu.tuning.subgroupLanes === 4 && FLOATS.test(weight.layout.name)
}

/** Lanes of a workgroup: as many as there are quads in a block, or half of them. */
const MOST_LANES = 8

function rows(gpu: Gpu, product: Product, { shared }: MatmulTools, count: 1 | 4 | 8): Kernel | Kernel[] {
  const { weight, rows } = product
  const { bindings, constants } = shared(product)
  const { subgroupLanes } = gpu.tuning
  const LANES = subgroupLanes === 0 ? MOST_LANES : Math.min(MOST_LANES, subgroupLanes)
  const kernel = [part(matmulRows, { bindings, constants: { ...constants, LANES, ROWS: count } }), products()]
  const weights = rowsParts(gpu, weight)
  const outputs = ceilDiv(weight.rows, LANES * MATMUL_ROWS.OUTPUTS)
  if (!bindsRows(gpu, product)) {
    const share = part(subgroupLanes === 0 ? shareNone : shareSubgroup, { bindings: {}, constants: {} })
    return { body: [...kernel, share], weights, size: [outputs, (b) => ceilDiv(b[rows], count)] }
  }
  // One row exactly is decoded, or has an output.
  const windows = count === 1 ? 1 : Math.floor(product.x.buffer.size / (4 * product.x.stride) / count)
  return Array.from({ length: windows }, (_, window) => ({
    body: withUniforms(kernel, product.x, window * count),
    weights,
    size: [(b) => (b[rows] > window * count ? outputs : 0)],
    goesOn: window > 0,
  }))
}

/** Rows of x and outputs of a lane that `matmul_wide` makes. */
const WIDE = { LANES: MOST_LANES, ROWS: 16, OUTPUTS: 8 }

/**
 * Sixteen rows at a time, of which nine or more are in the batch; eight at a time by the kernel for so many, with which the sums are
 * the same.
 */
function wide(gpu: Gpu, product: Product, tools: MatmulTools): Kernel[] {
  const { weight, rows: counted, x } = product
  const { bindings, constants } = tools.shared(product)
  const kernel = [part(matmulWide, { bindings, constants: { ...constants, ...WIDE } }), products()]
  const weights = rowsParts(gpu, weight)
  const outputs = ceilDiv(weight.rows, MOST_LANES * WIDE.OUTPUTS)
  const fewOutputs = ceilDiv(weight.rows, MOST_LANES * MATMUL_ROWS.OUTPUTS)
  const eights = [rows(gpu, product, tools, 8)].flat().filter((_, window) => window % 2 === 0)
  const isFew = (b: BatchShape, first: number): boolean => b[counted] <= first + 8
  // Those of a kind follow each other: they have a pipeline in common.
  return [
    ...eights.map((few, i): Kernel => {
      const first = i * WIDE.ROWS
      return { ...few, size: [(b) => (b[counted] > first && isFew(b, first) ? fewOutputs : 0)] }
    }),
    ...eights.map((_, i): Kernel => {
      const first = i * WIDE.ROWS
      const body = withManyUniforms(kernel, x, first, WIDE.ROWS)
      return { body, weights, size: [(b) => (isFew(b, first) ? 0 : outputs)], goesOn: i > 0 }
    }),
  ]
}

function products(): ShaderPart {
  return part(productsFour, { bindings: {}, constants: {} })
}

/** What WebGPU promises of uniforms: bytes of one, and how many a shader may have. */
const UNIFORM_BYTES = 65_536
const MOST_UNIFORMS = 12
const UNIFORM_STEP = 256

/**
 * Weights of a matrix from which on a dispatch for each eight rows takes less than loads do. Prompts of models that have such matrices are
 * too long for the kernels of single rows (`PRODUCTS` in model/meanwhile.ts).
 */
const UNIFORM_ROWS = 2 ** 24

/** Whether each row of x can be a uniform, and that pays. */
export function bindsRows({ tuning }: Gpu, { x, weight }: Pick<Product, 'x' | 'weight'>): boolean {
  const bytes = x.stride * 4
  return (
    tuning.subgroupLanes >= MOST_LANES &&
    !tuning.sharedBindGroups &&
    weight.rows * weight.cols >= (tuning.uniformRows ?? UNIFORM_ROWS) &&
    bytes <= UNIFORM_BYTES &&
    bytes % UNIFORM_STEP === 0
  )
}

/** The kernel with each row of x in a binding of its own, from `first` on. Rows of kernels for less than eight go on behind theirs. */
function withUniforms(kernel: ShaderPart[], x: Activation, first: number): ShaderPart[] {
  const { buffer } = x
  const bindings = { x0: buffer, x1: buffer, x2: buffer, x3: buffer, x4: buffer, x5: buffer, x6: buffer, x7: buffer }
  const share = part(shareUniform, { bindings, constants: extent(x) })
  return [...fromRow(kernel, x, first), { ...share, slices: rowSlices(x, Object.keys(bindings), first, 1) }]
}

/** The kernel with as many rows of x, from `first` on, as go into twelve bindings; it reads the others from x. */
function withManyUniforms(kernel: ShaderPart[], x: Activation, first: number, count: number): ShaderPart[] {
  const EACH = Math.min(Math.floor(UNIFORM_BYTES / (x.stride * 4)), ceilDiv(count, MOST_UNIFORMS))
  const { QUADS, X_QUADS } = extent(x)
  const constants = { QUADS, X_QUADS, EACH, UNIFORM_QUADS: EACH * QUADS }
  const names = Array.from({ length: MOST_UNIFORMS }, (_, i) => `x${i}`)
  const bindings = Object.fromEntries(names.map((name) => [name, x.buffer]))
  return [
    ...fromRow(kernel, x, first),
    { module: shareUniforms, bindings, constants, slices: rowSlices(x, names, first, EACH) },
  ]
}

/** Quads of a row of x, and of all that there is room for. */
function extent({ buffer, stride }: Activation) {
  return { QUADS: stride / 4, X_QUADS: Math.floor(buffer.size / 16) }
}

/** So many rows of x for each of the bindings, from `first` on; what would lie behind the last row is bound to the last rows. */
function rowSlices({ buffer, stride }: Activation, names: readonly string[], first: number, each: number) {
  const bytes = stride * 4
  const last = Math.floor(buffer.size / bytes) - each
  const slice = (i: number): Slice => ({ offset: Math.min(first + each * i, last) * bytes, size: each * bytes })
  return Object.fromEntries(names.map((name, i) => [name, slice(i)]))
}

/** The kernel with x bound from the row `first` on. */
function fromRow([kernel, ...others]: readonly ShaderPart[], { stride }: Activation, first: number): ShaderPart[] {
  return [{ ...kernel!, slices: { x: { offset: first * stride * 4 } } }, ...others]
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
