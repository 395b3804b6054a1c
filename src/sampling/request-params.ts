/** All parameters of a request: read once, by the tables of their three parts. */
import { asChecked, type Checked, type Checks, checkParameter } from '../checks.ts'
import { closestName } from '../closest-name.ts'
import { ParameterError } from '../errors.ts'
import { LOOP_CHECKS, type LoopInput, type LoopParams, limitName, loopParams } from './loop-params.ts'
import { SAMPLER_CHECKS, type SamplerInput, type SamplerParams, samplerParams } from './sampler-params.ts'
import { TEXT_CHECKS, type TextInput, type TextParams, textParams } from './text-params.ts'

/** All parameters of a request: how tokens are chosen and when to stop. Every field may be left out or null. */
export interface SamplingInput extends SamplerInput, LoopInput, TextInput {}

/** Checked parameters with all defaults filled in, in the parts that the floors of this library read. */
export interface RequestParams {
  readonly sampler: Checked<SamplerParams>
  readonly loop: Checked<LoopParams>
  readonly text: Checked<TextParams>
}

const CHECKS: Checks<SamplingInput> = { ...SAMPLER_CHECKS, ...LOOP_CHECKS, ...TEXT_CHECKS }

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

/** The names that {@link parseRequestParams} understands, for layers that split a larger request. */
export const PARAMETERS: readonly string[] = Object.keys(CHECKS)
/** Names that are known and not supported, for layers that say more about those that are not known. */
export const UNSUPPORTED_PARAMETERS: readonly string[] = Object.keys(NEUTRAL)

/**
 * Checks a request's parameters and fills in the defaults. Missing, undefined and null all mean the default.
 *
 * @param input an object in the wire's snake_case, as `JSON.parse` gives it
 * @param otherNames names the caller handles itself (`messages`, `stream`): skipped here, and offered as corrections
 * @throws ParameterError naming the parameter, its value and what is allowed, for a wrong type, a value out of range,
 *   a name nobody knows (with the nearest one), and a known one that is not supported
 */
export function parseRequestParams(input: unknown, otherNames: readonly string[] = []): RequestParams {
  if (input === undefined || input === null) return parseRequestParams({})
  if (typeof input !== 'object' || Array.isArray(input)) {
    throw new ParameterError('params', input, 'must be an object of parameters')
  }
  const given: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(input)) {
    if (otherNames.includes(name)) continue
    if (!Object.hasOwn(CHECKS, name)) refuseUnlessNeutral(name, value, otherNames)
    else if (value !== null && value !== undefined) {
      checkParameter(name, value, CHECKS[name as keyof SamplingInput])
      given[name] = value
    }
  }
  const values: SamplingInput = given
  const params = { sampler: samplerParams(values), loop: loopParams(values), text: textParams(values) }
  checkTogether(values, params)
  return { sampler: asChecked(params.sampler), loop: asChecked(params.loop), text: asChecked(params.text) }
}

/** Values that exclude each other. The errors speak of the names that were sent. */
function checkTogether(values: SamplingInput, params: { sampler: SamplerParams; loop: LoopParams }): void {
  const { sampler, loop } = params
  if (sampler.min_new_tokens > loop.max_tokens) {
    const name = values.min_new_tokens === undefined ? 'min_tokens' : 'min_new_tokens'
    const limit = `${limitName(values) ?? 'max_tokens'}, ${loop.max_tokens}`
    throw new ParameterError(name, sampler.min_new_tokens, `must be at most ${limit}`)
  }
  if (loop.top_logprobs > 0 && !loop.logprobs) {
    throw new ParameterError('top_logprobs', loop.top_logprobs, 'needs logprobs: true')
  }
  const { seed, random_seed, adapter, adapter_id } = values
  if (adapter !== undefined && adapter_id !== undefined && adapter !== adapter_id) {
    throw new ParameterError(
      'adapter_id',
      adapter_id,
      `is another name of adapter, which is ${adapter}: send one of them`,
    )
  }
  // Compared by value: one may be a bigint and the other a number.
  if (seed !== undefined && random_seed !== undefined && BigInt(seed!) !== BigInt(random_seed!)) {
    throw new ParameterError('random_seed', random_seed, `is another name of seed, which is ${seed}: send one of them`)
  }
}

function refuseUnlessNeutral(name: string, value: unknown, otherNames: readonly string[]): void {
  if (Object.hasOwn(NEUTRAL, name)) {
    const neutral = NEUTRAL[name]!
    if (value === null || value === undefined || neutral.includes(value)) return
    const harmless = neutral.length > 0 ? `; only ${JSON.stringify(neutral[0])} is accepted` : ''
    throw new ParameterError(name, value, `is not supported yet${harmless}`)
  }
  const nearest = closestName(name, [...PARAMETERS, ...otherNames, ...UNSUPPORTED_PARAMETERS])
  throw new ParameterError(name, value, `is not a known parameter${nearest ? `; did you mean "${nearest}"?` : ''}`)
}
