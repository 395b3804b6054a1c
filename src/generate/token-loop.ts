/** The iterator of one request: token ids in, steps out. */
import { onAbort, throwIfAborted } from '../async/abort.ts'
import type { Constraint } from '../constraints/constraint.ts'
import { AbortError, ContextLengthError, ParameterError } from '../errors.ts'
import { type SamplerKind, SHORT_TOP_K } from '../kernels/sampler.ts'
import type { LoadedModel } from '../model/loaded-model.ts'
import { hasLists, type PackLists, packSettings } from '../sampling/packed-params.ts'
import { randomSeed } from '../sampling/random.ts'
import { parseRequestParams, type RequestParams, type SamplingInput } from '../sampling/request-params.ts'
import { checkTokenIds, type SamplerParams } from '../sampling/sampler-params.ts'
import { Clock } from './clock.ts'
import { checkConstraint } from './mask-sources.ts'
import type { Scheduler } from './scheduler.ts'
import type { Adapter, GenerationRequest, GenerationSummary, NotedStep, Usage, Verdict } from './types.ts'

/** The parameters of a request that matter where there are only tokens. */
export type TokenParams = Pick<RequestParams, 'sampler' | 'loop'>

export interface TokenLoopOptions<Note> {
  readonly eosTokenIds: readonly number[]
  readonly signal?: AbortSignal | undefined
  /** The constraint on the next token. */
  readonly constraint?: Constraint | undefined
  /** Gets every token as soon as it is known, which may be ahead of the iterator's reader. */
  readonly onToken?: ((tokenId: number) => Verdict<Note>) | undefined
  /** It belongs to a request that was let in already. */
  readonly sibling?: boolean | undefined
  /** So many of the prompt's last tokens are the answer's own, from a run before. Default 0. */
  readonly begun?: number | undefined
}

/** The parameters of a request without text. @throws ParameterError also for those that only mean something with text */
export function parseTokenParams(input: SamplingInput): TokenParams {
  const { text, ...params } = parseRequestParams(input)
  const refuse = (name: string, value: unknown, instead: string) => {
    throw new ParameterError(name, value, `is about text: use MistralChat${instead}`)
  }
  if (text.stop.length > 0) refuse('stop', text.stop, ', or stopWhen with token ids')
  if (text.bad_words.length > 0) refuse('bad_words', text.bad_words, ', or bad_words_ids')
  if (text.return_full_text) refuse('return_full_text', true, '')
  if (text.max_reasoning_tokens !== undefined) refuse('max_reasoning_tokens', text.max_reasoning_tokens, '')
  if (!text.include_reasoning) refuse('include_reasoning', false, '')
  if (text.format) refuse(text.format.name, text.format.value, ', or the option constraint')
  if (text.n > 1) throw new ParameterError('n', text.n, 'is for MistralChat; call generate() n times here')
  return params
}

/** Copies a list, so that the caller cannot change it meanwhile. Non-iterables pass through: `checkPrompt` refuses them. */
export function copyIds(tokenIds: Iterable<number>): readonly number[] {
  const list: unknown = tokenIds
  const iterable = typeof list === 'object' && list !== null && Symbol.iterator in list
  return iterable ? Array.from(tokenIds) : (list as readonly number[])
}

/** Checks ids against the vocabulary and the context. Throws `ParameterError`, `ContextLengthError`. */
export function checkPrompt(
  tokenIds: readonly number[],
  vocabSize: number,
  contextLength: number,
  /** Positions that must be left. */
  reserved = 0,
): void {
  if (!Array.isArray(tokenIds)) throw new ParameterError('tokenIds', tokenIds, 'must be an array of token ids')
  if (tokenIds.length === 0) throw new ParameterError('tokenIds', tokenIds, 'must hold at least one token')
  for (const [i, id] of tokenIds.entries()) {
    if (!Number.isInteger(id) || id < 0 || id >= vocabSize) {
      throw new ParameterError(`tokenIds[${i}]`, id, `must be an integer from 0 to ${vocabSize - 1}`)
    }
  }
  if (tokenIds.length > contextLength - reserved) throw new ContextLengthError(tokenIds.length, contextLength)
}

/**
 * Generates tokens after `prompt`. The end-of-sequence token is yielded too, as the last step. Parameters are checked at
 * the first `next()`. Leaving the loop, an error and an abort all free the sequence.
 */
