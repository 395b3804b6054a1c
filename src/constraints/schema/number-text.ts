/**
 * How numbers are spelled: those of an interval as a regular text. Plain decimals are taken with any number of digits behind the
 * point; beside them `1.5e-7`, one digit before the point, where any number may have a fraction.
 */
import type { Text } from '../expression.ts'
import { parseRegex } from '../regex.ts'
import {
  chars,
  charsOf,
  EMPTY_TEXT,
  NO_TEXT,
  textAll,
  textEither,
  textOptional,
  textRepeat,
  textSequence,
} from '../text.ts'
import { type Decimal, negative, neighbour, plainSpelling, ZERO } from './decimal.ts'
import type { Bound } from './numbers.ts'

const MORE = Number.POSITIVE_INFINITY
/** A double has no larger exponent at both ends, and what has becomes Infinity in most readers. */
const MAX_EXPONENT = 307
const DIGIT = chars([0x30, 0x39])
const DIGITS = textRepeat(DIGIT, 0, MORE)
const ZEROS = textRepeat(charsOf('0'), 0, MORE)
const NOT_ZERO = textSequence(ZEROS, chars([0x31, 0x39]), DIGITS)
const UNSIGNED = parseRegex('(?:0|[1-9]\\d*)')
const FRACTION = textOptional(parseRegex('\\.\\d+'))
const MANTISSA = parseRegex('[1-9](?:\\.\\d+)?')
/** What has a digit other than zero behind the point. */
const NOT_WHOLE = parseRegex('-?(?:(?:0|[1-9]\\d*)\\.\\d*[1-9]\\d*|[1-9](?:\\.\\d+)?[eE]-0*[1-9]\\d*)')
/** Whole numbers that JavaScript writes with an exponent. */
const LARGE_INTEGER = parseRegex('[1-9](?:\\.\\d{1,20})?[eE]\\+?(?:2[1-9]|[3-9]\\d|[12]\\d\\d|30[0-7])')
/** Every spelling that JSON has, but for exponents that no double has. */
const ANY = parseRegex('-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?0*(?:\\d{1,2}|[12]\\d\\d|30[0-7]))?')

interface Spelling {
  /** Digits only. */
  readonly integer: boolean
  /** Behind the point this many digits at most are other than zero. */
  readonly scale: number
  /** Without exponents. */
  readonly plain?: boolean
}

/** The numbers between two bounds that have a fraction. */
export function fractionsText(min: Bound | undefined, max: Bound | undefined): Text {
  return textAll(rangeText(min, max, { integer: false, scale: MORE }), NOT_WHOLE)
}

/** The numbers between two bounds. */
export function rangeText(min: Bound | undefined, max: Bound | undefined, spelling: Spelling): Text {
  const { integer, scale, plain } = spelling
  if (min === undefined && max === undefined && !integer && scale === MORE && !plain) return ANY
  const [from, to] = integer || scale !== MORE ? [min, max] : [inside(min, 1), inside(max, -1)]
  const minus = (bound: Bound | undefined) => bound && { value: negative(bound.value), open: bound.open }
  return textEither(
    unsignedRange(from, to, spelling),
    textSequence(charsOf('-'), unsignedRange(minus(to), minus(from), spelling)),
  )
}

/** Readers round to doubles: what lies so near to an excluded bound that it would be read as the bound itself is excluded, too. */
function inside(bound: Bound | undefined, direction: 1 | -1): Bound | undefined {
  const value = bound?.open ? neighbour(bound.value, direction) : undefined
  return value === undefined ? bound : { value, open: false }
}

function unsignedRange(min: Bound | undefined, max: Bound | undefined, spelling: Spelling): Text {
  const { integer, scale } = spelling
  if (max !== undefined && (max.value.digits < 0n || (max.value.digits === 0n && max.open))) return NO_TEXT
  const from = min === undefined || min.value.digits < 0n ? { value: ZERO, open: false } : min
  const zero = from.value.digits === 0n && !from.open
  const bounds = [...(zero ? [] : [atLeast(from)]), ...(max === undefined ? [] : [atMost(max)])]
  const plain = textSequence(UNSIGNED, integer ? textSequence() : fractionTo(scale))
  if (spelling.plain) return textAll(plain, ...bounds)
  if (scale !== MORE) return textEither(textAll(plain, ...bounds), textAll(scientific(from, max), LARGE_INTEGER))
  return textEither(textAll(...(bounds.length === 0 ? [plain] : bounds)), scientific(from, max))
}

function fractionTo(scale: number): Text {
  if (scale === MORE) return FRACTION
  const shown = textSequence(digits(0, scale), ZEROS)
  return textOptional(textSequence(charsOf('.'), textAll(shown, textRepeat(DIGIT, 1, MORE))))
}

