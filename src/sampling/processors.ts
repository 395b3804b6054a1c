/** The definition of sampling: logits in, the probability of every token out, in the order of Hugging Face. */
import { check, checkParameter, integer, isInteger, listOf } from '../checks.ts'
import { MistralError } from '../errors.ts'
import * as history from './history.ts'
import { argmax, kthLargest } from './order.ts'
import { parseRequestParams, type SamplingInput } from './request-params.ts'
import type { SamplerParams } from './sampler-params.ts'
import * as warp from './warpers.ts'

/** Facts that the rules need besides the tokens. */
export interface SamplingContext {
  /** How many of the tokens are the prompt. */
  readonly promptLength: number
  /** The model's own end of sequence. */
  readonly eosTokenId?: number | readonly number[] | undefined
}

/** Ids that may still be chosen, ascending, with their scores. */
export interface Candidates {
  readonly ids: Uint32Array
  readonly scores: Float32Array
}

/**
 * The probabilities with which each token would be chosen, in the order of Hugging Face: bias, repetition penalty,
 * n-gram ban, bad words, minimum lengths, suppressed tokens, frequency and presence penalty; then, when sampling,
 * temperature, top_k, top_p, min_p, typical_p, epsilon, eta, softmax. When not, one-hot at the best.
 *
 * @param logits raw logits [V]; left as they are. NaN counts as -Infinity
 * @param tokens prompt and generated ids so far
 * @returns probabilities [V]
 * @throws ParameterError for bad parameters
 * @throws MistralError when no token is left to choose
 */
export function processLogits(
  logits: Float32Array,
  tokens: readonly number[],
  params: SamplingInput,
  context: SamplingContext,
): Float32Array {
  checkArguments(logits, tokens, context)
  const checked = parseRequestParams(params).sampler
  const scores = applyHistory(logits, tokens, checked, context)
  const probabilities = new Float32Array(logits.length)
  if (!checked.do_sample) {
    probabilities[best(scores)] = 1
    return probabilities
  }
  const kept = candidates(scores, checked)
  const p = warp.softmax(kept.scores)
  for (let i = 0; i < p.length; i++) probabilities[kept.ids[i]!] = p[i]!
  return probabilities
}

const FLOATS = check((value) => value instanceof Float32Array && value.length > 0, 'a Float32Array, one number a token')
const CONTEXT = check((value) => typeof value === 'object' && value !== null, 'an object')

function checkArguments(logits: Float32Array, tokens: readonly number[], context: SamplingContext): void {
  checkParameter('logits', logits, FLOATS)
  const isId = (id: unknown) => isInteger(id, 0, logits.length - 1)
  const ids = check((value) => Array.isArray(value) && value.every(isId), `a list of ids below ${logits.length}`)
  checkParameter('tokens', tokens, ids)
  checkParameter('context', context, CONTEXT)
  const { promptLength, eosTokenId } = context
  checkParameter('context.promptLength', promptLength, integer(0, tokens.length))
  const end = integer(0, Infinity, 'a token id')
  if (eosTokenId !== undefined) {
    checkParameter('context.eosTokenId', eosTokenId, Array.isArray(eosTokenId) ? listOf(end, 1000) : end)
  }
}

/** The rules that also hold for greedy decoding. Returns `logits` itself when none is active, else a changed copy. */
export function applyHistory(
  logits: Float32Array,
  tokens: readonly number[],
  params: SamplerParams,
  context: SamplingContext,
): Float32Array {
  const eos = eosList(context)
  const ends = [...eos, ...params.stop_token_ids]
  const generated = tokens.length - context.promptLength
  const tooShort = tokens.length < params.min_length || generated < params.min_new_tokens
  const bias = Object.entries(params.logit_bias).map(([id, b]) => [[Number(id)], b] as const)
  const counts = params.frequency_penalty !== 0 || params.presence_penalty !== 0
  const active =
    bias.length + params.sequence_bias.length + params.bad_words_ids.length + params.suppress_tokens.length > 0 ||
    params.repetition_penalty !== 1 ||
    params.no_repeat_ngram_size > 0 ||
    (tooShort && ends.length > 0) ||
    counts
  if (!active) return logits
  const scores = logits.slice()
  history.sequenceBias(scores, tokens, bias)
  history.sequenceBias(scores, tokens, params.sequence_bias)
  if (params.repetition_penalty !== 1) history.repetitionPenalty(scores, tokens, params.repetition_penalty)
  if (params.no_repeat_ngram_size > 0) history.noRepeatNgram(scores, tokens, params.no_repeat_ngram_size)
  history.badWords(scores, tokens, params.bad_words_ids, eos)
  if (tooShort) history.suppress(scores, ends)
  history.suppress(scores, params.suppress_tokens)
  if (counts) {
    history.countPenalties(scores, tokens, context.promptLength, params.frequency_penalty, params.presence_penalty)
  }
  return scores
}

/** Keeps the scores [V] that the sampling rules allow. top_k comes first, so the later rules see few candidates. */
export function candidates(scores: Float32Array, params: SamplerParams): Candidates {
  // Refuses scores that hold nothing to choose before they become NaN probabilities.
  best(scores)
  const kept = scaledTopK(scores, params)
  if (params.top_p < 1) warp.topP(kept.scores, params.top_p)
  if (params.min_p > 0) warp.minP(kept.scores, params.min_p)
  if (params.typical_p < 1) warp.typicalP(kept.scores, params.typical_p)
  if (params.epsilon_cutoff > 0) warp.epsilonCutoff(kept.scores, params.epsilon_cutoff)
  if (params.eta_cutoff > 0) warp.etaCutoff(kept.scores, params.eta_cutoff)
  return kept
}

/**
 * Temperature and top_k. Division keeps the order but rounding can make two scores equal, so the threshold is compared
 * after it: ties that the temperature makes stay, as they do in Hugging Face.
 */
function scaledTopK(scores: Float32Array, params: SamplerParams): Candidates {
  const divisor = Math.fround(params.temperature)
  const limit = params.top_k > 0 && params.top_k < scores.length
  const threshold = limit ? Math.fround(kthLargest(scores, params.top_k) / divisor) : -Infinity
  const ids: number[] = []
  for (let id = 0; id < scores.length; id++) {
    const scaled = Math.fround(scores[id]! / divisor)
    if (scaled >= threshold && scaled > -Infinity) ids.push(id)
  }
  const kept = new Float32Array(ids.length)
  for (let i = 0; i < ids.length; i++) kept[i] = scores[ids[i]!]!
  if (params.temperature !== 1) warp.temperature(kept, params.temperature)
  return { ids: Uint32Array.from(ids), scores: kept }
}

/** The best id, the lowest among equals. */
export function best(scores: Float32Array): number {
  const id = argmax(scores)
  if (id < 0) {
    throw new MistralError(
      'no token is left to choose: every logit is NaN or -Infinity, or the request bans the whole vocabulary',
    )
  }
  return id
}

/** The ids that end an answer, as a list. */
export function eosList(context: SamplingContext): readonly number[] {
  const eos = context.eosTokenId
  return eos === undefined ? [] : typeof eos === 'number' ? [eos] : eos
}
