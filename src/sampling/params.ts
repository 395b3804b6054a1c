import { ParameterError } from '../errors.ts'
import { closestName } from './closest-name.ts'
import * as rule from './rules.ts'

/** What a request says about how tokens are chosen and when to stop. Every field may be left out or null. */
export interface SamplingInput {
  /** Tokens to generate at most, the prompt not counted. Default 512. */
  max_tokens?: number | null | undefined
  /** The same as `max_tokens` under the name of the OpenAI API; wins over it. */
  max_completion_tokens?: number | null | undefined
  /** The same as `max_tokens` under the name of Hugging Face; wins over both. */
  max_new_tokens?: number | null | undefined
  /** Logits are divided by it. Default 1; below 1e-5 means greedy. */
  temperature?: number | null | undefined
  /** Only the k best tokens, ties included. Default 50; 0 or -1 is all. */
  top_k?: number | null | undefined
  /** Only the best tokens that together hold this probability. Default 0.95; 1 is all. */
  top_p?: number | null | undefined
  /** false takes the best token each time. Default true. */
  do_sample?: boolean | null | undefined
  /** An integer that makes the draws repeat. Default: a random one. */
  seed?: number | bigint | null | undefined
  /** Texts that end the answer and are not part of it. */
  stop?: string | readonly string[] | null | undefined
  /** Ids that end the answer, besides the model's own end of sequence. */
  stop_token_ids?: readonly number[] | null | undefined
  /** Do not stop at the model's end of sequence. Default false. */
  ignore_eos?: boolean | null | undefined
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

/** Checked parameters with all defaults filled in; {@link parseSamplingParams} makes them. */
export interface SamplingParams {
  readonly max_tokens: number
  readonly temperature: number
  /** 0 is off. */
  readonly top_k: number
  readonly top_p: number
  /** false also when the temperature asked for greedy. */
  readonly do_sample: boolean
  /** undefined: whoever runs the request takes a random one. */
  readonly seed: number | bigint | undefined
  readonly stop: readonly string[]
  readonly stop_token_ids: readonly number[]
  readonly ignore_eos: boolean
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
const MAX_STOPS = 16

const RULES: { readonly [K in keyof SamplingInput]-?: rule.Rule } = {
  max_tokens: rule.integer(1),
  max_completion_tokens: rule.integer(1),
  max_new_tokens: rule.integer(1),
  temperature: rule.number(0, 100),
  top_k: rule.integer(-1),
  top_p: rule.number(0, 1),
  do_sample: rule.boolean,
  seed: rule.seed,
  stop: rule.texts(MAX_STOPS),
  stop_token_ids: rule.ids,
  ignore_eos: rule.boolean,
  repetition_penalty: rule.numberAbove(0, 100),
  no_repeat_ngram_size: rule.integer(0),
  bad_words_ids: rule.listOf(rule.sequence),
  sequence_bias: rule.listOf(rule.biasedSequence),
  logit_bias: rule.biases(100),
  suppress_tokens: rule.ids,
  min_length: rule.integer(0),
  min_new_tokens: rule.integer(0),
  min_tokens: rule.integer(0),
  min_p: rule.number(0, 1),
  typical_p: rule.numberAbove(0, 1),
  epsilon_cutoff: rule.numberBelow(0, 1),
  eta_cutoff: rule.numberBelow(0, 1),
  frequency_penalty: rule.number(-2, 2),
  presence_penalty: rule.number(-2, 2),
}

/**
 * Parameters that other servers and libraries have and this one does not. A request may carry them with the value that
 * changes nothing (null always does); any other value is refused rather than ignored.
 */
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  n: [1],
  best_of: [1],
  num_return_sequences: [1],
  num_beams: [1],
  num_beam_groups: [1],
  diversity_penalty: [0],
  length_penalty: [1],
  early_stopping: [false],
  penalty_alpha: [0],
  guidance_scale: [1],
  encoder_repetition_penalty: [1],
  encoder_no_repeat_ngram_size: [0],
  top_h: [],
  top_a: [0],
  tfs_z: [1],
  mirostat: [0],
  dry_multiplier: [0],
  xtc_probability: [0],
  logprobs: [false],
  top_logprobs: [0],
  prompt_logprobs: [],
  max_length: [],
  begin_suppress_tokens: [],
  forced_bos_token_id: [],
  forced_eos_token_id: [],
  force_words_ids: [],
  watermarking_config: [],
  use_beam_search: [false],
  use_cache: [true],
}

/** The names {@link parseSamplingParams} understands, for layers that split a larger request. */
export const SAMPLING_PARAMETERS: readonly string[] = Object.keys(RULES)

/** Objects that came out of {@link parseSamplingParams}: checking one again on every token would be waste. */
const checked = new WeakSet<object>()

/**
 * Checks a request's parameters and fills in the defaults. Missing, undefined and null all mean the default.
 * A result of this function comes back as it is.
 *
 * @param input an object in the wire's snake_case, as `JSON.parse` gives it
 * @param otherNames names the caller handles itself (`messages`, `stream`): skipped here, and offered as corrections
 * @throws ParameterError naming the parameter, its value and what is allowed, for a wrong type, a value out of range,
 *   a name nobody knows (with the nearest one), and a known one that is not supported
 */
export function parseSamplingParams(input: unknown, otherNames: readonly string[] = []): SamplingParams {
  if (input === undefined || input === null) return parseSamplingParams({})
  if (typeof input !== 'object' || Array.isArray(input)) {
    throw new ParameterError('params', input, 'must be an object of parameters')
  }
  if (checked.has(input)) return input as SamplingParams
  const values: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(input)) {
    if (otherNames.includes(name)) continue
    if (Object.hasOwn(RULES, name)) {
      if (value !== null && value !== undefined) values[name] = RULES[name as keyof SamplingInput](name, value)
    } else refuseUnlessNeutral(name, value, otherNames)
  }
  const params = withDefaults(values as SamplingInput)
  if (params.min_new_tokens > params.max_tokens) {
    throw new ParameterError(
      'min_new_tokens',
      params.min_new_tokens,
      `must be at most max_tokens, ${params.max_tokens}`,
    )
  }
  checked.add(params)
  return params
}

