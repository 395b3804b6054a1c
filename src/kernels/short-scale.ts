/**
 * Finds the scale of a block whose weights have mantissas of 8 bits, as those of bf16 have, by looking up what rounding by each scale
 * that is tried would give: the scale, and none other, that trying them one by one finds.
 *
 * How such a weight is rounded depends on the mantissa of the largest weight of its block and on how far below that it is, counted in
 * numbers of bf16: some hundreds of distances matter. Most distances are rounded alike; a *class* is one way in which all scales
 * round. Products and squares of such weights and quants are whole numbers in some unit, so that sums of them are exact, and two or
 * four sums fit into one f64.
 */
import { f16ToNumber, f64ToF16Bits } from '../formats/f16.ts'
import { BLOCK } from './shape.ts'

/** What the tables are made for. */
export interface ShortGrid {
  /** The least and the largest quant. The largest weight is on the side of the least. */
  readonly low: number
  readonly high: number
  /** The scales that are tried are so many 1024ths of the one that just reaches the largest weight. */
  readonly shares: readonly number[]
  /** Weights that are so many powers of two below the largest are rounded to zero. */
  readonly octaves: number
  /** The least exponent of a largest weight with which no scale is below f16's normal numbers. */
  readonly leastExponent: number
}

const MANTISSAS = 128
/** With larger ones a scale might not fit f16. */
export const MOST_EXPONENT = 17
/** Sums of products of 4 bits, in the unit, and of squares. */
const PRODUCT = 2 ** 22
const SQUARE = 2 ** 12
/** Sums of squares of 8 bits. */
const LONG_SQUARE = 2 ** 20
/** Numbers that a class has: three to be multiplied with a weight, two that are added as they are. */
const WIDTH = 5
const EXPONENT = 200 << 7

const floats = new Float32Array(1)
const bits = new Uint32Array(floats.buffer)

function bf16(half: number): number {
  bits[0] = half << 16
  return floats[0]!
}

/** Gains that are below the best by more than this are not computed: what rounding may add to a bound is less. */
const ALMOST = 1 - 1e-12

export class ShortScales {
  /** Of each mantissa and distance: the class. A mantissa's part is made when it first comes up. */
  private readonly places: Uint16Array
  private readonly made = new Uint8Array(MANTISSAS)
  private readonly classes = new Map<string, number>()
  /** Of each class: those of the side of the largest weight, then those of the other. */
  private numbers = new Float64Array(128 * WIDTH)
  private readonly last: number
  private readonly products = new Float64Array(WIDTH)
  private readonly squares = new Float64Array(WIDTH)
  private readonly isLong: boolean

  constructor(private readonly grid: ShortGrid) {
    this.last = grid.octaves * MANTISSAS
    this.places = new Uint16Array(MANTISSAS * (this.last + 1))
    this.isLong = grid.low < -8
  }

  /** Whether a block with this largest weight, as bf16, can be looked up. */
  takes(largest: number): boolean {
    const exponent = ((largest >> 7) & 255) - 127
    return exponent >= this.grid.leastExponent && exponent <= MOST_EXPONENT
  }

  /**
   * The bits of the best scale, without a sign.
   * @param words the weights as bits of f32, whose lower halves are zero
   * @param largest the first of the largest ones, as bf16
   */
  find(values: Float32Array, words: Uint32Array, first: number, largest: number): number {
    const mantissa = largest & 127
    if (this.made[mantissa] === 0) this.make(mantissa)
    const { places, numbers, last } = this
    const from = mantissa * (last + 1)
    const magnitude = largest & 0x7fff
    let x = 0
    let y = 0
    let z = 0
    let u = 0
    let v = 0
    for (let i = first; i < first + BLOCK; i++) {
      const half = words[i]! >>> 16
      let distance = magnitude - (half & 0x7fff)
      if (distance > last) distance = last
      const at = places[from + distance]! + WIDTH * ((half ^ largest) >> 15)
      const weight = Math.abs(values[i]!)
      x += weight * numbers[at]!
      y += weight * numbers[at + 1]!
      z += weight * numbers[at + 2]!
      u += numbers[at + 3]!
      v += numbers[at + 4]!
    }
    this.takeApart(x, y, z, u, v, magnitude >> 7)
    return this.best()
  }

