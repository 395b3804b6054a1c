/** Masks of constraints and rules on the history, which change logits. They are loaded for requests that have some. */
import type { Recorder } from '../gpu/recorder.ts'
import { part } from '../gpu/shader.ts'
import { RULES_COPY } from '../gpu/shaders.gen.ts'
import { rulesCopy, rulesScatter } from '../gpu/shaders-rules.gen.ts'
import { maskPlaces, type SamplerBuffers, sizes } from './sampler.ts'
import { math } from './sampler-math.ts'
import { type BatchShape, ceilDiv } from './shape.ts'

/**
 * Copies the logits of outputs whose request has rules to `scores`, those of tokens that its mask leaves out as -Infinity, and
 * applies the rules on the history there, in the order of `applyHistory` in `sampling/processors.ts` and equal to it bit for bit
 * (results below 2^-126 aside).
 */
export function scoreRules(r: Recorder<BatchShape>, b: SamplerBuffers): void {
  const { V, QUADS, POSITIONS } = sizes(b)
  const { rows, settings, scores, counts, history, lists, masks } = b
  const copy = part(rulesCopy, {
    bindings: { logits: b.logits.buffer, scores, rows, settings, masks, history },
    constants: { ...maskConstants(b), POSITIONS, QUADS, STRIDE_QUADS: b.logits.stride / 4 },
  })
  const copied = (batch: BatchShape) => Math.max(batch.ruled, batch.masked ?? 0)
  r.dispatch('rules copy', [copy, ...math()], [ceilDiv(QUADS, RULES_COPY.THREADS), copied])
  const scatter = part(rulesScatter, {
    bindings: { scores, counts, rows, settings, history, lists },
    constants: { V, POSITIONS, STRIDE: b.logits.stride },
  })
  r.dispatch('rules', [scatter, ...math()], [(batch) => batch.ruled])
}

function maskConstants(b: SamplerBuffers) {
  const { words, later, since, courses, stages, moves, slots } = maskPlaces(b)
  return { MASK_WORDS: words, LATER: later, SINCE: since, COURSES: courses, STAGES: stages, MOVES: moves, SLOTS: slots }
}
