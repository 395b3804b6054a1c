/** What of courses is written to the GPU, and what lies there already. */
import { describe, expect, it } from 'vitest'
import type { MaskStage } from '../../src/constraints/course.ts'
import type { Buffer } from '../../src/gpu/buffer.ts'
import type { Gpu } from '../../src/gpu/device.ts'
import type { Row } from '../../src/model/batch.ts'
import { CourseWriter } from '../../src/model/course-writer.ts'

const PLACES = {
  words: 2,
  later: 4,
  since: 8,
  courses: 10,
  stages: 18,
  moves: 30,
  slots: 40,
  most: { stages: 4, moves: 5 },
}
const ROWS = [{ position: 6 }, { position: 9 }] as Row[]

function written() {
  const words = new Uint32Array(64)
  let writes = 0
  const write = (_: Buffer, at: number, what: Uint32Array) => {
    writes++
    words.set(what, at / 4)
  }
  const writer = new CourseWriter({ write } as unknown as Gpu, {} as Buffer, PLACES)
  const maskOf = (stage: number): number[] => {
    const slot = words[PLACES.stages + stage * 3 + 2]!
    return [...words.subarray(PLACES.slots + slot * 2, PLACES.slots + slot * 2 + 2)]
  }
  return { writer, words, maskOf, writes: () => writes }
}

const stage = (mask: () => Uint32Array, tokens: number[] = [], targets: number[] = []): MaskStage => ({
  key: {},
  mask,
  tokens,
  targets,
})
const lets = (low: number, high: number) => () => Uint32Array.of(low, high)

describe('the courses of a batch', () => {
  it('lie one behind another, each with its own first stage', () => {
    const { writer, words, maskOf } = written()
    const one = [stage(lets(1, 2), [5], [1]), stage(lets(3, 4))]
    const other = [stage(lets(5, 6), [7, 8], [0, 0])]
    writer.write(
      [
        { stages: one, first: 1 },
        { stages: other, first: 0 },
      ],
      ROWS,
    )
    expect([...words.subarray(10, 18)]).toEqual([7, 1, 0, 0, 10, 2, 0, 0])
    expect([0, 1, 2].map(maskOf)).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
    expect([...words.subarray(30, 36)]).toEqual([5, 1, 7, 2, 8, 2])
  })

  it('are written once, and serve again from another stage', () => {
    const { writer, words, writes } = written()
    const stages = [stage(lets(1, 2), [5], [1]), stage(lets(3, 4))]
    writer.write([{ stages, first: 0 }], ROWS)
    const before = writes()
    writer.write([{ stages, first: 1 }], ROWS)
    expect(writes()).toBe(before + 1)
    expect([...words.subarray(10, 14)]).toEqual([7, 1, 0, 0])
  })

  it('are there again after a mask that could not be made', () => {
    const { writer, maskOf } = written()
    const good = stage(lets(1, 2))
    let fails = true
    const late = stage(() => {
      if (fails) throw new Error('too long')
      return Uint32Array.of(3, 4)
    })
    writer.write([{ stages: [good], first: 0 }], ROWS)
    const both = [{ stages: [late, good], first: 0 }]
    expect(() => writer.write(both, ROWS)).toThrow('too long')
    fails = false
    writer.write(both, ROWS)
    expect([0, 1].map(maskOf)).toEqual([
      [3, 4],
      [1, 2],
    ])
  })
})
