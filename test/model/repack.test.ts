import { describe, expect, test } from 'vitest'
import { decodeToF32, STORED_TYPES, type StoredDtype, storedBytes } from '../../src/formats/blocks.ts'
import { f16ToNumber, f32ToF16Bits } from '../../src/formats/f16.ts'
import { ROUNDED_LAYOUTS } from '../../src/kernels/rounding.ts'
import { WEIGHT_LAYOUTS, type WeightDtype } from '../../src/kernels/weight-layouts.ts'
import * as repack from '../../src/model/repack.ts'
import { nativeLayout, type PackedRows, packRow } from '../../src/model/repack.ts'
import { randomNumbers } from '../support/gpu.ts'

function createPackedRows(dtype: WeightDtype, rows: number, cols: number): PackedRows {
  return repack.createPackedRows({ ...WEIGHT_LAYOUTS, ...ROUNDED_LAYOUTS }[dtype], rows, cols)
}

function scaleOf({ scales }: PackedRows, block: number): number {
  return new DataView(scales.buffer, scales.byteOffset).getUint16(2 * block, true)
}

/** Element `col` of a packed row, by the layouts of `shaders/weights_*.wgsl`. */
function element(packed: PackedRows, row: number, col: number): number {
  const { layout, cols, quants } = packed
  const dtype = layout.name
  const blocks = Math.ceil(cols / 32)
  const view = new DataView(quants.buffer, quants.byteOffset)
  const at = row * blocks * 32 + col
  if (dtype === 'f32') return view.getFloat32(4 * at, true)
  if (dtype === 'f16') return f16ToNumber(view.getUint16(2 * at, true))
  if (dtype === 'bf16') return new Float32Array(new Uint32Array([view.getUint16(2 * at, true) << 16]).buffer)[0]!
  const block = row * blocks + Math.floor(col / 32)
  const scale = f16ToNumber(scaleOf(packed, block))
  if (dtype === 'q8') return scale * view.getInt8(at)
  const inBlock = col % 32
  const byte = quants[block * 16 + 4 * Math.floor(inBlock / 8) + (inBlock % 4)]!
  return scale * ((inBlock % 8 < 4 ? byte & 15 : byte >> 4) - 8)
}

function unpack(packed: PackedRows, row = 0): number[] {
  return Array.from({ length: packed.cols }, (_, col) => element(packed, row, col))
}

/** A row as a file holds it, of random bits. Scales of blocks stay finite. */
function fileRow(dtype: StoredDtype, cols: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = randomNumbers(seed)
  const bytes = Uint8Array.from({ length: storedBytes(dtype, cols) }, () => Math.floor((random() + 1) * 128))
  const size = STORED_TYPES[dtype].bytes
  // The byte with the exponent's upper bits: no infinity, no NaN.
  const high = dtype === 'f32' ? 3 : 1
  for (let at = high; at < bytes.length; at += size) bytes[at]! &= 0xbb
  return bytes
}

function f32Row(values: readonly number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Float32Array.from(values).buffer)
}

describe('what a target can hold is converted exactly', () => {
  const exact: readonly [StoredDtype, WeightDtype, number][] = [
    ['f32', 'f32', 37],
    ['f16', 'f16', 37],
    ['bf16', 'bf16', 33],
    ['q8_0', 'q8', 96],
    ['q4_0', 'q4', 96],
    ['q4_0', 'q8', 64],
    ['f16', 'f32', 5],
    ['bf16', 'f32', 31],
    ['q8_0', 'f32', 32],
    ['q4_0', 'f32', 64],
  ]
  test.each(exact)('%s to %s, %i columns', (from, to, cols) => {
    const packed = createPackedRows(to, 3, cols)
    for (let row = 0; row < 3; row++) {
      const bytes = fileRow(from, cols, row)
      packRow(from, bytes, packed, row)
      const differences = [...decodeToF32(from, bytes)].filter((value, col) => element(packed, row, col) !== value)
      expect(differences).toEqual([])
    }
  })

  test('a row in the middle leaves its neighbours alone', () => {
    for (const to of ['f32', 'q8', 'q4'] as const) {
      const packed = createPackedRows(to, 3, 40)
      packRow('f32', f32Row(Array.from({ length: 40 }, () => 1)), packed, 1)
      const rowBytes = packed.quants.length / 3
      expect(packed.quants.subarray(0, rowBytes).every((byte) => byte === 0)).toBe(true)
      expect(packed.quants.subarray(2 * rowBytes).every((byte) => byte === 0)).toBe(true)
      expect(unpack(packed, 1).every((value) => Math.abs(value - 1) < 1e-2)).toBe(true)
    }
  })

  test('padding to a block is zero', () => {
    for (const to of ['f32', 'q8', 'q4'] as const) {
      const packed = createPackedRows(to, 1, 33)
      packRow('f32', f32Row(Array.from({ length: 33 }, (_, i) => i - 40)), packed, 0)
      const padding = Array.from({ length: 31 }, (_, i) => Math.abs(element(packed, 0, 33 + i)))
      expect(padding.every((value) => value === 0)).toBe(true)
    }
  })

  test.each([
    ['f16', 2 ** -11, 2 ** -25],
    ['bf16', 2 ** -8, 0],
  ] as const)('what has more bits than %s is rounded to the nearest', (to, relative, absolute) => {
    const values = [1, -1, 0, 1 / 3, 1e-3, -6e-5, 3e-8, 65504, ...weights(500, 0.02)].map(Math.fround)
    const packed = createPackedRows(to, 1, values.length)
    packRow('f32', f32Row(values), packed, 0)
    for (const [col, value] of values.entries()) {
      expect(Math.abs(element(packed, 0, col) - value)).toBeLessThanOrEqual(relative * Math.abs(value) + absolute)
    }
  })

  test('infinities and NaN stay what they are in bf16, and f16 has its largest number for what is too large', () => {
    const values = [Infinity, -Infinity, Number.NaN, 3.3e38, 1 + 2 ** -8, 1 + 3 * 2 ** -8]
    const brain = createPackedRows('bf16', 1, values.length)
    packRow('f32', f32Row(values), brain, 0)
    // Ties go to even.
    expect(unpack(brain)).toEqual([Infinity, -Infinity, Number.NaN, expect.any(Number), 1, 1 + 2 ** -6])
    const half = createPackedRows('f16', 1, 2)
    packRow('f32', f32Row([1e6, -1e6]), half, 0)
    expect(unpack(half)).toEqual([65504, -65504])
  })
})

