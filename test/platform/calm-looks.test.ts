/** Dawn's binding takes pauses between its looks, and nobody else notices. */
import { expect, it } from 'vitest'
import { calmly } from '../../src/platform/calm-looks.ts'

/** Looks in every turn for something that is done after `looks` of them, as the binding does. */
function binding(looks: number): Promise<number> {
  return new Promise((resolve) => {
    let taken = 0
    const look = () => {
      if (++taken === looks) resolve(taken)
      else globalThis.setImmediate(look)
    }
    globalThis.setImmediate(look)
  })
}

it('looks until the result is there, and leaves setImmediate alone between the looks', async () => {
  const own = globalThis.setImmediate
  let done = false
  const result = calmly(() => binding(20)).finally(() => {
    done = true
  })
  expect(globalThis.setImmediate).toBe(own)
  let turns = 0
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve))
    expect(globalThis.setImmediate).toBe(own)
    turns++
  }
  expect(await result).toBe(20)
  // Others had turns while the binding paused.
  expect(turns).toBeGreaterThan(20)
})

it('passes on what the call throws', () => {
  const own = globalThis.setImmediate
  const fail = () => {
    throw new Error('no')
  }
  expect(() => calmly(fail)).toThrow('no')
  expect(globalThis.setImmediate).toBe(own)
})
