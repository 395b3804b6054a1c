/** The choice of tokens: one kernel for each kind of sampler. */
import type { Recorder } from '../gpu/recorder.ts'
import { part } from '../gpu/shader.ts'
import {
  DRAW_RULES,
  drawDense as drawDenseShader,
  drawRules,
  drawShort as drawShortShader,
  sampleGreedy,
  shortlist as shortlistShader,
} from '../gpu/shaders.gen.ts'
import { math, type SamplerBuffers, SHORTLIST, sizes } from './sampler.ts'
import type { BatchShape } from './shape.ts'

/** The largest top_k whose candidates {@link drawShort} takes: 256 threads' bests bound so many well. */
export const SHORT_TOP_K = 64

/** What the history says where so many candidates tie that they did not fit the list: {@link drawDense} must choose. */
export const { LIST_TOO_SHORT } = DRAW_RULES

/**
 * Chooses the token with the best score for each output, the lowest id among equals, for batches in which no request
 * draws. Writes it as {@link drawShort} does.
 */
function drawGreedy(r: Recorder<BatchShape>, b: SamplerBuffers): void {
  const { V, QUADS, POSITIONS } = sizes(b)
  const { rows, settings, scores, history } = b
  const body = part(sampleGreedy, {
    bindings: { logits: b.logits.buffer, scores, rows, settings, history },
    constants: { V, QUADS, POSITIONS, STRIDE_QUADS: b.logits.stride / 4 },
  })
  r.dispatch('draw greedy', [body, math()], [(batch) => batch.outputs])
}

/**
 * Chooses one token for each output as the sampler's definition (test/reference/sampler.ts) does, id for id, in batches in
 * which every request that draws has a top_k from 1 to SHORT_TOP_K. Writes it to the history behind the output's row
 * (`NO_TOKEN` when nothing is left to choose, `LIST_TOO_SHORT`; nothing when the history is full) and moves the row's
 * position on, so that the next step of the same command buffer goes on from there.
 */
function drawShort(r: Recorder<BatchShape>, b: SamplerBuffers): void {
  const { V, POSITIONS } = sizes(b)
  const { rows, settings, scores, history, shortlist } = b
  const list = part(shortlistShader, {
    bindings: { logits: b.logits.buffer, scores, rows, settings, shortlist },
    constants: { V, STRIDE: b.logits.stride, LIST: SHORTLIST },
  })
  const draw = part(drawShortShader, {
    bindings: { shortlist, rows, settings, history },
    constants: { V, POSITIONS, LIST: SHORTLIST },
  })
  r.dispatch('shortlist', [list, math()], [(batch) => batch.outputs])
  r.dispatch('draw short', [draw, rules(), math()], [(batch) => batch.outputs])
}

/** The same for any request. */
function drawDense(r: Recorder<BatchShape>, b: SamplerBuffers): void {
  const { V, POSITIONS } = sizes(b)
  const { rows, settings, scores, history } = b
  const draw = part(drawDenseShader, {
    bindings: { logits: b.logits.buffer, scores, rows, settings, history },
    constants: { V, STRIDE: b.logits.stride, POSITIONS },
  })
  r.dispatch('draw dense', [draw, rules(), math()], [(batch) => batch.outputs])
}

/** How tokens are chosen. Each sampler can do what those before it can. */
export const SAMPLERS = { greedy: drawGreedy, short: drawShort, dense: drawDense }

export type SamplerKind = keyof typeof SAMPLERS

function rules() {
  return part(drawRules, { bindings: {}, constants: {} })
}
