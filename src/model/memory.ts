/** Counts the GPU's memory that a loaded model takes. */
import type { Buffer } from '../gpu/buffer.ts'
import type { LayerCache } from '../kernels/attention.ts'
import type { ModelWeights } from './mistral.ts'

/** The GPU's memory that a model takes; all but `ratio` and the names of types are bytes. */
export interface ModelMemory {
  /** Of all buffers: the sum of `weights`, `cache`, `workspace` and `adapters`. */
  readonly total: number
  /** Of all weights, with scales and biases. Tied embeddings count once. */
  readonly weights: number
  /** The same by type on the GPU: `q4_k`, `f16`, `int4` and so on; norms and biases are `f32`. */
  readonly weightsByType: Readonly<Record<string, number>>
  /** Of the tensors in the checkpoint that the weights were made from. */
  readonly tensors: number
  /** `weights / tensors`: at most 1.03 for models of published sizes, unless they were quantized while loading. */
  readonly ratio: number
  /** Of the key/value cache, which is allocated at once for `maxSequences` sequences of `positions` positions. */
  readonly cache: number
  /** The type of keys and values in the cache: `f16`, `f32` or `q8`. */
  readonly cacheType: string
  /** Of the keys and values of one token, in all layers. */
  readonly cachePerToken: number
  /** Of the keys and values of one sequence. A layer with a sliding window keeps that and what is computed at a time. */
  readonly cachePerSequence: number
  /** Of activations, logits, tokens, the grids of IQ types and what brings results back. */
  readonly workspace: number
  /** Of LoRA adapters. */
  readonly adapters: number
}

/** @param sizes bytes of the tensors in the checkpoint, of adapters, and of all buffers */
export function memoryOf(
  weights: ModelWeights,
  cache: readonly LayerCache[],
  sizes: { tensors: number; maxSequences: number; adapters: number; total: number },
): ModelMemory {
  const { tensors, maxSequences, adapters, total } = sizes
  const weightsByType = weightBytes(weights)
  const matrices = Object.values(weightsByType).reduce((a, b) => a + b, 0)
  const cacheBytes = cache.reduce((sum, { buffer }) => sum + buffer.size, 0)
  const perToken = cache.reduce(
    (sum, { shape, layout }) => sum + 2 * shape.nKvHeads * layout.bytesPerKey(shape.headDim),
    0,
  )
  return {
    total,
    weights: matrices,
    weightsByType,
    tensors,
    ratio: matrices / tensors,
    cache: cacheBytes,
    cacheType: cache[0]!.layout.name,
    cachePerToken: perToken,
    cachePerSequence: cacheBytes / maxSequences,
    workspace: total - matrices - cacheBytes - adapters,
    adapters,
  }
}

function weightBytes({ tokEmbeddings, layers, norm, output }: ModelWeights): Record<string, number> {
  const matrices = new Set([...tokEmbeddings, ...output])
  for (const { wqkv, wo, w13, w2 } of layers) for (const matrix of [...wqkv, ...wo, ...w13, ...w2]) matrices.add(matrix)
  const bytes: Record<string, number> = {}
  const add = (type: string, buffers: readonly (Buffer | undefined)[]) => {
    for (const buffer of buffers) if (buffer !== undefined) bytes[type] = (bytes[type] ?? 0) + buffer.size
  }
  for (const { layout, quants, scales, bias } of matrices) {
    add(layout.name, [quants, scales])
    add('f32', [bias])
  }
  add('f32', [norm, ...layers.flatMap(({ attentionNorm, ffnNorm }) => [attentionNorm, ffnNorm])])
  return bytes
}
