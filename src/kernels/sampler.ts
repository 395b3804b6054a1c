/** What stands between logits and the choice of tokens: its buffers, what its kernels share, and the greedy choice. */
import { DeviceError } from '../errors.ts'
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { BufferUsage } from '../gpu/flags.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import {
  DRAW_RULES,
  LOGPROBS,
  RULES_COPY,
  SAMPLER_SETTINGS,
  sampleGreedy,
  samplerSettings,
} from '../gpu/shaders.gen.ts'
import { type Activation, type BatchShape, ceilDiv } from './shape.ts'

/**
 * Words of one sequence in `settings` and in `lists`, and the id that stands in the history where nothing was left to
 * choose.
 */
export const { SETTINGS_WORDS, LIST_WORDS, NO_TOKEN } = SAMPLER_SETTINGS
/** Steps of one sequence whose log-probabilities are kept: a ring over positions. */
export const LOGPROB_STEPS = LOGPROBS.STEPS
/** Most alternatives that come back for one step, and words before them. */
export const { MOST: MAX_TOP_LOGPROBS, HEAD: LOGPROB_HEAD } = LOGPROBS
/**
 * Words of one step in `logprobs`: the chosen id, its raw logit (f32), the best logit (f32), the sum of all weights (low and high
 * word, in 2^-31 of the best one's), then ids of the best tokens, then their logits (f32). Alternatives that were not asked for,
 * or do not exist, have the id {@link NO_TOKEN}.
 */
export const LOGPROB_WORDS = LOGPROB_HEAD + 2 * MAX_TOP_LOGPROBS
/** Candidates that the list of `drawShort` holds. */
export const SHORTLIST = 256
/** The largest top_k whose candidates `drawShort` takes: 256 threads' bests bound so many well. */
export const SHORT_TOP_K = 64
/** What the history says where so many candidates tie that they did not fit the list: `drawDense` must choose. */
export const { LIST_TOO_SHORT } = DRAW_RULES
/** Largest vocabulary: sums of 2^18 weights times their distances stay within 64 bits. */
const MAX_SAMPLED_VOCAB = 2 ** 18

/** How tokens are chosen. Each sampler can do what those before it can. */
export const SAMPLER_KINDS = ['greedy', 'short', 'dense'] as const
export type SamplerKind = (typeof SAMPLER_KINDS)[number]

export interface SamplerBuffers {
  /** Raw logits [outputs, stride]; left as they are. */
  readonly logits: Activation
  /** Scratch of the shape of `logits`. */
  readonly scores: Buffer
  /** Scratch u32 [outputs, vocabSize], with room for `logits.cols`; all zero between dispatches. */
  readonly counts: Buffer
  /** u32 [T, 4]: sequence, position, output row, -. The choice moves the position of its row on by one. */
  readonly rows: Buffer
  /** u32 [sequences, positions]: the token at each position of each sequence. */
  readonly history: Buffer
  /** u32 [sequences, SETTINGS_WORDS], `packSettings(...).settings` of the request that has the sequence. */
  readonly settings: Buffer
  /** u32 [sequences, LIST_WORDS], `packSettings(...).lists`. */
  readonly lists: Buffer
  /** u32 [sequences, LOGPROB_STEPS, LOGPROB_WORDS], step = position of the chosen token mod LOGPROB_STEPS. */
  readonly logprobs: Buffer
  /** u32: bits of the tokens that may come, for requests with a constraint; laid out as {@link maskPlaces} says. */
  readonly masks: Buffer
  /** u32 [outputs, SHORTLIST_HEAD + 2 SHORTLIST]: candidates between the two kernels of `drawShort`. */
  readonly shortlist: Buffer
  /** Ids below this may be chosen; at most `logits.cols`. */
  readonly vocabSize: number
  /** Tokens that `history` holds of one sequence. */
  readonly positions: number
}

