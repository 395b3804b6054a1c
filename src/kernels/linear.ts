import type { Gpu } from '../gpu/device.ts'
import type { Extent, Recorder } from '../gpu/recorder.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import {
  emitAdd,
  emitSiluGate,
  emitStore,
  matmulBatch,
  matmulBatchSubgroup,
  matmulTile,
  matmulVec,
  matmulVecSubgroup,
} from '../gpu/shaders.gen.ts'
import { type Activation, type BatchShape, ceilDiv, expectCols, powerOfTwo, ROW_TILE, type Width } from './shape.ts'
import { startPart, stepsPerRow, type Weight, weightParts } from './weight.ts'

const THREADS = 64
/** Outputs that one thread of the vector and batch kernels keeps. */
const OUTPUTS_PER_THREAD = 4
const TILE_OUTPUTS = 64

export interface LinearOptions {
  readonly width: Width
  /** Which count of the batch x has rows for. */
  readonly rows?: 'rows' | 'outputs'
}

/**
 * emit(x [T, cols] · weightᵀ [cols, rows] + bias [rows]). One row uses a matrix-vector kernel, up to eight a kernel that reads each
 * weight once for all of them, more a tiled one.
 */
export function linear(
  r: Recorder<BatchShape>,
  x: Activation,
  weight: Weight,
  emit: readonly ShaderPart[],
  { width, rows = 'rows' }: LinearOptions,
): void {
  expectCols(weight.label, x.cols, weight.cols)
  const { body, size } = kernelFor(r.gpu, x, weight, width, rows)
  r.dispatch(weight.label, [body, ...weightParts(r.gpu, weight), startPart(weight), ...emit], size)
}

interface Kernel {
  readonly body: ShaderPart
  readonly size: Extent<BatchShape>[]
}

function kernelFor(gpu: Gpu, x: Activation, weight: Weight, width: Width, rows: 'rows' | 'outputs'): Kernel {
  const variant = gpu.tuning.matmul[width]
  if (variant === 'vector') return vector(gpu, x, weight, rows)
  if (variant === 'tile') return tiled(x, weight, rows)
  return batch(gpu, x, weight, { wide: variant === 'batch8', rows })
}

function vector(gpu: Gpu, x: Activation, weight: Weight, rows: 'rows' | 'outputs'): Kernel {
  const { LANES, GROUPS, subgroups } = lanes(gpu, stepsPerRow(weight), 32)
  const use = { bindings: { x: x.buffer }, constants: { N: weight.rows, LANES, GROUPS } }
  const body = subgroups ? part(matmulVecSubgroup, use) : part(matmulVec, use)
  return { body, size: [ceilDiv(weight.rows, OUTPUTS_PER_THREAD * GROUPS), (b) => b[rows]] }
}

function batch(
  gpu: Gpu,
  x: Activation,
  weight: Weight,
  { wide, rows }: { wide: boolean; rows: 'rows' | 'outputs' },
): Kernel {
  const { LANES, GROUPS, subgroups } = lanes(gpu, ceilDiv(weight.cols, 4), 16)
  const use = { bindings: { x: x.buffer }, constants: { N: weight.rows, LANES, GROUPS, WIDE: wide } }
  const body = subgroups ? part(matmulBatchSubgroup, use) : part(matmulBatch, use)
  const outputs = ceilDiv(weight.rows, OUTPUTS_PER_THREAD * GROUPS)
  return { body, size: [outputs, (b) => ceilDiv(b[rows], wide ? 8 : 4)] }
}

function tiled(x: Activation, weight: Weight, rows: 'rows' | 'outputs'): Kernel {
  const use = { bindings: { x: x.buffer }, constants: { N: weight.rows } }
  return { body: part(matmulTile, use), size: [ceilDiv(weight.rows, TILE_OUTPUTS), (b) => ceilDiv(b[rows], ROW_TILE)] }
}

/** No more lanes than there is work for, nor than exchange values in order where the subgroup variant is used. */
function lanes(gpu: Gpu, work: number, most: number): { LANES: number; GROUPS: number; subgroups: boolean } {
  const { subgroupLanes } = gpu.tuning
  const subgroups = subgroupLanes > 0
  const wanted = Math.max(2, Math.min(most, powerOfTwo(work)))
  const LANES = subgroups ? Math.min(wanted, subgroupLanes) : wanted
  return { LANES, GROUPS: THREADS / LANES, subgroups }
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
