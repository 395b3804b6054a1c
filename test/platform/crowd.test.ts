/** Whether other programs want the cores. */
import { expect, test } from 'vitest'
import { type CoreTime, Crowd, coresOf, othersShare } from '../../src/platform/crowd.ts'

test('what others have of the cores is what is neither idle nor our own', () => {
  const first = coresOf('cpu  100 10 40 800 50 0 5 5 7 0\ncpu0 50 5 20 400 25 0 2 2 3 0\n')
  expect(first).toEqual({ all: 10_100, idle: 8_500 })
  const second = coresOf('cpu  200 10 40 850 50 0 5 55 7 0\n')
  // Of two seconds half a second was idle, and half a second ours.
  expect(othersShare({ ...first!, own: 100 }, { ...second!, own: 600 })).toBeCloseTo(0.5)
  expect(othersShare({ ...first!, own: 100 }, { ...first!, own: 100 })).toBe(0)
})

test('other systems say nothing of that', () => {
  for (const text of ['', 'cpu\n', 'cpu0 1 2 3 4 5\n', 'cpu a b\n']) expect(coresOf(text)).toBeUndefined()
  expect(
    typeof new Crowd(
      () => 0,
      () => undefined,
    ).isCrowded(),
  ).toBe('boolean')
})

test('what others did while nobody asked does not count', () => {
  let now = 0
  const cores: CoreTime = { all: 0, idle: 0, own: 0 }
  const crowd = new Crowd(
    () => now,
    () => ({ ...cores }),
  )
  /** Asks every 10 ms for so long, while two cores do this. */
  const ask = (ms: number, others: number, own: number): boolean => {
    let answer = false
    for (const end = now + ms; now < end; now += 10) {
      answer = crowd.isCrowded()
      Object.assign(cores, {
        all: cores.all + 20,
        idle: cores.idle + 10 * (2 - others - own),
        own: cores.own + 10 * own,
      })
    }
    return answer
  }
  /** Nobody asks for so long, while others have all cores. */
  const pause = (ms: number): void => {
    now += ms
    Object.assign(cores, { all: cores.all + 2 * ms })
  }
  expect(ask(1000, 0, 1)).toBe(false)
  expect(ask(1000, 1, 1)).toBe(true)
  expect(ask(1000, 0.2, 1.8)).toBe(false)
  pause(5000)
  expect(ask(1000, 0, 2)).toBe(false)
  // A program that comes is noticed in the next window, and its end as well.
  expect(ask(600, 1.2, 0.8)).toBe(true)
  pause(5000)
  expect(ask(200, 0, 2)).toBe(true)
  expect(ask(600, 0, 2)).toBe(false)
})