/** What rounding a row gives: the sums that it reports, and those that its elements show. */
function rounded(values: Float32Array<ArrayBuffer>, to: 'q8' | 'q4') {
  const packed = createPackedRows(to, 1, values.length)
  const sums = { error: 0, total: 0 }
  packRow('f32', new Uint8Array(values.buffer), packed, 0, sums)
  return { packed, sums, blocks: errorsByBlock(values, unpack(packed)) }
}

/** Squared errors of each block of 32. */
function errorsByBlock(values: Float32Array, stored: readonly number[]): number[] {
  const errors = new Array<number>(Math.ceil(values.length / 32)).fill(0)
  for (const [i, value] of values.entries()) errors[i >> 5]! += (stored[i]! - value) ** 2
  return errors
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value))

/** Rounding to the nearest multiple of the scale that reaches the largest weight, as GGUF's reference does it. */
function plain(values: Float32Array, to: 'q8' | 'q4'): number[] {
  const result: number[] = []
  for (let first = 0; first < values.length; first += 32) {
    const block = values.subarray(first, first + 32)
    const largest = block.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0)
    const exact = to === 'q8' ? Math.abs(largest) / 127 : largest / -8
    const scale = f16ToNumber(f32ToF16Bits(clamp(exact, -65504, 65504)))
    const [low, high] = to === 'q8' ? [-127, 127] : [-8, 7]
    for (const value of block) result.push(scale * clamp(scale === 0 ? 0 : Math.round(value / scale), low!, high!))
  }
  return result
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}

/** About normally distributed, as weights are. */
function weights(count: number, deviation: number, seed = 1): Float32Array<ArrayBuffer> {
  const random = randomNumbers(seed)
  return Float32Array.from({ length: count }, () => {
    let sum = 0
    for (let i = 0; i < 12; i++) sum += random()
    return (sum / 2) * deviation
  })
}

