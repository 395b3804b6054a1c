/**
 * Rounds weights to 8 and 4 bits while they are loaded, with a search for the scale of each block. It is loaded with models
 * that ask for it.
 *
 * Rounding to the nearest multiple of a scale that just reaches the largest weight wastes accuracy: a scale that is a bit
 * smaller or larger often errs less in total. So each block tries a few scales; of the quants that one gives, the best
 * scale is known (least squares, Σwq / Σq²), and the quants with the least squared error win. The first scale tried is the
 * one of plain rounding, so no block errs more than with that.
 * Weights of bf16 are not tried one by one: `short-scale.ts` looks up what that would give.
 */
import { f16ToNumber, f64ToF16Bits } from '../formats/f16.ts'
import type { PackedRow, RoundingSums } from './quantize.ts'
import { BLOCK } from './shape.ts'
import { inverseOf, MOST_EXPONENT, type ShortGrid, ShortScales, scaleNear } from './short-scale.ts'
import { WEIGHT_LAYOUTS, type WeightLayout } from './weight-layouts.ts'

/** How the weights of a block become whole numbers. */
interface Grid extends ShortGrid {
  /** The scale has the sign that puts the largest weight on the negative side, which reaches one step further. */
  readonly signed: boolean
}

/** As GGUF's Q8_0. Larger reaches would clip, which never helps with so many steps. */
const EIGHT_BITS: Grid = {
  low: -127,
  high: 127,
  // As many as would put the largest weight 127, 125 or 123 steps from zero.
  shares: [1024, 1040, 1057],
  signed: false,
  octaves: 8,
  leastExponent: -7,
}
/** As GGUF's Q4_0. More reaches gain less than a hundredth of the error. */
const FOUR_BITS: Grid = {
  low: -8,
  high: 7,
  // The same for 8, 7.2, 7.6, 8.4 and 8.8 steps.
  shares: [1024, 1138, 1078, 975, 931],
  signed: true,
  octaves: 5,
  leastExponent: -10,
}

/** Adding and taking away this number rounds an f64 below 2^51 to a whole number. */
const ROUNDER = 1.5 * 2 ** 52
const LARGEST_F16 = 65504
/** The bits of an infinite f32. */
const INFINITE = 0x7f800000

/** One block at a time. */
const weights = new Float64Array(BLOCK)
const quants = new Int32Array(BLOCK)

/** The layouts that weights can be rounded to. Those of 16 bits have no search: one number has no scale. */
export const ROUNDED_LAYOUTS = {
  f16: { ...WEIGHT_LAYOUTS.f16, pack: packF16 },
  bf16: { ...WEIGHT_LAYOUTS.bf16, pack: packBf16 },
  q8: { ...WEIGHT_LAYOUTS.q8, pack: packer(EIGHT_BITS, putEight) },
  q4: { ...WEIGHT_LAYOUTS.q4, pack: packer(FOUR_BITS, putFour) },
} as const satisfies Readonly<Record<string, WeightLayout>>

function packer(grid: Grid, put: (row: Uint32Array, block: number) => void) {
  let short: ShortScales | undefined
  return (values: Float32Array, row: PackedRow, sums: RoundingSums = { error: 0, total: 0 }): void => {
    const scales = halvesOf(row.scales)
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length)
    const packed = new Uint32Array(row.quants.buffer, row.quants.byteOffset, row.quants.length / 4)
    for (let block = 0; block < scales.length; block++) {
      const first = block * BLOCK
      const isShort = takeBlock(values, words, first, sums)
      const { largest } = taken
      short ??= new ShortScales(grid)
      scales[block] =
        isShort && short.takes(taken.half)
          ? short.find(values, words, first, taken.half) | (grid.signed && largest > 0 ? 0x8000 : 0)
          : bestScale(grid.signed ? largest : -Math.abs(largest), grid)
      sums.error += quantize(f16ToNumber(scales[block]!), grid)
      put(packed, block)
    }
  }
}

/** The weight of largest magnitude in the block, and the upper half of its bits. */
const taken = { largest: 0, half: 0 }

/** Takes the weights of a block, zeros beyond the end of the row. Returns whether all of them are there, and are numbers of bf16. */
function takeBlock(values: Float32Array, words: Uint32Array, first: number, sums: RoundingSums): boolean {
  const isWhole = first + BLOCK <= values.length
  if (!isWhole) weights.fill(0)
  const count = isWhole ? BLOCK : values.length - first
  let most = 0
  let at = 0
  let used = 0
  let total = 0
  for (let i = 0; i < count; i++) {
    const value = values[first + i]!
    const word = words[first + i]!
    weights[i] = value
    total += value * value
    used |= word
    // Without their signs, and but for NaN, numbers are in the order of their bits.
    const magnitude = word & 0x7fffffff
    if (magnitude > most && magnitude <= INFINITE) {
      most = magnitude
      at = i
    }
  }
  sums.total += total
  taken.largest = weights[at]!
  taken.half = words[first + at]! >>> 16
  return isWhole && (used & 0xffff) === 0 && total < Infinity
}

