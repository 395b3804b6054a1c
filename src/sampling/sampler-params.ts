/** The parameters of a request that decide which token is chosen: what they may be, and their defaults. */
import { type Checks, flag, integer, listOf, number, numberAbove, numberBelow } from '../checks.ts'
import { ParameterError } from '../errors.ts'
import { biasedSequence, biases, MAX_ITEMS, seed, tokenIds, tokenSequence } from './param-checks.ts'

/** How tokens are chosen. Every field may be left out or null. */
export interface SamplerInput {
  /** Logits are divided by it. Default 1; below 1e-5 means greedy. */
  temperature?: number | null | undefined
  /** Only the k best tokens, ties included. Default 50; 0 or -1 is all. */
  top_k?: number | null | undefined
  /** Only the best tokens that together hold this probability. Default 0.95; 1 is all. */
  top_p?: number | null | undefined
  /** false takes the best token each time. Default true. */
  do_sample?: boolean | null | undefined
  /** An integer from -2^63 to 2^63 - 1 that makes the draws repeat; a bigint beyond 2^53 - 1. Default: a random one. */
  seed?: number | bigint | null | undefined
  /** The same as `seed` under the name of Mistral's API. */
  random_seed?: number | bigint | null | undefined
  /** Ids that end the answer, besides the model's own end of sequence. */
  stop_token_ids?: readonly number[] | null | undefined
  /** Divides positive and multiplies negative logits of ids seen in prompt or answer. Default 1. */
  repetition_penalty?: number | null | undefined
  /** No sequence of this many ids appears twice, prompt included. Default 0: off. */
  no_repeat_ngram_size?: number | null | undefined
  /** Sequences that are never completed. */
  bad_words_ids?: readonly (readonly number[])[] | null | undefined
  /** Added to the logit that would complete the sequence: `[ids, bias]`. */
  sequence_bias?: readonly (readonly [readonly number[], number])[] | null | undefined
  /** Added to the logit of an id, within -100 and 100. */
  logit_bias?: Readonly<Record<string, number>> | null | undefined
  /** Ids that are never generated. */
  suppress_tokens?: readonly number[] | null | undefined
  /** No end of sequence before prompt and answer have this many tokens. Default 0. */
  min_length?: number | null | undefined
  /** No end of sequence before the answer has this many tokens. Default 0. */
  min_new_tokens?: number | null | undefined
  /** The same as `min_new_tokens`, which wins. */
  min_tokens?: number | null | undefined
  /** Only tokens at least this fraction as probable as the best. Default 0: off. */
  min_p?: number | null | undefined
  /** Locally typical sampling. Default 1: off. */
  typical_p?: number | null | undefined
  /** Only tokens of at least this probability. Default 0: off. */
  epsilon_cutoff?: number | null | undefined
  /** Eta sampling. Default 0: off. */
  eta_cutoff?: number | null | undefined
  /** Subtracted from a logit for each time its id was generated. -2 to 2, default 0. */
  frequency_penalty?: number | null | undefined
  /** Subtracted from a logit whose id was generated. -2 to 2, default 0. */
  presence_penalty?: number | null | undefined
}

/** Checked, with all defaults filled in. */
export interface SamplerParams {
  readonly temperature: number
  /** 0 is off. */
  readonly top_k: number
  readonly top_p: number
  /** false also when the temperature asked for greedy. */
  readonly do_sample: boolean
  /** undefined: whoever runs the request takes a random one. */
  readonly seed: number | bigint | undefined
  readonly stop_token_ids: readonly number[]
  readonly repetition_penalty: number
  readonly no_repeat_ngram_size: number
  readonly bad_words_ids: readonly (readonly number[])[]
  readonly sequence_bias: readonly (readonly [readonly number[], number])[]
  readonly logit_bias: Readonly<Record<string, number>>
  readonly suppress_tokens: readonly number[]
  readonly min_length: number
  readonly min_new_tokens: number
  readonly min_p: number
  readonly typical_p: number
  readonly epsilon_cutoff: number
  readonly eta_cutoff: number
  readonly frequency_penalty: number
  readonly presence_penalty: number
}

/** Below this a temperature means greedy, as in vLLM: dividing by less only overflows. */
const GREEDY_TEMPERATURE = 1e-5

export const SAMPLER_CHECKS: Checks<SamplerInput> = {
  temperature: number(0, 100),
  top_k: integer(-1),
  top_p: number(0, 1),
  do_sample: flag,
  seed,
  random_seed: seed,
  stop_token_ids: tokenIds,
  repetition_penalty: numberAbove(0, 100),
  no_repeat_ngram_size: integer(0),
  bad_words_ids: listOf(tokenSequence, MAX_ITEMS),
  sequence_bias: listOf(biasedSequence, MAX_ITEMS),
  logit_bias: biases(100),
  suppress_tokens: tokenIds,
  min_length: integer(0),
  min_new_tokens: integer(0),
  min_tokens: integer(0),
  min_p: number(0, 1),
  typical_p: numberAbove(0, 1),
  epsilon_cutoff: numberBelow(0, 1),
  eta_cutoff: numberBelow(0, 1),
  frequency_penalty: number(-2, 2),
  presence_penalty: number(-2, 2),
}

/** @param values have passed their checks; lists are copied, so that nobody changes them afterwards */
export function samplerParams(values: SamplerInput): SamplerParams {
  const temperature = values.temperature ?? 1
  return {
    temperature,
    top_k: Math.max(0, values.top_k ?? 50),
    top_p: values.top_p ?? 0.95,
    do_sample: (values.do_sample ?? true) && temperature >= GREEDY_TEMPERATURE,
    seed: values.seed ?? values.random_seed ?? undefined,
    stop_token_ids: [...(values.stop_token_ids ?? [])],
    repetition_penalty: values.repetition_penalty ?? 1,
    no_repeat_ngram_size: values.no_repeat_ngram_size ?? 0,
    bad_words_ids: (values.bad_words_ids ?? []).map((ids) => [...ids]),
    sequence_bias: (values.sequence_bias ?? []).map(([ids, bias]) => [[...ids], bias] as const),
    logit_bias: { ...values.logit_bias },
    suppress_tokens: [...(values.suppress_tokens ?? [])],
    min_length: values.min_length ?? 0,
    min_new_tokens: values.min_new_tokens ?? values.min_tokens ?? 0,
    min_p: values.min_p ?? 0,
    typical_p: values.typical_p ?? 1,
    epsilon_cutoff: values.epsilon_cutoff ?? 0,
    eta_cutoff: values.eta_cutoff ?? 0,
    frequency_penalty: values.frequency_penalty ?? 0,
    presence_penalty: values.presence_penalty ?? 0,
  }
}

/**
 * Checks the token ids in the parameters against a model.
 *
 * @throws ParameterError when an id is not in a vocabulary of `vocabSize` tokens
 */
export function checkTokenIds(params: SamplerParams, vocabSize: number): void {
  const inVocabulary = (name: string, ids: readonly number[]) => {
    const bad = ids.find((id) => id >= vocabSize)
    if (bad !== undefined) throw new ParameterError(name, bad, `must be a token id below the vocabulary's ${vocabSize}`)
  }
  inVocabulary('stop_token_ids', params.stop_token_ids)
  inVocabulary('suppress_tokens', params.suppress_tokens)
  inVocabulary('logit_bias', Object.keys(params.logit_bias).map(Number))
  for (const ids of params.bad_words_ids) inVocabulary('bad_words_ids', ids)
  for (const [ids] of params.sequence_bias) inVocabulary('sequence_bias', ids)
}
