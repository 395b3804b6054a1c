/** What a text costs the model, token by token. The logits stay on the GPU: one number comes back for each token. */
import type { Buffer } from '../gpu/buffer.ts'
import { BufferUsage } from '../gpu/flags.ts'
import { Readback } from '../gpu/readback.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { nextLogprobs } from '../kernels/next-logprobs.ts'
import { type BatchShape, batchClassOf } from '../kernels/shape.ts'
import type { Runner } from './runner.ts'

/** Consecutive tokens of a sequence that stand in the history, and go through the model together. */
export interface Chunk {
  readonly sequence: number
  /** The position of the first. */
  readonly first: number
  /** At most `runner.maxRows`. */
  readonly count: number
  /** Of so many at the end, the log-probability of the token after each is wanted, which stands in the history too. */
  readonly scored: number
}

/**
 * Computes chunks of a text with a runner. All rows of a chunk go through the layers together; the output projection, whose
 * logits would take gigabytes, through as many at a time as the runner has room for.
 */
export class TextScorer {
  private readonly readback: Readback
  /** f32 [T]: that of the token after each row. */
  private readonly logprobs: Buffer

  constructor(private readonly runner: Runner) {
    const { model, maxRows } = runner
    const { gpu } = model
    this.readback = new Readback(gpu, 'next logprobs readback', maxRows * 4)
    this.logprobs = gpu.createBuffer('next logprobs', maxRows * 4, BufferUsage.STORAGE | BufferUsage.COPY_SRC)
  }

  /**
   * Natural log-probabilities of the tokens after the last `scored` of the chunk, in order. Throws `DeviceError`. Calls must
   * not overlap, nor overlap with those of the runner.
   */
  async score({ sequence, first, count, scored }: Chunk): Promise<Float32Array> {
    const { runner } = this
    const { recordings, model, maxOutputs } = runner
    model.gpu.check()
    const rows = Array.from({ length: count }, (_, i) => ({ sequence, position: first + i, output: false }))
    const slots = runner.adapters?.usedBy(rows)
    const adapters = slots && runner.adapters
    const most = scored === 0 ? maxOutputs : Math.min(scored, maxOutputs)
    const [layers, head, ending] = await Promise.all([
      recordings.layers(batchClassOf(count), adapters),
      recordings.head(batchClassOf(most, true), adapters),
      recordings.remember('next logprobs', (r: Recorder<BatchShape>) => {
        nextLogprobs(r, { ...model.workspace, logprobs: this.logprobs })
      }),
    ])
    const shape = { ...runner.writer.write(rows, 1, 0), ruled: 0, logged: 0, adapters: slots }
    runner.encode((pass) => layers.encode(pass, shape))
    for (let row = count - scored; row < count; row += maxOutputs) {
      const outputs = Math.min(maxOutputs, count - row)
      runner.writer.setOutputs(row, outputs)
      runner.encode((pass) => {
        head.encode(pass, { ...shape, outputs })
        ending.encode(pass, { ...shape, outputs })
      })
    }
    return this.read(count - scored, scored)
  }

  private async read(first: number, count: number): Promise<Float32Array> {
    const { gpu } = this.runner.model
    if (count === 0) {
      await gpu.finish()
      return new Float32Array(0)
    }
    const encoder = gpu.device.createCommandEncoder()
    this.readback.copyAt(encoder, this.logprobs, { from: first * 4, to: 0, bytes: count * 4 })
    gpu.submit(encoder.finish())
    return new Float32Array(await this.readback.read(count * 4))
  }
}
