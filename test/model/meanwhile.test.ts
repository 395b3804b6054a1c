/** What requests do without as long as compilers of software adapters take: by what they asked for before, not by time. */
import { describe, expect, test } from 'vitest'
import { Meanwhile } from '../../src/model/meanwhile.ts'
import type { Mistral } from '../../src/model/mistral.ts'

/** A model of a million weights in layers, on an adapter with subgroups of so many lanes. */
function meanwhile(subgroupLanes: number, changes: object = {}): Meanwhile {
  const tuning = { subgroupLanes, attention: 'lanes', foldedNorms: { 1: false }, ...changes }
  const matrix = { rows: 512, cols: 256 }
  const layer = { wqkv: [matrix], wo: matrix, w13: matrix, w2: matrix }
  const model = { gpu: { tuning }, config: { nLayers: 2 }, weights: { layers: [layer, layer] } }
  return new Meanwhile(model as unknown as Mistral)
}

describe('prompts that go through the kernels of single rows', () => {
  test('have so many rows together where compilers are the slowest', () => {
    const one = meanwhile(4)
    expect(one.rowsAlone).toBe(512)
    expect([200, 150].map((rows) => one.goesAlone(rows))).toEqual([true, true])
    expect(one.needsMany).toBe(false)
    expect(one.goesAlone(100)).toBe(true)
    expect(one.needsMany).toBe(true)
    // One that does not fit ends it, for smaller ones too.
    expect([63, 2].map((rows) => one.goesAlone(rows))).toEqual([false, false])
  })

  test('are the first alone elsewhere, and none where something else computes prompts', () => {
    const one = meanwhile(8)
    expect([one.rowsAlone, one.goesAlone(20), one.goesAlone(2), one.needsMany]).toEqual([256, true, false, false])
    expect(meanwhile(4, { attention: 'tiles' }).goesAlone(2)).toBe(false)
    expect(meanwhile(4, { foldedNorms: { 1: true } }).rowsAlone).toBe(0)
    const other = meanwhile(4)
    other.noneAlone()
    expect(other.goesAlone(2)).toBe(false)
  })
})

test('kernels that choose are compiled when their time comes', () => {
  const one = meanwhile(4)
  expect([1, 15, 1].map((tokens) => one.chose('short', tokens, false))).toEqual(['later', undefined, 'beside'])
  expect([1, 511, 1].map((tokens) => one.chose('dense', tokens, true))).toEqual([undefined, undefined, 'beside'])
  expect(meanwhile(8).chose('dense', 1, true)).toBe('beside')
})
