/** The methods of Python's `str`. Indices count characters, not UTF-16 units. */
import { bare, characters } from '../marks.ts'
import type { Builtin } from './callables.ts'
import { limitError, typeError } from './errors.ts'
import { index } from './numbers.ts'
import { checkedText, checkSize } from './operators.ts'
import { affix, count, find, indexOf, partition, replace, split, text, without } from './text-search.ts'
import { classOf, LINE_BREAK, titled, WHITE_SPACE } from './unicode.ts'
import { iterate, textLength, truth, type Value } from './values.ts'

const LEADING = new RegExp(`^[${WHITE_SPACE}]+`)
const TRAILING = new RegExp(`[${WHITE_SPACE}]+$`)

/** `str.strip(chars)` at one side or both. */
export function strip(value: string, chars: Value | undefined, sides: 'both' | 'left' | 'right' = 'both'): string {
  let result = value
  if (chars === undefined || chars === null) {
    if (sides !== 'right') result = result.replace(LEADING, '')
    return sides === 'left' ? result : trimEnd(result)
  }
  const set = new Set(bare(text(chars)))
  const units = characters(result)
  let [start, end] = [0, units.length]
  if (sides !== 'right') while (start < end && set.has(bare(units[start] as string))) start++
  if (sides !== 'left') while (end > start && set.has(bare(units[end - 1] as string))) end--
  return units.slice(start, end).join('')
}

/** A regular expression would look at each run of white space again from each of its characters. */
function trimEnd(value: string): string {
  let end = value.length
  while (end > 0 && TRAILING.test(value[end - 1] as string)) end--
  return value.slice(0, end)
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
  capitalize: ['', (s) => titled(characters(s)[0] ?? '', s)],
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
  removeprefix: ['prefix', (s, part: Value) => without(s, part, false)],
  removesuffix: ['suffix', (s, part: Value) => without(s, part, true)],
  replace: [
    'old new count?',
    (s, old: Value, by: Value, n: Optional) => replace(s, text(old), text(by), n === undefined ? -1 : index(n)),
  ],
  rfind: ['sub start? end?', (s, part: Value, start: Optional, end: Optional) => find(s, part, start, end, true)],
  rindex: ['sub start? end?', (s, part: Value, start: Optional, end: Optional) => indexOf(s, part, start, end, true)],
  rjust: ['width fillchar?', (s, width: Value, fill: Optional) => justify(s, width, fill, 'right')],
  rpartition: ['sep', (s, by: Value) => partition(s, by, true)],
  rsplit: ['sep? maxsplit?', (s, by: Optional, limit: Optional) => split(s, by, limit, true)],
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
