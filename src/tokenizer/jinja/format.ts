/** Python's two ways to fill a text with values: `'%s' % value` and `'{}'.format(value)`. */
import { pythonFloat } from '../../json/python.ts'
import { characters } from '../marks.ts'
import { limitError, typeError, valueError } from './errors.ts'
import { fixed, index, toFloat, toInt } from './numbers.ts'
import { repr, str } from './printing.ts'
import {
  Dict,
  isFloat,
  isInt,
  isNumber,
  type Kwargs,
  Range,
  Tuple,
  textLength,
  typeName,
  Undefined,
  type Value,
} from './values.ts'

const PERCENT = /%(?:\(([^)]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?[hlL]?(.)?/gs
const MAX_WIDTH = 1 << 20

interface Spec {
  fill: string
  align: string
  sign: string
  alternate: boolean
  width: number
  group: string
  precision: number | undefined
  type: string
}

/** `text % value` */
export function percentFormat(text: string, value: Value): string {
  const args = value instanceof Tuple ? [...value] : [value]
  let next = 0
  const take = (): Value => {
    if (next >= args.length) throw typeError('not enough arguments for format string')
    return args[next++] as Value
  }
  const size = (part: string | undefined) =>
    part === '*' ? index(take()) : part === undefined ? undefined : Number(part)
  let named = false
  const result = text.replace(PERCENT, (whole, name, flags: string, width, precision, type) => {
    if (type === '%') return '%'
    if (type === undefined) throw valueError('incomplete format')
    if (name !== undefined) {
      if (!(value instanceof Dict)) throw typeError('format requires a mapping')
      named = true
    }
    const wide = size(width) ?? 0
    const digits = whole.includes('.') ? (size(precision) ?? 0) : undefined
    const item = name === undefined ? take() : (value as Dict).get(name)
    if (item === undefined) throw valueError(`KeyError: '${name}'`)
    return onePercent(item, type, { flags: wide < 0 ? `${flags}-` : flags, width: Math.abs(wide), precision: digits })
  })
  if (next < args.length && !named && !isSubscriptable(value)) {
    throw typeError('not all arguments converted during string formatting')
  }
  return result
}

/** Values that Python takes for a mapping here, lists among them, which need not be used up. */
function isSubscriptable(value: Value): boolean {
  const isList = Array.isArray(value) && !(value instanceof Tuple)
  return isList || value instanceof Dict || value instanceof Range || value instanceof Undefined
}

function onePercent(
  item: Value,
  type: string,
  { flags, width, precision }: { flags: string; width: number; precision: number | undefined },
): string {
  const has = (flag: string) => flags.includes(flag)
  const spec: Spec = {
    fill: has('0') && !has('-') ? '0' : ' ',
    align: has('-') ? '<' : has('0') ? '=' : '>',
    sign: has('+') ? '+' : has(' ') ? ' ' : '-',
    alternate: has('#'),
    width,
    group: '',
    precision,
    type,
  }
  if (type === 's' || type === 'r' || type === 'a') {
    const text = type === 's' ? str(item) : repr(item)
    return padded(cut(text, precision), { ...spec, fill: ' ', align: has('-') ? '<' : '>' })
  }
  if (type === 'c') return padded(isInt(item) ? String.fromCodePoint(index(item)) : str(item), { ...spec, fill: ' ' })
  if ('diu'.includes(type) || 'xXo'.includes(type)) {
    if (!isNumber(item) || (isFloat(item) && 'xXo'.includes(type)))
      throw typeError(`%${type} format: a real number is required, not ${typeName(item)}`)
    return integerText(toInt(item), { ...spec, type: 'diu'.includes(type) ? 'd' : type })
  }
  if (!'eEfFgG'.includes(type)) throw valueError(`unsupported format character '${type}'`)
  if (!isNumber(item)) throw typeError(`must be real number, not ${typeName(item)}`)
  return floatText(toFloat(item), spec)
}

/** A field of `str.format`: a literal, or a name with conversion and specification. */
const FIELD = /^([^!:]*)(?:!([rsa]))?(?::(.*))?$/s
const SPEC = /^(?:(.)?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([bcdeEfFgGnosxX%])?$/su

/** Looks up `a.b` and `a[0]` inside a field's name. */
export type FieldLookup = (object: Value, name: string, isAttribute: boolean) => Value

/** `text.format(*args, **kwargs)` */
export function braceFormat(text: string, args: readonly Value[], kwargs: Kwargs, lookup: FieldLookup): string {
  return fill(text, args, kwargs, lookup, { next: 0 }, 0)
}

function fill(
  text: string,
  args: readonly Value[],
  kwargs: Kwargs,
  lookup: FieldLookup,
  auto: { next: number },
  depth: number,
): string {
  if (depth > 2) throw valueError('Max string recursion exceeded')
  let out = ''
  let at = 0
  while (at < text.length) {
    const char = text[at] as string
    if (char !== '{' && char !== '}') {
      const brace = /[{}]/g
      brace.lastIndex = at
      const end = brace.exec(text)?.index ?? text.length
      out += text.slice(at, end)
      at = end
    } else if (text[at + 1] === char) {
      out += char
      at += 2
    } else if (char === '}') throw valueError("Single '}' encountered in format string")
    else {
      const end = closing(text, at)
      const [, name = '', conversion, spec = ''] = FIELD.exec(text.slice(at + 1, end)) ?? []
      const value = fieldValue(name, args, kwargs, lookup, auto)
      const filled = spec.includes('{') ? fill(spec, args, kwargs, lookup, auto, depth + 1) : spec
      const converted = conversion === undefined ? value : conversion === 's' ? str(value) : repr(value)
      out += format(converted, filled)
      at = end + 1
    }
  }
  return out
}

function closing(text: string, from: number): number {
  let depth = 0
  for (let i = from; i < text.length; i++) {
    if (text[i] === '{') depth++
    else if (text[i] === '}' && --depth === 0) return i
  }
  throw valueError("expected '}' before end of string")
}

function fieldValue(
  name: string,
  args: readonly Value[],
  kwargs: Kwargs,
  lookup: FieldLookup,
  auto: { next: number },
): Value {
  const [first = ''] = /^[^.[]*/.exec(name) ?? []
  const key = first === '' ? String(auto.next++) : first
  let value = /^\d+$/.test(key) ? args[Number(key)] : kwargs.get(key)
  if (value === undefined) throw valueError(`the format string has a field '${key}' without a value`)
  for (const [, attribute, item] of name.slice(first.length).matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
    value = attribute === undefined ? lookup(value, item as string, false) : lookup(value, attribute, true)
  }
  return value
}

/** `format(value, spec)` */
export function format(value: Value, text: string): string {
  if (text === '') return str(value)
  const found = SPEC.exec(text)
  if (found === null) throw valueError(`Invalid format specifier '${text}'`)
  const [, fillChar, align, sign, , hash, zero, width, group, precision, type] = found
  const isText = typeof value === 'string'
  if (!isText && !isNumber(value)) throw typeError(`unsupported format string passed to ${typeName(value)}.__format__`)
  const spec: Spec = {
    fill: fillChar ?? (zero ? '0' : ' '),
    align: align ?? (zero && !isText ? '=' : isText ? '<' : '>'),
    sign: sign ?? '-',
    alternate: hash !== undefined,
    width: Number(width ?? 0),
    group: group ?? '',
    precision: precision === undefined ? undefined : Number(precision),
    type: type ?? '',
  }
  if (isText) {
    if ((type ?? 's') !== 's' || sign || spec.align === '=')
      throw valueError(`Invalid format specifier '${text}' for a text`)
    return padded(cut(value, spec.precision), spec)
  }
  if (isInt(value) && 'bcdnoxX'.includes(spec.type)) {
    if (spec.type === '' && typeof value === 'boolean' && text === '') return str(value)
    if (spec.precision !== undefined) throw valueError('Precision not allowed in integer format specifier')
    if (spec.type === 'c') return padded(String.fromCodePoint(index(value)), spec)
    return integerText(toInt(value), spec)
  }
  if (spec.type !== '' && !'eEfFgGn%'.includes(spec.type)) {
    throw valueError(`Unknown format code '${spec.type}' for object of type '${typeName(value)}'`)
  }
  return floatText(toFloat(value), spec)
}

function integerText(value: number | bigint, spec: Spec): string {
  const size = value < 0 ? -BigInt(value) : BigInt(value)
  const base = { b: 2, o: 8, x: 16, X: 16 }[spec.type] ?? 10
  let digits = size.toString(base)
  if (spec.type === 'X') digits = digits.toUpperCase()
  if (spec.precision !== undefined) digits = digits.padStart(bounded(spec.precision), '0')
  return signedText(value < 0, spec.alternate && base !== 10 ? `0${spec.type}` : '', grouped(digits, '', spec), spec)
}

function floatText(value: number, spec: Spec): string {
  const negative = value < 0 || Object.is(value, -0)
  const size = Math.abs(value)
  const upper = 'EFG'.includes(spec.type) && spec.type !== ''
  let text: string
  if (!Number.isFinite(size)) text = Number.isNaN(size) ? 'nan' : 'inf'
  else text = floatDigits(size, spec)
  if (upper) text = text.toUpperCase()
  const [, whole = text, rest = ''] = /^(\d+)(.*)$/s.exec(text) ?? []
  return signedText(negative && !Number.isNaN(value), '', grouped(whole, rest, spec), spec)
}

function floatDigits(size: number, { type, precision, alternate }: Spec): string {
  const digits = bounded(precision ?? 6)
  if (type === '%') return `${fixed(size * 100, digits)}%`
  if (type === 'f' || type === 'F') return fixed(size, digits) + (alternate && digits === 0 ? '.' : '')
  if (type === 'e' || type === 'E') return exponential(size, Math.min(digits, 100))
  if (type === '' && precision === undefined) return pythonFloat(size)
  const significant = Math.max(1, Math.min(digits, 100))
  const power = size === 0 ? 0 : Number(size.toExponential(significant - 1).split('e')[1])
  // Without a type Python keeps one digit after the point, and changes to an exponent a digit earlier.
  if (power < -4 || power >= (type === '' ? significant - 1 || 1 : significant)) {
    const [mantissa = '', exponent = ''] = exponential(size, significant - 1).split('e')
    return `${alternate ? mantissa : trimmed(mantissa)}e${exponent}`
  }
  const text = fixed(size, Math.max(0, significant - 1 - power))
  const short = alternate ? text : trimmed(text)
  return type === '' && !short.includes('.') ? `${short}.0` : short
}

function trimmed(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

function exponential(size: number, digits: number): string {
  return size.toExponential(digits).replace(/e([+-])(\d)$/, 'e$10$2')
}

function grouped(whole: string, rest: string, { group, type, fill: fillChar, align, width }: Spec): string {
  if (group === '') return whole + rest
  const every = 'boxX'.includes(type) && type !== '' ? 4 : 3
  // Zeros that fill the width are grouped, too.
  const zeros = fillChar === '0' && align === '=' ? width - rest.length : 0
  let digits = whole
  const separated = () => digits.replace(new RegExp(`\\B(?=(?:[\\da-fA-F]{${every}})+$)`, 'g'), group)
  while (separated().length < zeros) digits = `0${digits}`
  return separated() + rest
}

function signedText(negative: boolean, prefix: string, digits: string, spec: Spec): string {
  const sign = negative ? '-' : spec.sign === '-' ? '' : spec.sign
  if (spec.align !== '=') return padded(sign + prefix + digits, spec)
  const missing = bounded(spec.width) - sign.length - prefix.length - digits.length
  return sign + prefix + spec.fill.repeat(Math.max(0, missing)) + digits
}

function cut(text: string, precision: number | undefined): string {
  return precision === undefined ? text : characters(text).slice(0, precision).join('')
}

function padded(text: string, { fill: char, align, width }: Spec): string {
  const missing = Math.max(0, bounded(width) - textLength(text))
  const left = align === '<' ? 0 : align === '^' ? Math.floor(missing / 2) : missing
  return char.repeat(left) + text + char.repeat(missing - left)
}

function bounded(width: number): number {
  if (width > MAX_WIDTH) throw limitError(`a width above ${MAX_WIDTH} is not supported`)
  return width
}
