/** Everything that a forward pass works in besides weights and cache. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { type AttentionBuffers, SUMS } from '../kernels/attention.ts'
import type { CacheLayout } from '../kernels/cache-layouts.ts'
import type { History } from '../kernels/embedding.ts'
import { createNormed, type NormedActivation } from '../kernels/residual.ts'
import { createSamplerBuffers, type SamplerBuffers } from '../kernels/sampler.ts'
import { type Activation, ceilTo, createActivation, headStride, ROW_TILE } from '../kernels/shape.ts'
import type { ModelConfig } from './config.ts'
import { ropeTable, ropeTableBytes } from './rope.ts'

/** Words of the buffer that says what to copy: from sequence, to sequence, slots of the ring from the first on. */
const COPY_PLAN_WORDS = 3

/** Buffers for up to `maxRows` rows. */
export interface Workspace extends AttentionBuffers {
  /** [sequences, positions] */
  readonly history: History
  /** Residual stream [T, D]. */
  readonly x: Activation
  /** Normalized residual stream [T, D]. */
  readonly h: NormedActivation
  /** Output of the heads [T, H·K]. */
  readonly heads: Activation
  /** Gated hidden units [T, F]. */
  readonly hidden: Activation
  /** [outputs, V] */
  readonly logits: Activation
  readonly sampler: SamplerBuffers
  /** [COPY_PLAN_WORDS] */
  readonly copyPlan: Buffer
}

export interface WorkspaceSizes {
  /** Rows of one batch at most. */
  readonly maxRows: number
  /** Output rows of one batch at most. */
  readonly maxOutputs: number
  readonly maxSequences: number
  /** Positions that a sequence may reach. */
  readonly positions: number
  /** Ids below this may be chosen; the rest of the logits pads the vocabulary. */
  readonly vocabSize: number
  /** Of the cache. */
  readonly layout: CacheLayout
}

/** Allocates all buffers and fills the rotary table. @throws MemoryError */
export function createWorkspace(gpu: Gpu, config: ModelConfig, sizes: WorkspaceSizes): Workspace {
  const { vocabSize, positions, maxSequences: sequences, maxOutputs: outputs, layout } = sizes
  const { nHeads, nKvHeads, headDim } = config
  const maxRows = ceilTo(sizes.maxRows, ROW_TILE)
  const sums = SUMS * nHeads
  const rows = gpu.createBuffer('rows', maxRows * 16)
  const logits = createActivation(gpu, 'logits', outputs, config.vocabSize)
  const sampler = createSamplerBuffers(gpu, { logits, rows, vocabSize, positions }, { sequences, outputs })
  const rope = gpu.createBuffer('rope table', ropeTableBytes(config, positions))
  gpu.write(rope, 0, () => ropeTable(config, positions))
  return {
    history: { buffer: sampler.history, positions },
    rows,
    tiles: gpu.createBuffer('tiles', maxRows * 8),
    rope,
    q: gpu.createBuffer('q', maxRows * nHeads * headStride(headDim) * 4),
    unpacked: layout.packs
      ? gpu.createBuffer('keys and values', 2 * maxRows * nKvHeads * headStride(headDim) * 4)
      : undefined,
    splits: gpu.createBuffer('splits', sums * headStride(headDim) * 4),
    stats: gpu.createBuffer('stats', sums * 8),
    x: createActivation(gpu, 'x', maxRows, config.dim),
    h: createNormed(gpu, 'h', maxRows, config.dim),
    heads: createActivation(gpu, 'heads', maxRows, nHeads * headDim),
    hidden: createActivation(gpu, 'hidden', maxRows, config.hiddenDim),
    logits,
    sampler,
    copyPlan: gpu.createBuffer('copy plan', COPY_PLAN_WORDS * 4),
  }
}
