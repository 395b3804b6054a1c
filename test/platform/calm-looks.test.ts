/** Dawn's binding takes pauses between its looks, and nobody else notices. */
import { afterEach, expect, it, vi } from 'vitest'
import { calmly } from '../../src/platform/calm-looks.ts'

const pauses = vi.hoisted(() => ({ count: 0 }))
const machine = vi.hoisted(() => ({ crowded: false }))
const own = vi.hoisted(() => globalThis.setImmediate)
vi.mock('node:timers', () => ({
  setImmediate: own,
  setTimeout: (look: () => void, ms: number) => {
    pauses.count++
    return globalThis.setTimeout(look, ms)
  },
}))

vi.mock('../../src/platform/crowd.ts', () => ({
  Crowd: class {
    isCrowded = () => machine.crowded
  },
}))

afterEach(() => vi.restoreAllMocks())

/** Looks in every turn until something is done, as the binding does. */
function binding(isDone: () => boolean): Promise<number> {
  return new Promise((resolve) => {
    let looks = 0
    const look = () => {
      looks++
      if (isDone()) resolve(looks)
      else globalThis.setImmediate(look)
    }
    globalThis.setImmediate(look)
  })
}

it('looks on with pauses until the result is there, and leaves setImmediate to others as it was', async () => {
  let done = false
  const result = calmly(() => binding(() => pauses.count === 3)).finally(() => {
    done = true
  })
  expect(globalThis.setImmediate).toBe(own)
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve))
    expect(globalThis.setImmediate).toBe(own)
  }
  expect(await result).toBeGreaterThanOrEqual(3)
  expect(pauses.count).toBe(3)
})

it.each([
  ['naps between its first looks where the GPU is the CPU', { onCpu: true }, false, 4],
  ['takes no naps where results come from a GPU', { onCpu: false }, true, 0],
  ['takes none while small work keeps a core awake', { onCpu: true, small: true }, false, 0],
  ['naps beside small work, too, where others want the cores', { onCpu: true, small: true }, true, 4],
])('%s', async (_, looks, crowded, expected) => {
  machine.crowded = crowded
  const naps = vi.spyOn(Atomics, 'wait')
  // The clock stands still: on a busy machine four looks can take longer than naps are taken.
  vi.spyOn(performance, 'now').mockReturnValue(0)
  let count = 0
  await calmly(() => binding(() => ++count === 4), looks)
  expect(naps).toHaveBeenCalledTimes(process.platform === 'win32' ? 0 : expected)
  for (const [, , , ms] of naps.mock.calls) expect(ms).toBeLessThanOrEqual(0.1)
})

it('passes on what the call throws', () => {
  const fail = () => {
    throw new Error('no')
  }
  expect(() => calmly(fail)).toThrow('no')
  expect(globalThis.setImmediate).toBe(own)
})