function partsOf(value: Decimal): readonly [whole: string, fraction: string] {
  const [whole = '', fraction = ''] = plainSpelling(value).split('.')
  return [whole, fraction]
}

function atLeast({ value, open }: Bound): Text {
  const [whole, fraction] = partsOf(value)
  const longer = textSequence(chars([0x31, 0x39]), textRepeat(DIGIT, whole.length, MORE), FRACTION)
  const tail = compared(fraction, open ? NOT_ZERO : DIGITS, (digit) => textSequence(above(digit), DIGITS))
  const behind = fraction === '' && !open ? FRACTION : textSequence(charsOf('.'), tail)
  return textEither(
    longer,
    compared(whole, behind, (digit, i) => textSequence(above(digit), digits(whole.length - i - 1), FRACTION)),
  )
}

function atMost({ value, open }: Bound): Text {
  const [whole, fraction] = partsOf(value)
  const shorter = textSequence(
    textEither(charsOf('0'), textSequence(chars([0x31, 0x39]), digits(0, whole.length - 2))),
    FRACTION,
  )
  // A fraction that ends early is less.
  const tail = compared(fraction, open ? NO_TEXT : ZEROS, (digit, i) => {
    return textEither(textSequence(below(digit), DIGITS), ...(i > 0 ? [EMPTY_TEXT] : []))
  })
  const zeros = textOptional(textSequence(charsOf('.'), textRepeat(charsOf('0'), 1, MORE)))
  const behind = fraction === '' ? (open ? NO_TEXT : zeros) : textOptional(textSequence(charsOf('.'), tail))
  const smaller = (digit: string, i: number): Text =>
    // Longer numbers do not begin with a zero.
    textSequence(below(digit, i === 0 && whole.length > 1 ? '1' : '0'), digits(whole.length - i - 1), FRACTION)
  return textEither(...(whole.length > 1 ? [shorter] : []), compared(whole, behind, smaller))
}

/** Digits that are the same as long as nothing decides, and then what the first other digit leads to. */
function compared(same: string, end: Text, other: (digit: string, i: number) => Text): Text {
  return [...same].reduceRight((rest, digit, i) => textEither(other(digit, i), textSequence(charsOf(digit), rest)), end)
}

function above(digit: string): Text {
  return chars([digit.charCodeAt(0) + 1, 0x39])
}

function below(digit: string, from = '0'): Text {
  return chars([from.charCodeAt(0), digit.charCodeAt(0) - 1])
}

function digits(min: number, max = min): Text {
  return textRepeat(DIGIT, min, max)
}

/** One digit before the point, and an exponent. */
function scientific(min: Bound, max: Bound | undefined): Text {
  const low = min.value.digits === 0n ? undefined : normalized(min)
  const high = max === undefined ? undefined : normalized(max)
  if (max?.value.digits === 0n) return NO_TEXT
  const options: Text[] = []
  const add = (from: number, to: number, ...mantissa: Text[]): void => {
    if (from > to) return
    options.push(textSequence(textAll(MANTISSA, ...mantissa), charsOf('eE'), exponents(from, to)))
  }
  add((low?.exponent ?? -MAX_EXPONENT - 1) + 1, (high?.exponent ?? MAX_EXPONENT + 1) - 1)
  if (low !== undefined && low.exponent === high?.exponent) {
    add(low.exponent, low.exponent, atLeast(low.mantissa), atMost(high.mantissa))
  } else {
    if (low !== undefined && (high === undefined || low.exponent < high.exponent))
      add(low.exponent, low.exponent, atLeast(low.mantissa))
    if (high !== undefined && (low === undefined || low.exponent < high.exponent))
      add(high.exponent, high.exponent, atMost(high.mantissa))
  }
  return textEither(...options)
}

function normalized({ value, open }: Bound): { mantissa: Bound; exponent: number } {
  const text = value.digits.toString()
  const digits = text.replace(/0+$/, '')
  const mantissa = { value: { digits: BigInt(digits), scale: digits.length - 1 }, open }
  return { mantissa, exponent: text.length - 1 - value.scale }
}

function exponents(from: number, to: number): Text {
  const bound = (value: number): Bound => ({ value: { digits: BigInt(value), scale: 0 }, open: false })
  const range = (first: number, last: number) =>
    first > last
      ? NO_TEXT
      : textSequence(ZEROS, unsignedRange(bound(first), bound(last), { integer: true, scale: 0, plain: true }))
  const [low, high] = [Math.max(from, -MAX_EXPONENT), Math.min(to, MAX_EXPONENT)]
  return textEither(
    textSequence(textOptional(charsOf('+')), range(Math.max(0, low), high)),
    textSequence(charsOf('-'), range(Math.max(0, -high), -low)),
  )
}
