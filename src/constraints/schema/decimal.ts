/** Exact decimal numbers: bounds and multiples of a schema as they are written, not as doubles round them. */

/** `digits × 10^-scale`, with the least scale that is not negative. */
export interface Decimal {
  readonly digits: bigint
  readonly scale: number
}

export const ZERO: Decimal = { digits: 0n, scale: 0 }
export const ONE: Decimal = { digits: 1n, scale: 0 }

/** A finite number of JSON, as its shortest spelling says. */
export function decimalOf(value: number | bigint): Decimal {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(String(value))!
  const scale = fraction.length - Number(exponent)
  const digits = BigInt(`${sign}${whole}${fraction}`)
  return scale < 0 ? { digits: digits * 10n ** BigInt(-scale), scale: 0 } : reduced(digits, scale)
}

function reduced(digits: bigint, scale: number): Decimal {
  let [rest, left] = [digits, scale]
  while (left > 0 && rest % 10n === 0n) {
    rest /= 10n
    left--
  }
  return { digits: rest, scale: left }
}

/** Digits of a decimal at a larger scale. */
export function digitsAt({ digits, scale }: Decimal, at: number): bigint {
  return digits * 10n ** BigInt(at - scale)
}

export function compare(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale)
  const [x, y] = [digitsAt(a, scale), digitsAt(b, scale)]
  return x < y ? -1 : x > y ? 1 : 0
}

export function negative({ digits, scale }: Decimal): Decimal {
  return { digits: -digits, scale }
}

export function isMultiple(value: Decimal, of: Decimal): boolean {
  const scale = Math.max(value.scale, of.scale)
  return digitsAt(value, scale) % digitsAt(of, scale) === 0n
}

/** The least positive number that is a multiple of both. */
export function leastCommon(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale)
  const [x, y] = [digitsAt(a, scale), digitsAt(b, scale)]
  let [p, q] = [x, y]
  while (q !== 0n) [p, q] = [q, p % q]
  return reduced((x / p) * y, scale)
}

/** The least multiple of `step` that is `value` or more. */
export function multipleFrom(value: Decimal, step: Decimal): Decimal {
  const scale = Math.max(value.scale, step.scale)
  const [x, y] = [digitsAt(value, scale), digitsAt(step, scale)]
  const floor = x / y
  return reduced((floor * y < x ? floor + 1n : floor) * y, scale)
}

export function plus(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale)
  return reduced(digitsAt(a, scale) + digitsAt(b, scale), scale)
}

/**
 * The double next to a number, upwards or downwards, in its shortest spelling; undefined where the number is zero, or is not the
 * shortest spelling of a double with a neighbour.
 */
export function neighbour(value: Decimal, direction: 1 | -1): Decimal | undefined {
  const double = Number(plainSpelling(value))
  if (double === 0 || !Number.isFinite(double) || compare(decimalOf(double), value) !== 0) return undefined
  const [bits, doubles] = bitsOf(double)
  // Doubles of one sign have the order of their bits.
  bits[0]! += double > 0 === direction > 0 ? 1n : -1n
  const next = doubles[0]!
  return Number.isFinite(next) ? decimalOf(next) : undefined
}

function bitsOf(double: number): readonly [BigInt64Array, Float64Array] {
  const doubles = Float64Array.of(double)
  return [new BigInt64Array(doubles.buffer), doubles]
}

/** The plain spelling without an exponent. */
export function plainSpelling({ digits, scale }: Decimal): string {
  const sign = digits < 0n ? '-' : ''
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0')
  return scale === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`
}
