/** The parameters of a request that the token loop follows: when to stop, what to report, how to compute. */

import { type Checks, filledText, flag, integer } from '../checks.ts'
import { LOGPROBS } from '../gpu/shaders.gen.ts'

/** When to stop and what to report. Every field may be left out or null. */
export interface LoopInput {
  /** Tokens to generate at most, the prompt not counted. Default 512. */
  max_tokens?: number | null | undefined
  /** The same as `max_tokens` under the name of the OpenAI API; wins over it. */
  max_completion_tokens?: number | null | undefined
  /** The same as `max_tokens` under the name of Hugging Face; wins over both. */
  max_new_tokens?: number | null | undefined
  /** Tokens of prompt and answer together at most. Counts when none of the three above is given. */
  max_length?: number | null | undefined
  /** Do not stop at the model's end of sequence. Default false. */
  ignore_eos?: boolean | null | undefined
  /** false computes all tokens anew at every step: the same text, slowly. Default true. */
  use_cache?: boolean | null | undefined
  /** Bring the log-probability of each token of the answer, under the model's own distribution. Default false. */
  logprobs?: boolean | null | undefined
  /** Also bring those of so many most probable tokens, 0 to 20. Needs `logprobs`. */
  top_logprobs?: number | null | undefined
  /**
   * Prompt lookup decoding: guess up to so many tokens from what followed the same words earlier, and check them in one
   * pass. The text is the same; where it repeats its prompt it comes sooner. Default 0: off.
   */
  prompt_lookup_num_tokens?: number | null | undefined
  /** The LoRA adapter to answer with, by the name under which it was loaded. Default: none. */
  adapter?: string | null | undefined
  /** The same as `adapter` under the name of Hugging Face's servers. */
  adapter_id?: string | null | undefined
}

/** Checked, with all defaults filled in. */
export interface LoopParams {
  /** Infinity when `max_length` limits instead. */
  readonly max_tokens: number
  /** Tokens of prompt and answer together; undefined when `max_tokens` was given. */
  readonly max_length: number | undefined
  readonly ignore_eos: boolean
  readonly use_cache: boolean
  readonly logprobs: boolean
  readonly top_logprobs: number
  readonly prompt_lookup_num_tokens: number
  readonly adapter: string | undefined
}

const DEFAULT_MAX_TOKENS = 512
/** As many as the logprobs kernel finds. */
export const MAX_TOP_LOGPROBS = LOGPROBS.MOST
/** One pass verifies a guess and the token before it in the widest of the small matmuls. */
const MAX_LOOKUP = 16

export const LOOP_CHECKS: Checks<LoopInput> = {
  max_tokens: integer(1),
  max_completion_tokens: integer(1),
  max_new_tokens: integer(1),
  max_length: integer(1),
  ignore_eos: flag,
  use_cache: flag,
  logprobs: flag,
  top_logprobs: integer(0, MAX_TOP_LOGPROBS),
  prompt_lookup_num_tokens: integer(0, MAX_LOOKUP),
  adapter: filledText,
  adapter_id: filledText,
}

/** Names of one limit; of those that are given the first counts. */
const LIMIT_NAMES = ['max_new_tokens', 'max_completion_tokens', 'max_tokens'] as const

/** The name under which a request limits the length of its answer; undefined when it does not. */
export function limitName(values: LoopInput): (typeof LIMIT_NAMES)[number] | undefined {
  return LIMIT_NAMES.find((name) => values[name] !== undefined && values[name] !== null)
}

/** @param values have passed their checks */
export function loopParams(values: LoopInput): LoopParams {
  const name = limitName(values)
  const most = name && (values[name] as number)
  const max_length = most === undefined ? (values.max_length ?? undefined) : undefined
  return {
    max_tokens: most ?? (max_length === undefined ? DEFAULT_MAX_TOKENS : Infinity),
    max_length,
    ignore_eos: values.ignore_eos ?? false,
    use_cache: values.use_cache ?? true,
    logprobs: values.logprobs ?? false,
    top_logprobs: values.top_logprobs ?? 0,
    prompt_lookup_num_tokens: values.prompt_lookup_num_tokens ?? 0,
    adapter: values.adapter ?? values.adapter_id ?? undefined,
  }
}
