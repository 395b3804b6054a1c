/** How many steps run under one mask. */
import { describe, expect, test } from 'vitest'
import { ParameterError } from '../../src/errors.ts'
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

describe('steps along a course', () => {
  const stage = (key: object, tokens: number[] = [], targets: number[] = []) => {
    return { key, mask: () => new Uint32Array(1), tokens, targets }
  }
  const [a, b, c] = [{}, {}, {}]
  const course = { stages: [stage(a, [3, 5], [1, 0]), stage(b, [4], [0])], first: 0 }
  const room = { steps: 4, stages: 9, moves: 9 }
  /** Whether each of some tokens, with the stage of the constraint behind it, leaves the next one right. */
  const along = (run: MaskRun, tokens: readonly (readonly [id: number, stage: object])[]) => {
    const later = run.later!
    later.needs.course!(room)
    return tokens.map(([id, stage]) => {
      const constraint = { mask: () => null, accept: () => {}, stage }
      const fits = later.fits(constraint, id, 0, () => {})
      run.added(false)
      return fits
    })
  }
  const run = (readback?: number) => new MaskRun({ heldCost: () => undefined, readback }, true, () => course)

  test('count as long as the constraint comes to the stages that the GPU does', () => {
    const inTurn: [number, object][] = [
      [3, b],
      [7, b],
      [4, a],
      [5, a],
      [3, c],
    ]
    expect(along(run(), inTurn)).toEqual([true, true, true, true, false])
  })

  test('are more where readbacks cost more and few were wrong, and are tried again where many were', () => {
    const right = Array.from({ length: 60 }, () => [7, a] as const)
    const steps = [0, 1, 20].map((readback) => {
      const one = run(readback)
      along(one, right)
      return one.steps
    })
    expect(steps[0]).toBeGreaterThan(1)
    expect([...steps].sort((x, y) => x - y)).toEqual(steps)
    expect(steps[2]).toBe(16)
    const poor = run(0)
    for (let i = 0; i < 40; i++) along(poor, [[3, c]])
    expect(poor.steps).toBe(1)
    for (let i = 0; i < 400; i++) poor.added(false)
    expect(poor.steps).toBeGreaterThan(1)
  })

  test('are followed at once as long as all of them are likely to be right', () => {
    const one = run()
    expect([1, 2, 16].map((ahead) => one.follows(ahead))).toEqual([true, true, false])
    along(
      one,
      Array.from({ length: 60 }, () => [7, a] as const),
    )
    expect(one.follows(16)).toBe(true)
    for (let i = 0; i < 40; i++) along(one, [[3, c]])
    expect([1, 2].map((ahead) => one.follows(ahead))).toEqual([true, false])
    expect(new MaskRun(costs(1), true).follows(1)).toBe(false)
  })

  test('go on before the ones on their way are known, where those are mostly right, and the first is judged too', () => {
    const one = run()
    const asks = (stage: object) => ({ mask: () => null, accept: () => {}, stage })
    const judged = (later: NonNullable<MaskRun['later']>, id: number, stage: object) =>
      later.fits(asks(stage), id, 0, () => {})
    expect(one.behind(4, 4)!.needs.goesOn).toBeUndefined()
    along(
      one,
      Array.from({ length: 200 }, () => [7, a] as const),
    )
    // Nothing is on its way.
    expect(one.behind(0, 4)!.first).toBeFalsy()
    const next = one.behind(4, 4)!
    expect(next.first).toBe(true)
    next.needs.goesOn!.taken()
    expect([judged(next, 3, b), judged(next, 7, b)]).toEqual([true, true])
    // The one behind it begins at the stage where it ends.
    const third = one.behind(4, 4)!
    third.needs.goesOn!.taken()
    expect([judged(third, 4, a), judged(third, 3, c)]).toEqual([true, false])
    // Where a course of its own was asked for, the first token is chosen from its own mask.
    const own = one.behind(1, 2)!
    expect(own.first).toBe(true)
    own.needs.course!(room)
    expect([judged(own, 9, c), judged(own, 3, b)]).toEqual([true, true])
    for (let i = 0; i < 40; i++) along(one, [[3, c]])
    expect(one.behind(4, 4)!.needs.goesOn).toBeUndefined()
  })

  test('are known of other answers of the same model', () => {
    const model = { heldCost: () => undefined }
    const answer = () => new MaskRun(model, true, () => course)
    for (let i = 0; i < 40; i++) along(answer(), [[3, c]])
    expect([answer().steps, run().steps > 1]).toEqual([1, true])
  })

  test('are none behind a mask that the constraint could not give', () => {
    const none = new MaskRun({ heldCost: () => undefined }, false, () => undefined)
    expect(along(none, [[3, b]])).toEqual([false])
  })
})

describe('steps that take the best token of a superset', () => {
  const bits = (...words: number[]) => Uint32Array.from(words)
  const asks = (mask: Uint32Array | null) => ({ mask: () => mask, accept: () => {} })
  const run = () => new MaskRun(costs(1), true)
  const fits = (of: MaskRun, mask: Uint32Array | null, id: number) => {
    return of.later!.fits(asks(mask), 0, id, (error) => {
      throw error
    })
  }

  test('are more than one wherever that is likely to pay', () => {
    const fresh = run()
    expect(fresh.steps).toBeGreaterThan(1)
    for (let i = 0; i < 30; i++) {
      fits(fresh, bits(1, 0, 0), 5)
      fresh.added(false)
    }
    expect(fresh.steps).toBe(1)
    // It is tried again later, and soon where masks let in most of the vocabulary.
    const [hidden, shown] = [0, 0].map((_, hint) => {
      let tokens = 0
      const copy = run()
      for (let i = 0; i < 30; i++) fits(copy, bits(1, 0, 0), 5)
      for (; copy.steps === 1; tokens++) {
        copy.asked(hint === 1 ? bits(7, 7, 7) : bits(1, 0, 0))
        copy.added(false)
      }
      return tokens
    })
    expect(shown).toBeLessThan(hidden!)
  })

  test('fit what is allowed, if the superset had all that is', () => {
    const one = run()
    // All tokens at first.
    expect(one.later!.needs.later!()).toBeNull()
    expect([fits(one, bits(8), 3), fits(one, bits(8), 4)]).toEqual([true, false])
    // Then what masks have let in, those that were asked for meanwhile included.
    expect(one.later!.needs.later!()).toEqual(bits(8))
    const { later } = one
    const seen = (mask: Uint32Array | null, id: number) => later!.fits(asks(mask), 0, id, () => {})
    expect(seen(bits(8, 2), 3)).toBe(false)
    one.asked(bits(8, 2))
    expect(seen(bits(0, 2), 33)).toBe(true)
    expect(seen(null, 33)).toBe(false)
  })

  test('do not fit what a constraint should not give', () => {
    const errors: Error[] = []
    expect(run().later!.fits(asks([1] as never), 0, 0, (error) => errors.push(error))).toBe(false)
    expect(errors).toEqual([expect.any(ParameterError)])
  })
})
