/** Reads the log-probabilities that the GPU wrote for one step. */
import { MAX_TOP_LOGPROBS, NO_TOKEN } from '../kernels/sampler.ts'

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

/** Reads what the logprobs kernel wrote for one step, [LOGPROB_WORDS]. */
export function stepLogprobs(words: Uint32Array): StepLogprobs {
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length)
  const top: IdLogprob[] = []
  for (let i = 0; i < MAX_TOP_LOGPROBS && words[2 + i] !== NO_TOKEN; i++) {
    top.push({ tokenId: words[2 + i]!, logprob: floats[2 + MAX_TOP_LOGPROBS + i]! })
  }
  return { tokenId: words[0]!, logprob: floats[1]!, top }
}
