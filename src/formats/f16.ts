/** Half-precision numbers. */

let table: Uint32Array | undefined

/** The f32 bit pattern of each of the 65,536 half-precision numbers. Made once, when first needed. */
export function f16Bits(): Uint32Array {
  if (table === undefined) {
    table = new Uint32Array(65536)
    for (let half = 0; half < 65536; half++) table[half] = f16BitsToF32Bits(half)
  }
  return table
}

function f16BitsToF32Bits(half: number): number {
  const sign = (half & 0x8000) << 16
  const exponent = (half >> 10) & 31
  const mantissa = half & 1023
  if (exponent === 31) return (sign | 0x7f800000 | (mantissa << 13)) >>> 0
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (mantissa << 13)) >>> 0
  if (mantissa === 0) return sign >>> 0
  // Subnormal there, normal in f32: shift the leading one into the hidden place.
  const shift = Math.clz32(mantissa) - 21
  return (sign | ((113 - shift) << 23) | (((mantissa << shift) & 1023) << 13)) >>> 0
}

const scratch = new Float32Array(1)
const scratchBits = new Uint32Array(scratch.buffer)

/** The value of one half-precision number. */
export function f16ToNumber(half: number): number {
  scratchBits[0] = f16Bits()[half & 0xffff]!
  return scratch[0]!
}

/**
 * The half-precision bit pattern nearest to an f32, ties to even; beyond 65,520 infinity. A NaN stays a quiet NaN.
 * A number that is no f32 is rounded to one first.
 */
export function f32ToF16Bits(value: number): number {
  scratch[0] = value
  const bits = scratchBits[0]!
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x47800000) return sign | 0x7c00
  if (magnitude >= 0x38800000) {
    // Rounding may carry into the exponent, up to infinity: that is the right result.
    return sign | roundShift(magnitude - 0x38000000, 13)
  }
  if (magnitude < 0x33000000) return sign
  const mantissa = (magnitude & 0x7fffff) | 0x800000
  return sign | roundShift(mantissa, 126 - (magnitude >>> 23))
}

/** Of each exponent of an f32: a number that takes from an f64, added and subtracted, the bits that no half-precision number has. */
let rounders: Float64Array | undefined

/** The half-precision bit pattern nearest to any number, ties to even; beyond 65,520 infinity. `f32ToF16Bits` may round twice. */
export function f64ToF16Bits(value: number): number {
  rounders ??= Float64Array.from({ length: 256 }, (_, i) => 1.5 * 2 ** (Math.max(i - 127, -14) + 42))
  const magnitude = Math.abs(value)
  // It is not below 65,536, or no number.
  if (!(magnitude < 65536)) return f32ToF16Bits(value)
  scratch[0] = magnitude
  const rounder = rounders[scratchBits[0]! >>> 23]!
  const bits = f32ToF16Bits(magnitude + rounder - rounder)
  return value < 0 ? bits | 0x8000 : bits
}

/** `bits / 2^shift`, to the nearest, ties to even. */
function roundShift(bits: number, shift: number): number {
  const kept = bits >>> shift
  const rest = bits & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept
}
