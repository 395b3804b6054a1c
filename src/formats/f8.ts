/** FP8 E4M3 (OCP 8-bit floating point, the variant without infinities): one sign bit, four of exponent, three of mantissa. */

const VALUES = Float32Array.from({ length: 256 }, (_, bits) => valueOfBits(bits))

function valueOfBits(bits: number): number {
  const magnitude = bits & 127
  // The largest exponent is an ordinary one, but for this mantissa.
  if (magnitude === 127) return Number.NaN
  const exponent = magnitude >> 3
  const mantissa = magnitude & 7
  const value = exponent === 0 ? mantissa * 2 ** -9 : (8 + mantissa) * 2 ** (exponent - 10)
  return bits < 128 ? value : -value
}

/** The value of one byte. */
export function f8E4m3ToNumber(bits: number): number {
  return VALUES[bits & 255]!
}
