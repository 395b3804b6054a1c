/** The methods of Python's `str`. Indices count characters, not UTF-16 units. */
import type { Builtin } from './callables.ts'
import { limitError, typeError, valueError } from './errors.ts'
import { index } from './numbers.ts'
import { checkedText, checkSize } from './operators.ts'
import { classOf, LINE_BREAK, titled, WHITE_SPACE } from './unicode.ts'
import { isBmp, iterate, Tuple, textLength, truth, typeName, Undefined, type Value } from './values.ts'

const SPACES = new RegExp(`[${WHITE_SPACE}]+`, 'g')
const LEADING = new RegExp(`^[${WHITE_SPACE}]+`)
const TRAILING = new RegExp(`[${WHITE_SPACE}]+$`)

/** @throws PythonError unless the value is a text */
export function text(value: Value, what = 'the argument'): string {
  if (typeof value === 'string') return value
  if (value instanceof Undefined) value.fail()
  throw typeError(`${what} must be str, not ${typeName(value)}`)
}

/** `str.strip(chars)` at one side or both. */
export function strip(value: string, chars: Value | undefined, sides: 'both' | 'left' | 'right' = 'both'): string {
  let result = value
  if (chars === undefined || chars === null) {
    if (sides !== 'right') result = result.replace(LEADING, '')
    return sides === 'left' ? result : trimEnd(result)
  }
  const set = new Set(text(chars))
  const units = Array.from(result)
  let [start, end] = [0, units.length]
  if (sides !== 'right') while (start < end && set.has(units[start] as string)) start++
  if (sides !== 'left') while (end > start && set.has(units[end - 1] as string)) end--
  return units.slice(start, end).join('')
}

/** A regular expression would look at each run of white space again from each of its characters. */
function trimEnd(value: string): string {
  let end = value.length
  while (end > 0 && TRAILING.test(value[end - 1] as string)) end--
  return value.slice(0, end)
}

function split(value: string, separator: Value | undefined, limit: Value | undefined): Value {
  const most = limit === undefined ? -1 : index(limit)
  if (separator === undefined || separator === null) return splitSpaces(value, most)
  const by = text(separator, 'sep')
  if (by === '') throw valueError('empty separator')
  const parts = value.split(by)
  if (most < 0 || parts.length <= most + 1) return parts
  return [...parts.slice(0, most), parts.slice(most).join(by)]
}

function splitSpaces(value: string, most: number): Value {
  const parts: string[] = []
  const rest = value.replace(LEADING, '')
  SPACES.lastIndex = 0
  for (let at = 0; at < rest.length; at = SPACES.lastIndex) {
    if (most >= 0 && parts.length === most) {
      parts.push(rest.slice(at))
      break
    }
    const gap = SPACES.exec(rest)
    parts.push(rest.slice(at, gap?.index))
    if (gap === null) break
  }
  return parts
}

function rsplit(value: string, separator: Value | undefined, limit: Value | undefined): Value {
  const most = limit === undefined ? -1 : index(limit)
  if (most < 0) return split(value, separator, undefined)
  if (separator === undefined || separator === null) {
    const reversed = (part: string) => Array.from(part).reverse().join('')
    return (splitSpaces(reversed(value), most) as string[]).map(reversed).reverse()
  }
  const by = text(separator, 'sep')
  if (by === '') throw valueError('empty separator')
  const parts = value.split(by)
  const head = Math.max(0, parts.length - most)
  return head <= 1 ? parts : [parts.slice(0, head).join(by), ...parts.slice(head)]
}

export function lines(value: string, keep = false): string[] {
  const result: string[] = []
  let from = 0
  for (const found of value.matchAll(new RegExp(LINE_BREAK, 'g'))) {
    result.push(value.slice(from, found.index + (keep ? found[0].length : 0)))
    from = found.index + found[0].length
  }
  if (from < value.length) result.push(value.slice(from))
  return result
}

/** `str.replace`. An empty text is found before each character and at the end. */
export function replace(value: string, old: string, by: string, count = -1): string {
  if (old === '') {
    const chars = Array.from(value)
    const places = count < 0 ? chars.length + 1 : Math.min(count, chars.length + 1)
    checkSize(value.length + places * by.length)
    return chars.map((char, i) => (i < places ? by : '') + char).join('') + (places > chars.length ? by : '')
  }
  const parts = value.split(old)
  const places = count < 0 ? parts.length - 1 : Math.min(count, parts.length - 1)
  checkSize(value.length + places * by.length)
  return places === parts.length - 1
    ? parts.join(by)
    : [...parts.slice(0, places), parts.slice(places).join(old)].join(by)
}

