/** Whether other programs want the cores. */
import { expect, test } from 'vitest'
import { coresOf, isCrowded, othersShare } from '../../src/platform/crowd.ts'

test('what others have of the cores is what is neither idle nor our own', () => {
  const first = coresOf('cpu  100 10 40 800 50 0 5 5 7 0\ncpu0 50 5 20 400 25 0 2 2 3 0\n')
  expect(first).toEqual({ all: 10_100, idle: 8_500 })
  const second = coresOf('cpu  200 10 40 850 50 0 5 55 7 0\n')
  // Of two seconds half a second was idle, and half a second ours.
  expect(othersShare({ ...first!, own: 100 }, { ...second!, own: 600 })).toBeCloseTo(0.5)
  expect(othersShare({ ...first!, own: 100 }, { ...first!, own: 100 })).toBe(0)
})

test('other systems say nothing of that, and one answer holds for a while', () => {
  for (const text of ['', 'cpu\n', 'cpu0 1 2 3 4 5\n', 'cpu a b\n']) expect(coresOf(text)).toBeUndefined()
  const answer = isCrowded()
  expect(typeof answer).toBe('boolean')
  expect(isCrowded()).toBe(answer)
})
