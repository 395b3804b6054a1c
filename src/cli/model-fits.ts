/** Which published models a device can bind. */
import { weightBytes } from '../kernels/weight.ts'
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
    tied: true,
  },
  { name: 'Ministral 3 8B', dim: 4096, nLayers: 34, hiddenDim: 14336, qkv: 6144, heads: 4096, vocab: 131072 },
  { name: 'Ministral 3 14B', dim: 5120, nLayers: 40, hiddenDim: 16384, qkv: 6144, heads: 4096, vocab: 131072 },
  { name: 'Mistral 7B', dim: 4096, nLayers: 32, hiddenDim: 14336, qkv: 6144, heads: 4096, vocab: 32768 },
  { name: 'Ministral 8B', dim: 4096, nLayers: 36, hiddenDim: 12288, qkv: 6144, heads: 4096, vocab: 131072 },
  { name: 'Mistral Nemo 12B', dim: 5120, nLayers: 40, hiddenDim: 14336, qkv: 6144, heads: 4096, vocab: 131072 },
  { name: 'Mistral Small 24B', dim: 5120, nLayers: 40, hiddenDim: 32768, qkv: 6144, heads: 4096, vocab: 131072 },
]

type Option = 'native' | 'q8' | 'q4'

export interface ModelFit {
  readonly name: string
  /** By `--weights`, for a checkpoint of 16 bits: whether each matrix fits one binding. */
  readonly runs: Readonly<Record<Option, boolean>>
  /** Of all weights on the GPU, without cache and workspace. */
  readonly weights_bytes: Readonly<Record<Option, number>>
}

/** Which models a device can bind, given the bytes of its largest binding. */
export function modelFits(bindingBytes: number): ModelFit[] {
  return SHAPES.map((shape) => {
    const { f16, q8, q4 } = WEIGHT_LAYOUTS
    const sizes = { native: matrixBytes(shape, f16, f16), q8: matrixBytes(shape, q8, q8) }
    // Under q4 the embedding and the output projection stay at 8 bits.
    const all = { ...sizes, q4: matrixBytes(shape, q4, q8) }
    const map = <T>(pick: (size: MatrixBytes) => T): Record<Option, T> => ({
      native: pick(all.native),
      q8: pick(all.q8),
      q4: pick(all.q4),
    })
    return {
      name: shape.name,
      runs: map((size) => size.largest <= bindingBytes),
      weights_bytes: map((size) => size.total),
    }
  })
}

interface MatrixBytes {
  /** Of the largest single buffer. */
  readonly largest: number
  readonly total: number
}

function matrixBytes(shape: Shape, inner: WeightLayout, ends: WeightLayout) {
  const { dim, nLayers, hiddenDim, qkv, heads, vocab, tied } = shape
  const layer = [
    weightBytes(inner, qkv, dim),
    weightBytes(inner, dim, heads),
    weightBytes(inner, 2 * hiddenDim, dim),
    weightBytes(inner, dim, hiddenDim),
  ]
  const end = weightBytes(ends, vocab, dim)
  const sum = (all: typeof layer): number => all.reduce((bytes, { quants, scales }) => bytes + quants + scales, 0)
  return {
    largest: Math.max(end.quants, ...layer.map(({ quants }) => quants)),
    total: nLayers * sum(layer) + (tied ? 1 : 2) * sum([end]),
  } satisfies MatrixBytes
}
