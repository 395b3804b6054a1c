/** What a plan says. */
import type { LimitName } from '../errors.ts'
import type { ModelMemory } from './memory.ts'
import type { ContextLimit, WeightsOption } from './size-types.ts'

/** What loading a model would take of this device, and what would come of it. */
export interface ModelPlan {
  /** Whether it can be loaded with these options. */
  readonly fits: boolean
  /** What does not fit; empty where all does. */
  readonly problems: readonly PlanProblem[]
  /** The path, the address, or what kind of source it is. */
  readonly source: string
  /** `mistral` is the vendor's own layout of safetensors. */
  readonly format: 'safetensors' | 'mistral' | 'gguf'
  /** The option by which weights are kept or rounded; their types on the GPU are in `memory.weightsByType`. */
  readonly weights: WeightsOption
  /** The device that it is for. */
  readonly adapter: string
  /** Positions of one sequence, prompt and answer together. Of a plan that does not fit: those that the numbers are for. */
  readonly contextLength: number
  readonly contextLimit: ContextLimit
  /** The most positions that the device and `maxMemory` hold; 0 where not even one fits. */
  readonly largestContext: number
  /** Positions that the model was trained for. */
  readonly trainedPositions: number
  readonly maxSequences: number
  /** Bytes on the GPU: those that `status().memory` says when it is loaded. */
  readonly memory: ModelMemory
  /** Why it is as it is, one sentence each: form, types, cache, context. */
  readonly reasons: readonly string[]
  /** The same model with other `weights`, smallest change first; empty where the plan fits. */
  readonly alternatives: readonly PlanAlternative[]
  /** Oddities of the checkpoint, one sentence each. */
  readonly notes: readonly string[]
}

/** One thing that is too large. */
export interface PlanProblem {
  /** Which matrix, cache or buffer; `the model` for the sum. */
  readonly what: string
  readonly neededBytes: number
  /** The limit's name. */
  readonly limit: LimitName
  readonly limitBytes: number
}

/** What rounding the weights would change. */
export interface PlanAlternative {
  readonly weights: WeightsOption
  readonly fits: boolean
  /** Bytes of all buffers. */
  readonly total: number
  readonly contextLength: number
}
