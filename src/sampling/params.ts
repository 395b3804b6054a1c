import { closestName } from '../closest-name.ts'
import { ParameterError } from '../errors.ts'
import type { SamplingInput, SamplingParams } from './param-types.ts'
import * as rule from './rules.ts'

export type { SamplingInput, SamplingParams } from './param-types.ts'

/** Below this a temperature means greedy, as in vLLM: dividing by less only overflows. */
const GREEDY_TEMPERATURE = 1e-5
const DEFAULT_MAX_TOKENS = 512
const MAX_STOPS = 16
const MAX_BAD_WORDS = 1024
const MAX_BAD_WORD_LENGTH = 256
const MAX_BAD_WORDS_LENGTH = 32_768
const MAX_CHOICES = 16
const MAX_TOP_LOGPROBS = 20
/** One pass verifies a guess and the token before it in the widest of the small matmuls. */
const MAX_LOOKUP = 16

const RULES: { readonly [K in keyof SamplingInput]-?: rule.Rule } = {
  max_tokens: rule.integer(1),
  max_completion_tokens: rule.integer(1),
  max_new_tokens: rule.integer(1),
  max_length: rule.integer(1),
  temperature: rule.number(0, 100),
  top_k: rule.integer(-1),
  top_p: rule.number(0, 1),
  do_sample: rule.boolean,
  seed: rule.seed,
  random_seed: rule.seed,
  stop: rule.stops(MAX_STOPS),
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
  bad_words: rule.texts(MAX_BAD_WORDS, MAX_BAD_WORD_LENGTH, MAX_BAD_WORDS_LENGTH),
  use_cache: rule.boolean,
  logprobs: rule.boolean,
  top_logprobs: rule.integerIn(0, MAX_TOP_LOGPROBS),
  prompt_lookup_num_tokens: rule.integerIn(0, MAX_LOOKUP),
  n: rule.integerIn(1, MAX_CHOICES),
  return_full_text: rule.boolean,
}

/**
 * Parameters that other servers and libraries have and this one does not. A request may carry them with the value that
 * changes nothing (null always does); any other value is refused rather than ignored.
 */
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
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
  prompt_logprobs: [],
  begin_suppress_tokens: [],
  forced_bos_token_id: [],
  forced_eos_token_id: [],
  force_words_ids: [],
  watermarking_config: [],
  use_beam_search: [false],
}

/** The names {@link parseSamplingParams} understands, for layers that split a larger request. */
export const SAMPLING_PARAMETERS: readonly string[] = Object.keys(RULES)
/** Names that are known and not supported, for layers that say more about those that are not known. */
export const UNSUPPORTED_PARAMETERS: readonly string[] = Object.keys(NEUTRAL)

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
  if (isChecked(input)) return input
  const values: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(input)) {
    if (otherNames.includes(name)) continue
    if (Object.hasOwn(RULES, name)) {
      if (value !== null && value !== undefined) values[name] = RULES[name as keyof SamplingInput](name, value)
    } else refuseUnlessNeutral(name, value, otherNames)
  }
  const params = withDefaults(values as SamplingInput)
  checkTogether(values as SamplingInput, params)
  checked.add(params)
  return params
}

/** Names of one thing; of those that are given the first counts. */
const LENGTH_NAMES = ['max_new_tokens', 'max_completion_tokens', 'max_tokens'] as const
const LEAST_NAMES = ['min_new_tokens', 'min_tokens'] as const

function given<K extends keyof SamplingInput>(values: SamplingInput, names: readonly K[]): K | undefined {
  return names.find((name) => values[name] !== undefined)
}

/** Values that exclude each other. The errors speak of the names that were sent. */
function checkTogether(values: SamplingInput, params: SamplingParams): void {
  if (params.min_new_tokens > params.max_tokens) {
    const limit = `${given(values, LENGTH_NAMES) ?? 'max_tokens'}, ${params.max_tokens}`
    const name = given(values, LEAST_NAMES) ?? 'min_new_tokens'
    throw new ParameterError(name, params.min_new_tokens, `must be at most ${limit}`)
  }
  if (params.top_logprobs > 0 && !params.logprobs) {
    throw new ParameterError('top_logprobs', params.top_logprobs, 'needs logprobs: true')
  }
  const { seed, random_seed } = values
  // Compared by value: one may be a bigint and the other a number.
  if (seed !== undefined && random_seed !== undefined && BigInt(seed!) !== BigInt(random_seed!)) {
    throw new ParameterError('random_seed', random_seed, `is another name of seed, which is ${seed}: send one of them`)
  }
}

/** The parameters with some changed to values that need no check. They count as checked, like the ones they come from. */
export function changedParams(params: SamplingParams, changes: Partial<SamplingParams>): SamplingParams {
  const changed = Object.freeze({ ...params, ...changes })
  checked.add(changed)
  return changed
}

/** Whether the object came out of {@link parseSamplingParams}, and nobody can have changed it since. */
export function isChecked(input: unknown): input is SamplingParams {
  return typeof input === 'object' && input !== null && checked.has(input)
}

function refuseUnlessNeutral(name: string, value: unknown, otherNames: readonly string[]): void {
  if (Object.hasOwn(NEUTRAL, name)) {
    const neutral = NEUTRAL[name]!
    if (value === null || value === undefined || neutral.includes(value)) return
    const harmless = neutral.length > 0 ? `; only ${JSON.stringify(neutral[0])} is accepted` : ''
    throw new ParameterError(name, value, `is not supported yet${harmless}`)
  }
  const nearest = closestName(name, [...SAMPLING_PARAMETERS, ...otherNames, ...Object.keys(NEUTRAL)])
  throw new ParameterError(name, value, `is not a known parameter${nearest ? `; did you mean "${nearest}"?` : ''}`)
}

/** Values have passed their rules: only aliases and defaults are left. */
function withDefaults(values: SamplingInput): SamplingParams {
  const temperature = values.temperature ?? 1
  const lengthName = given(values, LENGTH_NAMES)
  const most = lengthName && (values[lengthName] as number)
  const max_length = most === undefined ? (values.max_length ?? undefined) : undefined
  return Object.freeze({
    max_tokens: most ?? (max_length === undefined ? DEFAULT_MAX_TOKENS : Infinity),
    max_length,
    temperature,
    top_k: Math.max(0, values.top_k ?? 50),
    top_p: values.top_p ?? 0.95,
    do_sample: (values.do_sample ?? true) && temperature >= GREEDY_TEMPERATURE,
    seed: values.seed ?? values.random_seed ?? undefined,
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
    bad_words: values.bad_words ?? [],
    use_cache: values.use_cache ?? true,
    logprobs: values.logprobs ?? false,
    top_logprobs: values.top_logprobs ?? 0,
    prompt_lookup_num_tokens: values.prompt_lookup_num_tokens ?? 0,
    n: values.n ?? 1,
    return_full_text: values.return_full_text ?? false,
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
  for (const ids of params.bad_words_ids) check('bad_words_ids', ids)
  for (const [ids] of params.sequence_bias) check('sequence_bias', ids)
}
