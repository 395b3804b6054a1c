/** The state of a model, as its owner and the server see it. */

import type { KernelReport } from '../model/kernel-report.ts'
import type { LoadedModel } from '../model/loaded-model.ts'
import type { ModelMemory } from '../model/memory.ts'
import type { QuantizationReport } from '../model/rounding.ts'
import type { ContextLimit } from '../model/size-types.ts'
import type { Scheduler } from './scheduler.ts'

/** The work of a model: now, and since it was loaded. */
export interface ModelStatus {
  /** Requests that have a sequence. */
  readonly running: number
  /** Requests that wait for one. */
  readonly waiting: number
  readonly maxSequences: number
  readonly maxQueue: number
  /** Positions of one sequence, prompt and answer together. */
  readonly contextLength: number
  /** The limit behind `contextLength`. */
  readonly contextLimit: ContextLimit
  /** Positions that a sequence may reach: beyond `contextLength` where every layer has a sliding window. */
  readonly positions: number
  /** Positions that the model was trained for. */
  readonly trainedPositions: number
  /** Bytes of all buffers on the GPU. */
  readonly gpuBytes: number
  /** The same by what they are for, with the size of the checkpoint's tensors to compare. */
  readonly memory: ModelMemory
  /** Totals: tokens of prompts, those of them that were in the cache, and tokens of answers. */
  readonly promptTokens: number
  readonly cachedTokens: number
  readonly generatedTokens: number
  /** The error that rounding added to the weights while they were loaded; undefined when none were rounded. */
  readonly quantization: QuantizationReport | undefined
  /** Which kernels the model computes with, and why. */
  readonly kernels: KernelReport
}

export function statusOf(loaded: LoadedModel, scheduler: Scheduler, maxQueue: number): ModelStatus {
  return {
    running: scheduler.runningCount,
    waiting: scheduler.waitingCount,
    maxSequences: loaded.maxSequences,
    maxQueue,
    contextLength: loaded.contextLength,
    contextLimit: loaded.contextLimit,
    positions: loaded.positions,
    trainedPositions: loaded.config.maxPositions,
    gpuBytes: loaded.gpu.counters.bytesAlive,
    memory: loaded.memory(),
    ...scheduler.totals,
    quantization: loaded.weights.quantization,
    kernels: loaded.kernels,
  }
}
