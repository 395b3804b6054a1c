/** The sampler's parameters as words in a buffer, the way its shaders read them. */
/** A request's parameters in the words that the sampler's shaders read: their layout is that of sampler_settings.wgsl. */
import type { Checked } from '../checks.ts'
import { ParameterError } from '../errors.ts'
import { SAMPLER_SETTINGS as Layout } from '../gpu/shaders.gen.ts'
import { limitsOf } from './integer-weights.ts'
import { eosList, type SamplingContext } from './processors.ts'
import { type Seed, seedWords } from './random.ts'
import type { SamplerParams } from './sampler-params.ts'

/** What the packed settings say besides the parameters. */
export interface PackContext extends SamplingContext {
  /** The request's seed, or the random one taken in its place. */
  readonly seed: Seed
  /** Alternatives wanted for each step, 0 to 20, besides the chosen token; undefined: no log-probabilities at all. */
  readonly topLogprobs?: number | undefined
  /** A constraint gives a mask of the tokens that may come, for each of them. Default false. */
  readonly masked?: boolean | undefined
}

/** A request's parameters as the shaders read them. */
export interface PackedParams {
  /** [SETTINGS_WORDS] */
  readonly settings: Uint32Array<ArrayBuffer>
  /** As long as it must be, at most `LIST_WORDS`. */
  readonly lists: Uint32Array<ArrayBuffer>
  /** Whether rules on the history, or masks, are active at any step. */
  readonly rules: boolean
}

/** Below this an f32 is subnormal, which a GPU may take for 0. */
const LEAST_F32 = 2 ** -126

/**
 * A request's parameters for the sampler on the GPU.
 *
 * @throws ParameterError naming the parameter whose lists do not fit, or a repetition penalty that f32 does not hold
 */
export function packSettings(
  params: Checked<SamplerParams>,
  context: PackContext,
  /** `packLists` of packed-lists.ts, which requests load that have lists: {@link hasLists} tells. */
  packLists: PackLists = packEnds,
): PackedParams {
  const settings = new Uint32Array(Layout.SETTINGS_WORDS)
  const floats = new Float32Array(settings.buffer)
  const limits = limitsOf(params)
  const lists = packLists(settings, params, eosList(context))
  settings[Layout.PROMPT_LENGTH] = context.promptLength
  settings.set(seedWords(context.seed), Layout.SEED)
  floats[Layout.TEMPERATURE] = params.temperature
  settings[Layout.TOP_K] = u32(params.top_k)
  settings[Layout.TOP_P] = limits.topP
  settings[Layout.MIN_P] = limits.minP
  settings[Layout.TYPICAL_P] = limits.typicalP
  settings[Layout.EPSILON] = limits.epsilon
  settings[Layout.ETA] = limits.eta
  settings[Layout.ETA_ROOT] = limits.etaRoot
  floats[Layout.REPETITION] = params.repetition_penalty
  if (floats[Layout.REPETITION]! < LEAST_F32) {
    throw new ParameterError('repetition_penalty', params.repetition_penalty, `must be at least ${LEAST_F32}`)
  }
  floats[Layout.FREQUENCY] = params.frequency_penalty
  floats[Layout.PRESENCE] = params.presence_penalty
  settings[Layout.NGRAM] = u32(params.no_repeat_ngram_size)
  settings[Layout.SHORT_BELOW] = u32(Math.max(params.min_length, context.promptLength + params.min_new_tokens))
  settings[Layout.TOP_LOGPROBS] = context.topLogprobs === undefined ? 0 : context.topLogprobs + 1
  const counts = params.frequency_penalty !== 0 || params.presence_penalty !== 0
  const canBeShort = settings[Layout.SHORT_BELOW]! > context.promptLength && settings[Layout.ENDS + 1]! > 0
  const listed = [Layout.BIASES, Layout.BIASED, Layout.WORDS, Layout.BANS].some((word) => settings[word + 1]! > 0)
  const masked = context.masked ?? false
  const rules =
    masked || counts || canBeShort || listed || params.repetition_penalty !== 1 || params.no_repeat_ngram_size > 0
  settings[Layout.FLAGS] =
    (params.do_sample ? Layout.SAMPLE : 0) |
    (rules ? Layout.RULES : 0) |
    (params.top_p < 1 ? Layout.HAS_TOP_P : 0) |
    (params.min_p > 0 ? Layout.HAS_MIN_P : 0) |
    (params.typical_p < 1 ? Layout.HAS_TYPICAL_P : 0) |
    (params.epsilon_cutoff > 0 ? Layout.HAS_EPSILON : 0) |
    (params.eta_cutoff > 0 ? Layout.HAS_ETA : 0) |
    (counts ? Layout.COUNTS : 0) |
    (masked ? Layout.MASKED : 0)
  return { settings, lists, rules }
}

function u32(count: number): number {
  return Math.min(count, 0xffffffff)
}

/** Writes offset and count of each list into the settings and returns the lists, one behind the other. */
export type PackLists = (
  settings: Uint32Array,
  params: SamplerParams,
  eos: readonly number[],
) => Uint32Array<ArrayBuffer>

/** Whether a request has ids or biases besides those of its end. */
export function hasLists(params: SamplerParams): boolean {
  const lists = [params.sequence_bias, params.bad_words_ids, params.suppress_tokens, params.stop_token_ids]
  return lists.some((list) => list.length > 0) || Object.keys(params.logit_bias).length > 0
}

function packEnds(settings: Uint32Array, _: SamplerParams, eos: readonly number[]): Uint32Array<ArrayBuffer> {
  settings[Layout.ENDS + 1] = eos.length
  settings[Layout.BANS] = eos.length
  return Uint32Array.from(eos)
}
