import { ContextLengthError, ParameterError, throwIfAborted } from '../errors.ts'
import { checkTokenIds, parseSamplingParams, type SamplingInput } from '../sampling/params.ts'
import { Sampler } from '../sampling/sample.ts'
import type { Sequences } from './sequences.ts'

/** `stop`: the model ended, or a stop id or text came; `length`: max_tokens or the context was reached. */
export type FinishReason = 'stop' | 'length'

/** One generated token. */
export interface GenerationStep {
  readonly tokenId: number
  /** Set on the last step. */
  readonly finish_reason: FinishReason | null
}

export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  /** Tokens of the prompt that were still in the cache. */
  readonly cached_tokens: number
}

export interface Timings {
  /** From the request to the logits after the prompt, waiting for a free sequence included. */
  readonly prefillMs: number
  /** All tokens after the first. */
  readonly decodeMs: number
  /** From the request to the first token. */
  readonly ttftMs: number
  /** Computed prompt tokens per second; cached ones do not count. */
  readonly prefillTokensPerSecond: number
  /** Tokens after the first per second. */
  readonly decodeTokensPerSecond: number
}

/** What a generation's iterator returns at its end. */
export interface GenerationSummary {
  readonly finish_reason: FinishReason
  readonly usage: Usage
  readonly timings: Timings
}

export interface TokenLoopOptions {
  readonly eosTokenIds: readonly number[]
  /** Logits beyond this many are padding of the vocabulary. */
  readonly vocabSize: number
  readonly signal?: AbortSignal | undefined
  /** Sees every token; true ends the generation there, as a stop id does. */
  readonly stopWhen?: ((tokenId: number) => boolean) | undefined
}

/** A copy that the caller cannot change meanwhile; typed arrays become plain ones. What is no list is left for the check. */
export function copyIds(tokenIds: Iterable<number>): readonly number[] {
  const list: unknown = tokenIds
  const iterable = typeof list === 'object' && list !== null && Symbol.iterator in list
  return iterable ? Array.from(tokenIds) : (list as readonly number[])
}

/** Checks ids against the vocabulary and the context. Throws `ParameterError`, `ContextLengthError`. */
export function checkPrompt(tokenIds: readonly number[], vocabSize: number, contextLength: number): void {
  if (!Array.isArray(tokenIds)) throw new ParameterError('tokenIds', tokenIds, 'must be an array of token ids')
  if (tokenIds.length === 0) throw new ParameterError('tokenIds', tokenIds, 'must hold at least one token')
  for (const [i, id] of tokenIds.entries()) {
    if (!Number.isInteger(id) || id < 0 || id >= vocabSize) {
      throw new ParameterError(`tokenIds[${i}]`, id, `must be an integer from 0 to ${vocabSize - 1}`)
    }
  }
  if (tokenIds.length > contextLength) throw new ContextLengthError(tokenIds.length, contextLength)
}

/**
 * Generates tokens after `prompt`. The end-of-sequence token is yielded too, as the last step. Parameters are checked at
 * the first `next()`. Leaving the loop, an error and an abort all free the sequence.
 */
export async function* generateTokens(
  sequences: Sequences,
  prompt: readonly number[],
  input: SamplingInput,
  { eosTokenIds, vocabSize, signal, stopWhen }: TokenLoopOptions,
): AsyncGenerator<GenerationStep, GenerationSummary, undefined> {
  const { config, contextLength } = sequences.engine
  const params = parseSamplingParams(input)
  checkTokenIds(params, config.vocabSize)
  if (params.stop.length > 0) {
    throw new ParameterError('stop', params.stop, 'is about text: use MistralChat, or stopWhen with token ids')
  }
  // At least one position must be left for the answer.
  checkPrompt(prompt, config.vocabSize, contextLength - 1)
  const sampler = new Sampler(params, { promptLength: prompt.length, eosTokenId: [...eosTokenIds] })
  const stops = new Set([...(params.ignore_eos ? [] : eosTokenIds), ...params.stop_token_ids])
  const clock = new Clock()
  const tokens = [...prompt]
  const lease = sequences.lease()
  let cachedTokens = 0
  try {
    for (;;) {
      throwIfAborted(signal)
      const logits = await lease.advance(tokens, signal)
      if (tokens.length === prompt.length) cachedTokens = lease.cachedTokens
      const tokenId = sampler.next(logits.subarray(0, vocabSize), tokens)
      tokens.push(tokenId)
      clock.token()
      const generated = tokens.length - prompt.length
      const stopped = stopWhen?.(tokenId) === true || stops.has(tokenId)
      const finish_reason = finishOf(stopped, generated, params.max_tokens, tokens.length, contextLength)
      lease.rest()
      yield { tokenId, finish_reason }
      if (finish_reason) {
        const usage = usageOf(prompt.length, generated, cachedTokens)
        return { finish_reason, usage, timings: clock.timings(prompt.length - cachedTokens) }
      }
    }
  } finally {
    lease.release()
  }
}

function finishOf(
  stopped: boolean,
  generated: number,
  most: number,
  length: number,
  contextLength: number,
): FinishReason | null {
  if (stopped) return 'stop'
  return generated >= most || length >= contextLength ? 'length' : null
}

export function usageOf(promptTokens: number, completionTokens: number, cachedTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    cached_tokens: cachedTokens,
  }
}

/** Takes the times of one generation, those of the consumer's own pauses included. */
export class Clock {
  private readonly start = performance.now()
  private first = 0
  private last = 0
  private tokens = 0

  token(): void {
    this.last = performance.now()
    if (this.tokens++ === 0) this.first = this.last
  }

  timings(computedPromptTokens: number): Timings {
    const prefillMs = this.first - this.start
    const decodeMs = this.last - this.first
    return {
      prefillMs,
      decodeMs,
      ttftMs: prefillMs,
      prefillTokensPerSecond: perSecond(computedPromptTokens, prefillMs),
      decodeTokensPerSecond: perSecond(this.tokens - 1, decodeMs),
    }
  }
}

function perSecond(count: number, ms: number): number {
  return ms > 0 ? (count * 1000) / ms : 0
}
