/** What the runner says of the batches that it submits. */
import { expect, test } from 'vitest'
import { GREEDY } from '../../src/model/batch.ts'
import { fixture, withModel } from '../support/fixtures.ts'

/** A driver that computes on the CPU may take it from the thread that submits: the call then returns when all is done. */
test('a batch starts before the call that submits it, which may last as long as the batch', async () => {
  await withModel(fixture('llama-linear').path, {}, async ({ loaded: { gpu, runner, config } }) => {
    const submit = gpu.submit.bind(gpu)
    const calls: number[] = []
    gpu.submit = (...buffers) => {
      calls.push(performance.now())
      return submit(...buffers)
    }
    const row = { sequence: 0, output: true }
    const mask = new Uint32Array(Math.ceil(config.vocabSize / 32)).fill(0xffff_ffff)
    try {
      for (const [position, need] of [GREEDY, { ...GREEDY, mask: () => mask }].entries()) {
        calls.length = 0
        const { start, result } = await runner.sample({ rows: [{ ...row, position }], steps: 1, needs: [need] })
        expect(start).toBeLessThanOrEqual(calls[0]!)
        expect((await result)[0]!.ids).toHaveLength(1)
      }
      calls.length = 0
      const { start, result } = await runner.logits([{ ...row, position: 2 }])
      expect(start).toBeLessThanOrEqual(calls[0]!)
      await result
    } finally {
      Reflect.deleteProperty(gpu, 'submit')
    }
  })
})
