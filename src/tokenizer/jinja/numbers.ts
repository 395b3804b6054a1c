/** Python's numbers: `int` without bounds, `float` apart from it, and both turned into each other and into text. */
import { jsonFloat } from '../../json/value.ts'
import { limitError, PythonError, typeError, valueError } from './errors.ts'
import { WHITE_SPACE } from './unicode.ts'
import { isInt, isNumber, typeName, Undefined, type Value } from './values.ts'

export type Integer = number | bigint
type Operator = '+' | '-' | '*' | '/' | '//' | '%' | '**'

/** Beyond it Python takes minutes to print a number, and refuses to. */
const MAX_BITS = 14_000n

const MAX_INTEGER = 1n << MAX_BITS

/** An `int`, as a number wherever that holds it. @throws PythonError for more than 14,000 bits */
export function int(value: bigint): Integer {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  if (value > MAX_INTEGER || value < -MAX_INTEGER) throw limitError(`an integer has more than ${MAX_BITS} bits`)
  return value
}

/** @param a, b numbers of Python, booleans among them */
export function arithmetic(op: Operator, a: Value, b: Value): Value {
  if (!isInt(a) || !isInt(b)) return floats(op, Number(a), Number(b))
  const [x, y] = [Number(a), Number(b)]
  if (op === '/') return quotient(x, y)
  if (op === '**') return power(BigInt(a), BigInt(b))
  if ((op === '//' || op === '%') && y === 0) throw divisionByZero('integer division or modulo by zero')
  if (Number.isSafeInteger(x) && Number.isSafeInteger(y)) {
    const result = small(op, x, y)
    if (Number.isSafeInteger(result)) return result
  }
  return large(op, BigInt(a), BigInt(b))
}

function small(op: Operator, x: number, y: number): number {
  if (op === '+') return x + y
  if (op === '-') return x - y
  if (op === '*') return x * y + 0
  // The rest has the divisor's sign in Python, and the quotient is rounded down.
  const rest = x % y
  const modulo = rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest + 0
  return op === '%' ? modulo : (x - modulo) / y + 0
}

function large(op: Operator, x: bigint, y: bigint): Integer {
  if (op === '+') return int(x + y)
  if (op === '-') return int(x - y)
  if (op === '*') return int(x * y)
  const rest = x % y
  const modulo = rest !== 0n && rest < 0n !== y < 0n ? rest + y : rest
  return int(op === '%' ? modulo : (x - modulo) / y)
}

function quotient(x: number, y: number): Value {
  if (y === 0) throw divisionByZero('division by zero')
  return finite(x / y)
}

function power(x: bigint, y: bigint): Value {
  if (y < 0n) {
    if (x === 0n) throw divisionByZero('0.0 cannot be raised to a negative power')
    return jsonFloat(Number(x) ** Number(y))
  }
  const bits = BigInt((x < 0n ? -x : x).toString(2).length)
  if (x !== 0n && x !== 1n && x !== -1n && bits * y > MAX_BITS) throw limitError('a power is too large')
  return int(x === 1n || x === 0n ? (y === 0n ? 1n : x) : x === -1n ? (y % 2n === 0n ? 1n : -1n) : x ** y)
}

function floats(op: Operator, x: number, y: number): Value {
  if (op === '+') return jsonFloat(x + y)
  if (op === '-') return jsonFloat(x - y)
  if (op === '*') return jsonFloat(x * y)
  if (op === '**') return floatPower(x, y)
  if (y === 0) throw divisionByZero(op === '/' ? 'float division by zero' : 'float floor division by zero')
  if (op === '/') return jsonFloat(x / y)
  let rest = x % y
  let whole = (x - rest) / y
  if (rest === 0) rest = y < 0 ? -0 : 0
  else if (rest < 0 !== y < 0) {
    rest += y
    whole -= 1
  }
  if (op === '%') return jsonFloat(rest)
  const floor = Math.floor(whole)
  return jsonFloat(whole === 0 ? (x / y < 0 ? -0 : 0) : whole - floor > 0.5 ? floor + 1 : floor)
}

function floatPower(x: number, y: number): Value {
  if (x === 0 && y < 0) throw divisionByZero('0.0 cannot be raised to a negative power')
  if (x < 0 && Number.isFinite(x) && !Number.isInteger(y)) throw typeError('complex numbers are not supported')
  const result = x === 1 ? 1 : x ** y
  return Number.isFinite(x) && Number.isFinite(y) ? finite(result) : jsonFloat(result)
}

function finite(value: number): Value {
  if (!Number.isFinite(value)) throw new PythonError('OverflowError', 'the result is too large for a float')
  return jsonFloat(value)
}

const divisionByZero = (message: string) => new PythonError('ZeroDivisionError', message)

const INT_TEXT = new RegExp(`^[${WHITE_SPACE}]*([+-]?)(0[box])?_?(\\w+(?:_\\w+)*)[${WHITE_SPACE}]*$`, 'i')
const FLOAT_TEXT = /^[+-]?(?=\.?\d)(?:\d+(?:_\d+)*)?\.?(?:\d+(?:_\d+)*)?(?:e[+-]?\d+(?:_\d+)*)?$/i
const AROUND = new RegExp(`^[${WHITE_SPACE}]+|[${WHITE_SPACE}]+$`, 'g')
const PREFIXES: Readonly<Record<string, number>> = { '0b': 2, '0o': 8, '0x': 16 }