/** The part of a text that `start` and `end` choose, and where it begins. undefined when `start` is behind the end. */
function section(value: string, start: Value | undefined, end: Value | undefined): [string, number] | undefined {
  if ((start ?? null) === null && (end ?? null) === null) return [value, 0]
  const chars = isBmp(value) ? value : Array.from(value)
  const place = (at: Value | undefined, otherwise: number) =>
    (at ?? null) === null ? otherwise : Math.max(0, index(at as Value) + (index(at as Value) < 0 ? chars.length : 0))
  const [from, to] = [place(start, 0), place(end, chars.length)]
  if (from > chars.length) return undefined
  const part = chars.slice(from, to)
  return [typeof part === 'string' ? part : part.join(''), from]
}

/** Where `part` is in characters, from the left or the right; -1 when it is nowhere. */
function find(value: string, part: Value, start: Value | undefined, end: Value | undefined, last = false): number {
  const found = section(value, start, end)
  if (found === undefined) return -1
  const [within, offset] = found
  const at = last ? within.lastIndexOf(text(part)) : within.indexOf(text(part))
  return at < 0 ? -1 : offset + textLength(within.slice(0, at))
}

function indexOf(value: string, part: Value, start: Value | undefined, end: Value | undefined, last = false): number {
  const at = find(value, part, start, end, last)
  if (at < 0) throw valueError('substring not found')
  return at
}

function count(value: string, part: Value, start?: Value, end?: Value): number {
  const [within] = section(value, start, end) ?? []
  if (within === undefined) return 0
  const by = text(part)
  return by === '' ? textLength(within) + 1 : within.split(by).length - 1
}

function affix(value: string, part: Value, start: Value | undefined, end: Value | undefined, atEnd: boolean): boolean {
  const [within] = section(value, start, end) ?? []
  const parts = part instanceof Tuple ? [...part] : [part]
  const has = (one: string) => within !== undefined && (atEnd ? within.endsWith(one) : within.startsWith(one))
  return parts.map((one) => has(text(one, 'startswith first arg'))).includes(true)
}

function partition(value: string, separator: Value, last: boolean): Value {
  const by = text(separator)
  if (by === '') throw valueError('empty separator')
  const at = last ? value.lastIndexOf(by) : value.indexOf(by)
  if (at < 0) return Tuple.of_(last ? ['', '', value] : [value, '', ''])
  return Tuple.of_([value.slice(0, at), by, value.slice(at + by.length)])
}

/** @param side where the text stays */
function justify(value: string, width: Value, fill: Value | undefined, side: 'left' | 'right' | 'center'): string {
  const char = fill === undefined ? ' ' : text(fill)
  if (textLength(char) !== 1) throw typeError('The fill character must be exactly one character long')
  const missing = index(width) - textLength(value)
  if (missing <= 0) return value
  checkSize(value.length + missing)
  // Python puts the odd one to the left when the width is odd.
  const half = Math.floor(missing / 2) + (missing & index(width) & 1)
  const left = side === 'left' ? 0 : side === 'right' ? missing : half
  return char.repeat(left) + value + char.repeat(missing - left)
}

function zfill(value: string, width: Value): string {
  const missing = index(width) - textLength(value)
  if (missing <= 0) return value
  checkSize(value.length + missing)
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(value) ?? []
  return sign + '0'.repeat(missing) + rest
}

/** `separator.join(items)` */
export function join(
  separator: string,
  items: Iterable<Value>,
  toText: (item: Value) => string = (item) => text(item),
): string {
  const parts: string[] = []
  let size = 0
  for (const item of items) {
    const part = toText(item)
    size += part.length + separator.length
    checkSize(size)
    parts.push(part)
  }
  return parts.join(separator)
}

function expandTabs(value: string, size: Value | undefined): string {
  const width = size === undefined ? 8 : index(size)
  let column = 0
  let out = ''
  for (const char of value) {
    const gap = char === '\t' ? (width > 0 ? ' '.repeat(width - (column % width)) : '') : char
    out += gap
    column = char === '\n' || char === '\r' ? 0 : column + (char === '\t' ? gap.length : 1)
  }
  return checkedText(out)
}

function swapCase(value: string): string {
  return Array.from(value, (char) => (char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase())).join('')
}

function isIdentifier(value: string): boolean {
  return /^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*$/u.test(value)
}

