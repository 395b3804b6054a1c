/** Draws tokens on the GPU: among the candidates of a small top_k, or among all. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { part } from '../gpu/shader.ts'
import {
  drawDense as drawDenseShader,
  drawRules,
  drawShort as drawShortShader,
  shortlist as shortlistShader,
} from '../gpu/shaders.gen.ts'
import { math, type SamplerBuffers, sizes } from './sampler.ts'
import type { BatchShape } from './shape.ts'

/** The largest top_k whose candidates {@link drawShort} takes: 256 threads' bests bound so many well. */
export const SHORT_TOP_K = 64
/** Candidates that the list holds. */
const SHORTLIST = 256

/** What the history says where so many candidates tie that they did not fit the list: {@link drawDense} must choose. */
export const LIST_TOO_SHORT = 0xfffffffe

/** Bytes of the list of candidates. */
export function shortlistBytes(outputs: number): number {
  return outputs * (8 + 2 * SHORTLIST) * 4
}

/**
 * Chooses one token for each output as `sampleToken` in `test/reference/sampler.ts` does, id for id, in batches in which every
 * request that draws has a top_k from 1 to SHORT_TOP_K. Writes it to the history behind the output's row (`NO_TOKEN` when
 * nothing is left to choose, `LIST_TOO_SHORT`; nothing when the history is full) and moves the row's position on, so that
 * the next step of the same command buffer goes on from there.
 */
export function drawShort(r: Recorder<BatchShape>, b: SamplerBuffers, shortlist: Buffer): void {
  const { V, POSITIONS } = sizes(b)
  const { rows, settings, scores, history } = b
  const list = part(shortlistShader, {
    bindings: { logits: b.logits.buffer, scores, rows, settings, shortlist },
    constants: { V, STRIDE: b.logits.stride, LIST: SHORTLIST },
  })
  const draw = part(drawShortShader, {
    bindings: { shortlist, rows, settings, history },
    constants: { V, POSITIONS, LIST: SHORTLIST },
  })
  r.dispatch('shortlist', [list, math()], [(batch) => batch.outputs])
  r.dispatch('draw', [draw, rules(), math()], [(batch) => batch.outputs])
}

/** The same for any request. */
export function drawDense(r: Recorder<BatchShape>, b: SamplerBuffers): void {
  const { V, POSITIONS } = sizes(b)
  const { rows, settings, scores, history } = b
  const draw = part(drawDenseShader, {
    bindings: { logits: b.logits.buffer, scores, rows, settings, history },
    constants: { V, STRIDE: b.logits.stride, POSITIONS },
  })
  r.dispatch('draw dense', [draw, rules(), math()], [(batch) => batch.outputs])
}

function rules() {
  return part(drawRules, { bindings: {}, constants: {} })
}
