/** How many steps a batch takes, by times that are given here. */
import { describe, expect, it } from 'vitest'
import { Pace } from '../../src/generate/pace.ts'

/** A pace that has seen batches of `stepMs` a step follow each other. */
function paced(stepMs: number, rows = 1, fixed?: number) {
  const pace = new Pace(16, fixed)
  let now = 100
  const run = (ms: number, decodes = true, steps = 1) => {
    const start = now - 1
    now += ms
    pace.observe({ steps, rows: { length: rows }, shares: { length: rows }, decodes }, false, start, now)
  }
  for (let i = 0; i < 40; i++) run(stepMs)
  return { pace, run }
}

describe('steps of a batch', () => {
  it('are as many as a reader can wait for, at most 16', () => {
    expect(paced(0.5).pace.steps(1, 100)).toBe(16)
    expect(paced(3).pace.steps(1, 100)).toBe(16)
    expect(paced(6).pace.steps(1, 100)).toBe(8)
    expect(paced(20).pace.steps(1, 100)).toBe(2)
    expect(paced(200).pace.steps(1, 100)).toBe(1)
  })

  it('begin with one and double, as the answer grows', () => {
    const { pace } = paced(1)
    const steps: number[] = []
    for (let begun = 1; steps.length < 6; begun += steps.at(-1)!) steps.push(pace.steps(1, begun))
    expect(steps).toEqual([1, 2, 4, 8, 16, 16])
  })

  it('are one before anything was measured, and for another width of the batch', () => {
    expect(new Pace(16).steps(1, 100)).toBe(1)
    const { pace } = paced(1, 8)
    expect(pace.steps(1, 100)).toBe(1)
    expect(pace.steps(7, 100)).toBe(16)
  })

  it('are those that the model was loaded with, whatever was measured', () => {
    expect(paced(200, 1, 7).pace.steps(1, 1)).toBe(7)
    expect(paced(200, 1, 99).pace.steps(1, 1)).toBe(16)
  })

  it('are not fewer because a step waited for a prompt before it', () => {
    const { pace, run } = paced(3)
    run(500, false)
    run(3)
    expect(pace.steps(1, 100)).toBe(16)
  })

  it('become fewer when steps become slow, and recover', () => {
    const { pace, run } = paced(3)
    for (let i = 0; i < 10; i++) run(25)
    expect(pace.steps(1, 100)).toBe(2)
    for (let i = 0; i < 10; i++) run(48, true, 16)
    expect(pace.steps(1, 100)).toBe(16)
  })
})

describe('the cost of a step that is awaited', () => {
  const observe = (pace: Pace, rows: number, ms: number, alone = true) =>
    pace.observe({ steps: 1, rows: { length: rows }, shares: { length: 1 }, decodes: true }, alone, 1000, 1000 + ms)

  it('is known by width after three batches; the fastest of the last four counts', () => {
    const pace = new Pace(16)
    for (const ms of [9, 40]) observe(pace, 5, ms)
    expect(pace.aloneCost(5)).toBeUndefined()
    observe(pace, 8, 10)
    expect(pace.aloneCost(6)).toBe(9)
    for (const ms of [12, 13, 14]) observe(pace, 8, ms)
    expect(pace.aloneCost(8)).toBe(10)
    expect(pace.aloneCost(4)).toBeUndefined()
    expect(pace.aloneCost(9)).toBeUndefined()
  })

  it('takes no batch that was queued behind another', () => {
    const pace = new Pace(16)
    for (let i = 0; i < 9; i++) observe(pace, 1, 5, false)
    expect(pace.aloneCost(1)).toBeUndefined()
    expect(pace.stepCost(1)).toBeDefined()
  })

  it('what batches under masks cost, with what comes between them, is measured again after a while', () => {
    const pace = new Pace(16)
    let now = 0
    const run = (steps: number, ms: number) => {
      pace.observe({ steps, rows: [1], shares: [1], decodes: true, needs: [{ mask: () => null }] }, true, now, now + ms)
      now += ms + 1
    }
    expect(pace.heldCost(2)).toBeUndefined()
    for (const ms of [90, 80]) run(2, ms)
    for (let i = 0; i < 100; i++) run(1, 5)
    expect([pace.heldCost(1), pace.heldCost(2)]).toEqual([6, 81])
    run(1, 5)
    expect([pace.heldCost(1), pace.heldCost(2)]).toEqual([6, undefined])
    for (const ms of [7, 8]) run(2, ms)
    expect(pace.heldCost(2)).toBe(8)
    // Nobody wanted a token for long.
    now += 500
    for (const ms of [7, 8]) run(2, ms)
    expect(pace.heldCost(2)).toBeLessThan(9)
  })
})