const unsupported = (name: string) => (): never => {
  throw limitError(`str.${name} is not supported`)
}

type Optional = Value | undefined

/** `format` and `format_map` are elsewhere, since they look up attributes. */
export const TEXT_METHODS: Readonly<Record<string, Builtin<string>>> = {
  capitalize: ['', (s) => titled(s.slice(0, isBmp(s) ? 1 : (Array.from(s)[0]?.length ?? 0)), s)],
  casefold: ['', (s) => s.toLowerCase().replaceAll('ß', 'ss').replaceAll('ς', 'σ')],
  center: ['width fillchar?', (s, width: Value, fill: Optional) => justify(s, width, fill, 'center')],
  count: ['sub start? end?', (s, part: Value, start: Optional, end: Optional) => count(s, part, start, end)],
  encode: ['*', unsupported('encode')],
  endswith: [
    'suffix start? end?',
    (s, part: Value, start: Optional, end: Optional) => affix(s, part, start, end, true),
  ],
  expandtabs: ['tabsize?', (s, size: Optional) => expandTabs(s, size)],
  find: ['sub start? end?', (s, part: Value, start: Optional, end: Optional) => find(s, part, start, end)],
  index: ['sub start? end?', (s, part: Value, start: Optional, end: Optional) => indexOf(s, part, start, end)],
  isalnum: ['', (s) => classOf(s, 'alnum')],
  isalpha: ['', (s) => classOf(s, 'alpha')],
  isascii: ['', (s) => !/[^\p{ASCII}]/u.test(s)],
  isdecimal: ['', (s) => classOf(s, 'decimal')],
  isdigit: ['', (s) => classOf(s, 'digit')],
  isidentifier: ['', isIdentifier],
  islower: ['', (s) => classOf(s, 'lower')],
  isnumeric: ['', (s) => classOf(s, 'numeric')],
  isprintable: ['', (s) => s === '' || classOf(s, 'printable')],
  isspace: ['', (s) => classOf(s, 'space')],
  istitle: ['', (s) => classOf(s, 'title')],
  isupper: ['', (s) => classOf(s, 'upper')],
  join: ['iterable', (s, items: Value) => join(s, iterate(items))],
  ljust: ['width fillchar?', (s, width: Value, fill: Optional) => justify(s, width, fill, 'left')],
  lower: ['', (s) => s.toLowerCase()],
  lstrip: ['chars?', (s, chars: Optional) => strip(s, chars, 'left')],
  maketrans: ['*', unsupported('maketrans')],
  partition: ['sep', (s, by: Value) => partition(s, by, false)],
  removeprefix: ['prefix', (s, part: Value) => (s.startsWith(text(part)) ? s.slice(text(part).length) : s)],
  removesuffix: ['suffix', (s, part: Value) => (s.endsWith(text(part)) ? s.slice(0, s.length - text(part).length) : s)],
  replace: [
    'old new count?',
    (s, old: Value, by: Value, n: Optional) => replace(s, text(old), text(by), n === undefined ? -1 : index(n)),
  ],
  rfind: ['sub start? end?', (s, part: Value, start: Optional, end: Optional) => find(s, part, start, end, true)],
  rindex: ['sub start? end?', (s, part: Value, start: Optional, end: Optional) => indexOf(s, part, start, end, true)],
  rjust: ['width fillchar?', (s, width: Value, fill: Optional) => justify(s, width, fill, 'right')],
  rpartition: ['sep', (s, by: Value) => partition(s, by, true)],
  rsplit: ['sep? maxsplit?', (s, by: Optional, limit: Optional) => rsplit(s, by, limit)],
  rstrip: ['chars?', (s, chars: Optional) => strip(s, chars, 'right')],
  split: ['sep? maxsplit?', (s, by: Optional, limit: Optional) => split(s, by, limit)],
  splitlines: ['keepends?', (s, keep: Optional) => lines(s, keep !== undefined && truth(keep))],
  startswith: [
    'prefix start? end?',
    (s, part: Value, start: Optional, end: Optional) => affix(s, part, start, end, false),
  ],
  strip: ['chars?', (s, chars: Optional) => strip(s, chars)],
  swapcase: ['', swapCase],
  title: ['', (s) => s.replace(/\p{Cased}+/gu, (word) => titled(Array.from(word)[0] as string, word))],
  translate: ['*', unsupported('translate')],
  upper: ['', (s) => s.toUpperCase()],
  zfill: ['width', zfill],
}
