/** The speed and the time left in the progress of a load. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type LoadProgress, metered } from '../../src/model/load-progress.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

it('are those of the last seconds of a phase', () => {
  const seen: LoadProgress[] = []
  const step = metered((progress) => seen.push(progress))
  const download = (loaded: number) => step({ phase: 'download', loaded, total: 10_000, file: 'model.gguf' })
  download(0)
  expect(seen.at(-1)).toEqual({
    phase: 'download',
    loaded: 0,
    total: 10_000,
    file: 'model.gguf',
    tensor: undefined,
    bytesPerSecond: undefined,
    secondsLeft: undefined,
  })
  for (let second = 1; second <= 10; second++) {
    vi.advanceTimersByTime(1000)
    download(100 * second)
    expect(seen.at(-1)).toMatchObject({ bytesPerSecond: 100, secondsLeft: (10_000 - 100 * second) / 100 })
  }
  // It gets faster, and the slow time is soon forgotten.
  for (let second = 1; second <= 7; second++) {
    vi.advanceTimersByTime(1000)
    download(1000 + 1000 * second)
  }
  expect(seen.at(-1)!.bytesPerSecond).toBeCloseTo(1000)
  expect(seen.at(-1)!.secondsLeft).toBeCloseTo(2)
})

it('begin anew with each phase, and events are plain data', () => {
  const seen: LoadProgress[] = []
  const step = metered((progress) => seen.push(progress))
  step({ phase: 'download', loaded: 0, total: 100 })
  vi.advanceTimersByTime(1000)
  step({ phase: 'download', loaded: 100, total: 100 })
  expect(seen.at(-1)).toMatchObject({ bytesPerSecond: 100, secondsLeft: 0 })
  step({ phase: 'weights', loaded: 50, total: 100, tensor: 'norm' })
  expect(seen.at(-1)).toMatchObject({ bytesPerSecond: undefined, tensor: 'norm', file: undefined })
  expect(structuredClone(seen)).toEqual(seen)
})
