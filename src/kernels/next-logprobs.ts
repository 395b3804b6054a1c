/** Log-probabilities of the tokens of a text, each after those before it. They are loaded to measure perplexity. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { part } from '../gpu/shader.ts'
import { nextLogprobs as shader } from '../gpu/shaders-score.gen.ts'
import type { History } from './embedding.ts'
import type { Activation, BatchShape } from './shape.ts'

/** logprobs [T] = log softmax(logits [outputs, V]) of the token at the next position, at the row of each output. */
export function nextLogprobs(
  r: Recorder<BatchShape>,
  operands: { logits: Activation; rows: Buffer; history: History; logprobs: Buffer },
): void {
  const { logits, rows, history, logprobs } = operands
  const body = part(shader, {
    bindings: { logits: logits.buffer, rows, history: history.buffer, logprobs },
    constants: { V: logits.cols, STRIDE: logits.stride, POSITIONS: history.positions },
  })
  r.dispatch('next logprobs', [body], [(batch) => batch.outputs])
}