  /** Sums of one scale each. */
  private takeApart(x: number, y: number, z: number, u: number, v: number, exponent: number): void {
    const { products, squares } = this
    if (this.isLong) {
      products[0] = x
      products[1] = y
      products[2] = z
      squares[1] = Math.floor(u / LONG_SQUARE)
      squares[0] = u - LONG_SQUARE * squares[1]!
      squares[2] = v
      return
    }
    const unit = bf16((exponent - 12) << 7)
    products[1] = Math.floor(x / unit / PRODUCT) * unit
    products[0] = x - PRODUCT * products[1]!
    products[3] = Math.floor(y / unit / PRODUCT) * unit
    products[2] = y - PRODUCT * products[3]!
    products[4] = z
    let rest = u
    for (let i = 0; i < 4; i++) {
      const next = Math.floor(rest / SQUARE)
      squares[i] = rest - SQUARE * next
      rest = next
    }
    squares[4] = v
  }

  /** The first of the best ones, as f16. Of quants the best scale is Σwq / Σq². */
  private best(): number {
    const { products, squares, grid } = this
    let [bits, gain] = [0, 0]
    for (let i = 0; i < grid.shares.length; i++) {
      const product = products[i]!
      const square = squares[i]!
      // No scale takes more of the squared weights away than this.
      if (product * product < gain * square * ALMOST) continue
      const found = f64ToF16Bits(product / square)
      const scale = f16ToNumber(found)
      const taken = scale * (2 * product - scale * square)
      if (taken <= gain) continue
      gain = taken
      bits = found
    }
    return bits
  }

  private make(mantissa: number): void {
    this.made[mantissa] = 1
    const { grid, last } = this
    const largest = bf16(EXPONENT + mantissa)
    const first = scaleOf(largest / -grid.low)
    const step = stepOf(first)
    const inverses = grid.shares.map((share) => inverseOf(scaleNear(first / step, share) * step))
    for (let distance = 0; distance <= last; distance++) {
      const weight = bf16(EXPONENT + mantissa - distance)
      this.places[mantissa * (last + 1) + distance] = this.classOf(
        inverses.map((inverse) => Math.round(weight * inverse)),
      )
    }
  }

  /** Where the numbers of the class of these quants begin. */
  private classOf(quants: readonly number[]): number {
    const key = quants.join()
    const known = this.classes.get(key)
    if (known !== undefined) return known
    const at = this.classes.size * 2 * WIDTH
    this.classes.set(key, at)
    if (at >= this.numbers.length) {
      const more = new Float64Array(2 * this.numbers.length)
      more.set(this.numbers)
      this.numbers = more
    }
    for (const [side, most] of [-this.grid.low, this.grid.high].entries()) {
      this.numbers.set(this.numbersOf(quants.map((quant) => Math.min(quant, most))), at + side * WIDTH)
    }
    return at
  }

  private numbersOf([a = 0, b = 0, c = 0, d = 0, e = 0]: readonly number[]): readonly number[] {
    if (this.isLong) return [a, b, c, a * a + LONG_SQUARE * b * b, c * c]
    return [a + PRODUCT * b, c + PRODUCT * d, e, a * a + SQUARE * (b * b + SQUARE * (c * c + SQUARE * d * d)), e * e]
  }
}

/** As f16, whatever its exponent is: it is one among the normal numbers where it is used. */
function scaleOf(value: number): number {
  const power = 2 ** Math.floor(Math.log2(value))
  return f16ToNumber(f64ToF16Bits(value / power)) * power
}

/** The distance of a normal f16 number, whatever its exponent is, to the next. */
function stepOf(value: number): number {
  return 2 ** (Math.floor(Math.log2(value)) - 10)
}

/** So many 1024ths of a scale, in its own steps of 11 bits. Beyond those no f16 is odd. */
export function scaleNear(steps: number, share: number): number {
  const near = (steps * share + 512) >> 10
  return near < 2048 ? near : near & ~1
}

/**
 * What weights are multiplied with to be divided by a scale. A weight halfway between two multiples of the scale comes out a bit
 * beyond the middle, so that such ones are rounded away from zero; no other one comes near, with 24 bits of weight and 11 of scale.
 */
export function inverseOf(scale: number): number {
  return (1 + 2 ** -40) / scale
}
