/** How many steps run under one mask. */
import { describe, expect, test } from 'vitest'
import { MaskRun } from '../../src/generate/mask-run.ts'

/** Batches that cost as much for each step, and something for themselves. */
const costs = (batch: number, step = 1) => ({ heldCost: (steps: number) => batch + steps * step })

function afterTokens(run: MaskRun, unchanged: readonly boolean[]): MaskRun {
  for (const one of unchanged) run.added(one)
  return run
}
const kept = (count: number) => Array.from({ length: count }, () => true)

describe('the steps under one mask', () => {
  test('are one where it has just changed', () => {
    const run = new MaskRun(costs(10))
    expect([run.holds, run.steps]).toEqual([false, 1])
    afterTokens(run, [...kept(50), false])
    expect([run.holds, run.steps]).toEqual([false, 1])
  })

  test('are more where masks stay for long, and where batches cost much for themselves', () => {
    const steps = (batch: number, length: number) =>
      afterTokens(
        new MaskRun(costs(batch)),
        Array.from({ length: 10 }, () => [...kept(length), false])
          .flat()
          .concat(kept(2)),
      ).steps
    expect([1, 3, 8, 60].map((length) => steps(0.5, length))).toEqual([1, 2, 2, 4])
    expect([0, 0.1, 1, 10].map((batch) => steps(batch, 12))).toEqual([1, 1, 4, 8])
  })

  test('are as many as the caller has chosen', () => {
    const run = new MaskRun({ fixed: 6, heldCost: () => undefined })
    expect(run.steps).toBe(1)
    expect(afterTokens(run, [true]).steps).toBe(6)
  })

  test('are tried where nothing is known of them, and not before one step was measured', () => {
    expect(afterTokens(new MaskRun({ heldCost: () => undefined }), kept(20)).steps).toBe(1)
    const slow = { heldCost: (steps: number) => [0, 10, 25][steps] }
    expect(afterTokens(new MaskRun({ heldCost: (steps) => (steps === 1 ? 10 : undefined) }), kept(20)).steps).toBe(2)
    expect(afterTokens(new MaskRun(slow), kept(20)).steps).toBe(1)
  })
})
