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
export function packSettings(params: Checked<SamplerParams>, context: PackContext): PackedParams {
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
function packLists(settings: Uint32Array, params: SamplerParams, eos: readonly number[]): Uint32Array<ArrayBuffer> {
  const lists = new Uint32Array(Layout.LIST_WORDS)
  let used = 0
  const add = (parameter: keyof SamplerParams, at: number, list: WordList) => {
    // Before anything is written: a request may hold millions of ids.
    if (used + list.words > Layout.LIST_WORDS) {
      throw new ParameterError(
        parameter,
        params[parameter],
        `does not fit: the ids and biases of a request take at most ${Layout.LIST_WORDS} words on the GPU, and with this ` +
          `parameter they would take ${used + list.words}`,
      )
    }
    settings[at] = used
    settings[at + 1] = list.count
    list.write(lists, used)
    used += list.words
  }
  const biases = new Map(Object.entries(params.logit_bias).map(([id, bias]) => [Number(id), floatBits(bias)]))
  add('logit_bias', Layout.BIASES, { ...flat([...biases].flat()), count: biases.size })
  // A sequence that is given twice counts once, with its last bias, at its first place.
  const biased = new Map(params.sequence_bias.map((entry) => [entry[0].join(), entry]))
  add('sequence_bias', Layout.BIASED, grouped([...biased.values()]))
  const badWords = params.bad_words_ids.filter((ids) => ids.length > 1)
  add('bad_words_ids', Layout.WORDS, grouped(badWords.map((ids) => [ids, 0])))
  add('stop_token_ids', Layout.ENDS, flat([...eos, ...params.stop_token_ids]))
  const bans = new Set<number>()
  for (const ids of params.bad_words_ids) if (ids.length === 1 && !eos.includes(ids[0]!)) bans.add(ids[0]!)
  for (const id of params.suppress_tokens) bans.add(id)
  add(params.suppress_tokens.length > 0 ? 'suppress_tokens' : 'bad_words_ids', Layout.BANS, flat([...bans]))
  return lists.slice(0, used)
}

/** A list that has not been written yet. */
interface WordList {
  readonly count: number
  readonly words: number
  write(into: Uint32Array, at: number): void
}

function flat(items: readonly number[]): WordList {
  return { count: items.length, words: items.length, write: (into, at) => into.set(items, at) }
}

/**
 * Sequences in groups of one last id, so that one thread adds up what belongs to one score, in the order of the list:
 * first where each group starts, then the groups: [last id, entries, then per entry: ids before the last, bias, these].
 */
function grouped(sequences: readonly (readonly [ids: readonly number[], bias: number])[]): WordList {
  const groups = new Map<number, (readonly [ids: readonly number[], bias: number])[]>()
  let words = 0
  for (const entry of sequences) {
    const ids = entry[0]
    const id = ids[ids.length - 1]!
    const group = groups.get(id)
    if (group === undefined) groups.set(id, [entry])
    else group.push(entry)
    words += group === undefined ? ids.length + 4 : ids.length + 1
  }
  const write = (into: Uint32Array, start: number) => {
    let at = start + groups.size
    for (const [i, [id, entries]] of [...groups].entries()) {
      into[start + i] = at
      into[at++] = id
      into[at++] = entries.length
      for (const [ids, bias] of entries) {
        into[at++] = ids.length - 1
        into[at++] = floatBits(bias)
        for (let k = 0; k + 1 < ids.length; k++) into[at++] = ids[k]!
      }
    }
  }
  return { count: groups.size, words, write }
}

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

function floatBits(value: number): number {
  float[0] = value
  return bits[0]!
}
