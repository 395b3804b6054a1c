/** The choice of tokens: one kernel for each kind of sampler. It is loaded for requests that draw. */
import type { Recorder } from '../gpu/recorder.ts'
import { part } from '../gpu/shader.ts'
import {
  drawBins,
  drawDense as drawDenseShader,
  drawRules,
  drawShort as drawShortShader,
  shortlist as shortlistShader,
} from '../gpu/shaders-draw.gen.ts'
import { drawGreedy, type SamplerBuffers, type SamplerKind, SHORTLIST, sizes } from './sampler.ts'
import { math } from './sampler-math.ts'
import { type BatchShape, ceilDiv } from './shape.ts'

/**
 * Chooses one token for each output as the sampler's definition (test/reference/sampler.ts) does, id for id, in batches in
 * which every request that draws has a top_k from 1 to SHORT_TOP_K. Writes it to the history behind the output's row
 * (`NO_TOKEN` when nothing is left to choose, `LIST_TOO_SHORT`; nothing when the history is full) and moves the row's
 * position on, so that the next step of the same command buffer goes on from there.
 */
function drawShort(r: Recorder<BatchShape>, b: SamplerBuffers): void {
  const { V, QUADS, POSITIONS } = sizes(b)
  const { rows, settings, scores, history, shortlist } = b
  const list = part(shortlistShader, {
    bindings: { logits: b.logits.buffer, scores, rows, settings, shortlist },
    constants: { V, QUADS, STRIDE_QUADS: b.logits.stride / 4, LIST: SHORTLIST },
  })
  const draw = part(drawShortShader, {
    bindings: { shortlist, rows, settings, history },
    constants: { V, POSITIONS, LIST: SHORTLIST },
  })
  r.dispatch('shortlist', [list, ...math()], [(batch) => batch.outputs])
  r.dispatch('draw short', [draw, rules(), ...math()], [(batch) => batch.outputs])
}

/** The same for any request. */
function drawDense(r: Recorder<BatchShape>, b: SamplerBuffers): void {
  const { V, QUADS, POSITIONS } = sizes(b)
  const { rows, settings, scores, history } = b
  const draw = part(drawDenseShader, {
    bindings: { logits: b.logits.buffer, scores, rows, settings, history },
    constants: { V, QUADS, SPAN: ceilDiv(QUADS, 256), STRIDE_QUADS: b.logits.stride / 4, POSITIONS },
  })
  const bins = part(drawBins, { bindings: {}, constants: {} })
  r.dispatch('draw dense', [draw, rules(), bins, ...math()], [(batch) => batch.outputs])
}

export const SAMPLERS = { greedy: drawGreedy, short: drawShort, dense: drawDense } as const satisfies Record<
  SamplerKind,
  unknown
>

function rules() {
  return part(drawRules, { bindings: {}, constants: {} })
}
