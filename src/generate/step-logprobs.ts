/** Makes log-probabilities of what was written for one step. */
import { LOGPROB_HEAD, MAX_TOP_LOGPROBS, NO_TOKEN } from '../kernels/sampler.ts'

/** A token and its natural log-probability under the model's own distribution, before any rule or temperature. */
export interface IdLogprob {
  readonly tokenId: number
  readonly logprob: number
}

/** Log-probabilities of one step. */
export interface StepLogprobs extends IdLogprob {
  /** The most probable tokens, best first: as many as were asked for. */
  readonly top: readonly IdLogprob[]
}

/**
 * Reads what was written for one step, [LOGPROB_WORDS]. Its log-probabilities are within 1e-5 of those of the logits, but for what tokens
 * 21.4 nats or more behind the best add up to: at most the vocabulary / 2^31, which is 6e-5 for 131,072 tokens.
 */
export function stepLogprobs(words: Uint32Array): StepLogprobs {
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length)
  const logSum = floats[2]! + Math.log(words[3]! / 2 ** 31 + words[4]! * 2)
  const logprobOf = (logit: number) => (logit === -Infinity ? logit : logit - logSum)
  const top: IdLogprob[] = []
  for (let i = LOGPROB_HEAD; i < LOGPROB_HEAD + MAX_TOP_LOGPROBS && words[i] !== NO_TOKEN; i++) {
    top.push({ tokenId: words[i]!, logprob: logprobOf(floats[i + MAX_TOP_LOGPROBS]!) })
  }
  return { tokenId: words[0]!, logprob: logprobOf(floats[1]!), top }
}
