/** Matrix products: the variant for each class of batch, and what becomes of the results. */
import type { Gpu } from '../gpu/device.ts'
import type { Extent, Recorder } from '../gpu/recorder.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import {
  emitAdd,
  emitSiluGate,
  emitStore,
  MATMUL_VEC,
  MATMUL_VEC_SUBGROUP,
  matmulVec,
  matmulVecSubgroup,
  scaleOne,
} from '../gpu/shaders.gen.ts'
import { type BatchClass, type MatmulVariant, matmulFor } from '../gpu/tuning.ts'
import { type Activation, type BatchShape, ceilDiv, expectCols, powerOfTwo } from './shape.ts'
import { type Matrix, startPart, stepsPerRow, type Weight, weightParts } from './weight.ts'

const THREADS = 64

/** The shader part that says what the outputs of a piece of a matrix begin at. */
export type StartOf = (piece: Weight) => ShaderPart

export interface LinearOptions {
  readonly batchClass: BatchClass
  /** Which count of the batch x has rows for. */
  readonly rows?: 'rows' | 'outputs'
  /** Where outputs begin at something else than the bias. */
  readonly start?: StartOf | undefined
}

/**
 * emit(x [T, cols] · weightᵀ [cols, rows] + bias [rows]), x scaled row by row where it has a scale. One row uses a
 * matrix-vector kernel, up to eight a kernel that reads each weight once for all of them, more a tiled one. Each piece of a
 * matrix is a dispatch.
 */
export function linear(
  r: Recorder<BatchShape>,
  x: Activation,
  weight: Weight | Matrix,
  emit: readonly ShaderPart[],
  { batchClass, rows = 'rows', start = startPart }: LinearOptions,
): void {
  const scale = x.scale ?? part(scaleOne, { bindings: {}, constants: {} })
  let first = 0
  for (const piece of [weight].flat()) {
    expectCols(piece.label, x.cols, piece.cols)
    const kernels = [kernelFor(r.gpu, { x, weight: piece, first, rows }, batchClass)].flat()
    for (const { body, size, weights, goesOn } of kernels) {
      const parts = [...body, ...(weights ?? weightParts(r.gpu, piece)), scale, start(piece), ...emit]
      r.dispatch(piece.label, parts, size, goesOn)
    }
    first += piece.rows
  }
}

/** A product that a kernel is asked for. */
export interface Product {
  readonly x: Activation
  readonly weight: Weight
  /** The output that the weight's first row gives. */
  readonly first: number
  readonly rows: 'rows' | 'outputs'
}

export interface Kernel {
  readonly body: readonly ShaderPart[]
  readonly size: Extent<BatchShape>[]
  /** The parts that read the matrix, where they are others than for most kernels. */
  readonly weights?: readonly ShaderPart[]
  /** As the recorder's dispatches do. */
  readonly goesOn?: boolean
}

/** What kernels that are loaded later are made with. */
const TOOLS = { vector, shared, lanes }
export type MatmulTools = typeof TOOLS
/** Several kernels share the rows of a batch. */
export type MakeMatmul = (gpu: Gpu, product: Product, tools: MatmulTools) => Kernel | Kernel[]

/** The kernels by their names. `loadMatmuls` adds those that a device uses besides. */
export const matmuls = new Map<MatmulVariant, MakeMatmul>([['vector', (gpu, product) => vector(gpu, product)]])

function kernelFor(gpu: Gpu, product: Product, batchClass: BatchClass): Kernel | Kernel[] {
  const { layout, rows } = product.weight
  return matmuls.get(matmulFor(gpu.tuning, layout.name, rows, batchClass))!(gpu, product, TOOLS)
}

/** What every matmul takes. */
function shared({ x, weight, first }: Product) {
  return { bindings: { x: x.buffer }, constants: { FIRST: first, N: first + weight.rows } }
}

/** `threads` in a workgroup, of which as many share an output as exchange values in order. */
function vector(gpu: Gpu, product: Product, threads = THREADS): Kernel {
  const { weight, rows } = product
  const { LANES, GROUPS, subgroups } = lanes(gpu, stepsPerRow(weight), 32, threads)
  const { bindings, constants } = shared(product)
  const use = { bindings, constants: { ...constants, LANES, GROUPS } }
  const body = [subgroups ? part(matmulVecSubgroup, use) : part(matmulVec, use)]
  const { OUTPUTS } = subgroups ? MATMUL_VEC_SUBGROUP : MATMUL_VEC
  return { body, size: [ceilDiv(weight.rows, OUTPUTS * GROUPS), (b) => b[rows]] }
}

/** No more lanes than there is work for, nor than exchange values in order where the subgroup variant is used. */
function lanes(gpu: Gpu, work: number, most: number, threads = THREADS) {
  const { subgroupLanes } = gpu.tuning
  const subgroups = subgroupLanes > 0
  const wanted = Math.max(2, Math.min(most, powerOfTwo(work)))
  const LANES = subgroups ? Math.min(wanted, subgroupLanes) : wanted
  return { LANES, GROUPS: threads / LANES, subgroups }
}

/** y = the product. */
export function store(y: Activation): ShaderPart[] {
  return [part(emitStore, { bindings: { y: y.buffer }, constants: { Y_STRIDE: y.stride } })]
}

/** y += the product: the residual connection. */
export function add(y: Activation): ShaderPart[] {
  return [part(emitAdd, { bindings: { y: y.buffer }, constants: { Y_STRIDE: y.stride } })]
}

/** y = silu(even outputs) * odd outputs, for w1 and w3 with interleaved rows. */
export function siluGate(y: Activation): ShaderPart[] {
  return [part(emitSiluGate, { bindings: { y: y.buffer }, constants: { Y_STRIDE: y.stride } })]
}
