/** Rows of GGUF's blocks copied a word at a time, against the same element by element. */
import { expect, test } from 'vitest'
import { STORED_TYPES } from '../../src/formats/blocks.ts'
import { loadBlockTypes } from '../../src/formats/ggml-blocks.ts'
import { BLOCK_LAYOUTS } from '../../src/kernels/block-layouts.ts'
import { blockRowBytes, copyBlockRow, type PackedName } from '../../src/kernels/pack-blocks.ts'
import { WORD_COPIES } from '../../src/kernels/pack-words.ts'
import { type Copy, copyQ4, copyQ8, type PackedRow, widenQ4 } from '../../src/kernels/quantize.ts'
import { createPackedRows, nativeLayout, packRow, packRows } from '../../src/model/repack.ts'
import { random } from '../support/fixtures.ts'

await loadBlockTypes(['q4_k', 'q5_k', 'q6_k', 'iq4_nl', 'mxfp4', 'q2_k'])

function randomBytes(count: number, seed: number, at = 0): Uint8Array<ArrayBuffer> {
  const next = random(seed)
  return Uint8Array.from({ length: count + at }, () => Math.floor(next() * 256)).subarray(at)
}

function emptyRow({ quants, scales }: { quants: number; scales: number }): PackedRow {
  return { quants: new Uint8Array(quants), scales: new Uint8Array(scales) }
}

test.each(Object.keys(WORD_COPIES) as PackedName[])('%s', (name) => {
  for (const blocks of [1, 2, 3, 16, 55]) {
    const size = blockRowBytes(name, blocks * 8)
    // At any place of a file.
    for (const at of [0, 1, 2]) {
      const stored = randomBytes(blocks * STORED_TYPES[name].bytes, blocks + at, at)
      const [expected, got] = [emptyRow(size), emptyRow(size)]
      copyBlockRow(name)(stored, expected)
      WORD_COPIES[name]!(stored, got)
      expect(got).toEqual(expected)
    }
  }
})

/** By the definition of the formats: element j of Q4_0 is in the low nibble of byte j, element 16 + j in the high one. */
const nibble = (block: Uint8Array, element: number) => (element < 16 ? block[element]! & 15 : block[element - 16]! >> 4)
const PLAIN: Record<string, { copy: Copy; bytes: number; quants: (block: Uint8Array) => number[] }> = {
  q4: {
    copy: copyQ4,
    bytes: 18,
    quants: (block) =>
      Array.from({ length: 16 }, (_, byte) => {
        const first = 8 * (byte >> 2) + (byte & 3)
        return nibble(block, first) | (nibble(block, first + 4) << 4)
      }),
  },
  'q4 as q8': {
    copy: widenQ4,
    bytes: 18,
    quants: (block) => Array.from({ length: 32 }, (_, element) => (nibble(block, element) - 8) & 255),
  },
  q8: { copy: copyQ8, bytes: 34, quants: (block) => [...block] },
}

test.each(Object.entries(PLAIN))('%s', (_, { copy, bytes, quants }) => {
  // Two blocks are whole words, an odd number of them is not, and nothing is at an odd place.
  for (const [blocks, at] of [
    [33, 0],
    [34, 0],
    [33, 1],
    [34, 2],
  ] as const) {
    const stored = randomBytes(blocks * bytes, 7 + at, at)
    const all = Array.from({ length: blocks }, (_, i) => stored.slice(i * bytes, (i + 1) * bytes))
    const expected = all.flatMap((block) => quants(block.subarray(2)))
    const row = emptyRow({ quants: expected.length, scales: 2 * blocks })
    copy(stored, row)
    expect([...row.quants]).toEqual(expected)
    expect([...row.scales]).toEqual(all.flatMap((block) => [...block.subarray(0, 2)]))
  }
})

test.each(['q4_0', 'q8_0', 'f16', 'f32', 'q4_k', 'q6_k', 'q2_k', 'iq4_nl', 'mxfp4', 'iq2_xs'] as const)(
  '%s: rows that lie apart are the same as rows one by one',
  async (type) => {
    await loadBlockTypes(type === 'iq2_xs' ? [type] : [])
    const layout = await nativeLayout([type])
    const cols = 512
    const bytes = (cols / STORED_TYPES[type].elements) * STORED_TYPES[type].bytes
    const stored = randomBytes(5 * bytes, 3)
    for (const { index, step } of [
      { index: 0, step: 1 },
      { index: 1, step: 2 },
      { index: 2, step: 3 },
    ]) {
      const [expected, got] = [createPackedRows(layout, 16, cols), createPackedRows(layout, 16, cols)]
      for (let i = 0; i < 5; i++) packRow(type, stored.slice(i * bytes, (i + 1) * bytes), expected, index + i * step)
      packRows(type, stored, got, { index, step, count: 5 })
      expect(got.quants).toEqual(expected.quants)
      expect(got.scales).toEqual(expected.scales)
      expect(expected.quants.some((byte) => byte !== 0)).toBe(true)
    }
  },
)

test('the types that most files have are among them', () => {
  for (const name of ['q4_k', 'q5_k', 'q6_k'] as const) expect(BLOCK_LAYOUTS[name].exact[name]).toBe(WORD_COPIES[name])
})
