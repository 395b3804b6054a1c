/** Several generators side by side. */
import { expect, it } from 'vitest'
import { merge } from '../../src/async/merge.ts'

async function* counting(name: string, count: number): AsyncGenerator<string, string, undefined> {
  for (let i = 0; i < count; i++) yield `${name}${i}`
  return name
}

async function all<T, R>(merged: AsyncGenerator<T, R, undefined>): Promise<{ pieces: T[]; result: R }> {
  const pieces: T[] = []
  for (;;) {
    const next = await merged.next()
    if (next.done) return { pieces, result: next.value }
    pieces.push(next.value)
    // A reader that is slower than all of them: they are ready by the time it asks.
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

it('serves all in turn where the reader is slower than they are', async () => {
  const { pieces, result } = await all(merge(undefined, () => [counting('a', 3), counting('b', 3), counting('c', 3)]))
  expect(pieces).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'c1', 'a2', 'b2', 'c2'])
  expect(result).toEqual(['a', 'b', 'c'])
})

it('ends all when one throws, and fires the signal that they were made with', async () => {
  const ended: string[] = []
  async function* endless(name: string): AsyncGenerator<string, string, undefined> {
    try {
      for (;;) yield name
    } finally {
      ended.push(name)
    }
  }
  // biome-ignore lint/correctness/useYield: it fails before it gives anything
  async function* broken(): AsyncGenerator<string, string, undefined> {
    await Promise.resolve()
    throw new Error('out of luck')
  }
  let inner: AbortSignal | undefined
  const merged = merge(undefined, (signal) => {
    inner = signal
    return [endless('a'), broken(), endless('b')]
  })
  await expect(all(merged)).rejects.toThrow('out of luck')
  expect(ended.sort()).toEqual(['a', 'b'])
  expect(inner?.aborted).toBe(true)
})

it('leaves nothing at the signal of a caller whose generators could not be made', async () => {
  const { signal } = new AbortController()
  let listeners = 0
  signal.addEventListener = () => void listeners++
  signal.removeEventListener = () => void listeners--
  const merged = merge<string, string>(signal, () => {
    expect(listeners).toBe(1)
    throw new Error('out of luck')
  })
  await expect(merged.next()).rejects.toThrow('out of luck')
  expect(listeners).toBe(0)
})