export async function* generateTokens<Note>(
  { loaded, scheduler, adapter }: { loaded: LoadedModel; scheduler: Scheduler; adapter?: Adapter | undefined },
  prompt: readonly number[],
  params: TokenParams,
  { eosTokenIds, signal, constraint, onToken, sibling, begun }: TokenLoopOptions<Note>,
): AsyncGenerator<NotedStep<Note>, GenerationSummary, undefined> {
  checkTokenIds(params.sampler, loaded.config.vocabSize)
  // At least one position must be left for the answer.
  checkPrompt(prompt, loaded.config.vocabSize, loaded.contextLength, 1)
  const lists = hasLists(params.sampler) ? (await import('../sampling/packed-lists.ts')).packLists : undefined
  const checked = requestOf(loaded, prompt, params, { eosTokenIds, constraint, onToken, begun }, lists)
  checkConstraint(constraint)
  const most = params.loop.prompt_lookup_num_tokens
  // Loaded for requests that want it.
  const speculate = most > 0 ? (await import('./speculation.ts')).speculating(most) : undefined
  const masks = constraint && (await import('./row-masks.ts'))
  const request = { ...checked, speculate, masks: masks?.maskSources, maskRun: masks?.maskRun, adapter }
  throwIfAborted(signal)
  const clock = new Clock()
  const generation = scheduler.start(request, sibling)
  const stopListening = onAbort(signal, () => {
    generation.fail(new AbortError(signal?.reason))
    scheduler.stop(generation)
  })
  let generated = 0
  try {
    for (;;) {
      // Steps that lie ready are no use to anybody once the model is gone.
      scheduler.check()
      const step = await generation.take()
      // The last step has a finish reason, and the iterator ends with it.
      if (step === undefined) throw new Error('a generation ended without its last step')
      clock.token()
      generated++
      yield step
      if (step.finishReason) {
        const cached = generation.cachedTokens ?? 0
        const usage = usageOf(prompt.length, generated, cached)
        return { finishReason: step.finishReason, usage, timings: clock.timings(prompt.length - cached) }
      }
    }
  } finally {
    stopListening()
    scheduler.stop(generation)
  }
}

function requestOf<Note>(
  loaded: LoadedModel,
  prompt: readonly number[],
  { sampler, loop }: TokenParams,
  { eosTokenIds, constraint, onToken, begun = 0 }: TokenLoopOptions<Note>,
  lists: PackLists | undefined,
): Omit<GenerationRequest<Note>, 'adapter' | 'speculate' | 'masks' | 'maskRun'> {
  const seed = sampler.seed ?? randomSeed()
  const context = { promptLength: prompt.length - begun, eosTokenId: [...eosTokenIds], seed }
  const topLogprobs = loop.logprobs ? loop.top_logprobs : undefined
  const wanted = loop.max_length === undefined ? loop.max_tokens : loop.max_length - prompt.length
  if (wanted <= 0) {
    throw new ParameterError('max_length', loop.max_length, `must be above the prompt's ${prompt.length} tokens`)
  }
  const packed = packSettings(sampler, { ...context, topLogprobs }, lists)
  return {
    prompt,
    packed,
    masked: constraint === undefined ? packed : packSettings(sampler, { ...context, topLogprobs, masked: true }, lists),
    logprobs: loop.logprobs,
    sampler: samplerOf(sampler),
    maxTokens: Math.min(wanted, loaded.positions - prompt.length),
    stops: new Set([...(loop.ignore_eos ? [] : eosTokenIds), ...sampler.stop_token_ids]),
    constraint,
    onToken,
    recompute: !loop.use_cache,
  }
}

function samplerOf({ do_sample, top_k }: SamplerParams): SamplerKind {
  if (!do_sample) return 'greedy'
  return top_k > 0 && top_k <= SHORT_TOP_K ? 'short' : 'dense'
}

function usageOf(promptTokens: number, completionTokens: number, cachedTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    cached_tokens: cachedTokens,
  }
}

/**
 * Makes `onToken` of a caller's `stopWhen`. It throws `ParameterError` for an answer that is not a boolean: a promise, for
 * one, would never stop anything.
 */
export function verdictOf(stopWhen: (tokenId: number) => boolean): (tokenId: number) => Verdict<never> {
  return (tokenId) => {
    const answer: unknown = stopWhen(tokenId)
    if (answer !== undefined && typeof answer !== 'boolean') {
      throw new ParameterError('stopWhen', answer, 'must return true or false')
    }
    return { stop: answer === true }
  }
}
