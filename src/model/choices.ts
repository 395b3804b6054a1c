/** What comes back from the GPU, and what the sampler chose in a batch. */
import { LOGPROB_WORDS } from '../kernels/sampler.ts'
import type { SamplerNeeds } from './batch.ts'

/** A batch on its way. */
export interface Submitted<T> {
  /**
   * When the device began to get it, with everything compiled (`performance.now()`). Where the device is the CPU it may
   * be computed before the call that submits it returns.
   */
  readonly start: number
  /** Rejects with `DeviceError`. */
  readonly result: Promise<T>
}

/** What was chosen after one row: an id for each step, or `NO_TOKEN` or `LIST_TOO_SHORT` of the sampler. */
export interface Choices {
  readonly ids: Uint32Array
  /** What log-probabilities are made of, as `LOGPROB_WORDS` of the sampler says, for each step, when the request of the row asked for them. */
  readonly logprobs: readonly Uint32Array[] | undefined
}

/** Cuts what came back, laid out as `copyChoices` does, into the choices of each output row. */
export function cutChoices(data: Uint32Array, needs: readonly SamplerNeeds[], steps: number): Choices[] {
  const logged = needs.length * steps
  return needs.map(({ logprobs }, i) => ({
    ids: data.subarray(i * steps, (i + 1) * steps),
    logprobs: logprobs
      ? Array.from({ length: steps }, (_, step) => {
          const at = logged + (i * steps + step) * LOGPROB_WORDS
          return data.subarray(at, at + LOGPROB_WORDS)
        })
      : undefined,
  }))
}
