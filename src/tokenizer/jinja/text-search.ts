/** The methods of Python's `str` that look for one text in another. They look through marks, and keep those that they pass. */
import { bare, characters, isSimple, MARK, patternOf } from '../marks.ts'
import { typeError, valueError } from './errors.ts'
import { index } from './numbers.ts'
import { checkSize } from './operators.ts'
import { WHITE_SPACE } from './unicode.ts'
import { Tuple, textLength, tupleOf, typeName, Undefined, type Value } from './values.ts'

type Optional = Value | undefined
/** Where a text begins and ends in another, in UTF-16 units. */
type Place = readonly [start: number, end: number]

const SPACES = new RegExp(`[${WHITE_SPACE}]+`, 'g')
const LEADING = new RegExp(`^[${WHITE_SPACE}]+`)

/** @throws PythonError unless the value is a text */
export function text(value: Value, what = 'the argument'): string {
  if (typeof value === 'string') return value
  if (value instanceof Undefined) value.fail()
  throw typeError(`${what} must be str, not ${typeName(value)}`)
}

/**
 * Where `part` occurs, from the left, without overlaps; with `fromRight` found from the right.
 * @param most how many are looked for; negative for all
 */
function occurrences(value: string, part: string, most: number, fromRight = false): Place[] {
  const places: Place[] = []
  if (value.includes(MARK)) {
    for (const found of value.matchAll(patternOf(bare(part)))) places.push([found.index, found.index + found[0].length])
    if (most < 0) return places
    return fromRight ? places.slice(Math.max(0, places.length - most)) : places.slice(0, most)
  }
  const wanted = bare(part)
  if (fromRight) {
    for (let end = value.length; places.length !== most && end >= wanted.length; ) {
      const at = value.lastIndexOf(wanted, end - wanted.length)
      if (at < 0) break
      places.unshift([at, at + wanted.length])
      end = at
    }
    return places
  }
  for (let from = 0; places.length !== most; from = places.at(-1)![1]) {
    const at = value.indexOf(wanted, from)
    if (at < 0) break
    places.push([at, at + wanted.length])
  }
  return places
}

/** The parts of the text between the places. */
function between(value: string, places: readonly Place[]): string[] {
  const starts = [0, ...places.map(([, end]) => end)]
  return starts.map((start, i) => value.slice(start, places[i]?.[0]))
}

function separatorOf(separator: Value): string {
  const by = text(separator, 'sep')
  if (by === '') throw valueError('empty separator')
  return by
}

/** `str.split`, and with `fromRight` `str.rsplit` */
export function split(value: string, separator: Optional, limit: Optional, fromRight = false): Value {
  const most = limit === undefined ? -1 : index(limit)
  if (separator !== undefined && separator !== null) {
    return between(value, occurrences(value, separatorOf(separator), most, fromRight))
  }
  if (!fromRight || most < 0) return splitSpaces(value, most)
  const reversed = (part: string) => characters(part).reverse().join('')
  return splitSpaces(reversed(value), most).map(reversed).reverse()
}

function splitSpaces(value: string, most: number): string[] {
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

export function partition(value: string, separator: Value, last: boolean): Value {
  const [place] = occurrences(value, separatorOf(separator), 1, last)
  if (place === undefined) return tupleOf(last ? ['', '', value] : [value, '', ''])
  return tupleOf([value.slice(0, place[0]), value.slice(...place), value.slice(place[1])])
}

/** `str.replace`. An empty text is found before each character and at the end. */
export function replace(value: string, old: string, by: string, count = -1): string {
  if (old !== '') {
    const places = occurrences(value, old, count)
    checkSize(value.length + places.length * by.length)
    return between(value, places).join(by)
  }
  const chars = characters(value)
  const places = count < 0 ? chars.length + 1 : Math.min(count, chars.length + 1)
  checkSize(value.length + places * by.length)
  return chars.map((char, i) => (i < places ? by : '') + char).join('') + (places > chars.length ? by : '')
}

/** The part of a text that `start` and `end` choose, and where it begins. undefined when `start` is behind the end. */
function section(value: string, start: Optional, end: Optional): [string, number] | undefined {
  if ((start ?? null) === null && (end ?? null) === null) return [value, 0]
  const chars = isSimple(value) ? value : characters(value)
  const place = (at: Optional, otherwise: number) =>
    (at ?? null) === null ? otherwise : Math.max(0, index(at as Value) + (index(at as Value) < 0 ? chars.length : 0))
  const [from, to] = [place(start, 0), place(end, chars.length)]
  if (from > chars.length) return undefined
  const part = chars.slice(from, to)
  return [typeof part === 'string' ? part : part.join(''), from]
}

/** Where `part` is in characters, from the left or the right; -1 when it is nowhere. */
export function find(value: string, part: Value, start: Optional, end: Optional, last = false): number {
  const wanted = bare(text(part))
  const found = section(value, start, end)
  if (found === undefined) return -1
  const within = bare(found[0])
  const at = last ? within.lastIndexOf(wanted) : within.indexOf(wanted)
  return at < 0 ? -1 : found[1] + Array.from(within.slice(0, at)).length
}

export function indexOf(value: string, part: Value, start: Optional, end: Optional, last = false): number {
  const at = find(value, part, start, end, last)
  if (at < 0) throw valueError('substring not found')
  return at
}

export function count(value: string, part: Value, start?: Value, end?: Value): number {
  const [within] = section(value, start, end) ?? []
  if (within === undefined) return 0
  return text(part) === '' ? textLength(within) + 1 : occurrences(within, text(part), -1).length
}

/** `str.startswith` and `str.endswith` */
export function affix(value: string, part: Value, start: Optional, end: Optional, atEnd: boolean): boolean {
  const parts = (part instanceof Tuple ? [...part] : [part]).map((one) => bare(text(one, 'startswith first arg')))
  const [within] = section(value, start, end) ?? []
  if (within === undefined) return false
  const plain = bare(within)
  return parts.some((one) => (atEnd ? plain.endsWith(one) : plain.startsWith(one)))
}

/** `str.removeprefix` and `str.removesuffix` */
export function without(value: string, part: Value, atEnd: boolean): string {
  if (text(part) === '' || !affix(value, part, undefined, undefined, atEnd)) return value
  const length = textLength(text(part))
  const chars = characters(value)
  return (atEnd ? chars.slice(0, chars.length - length) : chars.slice(length)).join('')
}