/** The buffers for the requests of `sequences`, of which `outputs` choose at once from the logits; `rows` belongs to the batch. */
export function createSamplerBuffers(
  gpu: Gpu,
  given: Pick<SamplerBuffers, 'logits' | 'rows' | 'vocabSize' | 'positions'>,
  { sequences, outputs }: { readonly sequences: number; readonly outputs: number },
): SamplerBuffers {
  const usage = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST
  const make = (label: string, words: number) => gpu.createBuffer(label, words * 4, usage)
  // By the model's width, not the tokenizer's: sizes follow from the config alone.
  const { logits, positions } = given
  return {
    ...given,
    scores: make('scores', outputs * logits.stride),
    counts: make('counts', outputs * logits.cols),
    history: make('history', sequences * positions),
    settings: make('settings', sequences * SETTINGS_WORDS),
    lists: make('lists', sequences * LIST_WORDS),
    logprobs: make('logprobs', sequences * LOGPROB_STEPS * LOGPROB_WORDS),
    masks: make('masks', masksWords(outputs, maskWords(logits.cols))),
    shortlist: make('shortlist', outputs * (SAMPLER_SETTINGS.SHORTLIST_HEAD + 2 * SHORTLIST)),
  }
}

/** Words of the mask of one output: a bit for each token. */
export function maskWords(vocabSize: number): number {
  return ceilDiv(vocabSize, 32)
}

/** Stages of courses, each with its mask, and the tokens that lead from one to another. Masks of large vocabularies are fewer. */
const MOST_STAGES = 128
const MOST_MOVES = 4096
const STAGE_MASKS_WORDS = 2 ** 17

function stagesFor(words: number): number {
  return Math.max(8, Math.min(MOST_STAGES, Math.floor(STAGE_MASKS_WORDS / words)))
}

/** Words for `outputs`, with masks of so many words. */
function masksWords(outputs: number, words: number): number {
  return outputs * (2 * words + 1 + RULES_COPY.COURSE_WORDS) + coursesWords(words)
}

function coursesWords(words: number): number {
  return stagesFor(words) * (words + RULES_COPY.STAGE_WORDS) + 2 * MOST_MOVES
}

/**
 * Where masks lie, in words: those of all outputs, `words` each; from `later` on their second ones; from `since` on a word for each
 * output, the position of the first row for which the second counts, or 0 where none does; from `courses` on what rules_copy.wgsl says of
 * the courses of outputs; then the stages, the moves between them (a token, a stage), and as many `slots` of masks as there are stages.
 */
export function maskPlaces({ masks, logits, vocabSize }: Pick<SamplerBuffers, 'masks' | 'logits' | 'vocabSize'>) {
  const most = maskWords(logits.cols)
  // Buffers may be a little longer than was asked for.
  const outputs = Math.floor((masks.size / 4 - coursesWords(most)) / (masksWords(1, most) - coursesWords(most)))
  const words = maskWords(vocabSize)
  const count = stagesFor(most)
  const since = 2 * outputs * words
  const courses = since + outputs
  const stages = courses + outputs * RULES_COPY.COURSE_WORDS
  const moves = stages + count * RULES_COPY.STAGE_WORDS
  const slots = moves + 2 * MOST_MOVES
  return {
    words,
    later: outputs * words,
    since,
    courses,
    stages,
    moves,
    slots,
    most: { stages: count, moves: MOST_MOVES },
  }
}

/**
 * Chooses the token with the best score for each output, the lowest id among equals, for batches in which no request
 * draws. Writes it as `drawShort` of draw.ts does.
 */
export function drawGreedy(r: Recorder<BatchShape>, b: SamplerBuffers): void {
  const { V, QUADS, POSITIONS } = sizes(b)
  const { rows, settings, scores, history } = b
  const body = part(sampleGreedy, {
    bindings: { logits: b.logits.buffer, scores, rows, settings, history },
    constants: { V, QUADS, POSITIONS, STRIDE_QUADS: b.logits.stride / 4 },
  })
  r.dispatch('draw greedy', [body, settingsPart()], [(batch) => batch.outputs])
}

/** What all kernels of the sampler share. */
export function settingsPart(): ShaderPart {
  return part(samplerSettings, { bindings: {}, constants: {} })
}

/** The constants that sizes make. Throws `DeviceError` for a vocabulary that the sampler does not take. */
export function sizes({ vocabSize, logits, positions }: SamplerBuffers) {
  if (vocabSize > MAX_SAMPLED_VOCAB || vocabSize > logits.cols) {
    throw new DeviceError(`the sampler takes ${Math.min(MAX_SAMPLED_VOCAB, logits.cols)} logits, not ${vocabSize}`)
  }
  return { V: vocabSize, QUADS: ceilDiv(vocabSize, 4), POSITIONS: positions }
}
