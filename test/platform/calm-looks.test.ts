/** Dawn's binding takes pauses between its looks, and nobody else notices. */
import { expect, it, vi } from 'vitest'
import { calmly } from '../../src/platform/calm-looks.ts'

const pauses = vi.hoisted(() => ({ count: 0 }))
const own = vi.hoisted(() => globalThis.setImmediate)
vi.mock('node:timers', () => ({
  setImmediate: own,
  setTimeout: (look: () => void, ms: number) => {
    pauses.count++
    return globalThis.setTimeout(look, ms)
  },
}))

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
  ['naps between its first looks where the GPU is the CPU', true],
  ['takes no naps where results come from a GPU', false],
])('%s', async (_, onCpu) => {
  const naps = vi.spyOn(Atomics, 'wait')
  let looks = 0
  await calmly(() => binding(() => ++looks === 4), onCpu)
  const expected = onCpu && process.platform !== 'win32' ? 4 : 0
  expect(naps).toHaveBeenCalledTimes(expected)
  for (const [, , , ms] of naps.mock.calls) expect(ms).toBeLessThanOrEqual(0.1)
  naps.mockRestore()
})

it('passes on what the call throws', () => {
  const fail = () => {
    throw new Error('no')
  }
  expect(() => calmly(fail)).toThrow('no')
  expect(globalThis.setImmediate).toBe(own)
})
