import { describe, expect, test } from 'vitest'
import { ROPE_FINE } from '../../src/kernels/attention.ts'
import type { ModelConfig } from '../../src/model/config.ts'
import { type RopeScaling, ropeFrequencies, ropeTable } from '../../src/model/rope.ts'
import '../../src/model/rope-scalings.ts'

function config(headDim: number, ropeTheta: number, ropeScaling?: RopeScaling): ModelConfig {
  return { headDim, ropeTheta, ropeScaling } as ModelConfig
}

describe('rotary frequencies', () => {
  test('fall from one by powers of theta', () => {
    expect(ropeFrequencies(config(2, 10_000))).toEqual([1])
    const frequencies = ropeFrequencies(config(128, 1e6))
    expect(frequencies).toHaveLength(64)
    expect(frequencies[0]).toBe(1)
    expect(frequencies[32]).toBe(Math.fround(1e-3))
    expect(frequencies[63]! * 1e6 ** (126 / 128)).toBeCloseTo(1, 6)
    for (const frequency of frequencies) expect(frequency).toBe(Math.fround(frequency))
  })

  test('are divided by a linear factor', () => {
    const plain = ropeFrequencies(config(20, 1e4))
    const scaled = ropeFrequencies(config(20, 1e4, { type: 'linear', factor: 2.5 }))
    expect(scaled).toEqual(plain.map((frequency) => Math.fround(frequency / 2.5)))
  })

  test('of llama3 keep short waves, stretch long ones, and go over smoothly', () => {
    const scaling = {
      type: 'llama3',
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalMaxPositions: 8192,
    } as const
    const plain = ropeFrequencies(config(128, 500_000))
    const scaled = ropeFrequencies(config(128, 500_000, scaling))
    const kinds = new Set<string>()
    for (const [i, frequency] of plain.entries()) {
      const turns = (8192 * frequency) / (2 * Math.PI)
      const ratio = scaled[i]! / frequency
      if (turns > 4) {
        kinds.add('kept')
        expect(ratio).toBe(1)
      } else if (turns < 1) {
        kinds.add('stretched')
        expect(ratio).toBeCloseTo(1 / 8, 6)
      } else {
        kinds.add('between')
        const weight = (turns - 1) / 3
        expect(ratio).toBeCloseTo(weight + (1 - weight) / 8, 5)
      }
    }
    expect([...kinds].sort()).toEqual(['between', 'kept', 'stretched'])
  })
})

describe('the table', () => {
  test('holds cos and sin of position times frequency, rounded once, for small positions and for multiples', () => {
    const headDim = 6
    const table = ropeTable(config(headDim, 1e4), 5000)
    const frequencies = ropeFrequencies(config(headDim, 1e4))
    expect(table).toHaveLength((1 + ROPE_FINE + 20) * headDim)
    expect([...table.subarray(0, headDim)]).toEqual(frequencies.flatMap((frequency) => [frequency, 0]))
    const rows = [0, 1, 2, 77, 255, 256, 257, 275]
    for (const row of rows) {
      const position = row < ROPE_FINE ? row : (row - ROPE_FINE) * ROPE_FINE
      for (let pair = 0; pair < headDim / 2; pair++) {
        const angle = position * frequencies[pair]!
        const at = (1 + row) * headDim + 2 * pair
        expect(table[at]).toBe(Math.fround(Math.cos(angle)))
        expect(table[at + 1]).toBe(Math.fround(Math.sin(angle)))
      }
    }
  })

  test('turns by any position as the product of two of its rows', () => {
    const table = ropeTable(config(2, 1), 131072)
    for (const position of [0, 255, 256, 777, 4999, 131071]) {
      const [a, b] = [2 * (1 + (position % ROPE_FINE)), 2 * (1 + ROPE_FINE + Math.floor(position / ROPE_FINE))]
      const cos = table[a]! * table[b]! - table[a + 1]! * table[b + 1]!
      expect(cos).toBeCloseTo(Math.cos(position), 6)
    }
  })

  test('leaves the first position unrotated', () => {
    expect([...ropeTable(config(8, 1e6), 1).subarray(8, 16)]).toEqual([1, 0, 1, 0, 1, 0, 1, 0])
  })
})
