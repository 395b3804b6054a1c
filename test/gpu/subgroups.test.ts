/** How the trial run of subgroups is read. */
import { describe, expect, test } from 'vitest'
import { usableLanes } from '../../src/gpu/subgroups.ts'

/** What 128 threads report: their lanes, and the sizes of their subgroups. */
function report(lane: (thread: number) => number, size: number | ((thread: number) => number)): Uint32Array {
  const sizeOf = typeof size === 'number' ? () => size : size
  return Uint32Array.from({ length: 2 * 128 }, (_, i) => (i % 2 === 0 ? lane(i >> 1) : sizeOf(i >> 1)))
}

const inOrder = (size: number) => (thread: number) => thread % size

describe('usable lanes of subgroups', () => {
  test.each([4, 8, 16, 32])('are the subgroup when it has %i in order', (size) => {
    expect(usableLanes(report(inOrder(size), size), size)).toBe(size)
  })

  test('are at most 32', () => {
    expect(usableLanes(report(inOrder(64), 64), 64)).toBe(32)
  })

  test('go no lower than any subgroup, now or by the adapter’s word', () => {
    const mixed = report(inOrder(32), (thread) => (thread < 64 ? 32 : 16))
    expect(usableLanes(mixed, 8)).toBe(8)
    expect(usableLanes(mixed, 32)).toBe(16)
    expect(usableLanes(report(inOrder(32), 24), 4)).toBe(4)
  })

  test('are none where the adapter promises no size: other pipelines may get other ones', () => {
    expect(usableLanes(report(inOrder(32), 32), 32)).toBe(32)
    expect(usableLanes(report(inOrder(32), 32), undefined)).toBe(0)
  })

  test('are none where the order is another', () => {
    const swapped = (thread: number) => (thread % 32) ^ 1
    const spread = (thread: number) => Math.floor(thread / 4)
    expect(usableLanes(report(swapped, 32), 32)).toBe(0)
    expect(usableLanes(report(spread, 32), 32)).toBe(0)
    const oneOff = report(inOrder(32), 32)
    oneOff[2 * 77] = 0
    expect(usableLanes(oneOff, 32)).toBe(0)
  })

  test('are none where there are fewer than four', () => {
    expect(usableLanes(report(inOrder(1), 1), 1)).toBe(0)
    expect(usableLanes(report(inOrder(2), 2), 2)).toBe(0)
  })
})