/** The best scale so far, as f16 bits, and how much it takes from the sum of squared weights, which leaves the error. */
const best = { bits: 0, gain: 0 }

/**
 * The bits of the f16 scale with the least squared error among those that are tried. All sums and products on the way are exact, and
 * what is compared is so too: `round_blocks.wgsl` finds the same in whole numbers. Weights for whose scale f16 may be too small have none
 * but the first, and those of a block with a NaN become zeros.
 */
function bestScale(largest: number, grid: Grid): number {
  if (largest === 0) return 0
  const first = f16Bits(largest / grid.low)
  if (Math.abs(largest) >= 2 ** (MOST_EXPONENT + 1)) return anyIsNaN() ? 0 : first
  best.bits = 0
  best.gain = 0
  // Steps of f16 in the scale that just reaches the largest weight, and what a step is.
  const steps = (first & 1023) | ((first & 0x7c00) === 0 ? 0 : 1024)
  const step = (first & 0x8000 ? -1 : 1) * 2 ** (Math.max((first >> 10) & 31, 1) - 25)
  for (const share of grid.shares) {
    const near = scaleNear(steps, share)
    if (near > 0) tryQuantsOf(near * step, grid)
    // Where f16 has few bits left, below 6e-5, its next number is another candidate: zero and less than half would clip.
    if (near < 1024 && Math.abs(step) === 2 ** -24) tryQuantsOf((near + 1) * step, grid)
  }
  return best.bits
}

function anyIsNaN(): boolean {
  return weights.some(Number.isNaN)
}

/** Rounds the block by a scale, and notes the scale that suits the quants best if it is better than those before. */
function tryQuantsOf(given: number, { low, high }: Grid): void {
  const inverse = inverseOf(given)
  let products = 0
  let squares = 0
  // The body of `quantize` again, since a call for each weight would take most of the time.
  for (let i = 0; i < BLOCK; i++) {
    const weight = weights[i]!
    let quant = weight * inverse + ROUNDER - ROUNDER
    if (quant > high) quant = high
    else if (quant < low) quant = low
    products += weight * quant
    squares += quant * quant
  }
  const found = f16Bits(products / squares)
  const scale = f16ToNumber(found)
  const gain = scale * (2 * products - scale * squares)
  if (gain <= best.gain || Number.isNaN(gain)) return
  best.gain = gain
  best.bits = found
}

/** The largest f16 number stands for what is larger: such weights saturate. */
function f16Bits(value: number): number {
  return f64ToF16Bits(Math.min(LARGEST_F16, Math.max(-LARGEST_F16, value)))
}

/** Rounds the block to multiples of a scale. Returns the squared error. */
function quantize(scale: number, { low, high }: Grid): number {
  const inverse = scale === 0 ? 0 : inverseOf(scale)
  // Each addition waits for the one before, so that two sums take half the time of one.
  let even = 0
  let odd = 0
  for (let i = 0; i < BLOCK; i += 2) {
    const [a, b] = [weights[i]!, weights[i + 1]!]
    let p = a * inverse + ROUNDER - ROUNDER
    let q = b * inverse + ROUNDER - ROUNDER
    if (p > high) p = high
    else if (p < low) p = low
    if (q > high) q = high
    else if (q < low) q = low
    quants[i] = p
    quants[i + 1] = q
    even += (a - scale * p) * (a - scale * p)
    odd += (b - scale * q) * (b - scale * q)
  }
  return even + odd
}

function putEight(row: Uint32Array, block: number): void {
  for (let word = 0; word < 8; word++) row[8 * block + word] = fourFrom(4 * word, 255)
}

/** Byte j of word i holds input 8i + j in its low nibble and input 8i + 4 + j in its high one. */
function putFour(row: Uint32Array, block: number): void {
  for (let word = 0; word < 4; word++) {
    // Eight added to each of the nibbles.
    row[4 * block + word] = (fourFrom(8 * word, 15) | (fourFrom(8 * word + 4, 15) << 4)) ^ 0x88888888
  }
}

/** Four quants as the bytes of a word. */
function fourFrom(i: number, mask: number): number {
  const [a, b, c, d] = [quants[i]!, quants[i + 1]!, quants[i + 2]!, quants[i + 3]!]
  return (a & mask) | ((b & mask) << 8) | ((c & mask) << 16) | ((d & mask) << 24)
}

/** To the nearest; what is too large becomes the largest number of its sign. */
function packF16(values: Float32Array, { quants }: PackedRow): void {
  const halves = halvesOf(quants)
  for (let i = 0; i < values.length; i++) halves[i] = f16Bits(values[i]!)
}

/** To the nearest, ties to even. */
function packBf16(values: Float32Array, { quants }: PackedRow): void {
  const halves = halvesOf(quants)
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!
    // The upper half of a NaN is one as long as a bit of it stays.
    const isNan = (word & 0x7fffffff) > 0x7f800000
    halves[i] = isNan ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16
  }
}

function halvesOf(bytes: Uint8Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2)
}