function refuseUnlessNeutral(name: string, value: unknown, otherNames: readonly string[]): void {
  if (Object.hasOwn(NEUTRAL, name)) {
    const neutral = NEUTRAL[name]!
    if (value === null || value === undefined || neutral.includes(value)) return
    const harmless = neutral.length > 0 ? `; only ${JSON.stringify(neutral[0])} is accepted` : ''
    throw new ParameterError(
      name,
      value,
      `is not supported yet${harmless}${name === 'max_length' ? '; use max_tokens' : ''}`,
    )
  }
  const nearest = closestName(name, [...SAMPLING_PARAMETERS, ...otherNames, ...Object.keys(NEUTRAL)])
  throw new ParameterError(name, value, `is not a known parameter${nearest ? `; did you mean "${nearest}"?` : ''}`)
}

/** Values have passed their rules: only aliases and defaults are left. */
function withDefaults(values: SamplingInput): SamplingParams {
  const temperature = values.temperature ?? 1
  return Object.freeze({
    max_tokens: values.max_new_tokens ?? values.max_completion_tokens ?? values.max_tokens ?? 512,
    temperature,
    top_k: Math.max(0, values.top_k ?? 50),
    top_p: values.top_p ?? 0.95,
    do_sample: (values.do_sample ?? true) && temperature >= GREEDY_TEMPERATURE,
    seed: values.seed ?? undefined,
    stop: (values.stop ?? []) as readonly string[],
    stop_token_ids: values.stop_token_ids ?? [],
    ignore_eos: values.ignore_eos ?? false,
    repetition_penalty: values.repetition_penalty ?? 1,
    no_repeat_ngram_size: values.no_repeat_ngram_size ?? 0,
    bad_words_ids: values.bad_words_ids ?? [],
    sequence_bias: values.sequence_bias ?? [],
    logit_bias: values.logit_bias ?? {},
    suppress_tokens: values.suppress_tokens ?? [],
    min_length: values.min_length ?? 0,
    min_new_tokens: values.min_new_tokens ?? values.min_tokens ?? 0,
    min_p: values.min_p ?? 0,
    typical_p: values.typical_p ?? 1,
    epsilon_cutoff: values.epsilon_cutoff ?? 0,
    eta_cutoff: values.eta_cutoff ?? 0,
    frequency_penalty: values.frequency_penalty ?? 0,
    presence_penalty: values.presence_penalty ?? 0,
  })
}

/**
 * Checks the token ids in the parameters against a model.
 *
 * @throws ParameterError when an id is not in a vocabulary of `vocabSize` tokens
 */
export function checkTokenIds(params: SamplingParams, vocabSize: number): void {
  const check = (name: string, ids: readonly number[]) => {
    const bad = ids.find((id) => id >= vocabSize)
    if (bad !== undefined) throw new ParameterError(name, bad, `must be a token id below the vocabulary's ${vocabSize}`)
  }
  check('stop_token_ids', params.stop_token_ids)
  check('suppress_tokens', params.suppress_tokens)
  check('logit_bias', Object.keys(params.logit_bias).map(Number))
  check('bad_words_ids', params.bad_words_ids.flat())
  check(
    'sequence_bias',
    params.sequence_bias.flatMap(([ids]) => ids),
  )
}
