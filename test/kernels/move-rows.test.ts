/** Rows with an output, at the front and back. */
import { afterAll, expect, test } from 'vitest'
import { openGpu } from '../../src/gpu/open.ts'
import { moveOutputs } from '../../src/kernels/move-rows.ts'
import { disabledFeatures } from '../support/features.ts'
import { activation, randomNumbers, run } from '../support/gpu.ts'

const gpu = await openGpu({ disableFeatures: disabledFeatures() })
afterAll(() => gpu.dispose())

const CASES: readonly [cols: number, rows: number, outputs: readonly number[]][] = [
  [1, 1, [0]],
  [20, 9, [8]],
  [33, 12, [1, 2, 3, 11]],
  [300, 40, [0, 1, 7, 8, 9, 38, 39]],
  [4099, 17, Array.from({ length: 17 }, (_, row) => row)],
  [64, 5, []],
]

test.each(CASES)('%i columns of %i rows, outputs %j', async (cols, rows, outputs) => {
  const x = activation(gpu, 'x', { rows, cols, fill: randomNumbers(cols) })
  const { buffer, stride } = x.activation
  const meta = gpu.createBuffer('rows', rows * 16)
  gpu.write(meta, 0, new Uint32Array(outputs.flatMap((row) => [0, 0, row, 1])))
  const row = (of: ArrayLike<number>, index: number) => Array.from(of).slice(index * stride, index * stride + cols)
  const own = (index: number) => Array.from(x.values.subarray(index * cols, (index + 1) * cols), Math.fround)
  const batch = { rows, outputs: outputs.length }
  const result = { buffer, elements: rows * stride }

  const front = await run(gpu, batch, (r) => moveOutputs(r, x.activation, meta), result)
  for (const [i, output] of outputs.entries()) expect(row(front, i)).toEqual(own(output))
  const back = await run(gpu, batch, (r) => moveOutputs(r, x.activation, meta, true), result)
  for (const output of outputs) expect(row(back, output)).toEqual(own(output))
})
