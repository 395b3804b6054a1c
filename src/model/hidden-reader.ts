/** The hidden states that a model comes to, before they become logits. */
import { Readback } from '../gpu/readback.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { type BatchShape, batchClassOf } from '../kernels/shape.ts'
import type { Runner } from './runner.ts'

/** Consecutive tokens of a sequence that stand in the history, and go through the model together. */
export interface HiddenChunk {
  readonly sequence: number
  /** The position of the first. */
  readonly first: number
  /** At most `runner.maxRows`. */
  readonly count: number
  /** Of so many at the end the hidden state is wanted. */
  readonly wanted: number
}

/** Computes chunks of a text with a runner, and brings their last hidden states back. */
export class HiddenReader {
  private readonly readback: Readback

  constructor(private readonly runner: Runner) {
    const { model, maxRows } = runner
    this.readback = new Readback(model.gpu, 'hidden states readback', maxRows * model.workspace.h.stride * 4)
  }

  /**
   * What stands before the output projection at the last `wanted` tokens, in order: [D] each, after the last norm, as
   * `last_hidden_state` of transformers. Throws `DeviceError`. Calls must not overlap, nor overlap with the runner's.
   */
  async read({ sequence, first, count, wanted }: HiddenChunk): Promise<Float32Array[]> {
    const { runner } = this
    const { recordings, model } = runner
    const { gpu, workspace } = model
    gpu.check()
    const { h } = workspace
    const [layers, norm] = await Promise.all([
      recordings.layers(batchClassOf(count)),
      recordings.remember('last norm', (r: Recorder<BatchShape>) => model.recordNorm(r)),
    ])
    const rows = Array.from({ length: count }, (_, i) => ({ sequence, position: first + i, output: false }))
    const shape = { ...runner.writer.write(rows, 1, 0), ruled: 0, logged: 0 }
    runner.encode((pass) => layers.encode(pass, shape))
    if (wanted === 0) {
      await gpu.finish()
      return []
    }
    runner.writer.setOutputs(count - wanted, wanted)
    const bytes = wanted * h.stride * 4
    runner.encode(
      (pass) => norm.encode(pass, { ...shape, outputs: wanted }),
      (encoder) => this.readback.copy(encoder, h.buffer, bytes),
    )
    const all = new Float32Array(await this.readback.read(bytes))
    return Array.from({ length: wanted }, (_, i) => all.subarray(i * h.stride, i * h.stride + h.cols))
  }
}
