/** The types that the parts of `generate/` share with each other and their callers: requests, steps, summaries. */

import type { Constraint } from '../constraints/constraint.ts'
import type { SamplerKind } from '../kernels/sampler.ts'
import type { PackedParams } from '../sampling/packed-params.ts'
import type { Timings } from './clock.ts'
import type { Recover } from './device-loss.ts'
import type { MaskCosts, MaskRun } from './mask-run.ts'
import type { Masked, MaskSources } from './row-masks.ts'
import type { Speculate } from './speculation.ts'
import type { StepLogprobs } from './step-logprobs.ts'

/** `stop`: the model ended, or a stop id or text came; `length`: max_tokens or the context was reached. */
export type FinishReason = 'stop' | 'length'

/** One generated token. */
export interface GenerationStep {
  readonly tokenId: number
  /** null unless the request asked for them. */
  readonly logprobs: StepLogprobs | null
  /** Set on the last step. */
  readonly finishReason: FinishReason | null
}

export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  /** Tokens of the prompt that were still in the cache. */
  readonly cached_tokens: number
}

/** The facts of a generation that are known at its end. */
export interface GenerationSummary {
  readonly finishReason: FinishReason
  readonly usage: Usage
  readonly timings: Timings
}

/** The answer of a request's reader to a token, given as soon as the token is known. */
export interface Verdict<Note = unknown> {
  /** True ends the answer with this token. */
  readonly stop: boolean
  /** Travels with the token to the step in which the reader gets it. */
  readonly note?: Note
}

/** A step, with the note that its reader made when the token became known. */
export interface NotedStep<Note = unknown> extends GenerationStep {
  readonly note?: Note
}

/** An adapter that requests may name. */
export interface Adapter {
  readonly name: string
  /** Its number on the GPU. */
  readonly slot: number
  /** The requests that are not over yet. */
  readonly users: Set<unknown>
}

/** A checked request, as the scheduler takes it. */
export interface GenerationRequest<Note = unknown> {
  readonly prompt: readonly number[]
  readonly packed: PackedParams
  /** The same where a constraint is asked. */
  readonly masked: PackedParams
  readonly logprobs: boolean
  readonly sampler: SamplerKind
  /** The most tokens to generate. */
  readonly maxTokens: number
  readonly stops: ReadonlySet<number>
  /** The constraint on the next token. It is asked between steps, so such requests go in lockstep while it is not idle. */
  readonly constraint: Constraint | undefined
  /** Makes its masks; undefined without a constraint. */
  readonly masks: MaskSources | undefined
  /** Makes what says how many steps run before they are asked for again; undefined without a constraint. */
  readonly maskRun: ((costs: MaskCosts, request: Masked) => MaskRun) | undefined
  readonly onToken: ((tokenId: number) => Verdict<Note>) | undefined
  /** Every token is computed from the first position on each time. */
  readonly recompute: boolean
  /** Makes what guesses tokens ahead, for requests that want prompt lookup. */
  readonly speculate: Speculate | undefined
  readonly adapter?: Adapter | undefined
}

/** Token counts since the model was loaded. */
export interface Totals {
  promptTokens: number
  cachedTokens: number
  generatedTokens: number
}

export interface SchedulerOptions {
  /** Requests that may wait for a sequence. */
  readonly maxQueue: number
  /** Steps per readback; undefined: as the adapter wants it. */
  readonly steps?: number | undefined
  readonly recover?: Recover | undefined
}
