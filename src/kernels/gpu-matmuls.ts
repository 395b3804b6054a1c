/** The matrix products that only GPUs gain by. They are loaded where a device uses one. */
import type { Gpu } from '../gpu/device.ts'
import type { Extent } from '../gpu/recorder.ts'
import { part, type ShaderModule, type ShaderPart } from '../gpu/shader.ts'
import { MATMUL_MATRIX, MATMUL_VEC, MATMUL_VEC_SUBGROUP, matmulVec, matmulVecSubgroup } from '../gpu/shaders.gen.ts'
import {
  matmulMatrix,
  matmulTile,
  quantsBlocks,
  quantsQ4,
  quantsQ8,
  tileEmit,
  tileF16,
  tileF32,
  tileInt8,
} from '../gpu/shaders-gpu.gen.ts'
import type { BatchClass, GpuMatmul } from '../gpu/tuning.ts'
import type { Kernel, MakeMatmul, MatmulTools, Product } from './linear.ts'
import { type Activation, type BatchShape, BLOCK, ceilDiv } from './shape.ts'
import type { Weight } from './weight.ts'
import type { WeightLayout } from './weight-layouts.ts'

/** One more way to compute a product, and where it can be used. */
export interface GpuVariant {
  readonly make: MakeMatmul
  /** The classes of batches that it may be good for. */
  readonly classes: readonly BatchClass[]
  readonly runsOn: (gpu: Gpu, layout: WeightLayout) => boolean
  /** What is rounded on the way: nothing, to f16, or to 8 bits. */
  readonly rounds: 'nothing' | 'f16' | 'int8'
}

const FEW: readonly BatchClass[] = [1, 4]
const MANY: readonly BatchClass[] = ['many']
const PACKED_DOTS = 'packed_4x8_integer_dot_product'

export const GPU_MATMULS: Readonly<Record<GpuMatmul, GpuVariant>> = {
  vector_128: exact(FEW, (gpu, product, { vector }) => vector(gpu, product, 128)),
  vector_256: exact(FEW, (gpu, product, { vector }) => vector(gpu, product, 256)),
  vector_lanes: { ...exact(FEW, wholeSubgroups), runsOn: (gpu) => mostLanes(gpu) > gpu.tuning.subgroupLanes },
  split_64: exact(FEW, (_, product, tools) => split(product, tools, 64)),
  split_256: exact(FEW, (_, product, tools) => split(product, tools, 256)),
  tile: exact([8, 'decode', 'many'], (_, product, tools) => tiled(tileF32, product, tools, 8, 8)),
  tile_16x64: exact([8, 'decode', 'many'], (_, product, tools) => tiled(tileF32, product, tools, 4, 8)),
  tile_64x64: {
    ...exact(MANY, (_, product, tools) => tiled(tileF32, product, tools, 16, 8)),
    runsOn: hasWorkgroup(23_552, 128),
  },
  tile_32x128: {
    ...exact(MANY, (_, product, tools) => tiled(tileF32, product, tools, 8, 16)),
    runsOn: hasWorkgroup(28_160, 128),
  },
  f16_32x64: half(8, 8),
  f16_64x64: half(16, 8),
  int8_32x64: int8(8, 8),
  int8_64x64: int8(16, 8),
  int8_64x128: { ...int8(16, 16), runsOn: (gpu, layout) => takesInt8(gpu, layout) && hasWorkgroup(20_224, 256)(gpu) },
  matrix: {
    make: (gpu, product, tools) => matrix(gpu, product, tools),
    classes: MANY,
    runsOn: (gpu) => unitOf(gpu) !== undefined,
    rounds: 'f16',
  },
}

export const GPU_MAKERS: Readonly<Record<string, MakeMatmul>> = Object.fromEntries(
  Object.entries(GPU_MATMULS).map(([name, { make }]) => [name, make]),
)

function exact(classes: readonly BatchClass[], make: GpuVariant['make']): GpuVariant {
  return { make, classes, runsOn: () => true, rounds: 'nothing' }
}

/** @param bytes what the tiles, `tile_emit` and a folded norm take together */
function hasWorkgroup(bytes: number, threads: number) {
  return ({ limits }: Gpu): boolean =>
    limits.maxComputeWorkgroupStorageSize >= bytes && limits.maxComputeInvocationsPerWorkgroup >= threads
}

/** Lanes that subgroups can be asked to have, of which no kernel gains by more than 32; 0 where they cannot be asked. */
function mostLanes(gpu: Gpu): number {
  const { subgroupMaxSize = 0 } = gpu.adapterInfo
  return gpu.has('subgroups') && gpu.has('subgroup-size-control') ? Math.min(32, subgroupMaxSize) : 0
}

/** `matmul_vec_subgroup` with an output for each subgroup, where the adapter would decide how many lanes that has. */
const vecWholeSubgroup: typeof matmulVecSubgroup = {
  ...matmulVecSubgroup,
  enables: ['subgroups', 'subgroup_size_control'],
  code: matmulVecSubgroup.code.replace('@workgroup_size', '@subgroup_size(LANES) @workgroup_size'),
}