describe('quantizing', () => {
  // From far below the smallest normal f16 scale to the largest: blocks of tiny weights are no worse.
  const deviations = [1e-9, 1e-6, 1e-5, 1e-4, 1e-3, 0.02, 1, 1e4]

  test.each(deviations)('no block of weights of %f errs more than with rounding to the nearest', (deviation) => {
    for (const to of ['q8', 'q4'] as const) {
      const values = weights(3200, deviation)
      const { blocks, sums } = rounded(values, to)
      const before = errorsByBlock(values, plain(values, to))
      const worse = blocks.filter((error, i) => error > before[i]! * (1 + 1e-3))
      expect(worse, to).toEqual([])
      expect(sums.error / sum(blocks)).toBeCloseTo(1, 6)
      expect(sums.total / sum([...values].map((value) => value * value))).toBeCloseTo(1, 6)
    }
  })

  test('costs weights of a normal distribution this much, relative to their RMS', () => {
    const values = weights(32_000, 0.02)
    for (const [to, most, gain] of [
      ['q8', 0.0051, 0.95],
      ['q4', 0.081, 0.955],
    ] as const) {
      const { sums } = rounded(values, to)
      const error = Math.sqrt(sums.error / sums.total)
      const before = Math.sqrt(sum(errorsByBlock(values, plain(values, to))) / sums.total)
      expect(error, to).toBeLessThan(most)
      expect(error / before, to).toBeLessThan(gain)
    }
  })

  test('finds the scale of blocks that were made of multiples of one', () => {
    for (const [to, steps] of [
      ['q8', 127],
      ['q4', 8],
    ] as const) {
      const scale = f16ToNumber(f32ToF16Bits(0.0123))
      const values = Float32Array.from({ length: 320 }, (_, i) => scale * (i % 32 === 0 ? -steps : (i * 7) % steps))
      expect(rounded(values, to).sums.error).toBe(0)
    }
  })

  test('keeps the element of largest magnitude, whatever its sign', () => {
    for (const sign of [1, -1]) {
      const values = Array.from({ length: 32 }, (_, i) => sign * (i === 20 ? 8 : (i % 5) - 2))
      for (const to of ['q8', 'q4'] as const) {
        const packed = createPackedRows(to, 1, 32)
        packRow('f32', f32Row(values), packed, 0)
        // Half a step of 8 bits at most, and the rounding of the scale.
        expect(Math.abs(element(packed, 0, 20) / (sign * 8) - 1)).toBeLessThan(0.5 / 120 + 2 ** -11)
        if (to === 'q4') expect(unpack(packed).filter((value, i) => value !== values[i])).toEqual([])
      }
    }
  })

  test('gives zeros for a block of zeros', () => {
    for (const to of ['q8', 'q4'] as const) {
      const packed = createPackedRows(to, 1, 64)
      packRow(
        'f32',
        f32Row([...Array.from({ length: 32 }, () => 0), ...Array.from({ length: 32 }, () => 3)]),
        packed,
        0,
      )
      expect(scaleOf(packed, 0) & 0x7fff).toBe(0)
      expect(unpack(packed).slice(0, 32).map(Math.abs)).toEqual(Array.from({ length: 32 }, () => 0))
    }
  })

  test('saturates at the largest scale instead of making infinities', () => {
    for (const to of ['q8', 'q4'] as const) {
      const packed = createPackedRows(to, 1, 32)
      packRow('f32', f32Row(Array.from({ length: 32 }, (_, i) => (i % 2 === 0 ? 3e38 : -3e38))), packed, 0)
      const largest = 65504 * (to === 'q8' ? 127 : 8)
      expect(unpack(packed).every((value) => Number.isFinite(value) && Math.abs(value) <= largest)).toBe(true)
      expect(unpack(packed).map(Math.sign)).toEqual(Array.from({ length: 32 }, (_, i) => (i % 2 === 0 ? 1 : -1)))
    }
  })

  test('takes 16-bit and quantized files too', () => {
    const values = [...weights(64, 1)]
    const halves = new Uint8Array(Uint16Array.from(values, f32ToF16Bits).buffer)
    const packed = createPackedRows('q8', 1, 64)
    packRow('f16', halves, packed, 0)
    const furthest = Math.max(...unpack(packed).map((value, i) => Math.abs(value - values[i]!)))
    expect(furthest).toBeLessThan(0.03)

    const blocks = fileRow('q8_0', 64, 3)
    const narrow = createPackedRows('q4', 1, 64)
    packRow('q8_0', blocks, narrow, 0)
    const exact = decodeToF32('q8_0', blocks)
    for (const [col, value] of exact.entries()) {
      const step = Math.abs(f16ToNumber(scaleOf(narrow, Math.floor(col / 32))))
      expect(Math.abs(element(narrow, 0, col) - value)).toBeLessThanOrEqual(1.85 * step)
    }
  })
})

describe('the native type', () => {
  test.each<[readonly StoredDtype[], string]>([
    [['f32'], 'f32'],
    [['f16', 'f16', 'f16'], 'f16'],
    [['bf16'], 'bf16'],
    [['q8_0', 'q8_0'], 'q8'],
    [['q4_0'], 'q4'],
    [['q4_0', 'q8_0', 'q4_0'], 'q8'],
    [['f16', 'bf16'], 'f32'],
    [['q8_0', 'f16'], 'f32'],
    [['f32', 'q4_0'], 'f32'],
    [['q6_k'], 'q6_k'],
    [['q4_k', 'q4_k'], 'q4_k'],
    [['q4_k', 'q6_k'], 'f32'],
  ])('of %s is %s', async (stored, native) => {
    expect((await nativeLayout(stored)).name).toBe(native)
  })
})

test('bytes of a row in the file', () => {
  expect((['f32', 'f16', 'bf16', 'q8_0', 'q4_0'] as const).map((dtype) => storedBytes(dtype, 64))).toEqual([
    256, 128, 128, 68, 36,
  ])
})
