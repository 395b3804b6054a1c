/** What published models take on a device. */
import type { Gpu } from '../gpu/device.ts'
import { CACHE_LAYOUTS } from '../kernels/cache-layouts.ts'
import { matrixBytes, type PieceLimits } from '../kernels/weight.ts'
import { WEIGHT_LAYOUTS, type WeightLayout } from '../kernels/weight-layouts.ts'

/** The shape of a published model. */
interface Shape {
  readonly name: string
  readonly dim: number
  readonly nLayers: number
  readonly hiddenDim: number
  /** Outputs of the fused query, key and value projection. */
  readonly qkv: number
  /** Inputs of the output projection of attention. */
  readonly heads: number
  readonly vocab: number
  /** That it was trained for. */
  readonly positions: number
  /** Embeddings and output are one matrix. */
  readonly tied?: true
}

/** From each model's `config.json`. */
const SHAPES: readonly Shape[] = [
  {
    name: 'Ministral 3 3B',
    dim: 3072,
    nLayers: 26,
    hiddenDim: 9216,
    qkv: 6144,
    heads: 4096,
    vocab: 131072,
    positions: 262144,
    tied: true,
  },
  {
    name: 'Ministral 3 8B',
    dim: 4096,
    nLayers: 34,
    hiddenDim: 14336,
    qkv: 6144,
    heads: 4096,
    vocab: 131072,
    positions: 262144,
  },
  {
    name: 'Ministral 3 14B',
    dim: 5120,
    nLayers: 40,
    hiddenDim: 16384,
    qkv: 6144,
    heads: 4096,
    vocab: 131072,
    positions: 262144,
  },
  {
    name: 'Mistral 7B',
    dim: 4096,
    nLayers: 32,
    hiddenDim: 14336,
    qkv: 6144,
    heads: 4096,
    vocab: 32768,
    positions: 32768,
  },
  {
    name: 'Ministral 8B',
    dim: 4096,
    nLayers: 36,
    hiddenDim: 12288,
    qkv: 6144,
    heads: 4096,
    vocab: 131072,
    positions: 32768,
  },
  {
    name: 'Mistral Nemo 12B',
    dim: 5120,
    nLayers: 40,
    hiddenDim: 14336,
    qkv: 6144,
    heads: 4096,
    vocab: 131072,
    positions: 131072,
  },
  {
    name: 'Mistral Small 24B',
    dim: 5120,
    nLayers: 40,
    hiddenDim: 32768,
    qkv: 6144,
    heads: 4096,
    vocab: 131072,
    positions: 32768,
  },
]

/** Of all of these models. */
const KV_HEADS = 8
const HEAD_DIM = 128

type Option = 'native' | 'q8' | 'q4'

export interface ModelFit {
  readonly name: string
  /** Of all weights on the GPU, without cache and workspace, by `--weights`, for a checkpoint of 16 bits. */
  readonly weights_bytes: Readonly<Record<Option, number>>
  /** The largest context of one sequence whose keys and values of a layer fit one binding. */
  readonly max_context: number
}

/** What models take on a device, and the context that they can have there. */
export function modelFits(gpu: PieceLimits & { has?: Gpu['has'] }): ModelFit[] {
  const { f16, q8, q4 } = WEIGHT_LAYOUTS
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.limits
  const cache = gpu.has?.('shader-f16') ? CACHE_LAYOUTS.f16 : CACHE_LAYOUTS.f32
  const slot = 2 * KV_HEADS * cache.bytesPerKey(HEAD_DIM)
  return SHAPES.map((shape) => ({
    name: shape.name,
    weights_bytes: {
      native: weightsBytes(gpu, shape, f16, f16),
      q8: weightsBytes(gpu, shape, q8, q8),
      // Under q4 the embedding and the output projection stay at 8 bits.
      q4: weightsBytes(gpu, shape, q4, q8),
    },
    max_context: Math.min(shape.positions, Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / slot)),
  }))
}

function weightsBytes(gpu: PieceLimits, shape: Shape, inner: WeightLayout, ends: WeightLayout): number {
  const { dim, nLayers, hiddenDim, qkv, heads, vocab, tied } = shape
  const layer =
    matrixBytes(gpu, inner, qkv, dim) +
    matrixBytes(gpu, inner, dim, heads) +
    matrixBytes(gpu, inner, 2 * hiddenDim, dim) +
    matrixBytes(gpu, inner, dim, hiddenDim)
  return nLayers * layer + (tied ? 1 : 2) * matrixBytes(gpu, ends, vocab, dim)
}
