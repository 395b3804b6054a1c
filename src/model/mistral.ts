import type { Buffer, Gpu } from '../gpu/device.ts'
import { Recorder, type Recording } from '../gpu/recorder.ts'
import {
  type AttentionBuffers,
  attention,
  headStride,
  type LayerCache,
  ropeCache,
  sumsOfBatch,
} from '../kernels/attention.ts'
import { embedding } from '../kernels/embedding.ts'
import { add, linear, siluGate, store } from '../kernels/linear.ts'
import { rmsNorm } from '../kernels/rms-norm.ts'
import { type Activation, type BatchShape, ceilTo, createActivation, ROW_TILE, type Width } from '../kernels/shape.ts'
import type { Weight } from '../kernels/weight.ts'
import type { ModelConfig } from './config.ts'

/** The weights of one layer, fused as the kernels take them. */
export interface LayerWeights {
  readonly attentionNorm: Buffer
  /** wq, wk, wv one after another: [(H + 2G)·K, D]; rotated pairs in neighbouring rows. */
  readonly wqkv: Weight
  /** [D, H·K] */
  readonly wo: Weight
  readonly ffnNorm: Buffer
  /** w1 and w3 with their rows interleaved: [2F, D]. */
  readonly w13: Weight
  /** [D, F] */
  readonly w2: Weight
}

export interface ModelWeights {
  /** [V, D] */
  readonly tokEmbeddings: Weight
  readonly layers: readonly LayerWeights[]
  readonly norm: Buffer
  /** [V, D]; the same object as `tokEmbeddings` when they are tied. */
  readonly output: Weight
}

/** Everything that a forward pass works in besides weights and cache, for up to `maxRows` rows. */
export interface Workspace extends AttentionBuffers {
  /** [T] */
  readonly tokens: Buffer
  /** Residual stream [T, D]. */
  readonly x: Activation
  /** Normalized residual stream [T, D]. */
  readonly h: Activation
  /** Output of the heads [T, H·K]. */
  readonly heads: Activation
  /** Gated hidden units [T, F]. */
  readonly hidden: Activation
  /** [outputs, V] */
  readonly logits: Activation
}

export function createWorkspace(
  gpu: Gpu,
  config: ModelConfig,
  sizes: { maxRows: number; maxOutputs: number; rope: Float32Array<ArrayBuffer> },
): Workspace {
  const rows = ceilTo(sizes.maxRows, ROW_TILE)
  const { nHeads, headDim } = config
  const sums = sumsOfBatch(gpu, headDim, rows) * nHeads
  const workspace: Workspace = {
    tokens: gpu.createBuffer('tokens', rows * 4),
    rows: gpu.createBuffer('rows', rows * 16),
    tiles: gpu.createBuffer('tiles', rows * 16),
    rope: gpu.createBuffer('rope table', sizes.rope.byteLength),
    q: gpu.createBuffer('q', rows * nHeads * headStride(headDim) * 4),
    parts: gpu.createBuffer('attention parts', sums * headStride(headDim) * 4),
    stats: gpu.createBuffer('attention stats', sums * 8),
    x: createActivation(gpu, 'x', rows, config.dim),
    h: createActivation(gpu, 'h', rows, config.dim),
    heads: createActivation(gpu, 'heads', rows, nHeads * headDim),
    hidden: createActivation(gpu, 'hidden', rows, config.hiddenDim),
    logits: createActivation(gpu, 'logits', sizes.maxOutputs, config.vocabSize),
  }
  gpu.write(workspace.rope, 0, sizes.rope)
  return workspace
}

/** The transformer as Mistral 7B (Jiang et al. 2023) defines it, recorded once for each width of batch. */
export class Mistral {
  constructor(
    readonly gpu: Gpu,
    readonly config: ModelConfig,
    readonly weights: ModelWeights,
    readonly cache: readonly LayerCache[],
    readonly workspace: Workspace,
  ) {}

  /** Tokens to residual stream: embedding and all layers. Eight dispatches a layer. */
  async recordLayers(width: Width): Promise<Recording<BatchShape>> {
    const { config, weights, workspace } = this
    const { tokens, x, h, heads, hidden, rows } = workspace
    const norm = { epsilon: config.normEps, rows }
    const r = new Recorder<BatchShape>(this.gpu)

    embedding(r, tokens, weights.tokEmbeddings, x) //                          x [T, D]
    for (const [i, layer] of weights.layers.entries()) {
      const cache = this.cache[i]!
      rmsNorm(r, x, layer.attentionNorm, h, norm) //                           h [T, D]
      linear(r, h, layer.wqkv, ropeCache(config, workspace, cache), { width }) // q [T, H, K], k and v to the cache
      attention(r, config, workspace, cache, heads, width) //                  heads [T, H·K]
      linear(r, heads, layer.wo, add(x), { width }) //                         x [T, D]
      rmsNorm(r, x, layer.ffnNorm, h, norm) //                                 h [T, D]
      linear(r, h, layer.w13, siluGate(hidden), { width }) //                  hidden [T, F]
      linear(r, hidden, layer.w2, add(x), { width }) //                        x [T, D]
    }
    return r.build()
  }

  /** Residual stream to logits, for the rows that want them. */
  async recordHead(width: Width): Promise<Recording<BatchShape>> {
    const { config, weights, workspace } = this
    const { x, h, logits, rows } = workspace
    const r = new Recorder<BatchShape>(this.gpu)
    rmsNorm(r, x, weights.norm, h, { epsilon: config.normEps, rows, gather: true }) // h [outputs, D]
    linear(r, h, weights.output, store(logits), { width, rows: 'outputs' }) //          logits [outputs, V]
    return r.build()
  }
}
