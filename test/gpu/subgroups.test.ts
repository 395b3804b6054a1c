/** How the trial run of subgroups is read. */
import { describe, expect, test } from 'vitest'
import { usableLanes } from '../../src/gpu/subgroups.ts'

describe('usable lanes of subgroups', () => {
  const report = (threads: number, lane: (thread: number) => number, size: (thread: number) => number) =>
    Uint32Array.from({ length: 2 * threads }, (_, i) => (i % 2 === 0 ? lane(i >> 1) : size(i >> 1)))

  test.each([4, 8, 16, 32])('are the subgroup when it has %i in order', (size) => {
    expect(
      usableLanes(
        report(
          128,
          (thread) => thread % size,
          () => size,
        ),
        size,
      ),
    ).toBe(size)
  })

  test('are at most 32', () => {
    expect(
      usableLanes(
        report(
          128,
          (thread) => thread % 64,
          () => 64,
        ),
        64,
      ),
    ).toBe(32)
  })

  test('go no lower than any subgroup, now or by the adapter’s word', () => {
    expect(
      usableLanes(
        report(
          128,
          (thread) => thread % 32,
          (thread) => (thread < 64 ? 32 : 16),
        ),
        8,
      ),
    ).toBe(8)
    expect(
      usableLanes(
        report(
          128,
          (thread) => thread % 32,
          (thread) => (thread < 64 ? 32 : 16),
        ),
        32,
      ),
    ).toBe(16)
    expect(
      usableLanes(
        report(
          128,
          (thread) => thread % 32,
          () => 24,
        ),
        4,
      ),
    ).toBe(4)
  })

  test('are none where the adapter promises no size: other pipelines may get other ones', () => {
    const inOrder = report(
      128,
      (thread) => thread % 32,
      () => 32,
    )
    expect(usableLanes(inOrder, 32)).toBe(32)
    expect(usableLanes(inOrder, undefined)).toBe(0)
  })

  test('are none where the order is another', () => {
    expect(
      usableLanes(
        report(
          128,
          (thread) => (thread % 32) ^ 1,
          () => 32,
        ),
        32,
      ),
    ).toBe(0)
    expect(
      usableLanes(
        report(
          128,
          (thread) => Math.floor(thread / 4),
          () => 32,
        ),
        32,
      ),
    ).toBe(0)
    const oneOff = report(
      128,
      (thread) => thread % 32,
      () => 32,
    )
    oneOff[2 * 77] = 0
    expect(usableLanes(oneOff, 32)).toBe(0)
  })

  test('are none where there are fewer than four', () => {
    expect(
      usableLanes(
        report(
          128,
          () => 0,
          () => 1,
        ),
        1,
      ),
    ).toBe(0)
    expect(
      usableLanes(
        report(
          128,
          (thread) => thread % 2,
          () => 2,
        ),
        2,
      ),
    ).toBe(0)
  })
})
