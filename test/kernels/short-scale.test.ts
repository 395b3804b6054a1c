/** Scales of blocks of bf16 that are looked up are those that are found by trying. */
import { expect, test } from 'vitest'
import type { RoundingSums } from '../../src/kernels/quantize.ts'
import { ROUNDED_LAYOUTS } from '../../src/kernels/rounding.ts'
import { randomNumbers } from '../../src/model/trial.ts'

const KINDS = ['normal', 'few bits', 'large beside small', 'mostly zeros', 'two sizes', 'any bits'] as const

/** 31 weights with mantissas of 8 bits. */
function weightsOf(kind: (typeof KINDS)[number], random: () => number): Float32Array {
  const power = 2 ** Math.floor(random() * 18)
  const words = new Uint32Array(31)
  const values = new Float32Array(words.buffer)
  for (let i = 0; i < 31; i++) {
    const number = random() + random() + random()
    if (kind === 'normal') values[i] = number * power
    else if (kind === 'few bits') values[i] = (Math.round(16 * random()) / 16) * power
    else if (kind === 'large beside small') values[i] = number * power * 2 ** Math.floor(8 * random())
    else if (kind === 'mostly zeros') values[i] = random() > 0.7 ? number * power : random() > 0 ? 0 : -0
    else if (kind === 'two sizes') values[i] = (random() > 0 ? 1 : -1) * (random() > 0.5 ? power : power * 0.5625)
    else words[i] = Math.floor((random() + 1) * 2 ** 31)
    words[i] = words[i]! & 0xffff0000
  }
  return values
}

function packed(type: 'q4' | 'q8', values: Float32Array) {
  const sums: RoundingSums = { error: 0, total: 0 }
  const row = { quants: new Uint8Array(type === 'q4' ? 16 : 32), scales: new Uint8Array(2) }
  ROUNDED_LAYOUTS[type].pack(values, row, sums)
  return { ...row, sums }
}

test.each(['q4', 'q8'] as const)('%s: a block is rounded alike with its last zero there, and without it', (type) => {
  const random = randomNumbers(type === 'q4' ? 4 : 8)
  for (const kind of KINDS) {
    const scales = new Set<number>()
    for (let i = 0; i < 2000; i++) {
      const values = weightsOf(kind, random)
      const whole = new Float32Array(32)
      whole.set(values)
      // A block that ends early is tried scale by scale.
      const tried = packed(type, values)
      const found = packed(type, whole)
      const isSame = found.sums.error === tried.sums.error || Number.isNaN(tried.sums.error)
      if (!isSame || `${found.quants}${found.scales}` !== `${tried.quants}${tried.scales}`) {
        expect(found, `${kind} ${values.join()}`).toEqual(tried)
      }
      scales.add(tried.scales[0]! + 256 * tried.scales[1]!)
    }
    // Of any bits the largest is mostly beyond what a scale can be.
    expect(scales.size, kind).toBeGreaterThan(kind === 'any bits' ? 1 : 20)
  }
})