function wholeSubgroups(gpu: Gpu, product: Product, { shared }: MatmulTools): Kernel {
  const { bindings, constants } = shared(product)
  const LANES = mostLanes(gpu)
  const GROUPS = 64 / LANES
  const body = [part(vecWholeSubgroup, { bindings, constants: { ...constants, LANES, GROUPS } })]
  return { body, size: [ceilDiv(product.weight.rows, MATMUL_VEC_SUBGROUP.OUTPUTS * GROUPS), (b) => b[product.rows]] }
}

/** As many threads of a workgroup as `lanes` share four outputs: for matrices whose few outputs leave a GPU idle. */
function split(product: Product, { shared }: MatmulTools, lanes: number): Kernel {
  const { bindings, constants } = shared(product)
  const body = [part(matmulVec, { bindings, constants: { ...constants, LANES: lanes, GROUPS: 1 } })]
  return { body, size: [ceilDiv(product.weight.rows, MATMUL_VEC.OUTPUTS), (b) => b[product.rows]] }
}

function tiles({ weight, rows }: Product, outputs: number, tileRows: number): Extent<BatchShape>[] {
  return [ceilDiv(weight.rows, outputs), (b) => ceilDiv(b[rows], tileRows)]
}

/** Threads that make four rows of eight outputs each, from tiles that `tile` brings. */
function tiled(
  tile: ShaderModule,
  product: Product,
  { shared }: MatmulTools,
  ROW_THREADS: number,
  COL_THREADS: number,
): Kernel {
  const { bindings, constants } = shared(product)
  const body = [
    part(matmulTile, { bindings, constants: { ...constants, ROW_THREADS, COL_THREADS, ROWS: roomOf(product.x) } }),
    part(tile, { bindings: {}, constants: {} }),
    part(tileEmit, { bindings: {}, constants: {} }),
  ]
  return { body, size: tiles(product, 8 * COL_THREADS, 4 * ROW_THREADS) }
}

function half(ROW_THREADS: number, COL_THREADS: number): GpuVariant {
  return {
    make: (_, product, tools) => tiled(tileF16, product, tools, ROW_THREADS, COL_THREADS),
    classes: MANY,
    runsOn: (gpu) => gpu.has('shader-f16'),
    rounds: 'f16',
  }
}

function int8(ROW_THREADS: number, COL_THREADS: number): GpuVariant {
  return {
    make: (gpu, product, tools) => ({
      ...tiled(tileInt8, product, tools, ROW_THREADS, COL_THREADS),
      weights: quantParts(gpu, product.weight),
    }),
    classes: MANY,
    runsOn: takesInt8,
    rounds: 'int8',
  }
}

/** The sizes of a subgroup's matrices, as adapters name them. */
interface MatrixUnit {
  readonly componentType: string
  readonly resultComponentType: string
  readonly M: number
  readonly N: number
  readonly K: number
}

/** Matrices of f16 with sums in f32 that tiles are made of. */
function unitOf(gpu: Gpu): MatrixUnit | undefined {
  const { subgroupMatrixConfigs = [], subgroupMaxSize = 128 } = gpu.adapterInfo as GPUAdapterInfo & {
    readonly subgroupMatrixConfigs?: Iterable<MatrixUnit>
  }
  const able =
    gpu.has('chromium-experimental-subgroup-matrix') &&
    gpu.has('shader-f16') &&
    4 * subgroupMaxSize <= gpu.limits.maxComputeInvocationsPerWorkgroup
  if (!able) return undefined
  return [...subgroupMatrixConfigs].find(
    ({ componentType, resultComponentType, M, N, K }) =>
      componentType === 'f16' && resultComponentType === 'f32' && 32 % M === 0 && 16 % N === 0 && 32 % K === 0,
  )
}

function matrix(gpu: Gpu, product: Product, { shared }: MatmulTools): Kernel {
  const { M, N, K } = unitOf(gpu)!
  const { bindings, constants } = shared(product)
  const SUBGROUP = gpu.adapterInfo.subgroupMaxSize ?? 128
  const use = { ...constants, ROWS: roomOf(product.x), M, UNIT_N: N, K, SUBGROUP }
  const { TILE_OUTPUTS, TILE_ROWS } = MATMUL_MATRIX
  return { body: [part(matmulMatrix, { bindings, constants: use })], size: tiles(product, TILE_OUTPUTS, TILE_ROWS) }
}

/** Rows that buffers have room for: behind those of a folded norm lie squares. */
function roomOf({ buffer, stride, ...x }: Activation & { readonly squaresAt?: number }): number {
  return (x.squaresAt ?? buffer.size / 4) / stride
}

/** The parts that give whole numbers instead of weights. */
const QUANTS: Readonly<Record<string, ShaderModule>> = {
  weights_q4: quantsQ4,
  weights_q8: quantsQ8,
  weights_blocks: quantsBlocks,
}

function quantParts(gpu: Gpu, weight: Weight): readonly ShaderPart[] {
  const [reader, ...others] = weight.layout.parts(gpu, weight, { K_BLOCKS: ceilDiv(weight.cols, BLOCK) })
  return [{ ...reader!, module: QUANTS[reader!.module.name]! }, ...others]
}

/** Rows in groups have zero points, and quants without a sign. */
function takesInt8(gpu: Gpu, { name, grouping }: WeightLayout): boolean {
  return gpu.language.has(PACKED_DOTS) && grouping === undefined && !/^b?f(?:16|32)$/.test(name)
}
