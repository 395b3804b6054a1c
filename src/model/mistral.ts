/** The forward pass: from tokens to logits, as Mistral 7B (Jiang et al. 2023, arXiv 2310.06825) defines the transformer. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import type { Recorder } from '../gpu/recorder.ts'
import type { BatchClass } from '../gpu/tuning.ts'
import { attention, type LayerCache, ropeCache } from '../kernels/attention.ts'
import { embedding } from '../kernels/embedding.ts'
import { linear, type StartOf, siluGate, store } from '../kernels/linear.ts'
import { moveOutputs } from '../kernels/move-rows.ts'
import type { MakeResidual } from '../kernels/residual.ts'
import { rmsNorm } from '../kernels/rms-norm.ts'
import type { Activation, BatchShape } from '../kernels/shape.ts'
import type { Matrix } from '../kernels/weight.ts'
import type { ModelConfig } from './config.ts'
import type { FusedMatrix } from './fused-matrices.ts'
import type { Workspace } from './workspace.ts'

/** The weights of one layer, fused as the kernels take them. */
export interface LayerWeights {
  readonly attentionNorm: Buffer
  /**
   * wq, wk, wv one after another: [(H + 2G)·K, D]; rotated pairs in neighbouring rows. One piece, or one for each layout
   * where the file mixes types.
   */
  readonly wqkv: Matrix
  /** [D, H·K] */
  readonly wo: Matrix
  readonly ffnNorm: Buffer
  /** w1 and w3 with their rows interleaved: [2F, D]. */
  readonly w13: Matrix
  /** [D, F] */
  readonly w2: Matrix
}

export interface ModelWeights {
  /** [V, D] */
  readonly tokEmbeddings: Matrix
  readonly layers: readonly LayerWeights[]
  readonly norm: Buffer
  /** [V, D]; the same object as `tokEmbeddings` when they are tied. */
  readonly output: Matrix
}

/** What products begin at besides biases: what the adapters of the rows add. */
export interface ProductStarts {
  /** Of x and a matrix of a layer, or the output matrix; undefined where nothing is added. */
  start(r: Recorder<BatchShape>, x: Activation, layer: number | undefined, matrix: FusedMatrix): StartOf | undefined
}

export interface LayersOptions {
  readonly residual: MakeResidual
  readonly adapters?: ProductStarts | undefined
  /**
   * Behind the last attention only the rows with an output are computed, by the kernels of this class; the others of x are
   * of no use then. Undefined for all rows.
   */
  readonly outputsClass?: BatchClass | undefined
}

/**
 * A model on a device. Recording writes its operations down for a class of batches; `Recordings` compiles and keeps them.
 * The letters of shapes are those of src/README.md.
 */
export class Mistral {
  constructor(
    readonly gpu: Gpu,
    readonly config: ModelConfig,
    readonly weights: ModelWeights,
    readonly cache: readonly LayerCache[],
    readonly workspace: Workspace,
  ) {}

  /** Tokens to residual stream: embedding and all layers. Six dispatches a layer, or eight where norms are not folded; one less where keys are not split. */
  recordLayers(
    r: Recorder<BatchShape>,
    batchClass: BatchClass,
    { residual, adapters, outputsClass }: LayersOptions,
  ): void {
    const { config, weights, workspace } = this
    const { history, heads, hidden, rows } = workspace
    const x = residual(r, workspace, config.normEps)

    embedding(r, { history, rows }, weights.tokEmbeddings, x.store(weights.layers[0]!.attentionNorm)) // x [T, D]
    for (const [i, layer] of weights.layers.entries()) {
      const cache = this.cache[i]!
      const nextNorm = weights.layers[i + 1]?.attentionNorm ?? weights.norm
      // What products begin at: biases, or what the adapters of the rows add.
      const start = (x: Activation, matrix: FusedMatrix) => adapters?.start(r, x, i, matrix)
      const h = x.norm(layer.attentionNorm) //                                  h [T, D]
      linear(r, h, layer.wqkv, ropeCache(workspace, cache), { batchClass, start: start(h, 'wqkv') }) // q, k, v [T, (H + 2G)·K]
      attention(r, workspace, cache, heads, batchClass) //                      heads [T, H·K]
      const isLast = outputsClass !== undefined && i === weights.layers.length - 1
      if (isLast) for (const all of [heads, workspace.x]) moveOutputs(r, all, rows)
      const of = isLast ? ({ batchClass: outputsClass, rows: 'outputs' } as const) : { batchClass }
      linear(r, heads, layer.wo, x.add(layer.ffnNorm), { ...of, start: start(heads, 'wo') }) // x [T, D]
      const g = x.norm(layer.ffnNorm, of.rows) //                               g [T, D]
      linear(r, g, layer.w13, siluGate(hidden), { ...of, start: start(g, 'w13') }) // hidden [T, F]
      linear(r, hidden, layer.w2, x.add(nextNorm), { ...of, start: start(hidden, 'w2') }) // x [T, D]
    }
    if (outputsClass !== undefined) moveOutputs(r, workspace.x, rows, true)
  }

  /** Residual stream to logits, for the output rows. */
  recordHead(r: Recorder<BatchShape>, batchClass: BatchClass, adapters?: ProductStarts): void {
    const { weights, workspace } = this
    const { h, logits } = workspace
    this.recordNorm(r) //                                                        h [outputs, D]
    const start = adapters?.start(r, h, undefined, 'output')
    linear(r, h, weights.output, store(logits), { batchClass, rows: 'outputs', start }) // logits [outputs, V]
  }

  /** The last norm alone, for the output rows. */
  recordNorm(r: Recorder<BatchShape>): void {
    const { x, h, rows } = this.workspace
    rmsNorm(r, x, this.weights.norm, h, { epsilon: this.config.normEps, rows, gather: true }) // h [outputs, D]
  }
}