/** `int(value)`, and `int(text, base)`. @throws PythonError */
export function toInt(value: Value, base = 10): Integer {
  if (typeof value === 'string') return intOfText(value, base)
  if (isInt(value)) return typeof value === 'boolean' ? Number(value) : value
  if (value instanceof Undefined) value.fail()
  if (!isNumber(value)) throw typeError(`int() argument must be a string or a real number, not '${typeName(value)}'`)
  const number = Math.trunc(Number(value))
  if (Number.isNaN(number)) throw valueError('cannot convert float NaN to integer')
  if (!Number.isFinite(number)) throw new PythonError('OverflowError', 'cannot convert float infinity to integer')
  return int(BigInt(number))
}

function intOfText(text: string, base: number): Integer {
  const [, sign, prefix = '', digits = ''] = INT_TEXT.exec(text) ?? []
  const own = PREFIXES[prefix.toLowerCase()]
  const radix = base === 0 ? (own ?? 10) : base
  const bare = (own === undefined || own === radix ? digits : prefix + digits).replaceAll('_', '').toLowerCase()
  const isNumeral = bare !== '' && [...bare].every((digit) => Number.parseInt(digit, 36) < radix)
  if (sign === undefined || !isNumeral || digits.includes('__') || bare.length > 4300) {
    throw valueError(`invalid literal for int() with base ${base}: '${text}'`)
  }
  let value = 0n
  if (radix === 10) value = BigInt(bare)
  else for (const digit of bare) value = value * BigInt(radix) + BigInt(Number.parseInt(digit, 36))
  return int(sign === '-' ? -value : value)
}

/** `float(value)`. @throws PythonError */
export function toFloat(value: Value): number {
  if (isNumber(value)) {
    const number = Number(value)
    if (typeof value === 'bigint' && !Number.isFinite(number)) {
      throw new PythonError('OverflowError', 'int too large to convert to float')
    }
    return number
  }
  if (value instanceof Undefined) value.fail()
  if (typeof value !== 'string') {
    throw typeError(`float() argument must be a string or a real number, not '${typeName(value)}'`)
  }
  const text = value.replace(AROUND, '')
  const bare = text.replaceAll('_', '').toLowerCase()
  if (/^[+-]?nan$/.test(bare)) return Number.NaN
  if (/^[+-]?inf(inity)?$/.test(bare)) return bare[0] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  const number = FLOAT_TEXT.test(text) ? Number(bare) : Number.NaN
  if (Number.isNaN(number)) throw valueError(`could not convert string to float: '${value}'`)
  return number
}

/** `round(value, digits)`: to the nearest, and to the even one of two that are as near. */
export function round(value: Value, digits: number): Value {
  if (!isNumber(value)) throw typeError(`type ${typeName(value)} doesn't define __round__ method`)
  if (!isInt(value)) {
    const number = Number(value)
    if (!Number.isFinite(number) || digits > 323) return jsonFloat(number)
    return jsonFloat(digits < 0 ? roundTens(number, -digits) : Number(fixed(number, digits)))
  }
  if (digits >= 0) return typeof value === 'boolean' ? Number(value) : value
  const unit = 10n ** BigInt(Math.min(-digits, 5000))
  return int(nearest(BigInt(value), unit) * unit)
}

function roundTens(value: number, zeros: number): number {
  if (zeros > 308) return value < 0 ? -0 : 0
  const unit = 10n ** BigInt(zeros)
  // The fraction decides only where the whole part is just between two, and then it points away from zero.
  const whole = BigInt(Math.trunc(value))
  const tie = (whole % unit) * 2n === unit || (whole % unit) * 2n === -unit
  const pushed = tie && !Number.isInteger(value) ? whole + (value < 0 ? -1n : 1n) : whole
  const rounded = Number(nearest(pushed, unit) * unit)
  return rounded === 0 && (value < 0 || Object.is(value, -0)) ? -0 : rounded
}

/** `value / unit` to the nearest whole number, halves to the even one. */
function nearest(value: bigint, unit: bigint): bigint {
  const negative = value < 0n
  const size = negative ? -value : value
  let quotient = size / unit
  const twice = (size % unit) * 2n
  if (twice > unit || (twice === unit && quotient % 2n === 1n)) quotient += 1n
  return negative ? -quotient : quotient
}

/** A finite number with this many digits after the point, rounded as Python does: exactly, halves to the even digit. */
export function fixed(value: number, digits: number): string {
  if (digits > 400) throw limitError('a precision above 400 is not supported')
  const [whole, unit] = fraction(Math.abs(value))
  const scaled = nearest(whole * 10n ** BigInt(digits), unit)
    .toString()
    .padStart(digits + 1, '0')
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  return `${sign}${scaled.slice(0, scaled.length - digits)}${digits > 0 ? `.${scaled.slice(-digits)}` : ''}`
}

/** A double as the exact quotient that it is. */
function fraction(value: number): [bigint, bigint] {
  let [whole, halvings] = [value, 0n]
  while (!Number.isInteger(whole)) {
    whole *= 2
    halvings += 1n
  }
  return [BigInt(whole), 1n << halvings]
}

/** `-value` and `+value` */
export function signed(op: '-' | '+', value: Value): Value {
  if (value instanceof Undefined) value.fail()
  if (!isNumber(value)) throw typeError(`bad operand type for unary ${op}: '${typeName(value)}'`)
  if (isInt(value)) return op === '-' ? int(-BigInt(value)) : int(BigInt(value))
  return op === '-' ? jsonFloat(-Number(value)) : value
}

/** An `int` argument as an index or a count, at the border of what JavaScript can index. */
export function index(value: Value, what = 'an index'): number {
  if (!isInt(value)) {
    if (value instanceof Undefined) value.fail()
    throw typeError(`${what} must be an integer, not '${typeName(value)}'`)
  }
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value)))
}
