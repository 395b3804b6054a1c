import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { Recorder, type Recording } from '../gpu/recorder.ts'
import { type AttentionBuffers, attention, type LayerCache, ropeCache, sumsOfBatch } from '../kernels/attention.ts'
import { COPY_PLAN_WORDS, cacheCopy } from '../kernels/cache-copy.ts'
import { drawDense, drawShort, shortlistBytes } from '../kernels/draw.ts'
import { embedding, type History } from '../kernels/embedding.ts'
import { add, linear, siluGate, store } from '../kernels/linear.ts'
import { rmsNorm } from '../kernels/rms-norm.ts'
import { createSamplerBuffers, logprobs, type SamplerBuffers, sampleBest, scoreRules } from '../kernels/sampler.ts'
import {
  type Activation,
  type BatchShape,
  ceilTo,
  createActivation,
  headStride,
  ROW_TILE,
  type Width,
} from '../kernels/shape.ts'
import type { Weight } from '../kernels/weight.ts'
import type { ModelConfig } from './config.ts'
import { ropeTable } from './rope.ts'

/** The weights of one layer, fused as the kernels take them. */
export interface LayerWeights {
  readonly attentionNorm: Buffer
  /**
   * wq, wk, wv one after another: [(H + 2G)·K, D]; rotated pairs in neighbouring rows. One piece, or one for each layout
   * where the file mixes types.
   */
  readonly wqkv: readonly Weight[]
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
  /** [sequences, positions] */
  readonly history: History
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
  readonly sampler: SamplerBuffers
  /** Candidates between two kernels of the sampler. */
  readonly shortlist: Buffer
  /** [COPY_PLAN_WORDS] */
  readonly copyPlan: Buffer
}

export interface WorkspaceSizes {
  /** Rows of one batch at most. */
  readonly maxRows: number
  /** Picked rows of one batch at most. */
  readonly maxOutputs: number
  readonly maxSequences: number
  /** Positions that a sequence may reach. */
  readonly positions: number
  /** Ids below this may be chosen; the rest of the logits pads the vocabulary. */
  readonly vocabSize: number
}

export function createWorkspace(gpu: Gpu, config: ModelConfig, sizes: WorkspaceSizes): Workspace {
  const rows = ceilTo(sizes.maxRows, ROW_TILE)
  const { nHeads, headDim } = config
  const sums = sumsOfBatch(gpu, headDim, rows) * nHeads
  const rope = ropeTable(config, sizes.positions)
  const rowsBuffer = gpu.createBuffer('rows', rows * 16)
  const logits = createActivation(gpu, 'logits', sizes.maxOutputs, config.vocabSize)
  const { vocabSize, positions, maxSequences: slots, maxOutputs: outputs } = sizes
  const given = { logits, rows: rowsBuffer, vocabSize, positions }
  const sampler = createSamplerBuffers(gpu, given, { slots, outputs })
  const workspace: Workspace = {
    history: { buffer: sampler.history, positions: sizes.positions },
    rows: rowsBuffer,
    tiles: gpu.createBuffer('tiles', rows * 8),
    rope: gpu.createBuffer('rope table', rope.byteLength),
    q: gpu.createBuffer('q', rows * nHeads * headStride(headDim) * 4),
    parts: gpu.createBuffer('attention parts', sums * headStride(headDim) * 4),
    stats: gpu.createBuffer('attention stats', sums * 8),
    x: createActivation(gpu, 'x', rows, config.dim),
    h: createActivation(gpu, 'h', rows, config.dim),
    heads: createActivation(gpu, 'heads', rows, nHeads * headDim),
    hidden: createActivation(gpu, 'hidden', rows, config.hiddenDim),
    logits,
    sampler,
    shortlist: gpu.createBuffer('shortlist', shortlistBytes(sizes.maxOutputs)),
    copyPlan: gpu.createBuffer('copy plan', COPY_PLAN_WORDS * 4),
  }
  gpu.write(workspace.rope, 0, rope)
  return workspace
}

/** How tokens are chosen: the best, among the candidates of a small top_k, or among all. Each can do what those before it can. */
export type SamplerKind = 'best' | 'short' | 'dense'

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
    const { history, x, h, heads, hidden, rows } = workspace
    const norm = { epsilon: config.normEps, rows }
    const r = new Recorder<BatchShape>(this.gpu)

    embedding(r, { history, rows }, weights.tokEmbeddings, x) //               x [T, D]
    for (const [i, layer] of weights.layers.entries()) {
      const cache = this.cache[i]!
      rmsNorm(r, x, layer.attentionNorm, h, norm) //                           h [T, D]
      linear(r, h, layer.wqkv, ropeCache(workspace, cache), { width }) //         q [T, H, K], k and v to the cache
      attention(r, workspace, cache, heads, width) //                          heads [T, H·K]
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

  /** Keys and values of one sequence to another, as the copy plan says. */
  async recordCopy(): Promise<Recording<unknown>> {
    const r = new Recorder<unknown>(this.gpu)
    for (const layer of this.cache) cacheCopy(r, this.workspace.copyPlan, layer)
    return r.build()
  }

  /** Logits to the next token of each picked row, which goes to the history. */
  async recordSampler(kind: SamplerKind): Promise<Recording<BatchShape>> {
    const { sampler, shortlist } = this.workspace
    const r = new Recorder<BatchShape>(this.gpu)
    if (kind === 'best') sampleBest(r, sampler)
    else if (kind === 'short') drawShort(r, sampler, shortlist)
    else drawDense(r, sampler)
    return r.build()
  }

  /** The rules of requests on the logits of their rows, before a token is chosen. */
  async recordRules(): Promise<Recording<BatchShape>> {
    const r = new Recorder<BatchShape>(this.gpu)
    scoreRules(r, this.workspace.sampler)
    return r.build()
  }

  /** Log-probabilities of what was chosen, and of what else was likely. */
  async recordLogprobs(): Promise<Recording<BatchShape>> {
    const r = new Recorder<BatchShape>(this.gpu)
    logprobs(r, this.workspace.sampler)
    return r.build()
  }
}
