/** Stored types are decoded as their definitions say. */
import { describe, expect, it } from 'vitest'
import { decodeToF32, STORED_TYPES, type StoredDtype, storedBytes, storedType } from '../../src/formats/blocks.ts'
import { f16ToNumber, f32ToF16Bits } from '../../src/formats/f16.ts'
import { loadBlockTypes } from '../../src/formats/ggml-blocks.ts'
import { GGML_TYPES } from '../../src/formats/gguf-types.ts'
import { concat, fixtureJson, floats, fromBase64 } from './helpers.ts'

type Vectors = Record<StoredDtype | 'toF16', { bytes: string; f32: string }>
const vectors = fixtureJson('blocks.json.gz') as unknown as Vectors
const dtypes = Object.keys(STORED_TYPES) as StoredDtype[]
await loadBlockTypes(dtypes)

function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length)
}

describe('decodeToF32', () => {
  it.each(dtypes)('gives the bits of the reference for %s, at any alignment', (dtype) => {
    const stored = fromBase64(vectors[dtype].bytes)
    const expected = bits(floats(vectors[dtype].f32))
    expect(expected.length).toBeGreaterThan(250)
    expect(bits(decodeToF32(dtype, stored))).toEqual(expected)
    const shifted = concat(new Uint8Array(1), stored).subarray(1)
    expect(bits(decodeToF32(dtype, shifted))).toEqual(expected)
  })

  it('fills a given output in place', () => {
    const whole = new Float32Array(70).fill(7)
    const out = whole.subarray(3, 67)
    expect(decodeToF32('q4_0', new Uint8Array(36), out)).toBe(out)
    expect([whole[2], whole[3], whole[66], whole[67]]).toEqual([7, -0, -0, 7])
  })

  it('refuses part of a block and an output of another size', () => {
    expect(() => decodeToF32('q8_0', new Uint8Array(35))).toThrow(RangeError)
    expect(() => decodeToF32('f16', new Uint8Array(4), new Float32Array(3))).toThrow(RangeError)
  })
})

describe('the table of stored types', () => {
  it('goes by the names of the formats, whatever their case', () => {
    expect(storedType('Q6_K')).toBe('q6_k')
    expect(storedType('BF16')).toBe('bf16')
    for (const name of ['Q8_K', 'constructor', '']) expect(storedType(name)).toBeUndefined()
  })

  it('has the blocks of ggml', () => {
    const known = [...GGML_TYPES.values()].filter(({ dtype }) => dtype !== undefined)
    expect(known.map(({ dtype }) => dtype!).sort()).toEqual([...dtypes].sort())
    for (const { dtype, blockElements, blockBytes } of known) {
      expect(STORED_TYPES[dtype!]).toMatchObject({ elements: blockElements, bytes: blockBytes })
      expect(storedBytes(dtype!, 3 * blockElements)).toBe(3 * blockBytes)
    }
  })
})

describe('f32ToF16Bits', () => {
  it('rounds as numpy does: ties to even, subnormals, overflow', () => {
    const values = floats(vectors.toF16.f32)
    const expected = new Uint16Array(fromBase64(vectors.toF16.bytes).buffer)
    expect(Array.from(values, f32ToF16Bits)).toEqual(Array.from(expected))
  })

  it('is the inverse of decoding for every half that is no NaN', () => {
    for (let half = 0; half < 65536; half++) {
      if ((half & 0x7c00) === 0x7c00 && (half & 1023) !== 0) continue
      if (f32ToF16Bits(f16ToNumber(half)) !== half) throw new Error(`half ${half} became another`)
    }
    expect(f32ToF16Bits(Number.NaN) & 0x7fff).toBe(0x7e00)
    expect(f16ToNumber(0x7e00)).toBeNaN()
  })
})
