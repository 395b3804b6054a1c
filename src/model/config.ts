/** The hyper-parameters of a model, whatever format they come from, and what must hold for them. */
import * as checks from '../checks.ts'
import { ConfigError } from '../errors.ts'
import type { RopeConfig, RopeReader } from './rope.ts'

/** The hyper-parameters of one checkpoint, under the names of Mistral's own reference code. */
export interface ModelConfig extends RopeConfig {
  readonly architecture: 'MistralForCausalLM' | 'LlamaForCausalLM'
  /** Width of the residual stream (`hidden_size`). */
  readonly dim: number
  readonly nLayers: number
  readonly nHeads: number
  readonly nKvHeads: number
  /** Width of the feed-forward layer (`intermediate_size`). */
  readonly hiddenDim: number
  readonly vocabSize: number
  /** Epsilon of RMSNorm. */
  readonly normEps: number
  /** Queries are multiplied with 1 + beta · ln(1 + ⌊position / length⌋) after they are rotated (Llama 4, Ministral 3). */
  readonly queryScale: { readonly beta: number; readonly length: number } | undefined
  /** Per layer: the number of keys a query sees, itself included; undefined is full attention. */
  readonly slidingWindows: readonly (number | undefined)[]
  /** Input embedding and output projection are one matrix. */
  readonly tiedEmbeddings: boolean
  /** The projections of attention have biases (`attention_bias`). */
  readonly attentionBias: boolean
  /** The projections of the feed-forward layers have biases (`mlp_bias`). */
  readonly mlpBias: boolean
  /**
   * Which elements of a head RoPE rotates together in this checkpoint's `wq` and `wk`: `'half'` is (i, i + headDim/2)
   * as Hugging Face stores them, `'adjacent'` is (2i, 2i+1) as Mistral's own code and GGUF do.
   */
  readonly ropePairing: 'half' | 'adjacent'
  readonly bosTokenId: number | undefined
  readonly eosTokenIds: readonly number[]
}

/** Upper limits that every real model keeps, so that a hostile config cannot ask for absurd allocations. */
export const CONFIG_LIMITS = {
  dim: 65_536,
  layers: 1024,
  heads: 1024,
  headDim: 1024,
  hiddenDim: 1_048_576,
  vocab: 2_097_152,
  positions: 2_147_483_647,
} as const

/** @throws ConfigError unless `value` is a whole number from 1 to `max` */
export function positiveInteger(field: string, value: unknown, max: number): number {
  return checked(field, value, checks.integer(1, max, 'a whole number'))
}

/** @throws ConfigError unless `value` is a number with `min` < value <= `max` */
export function numberAbove(field: string, value: unknown, min: number, max: number): number {
  return checked(field, value, checks.numberAbove(min, max))
}

/** @throws ConfigError unless `value` is a token id below `vocabSize` */
export function tokenId(field: string, value: unknown, vocabSize: number): number {
  return checked(field, value, checks.integer(0, vocabSize - 1, 'a token id'))
}

function checked(field: string, value: unknown, judge: checks.Check): number {
  const fault = judge(value)
  if (fault !== undefined) throw new ConfigError(field, fault.value, `must be ${fault.allowed}`)
  return value as number
}

/**
 * Reads the numbers of a rotary scaling.
 * @param fieldOf the name that errors say
 * @param get the value of a field; undefined when it is absent
 */
export function ropeReader(
  fieldOf: (name: string) => string,
  get: (name: string) => unknown,
  maxPositions: number,
): RopeReader {
  const or = <T>(name: string, fallback: T | undefined, read: (value: unknown) => T) =>
    fallback !== undefined && get(name) == null ? fallback : read(get(name))
  return {
    maxPositions,
    raw: get,
    positive: (name, fallback) => or(name, fallback, (value) => numberAbove(fieldOf(name), value, 0, 1e6)),
    number: (name, fallback) => or(name, fallback, (value) => numberAbove(fieldOf(name), value, -1e6, 1e6)),
    positions: (name, fallback) =>
      or(name, fallback, (value) => positiveInteger(fieldOf(name), value, CONFIG_LIMITS.positions)),
    refuse(name, fact) {
      throw new ConfigError(fieldOf(name), get(name), fact)
    },
  }
}

/**
 * A caller's own sliding window in place of the checkpoint's.
 * @param window keys that a query sees, itself included; null is full attention in every layer
 * @throws ParameterError when it is neither null nor a positive whole number
 */
export function withSlidingWindow(config: ModelConfig, window: number | null): ModelConfig {
  const positions = checks.integer(1, CONFIG_LIMITS.positions, 'null or a whole number')
  checks.checkParameter('slidingWindow', window, checks.orElse(null, positions))
  return { ...config, slidingWindows: Array.from({ length: config.nLayers }, () => window ?? undefined) }
}

/**
 * What holds between the numbers of any config.
 * @throws ConfigError
 */
export function checkHeads(
  fields: { heads: string; kvHeads: string; headDim: string },
  config: Pick<ModelConfig, 'nHeads' | 'nKvHeads' | 'headDim'>,
): void {
  const { nHeads, nKvHeads, headDim } = config
  if (nKvHeads > nHeads || nHeads % nKvHeads !== 0) {
    throw new ConfigError(fields.kvHeads, nKvHeads, `must divide the ${nHeads} of ${fields.heads}`)
  }
  if (headDim % 2 !== 0) throw new ConfigError(fields.headDim, headDim, 'must be even, since RoPE rotates pairs')
}
