/** Whether tokens that a constraint expects are checked at once. */
import { expect, test } from 'vitest'
import { Expectations } from '../../src/generate/expectations.ts'

const costs = (wide: number | undefined) => ({ answers: 1, stepCost: () => 1, aloneCost: () => wide })

test('tokens are trusted until most were wrong, and again some answers later', () => {
  const all = new Expectations()
  expect(all.trusts(3, costs(undefined))).toBe(true)
  all.checked(20)
  expect(all.trusts(3, costs(undefined))).toBe(false)
  for (let i = 0; i < 20; i++) all.begin()
  expect(all.trusts(3, costs(undefined))).toBe(true)
  all.checked(20)
  for (let i = 0; i < 15; i++) all.confirm()
  expect(all.trusts(3, costs(undefined))).toBe(true)
})

test('they are checked at once only where that is faster than one by one', () => {
  const all = new Expectations()
  expect([2, 3.9, 4.1].map((wide) => all.trusts(3, costs(wide)))).toEqual([true, true, false])
  all.checked(8)
  expect([2, 2.4, 2.6].map((wide) => all.trusts(3, costs(wide)))).toEqual([true, true, false])
})
