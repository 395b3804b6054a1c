/** Log-probabilities of tokens. They are loaded for requests that ask for some. */
import type { Recorder } from '../gpu/recorder.ts'
import { part } from '../gpu/shader.ts'
import { logprobs as logprobsShader } from '../gpu/shaders-logprobs.gen.ts'
import { type SamplerBuffers, sizes } from './sampler.ts'
import { math } from './sampler-math.ts'
import type { BatchShape } from './shape.ts'

/**
 * What log-probabilities of the raw logits are made of, for outputs whose request wants them: of the token that was chosen
 * before it in the same command buffer, and of the best ones, the lower id first among equals. It is the same on every adapter.
 */
export function logprobs(r: Recorder<BatchShape>, b: SamplerBuffers): void {
  const { V, QUADS, POSITIONS } = sizes(b)
  const { rows, settings, history } = b
  const body = part(logprobsShader, {
    bindings: { logits: b.logits.buffer, rows, settings, history, logprobs: b.logprobs },
    constants: { V, QUADS, POSITIONS, STRIDE_QUADS: b.logits.stride / 4 },
  })
  r.dispatch('logprobs', [body, ...math()], [(batch) => batch.logged])
}
