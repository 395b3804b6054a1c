/** Makes texts (regular languages over characters) in a normal form, and names those that are used everywhere. */
import { ANY_CHAR, ANY_TEXT, type CharRange, type Text } from './expression.ts'

/** Accepts nothing. */
export const NO_TEXT: Text = { kind: 'either', options: [] }
/** Accepts the empty text alone. */
export const EMPTY_TEXT: Text = { kind: 'sequence', items: [] }

const LAST = 0x10ffff
const SURROGATES: CharRange = [0xd800, 0xdfff]

/** The characters of some ranges, in any order; surrogates among them are left out. */
export function chars(...ranges: readonly CharRange[]): Text {
  const normal = withoutSurrogates(joined(ranges))
  return normal.length === 0 ? NO_TEXT : { kind: 'chars', ranges: normal }
}

/** Every character of a string, each on its own. */
export function charsOf(text: string): Text {
  return chars(
    ...[...text].map((char): CharRange => {
      const code = char.codePointAt(0)!
      return [code, code]
    }),
  )
}

/** A fixed string. */
export function fixedText(text: string): Text {
  const items = Array.from(text, oneChar)
  return items.length === 1 ? items[0]! : items.length === 0 ? EMPTY_TEXT : { kind: 'sequence', items }
}

/** The characters of ASCII, of which names and values mostly consist. */
const ASCII: Text[] = []

function oneChar(char: string): Text {
  const code = char.codePointAt(0)!
  if (code >= 0x80) return chars([code, code])
  ASCII[code] ??= { kind: 'chars', ranges: [[code, code]] }
  return ASCII[code]
}

export function textSequence(...items: readonly Text[]): Text {
  return sequenceOf(items)
}

/** As `textSequence`, for items of which there may be more than a call has room for. */
export function sequenceOf(items: readonly Text[]): Text {
  const flat = items.flatMap((item) => (item.kind === 'sequence' ? item.items : [item]))
  if (flat.some(isNoText)) return NO_TEXT
  const once = flat.filter((item, i) => item !== ANY_TEXT || flat[i - 1] !== ANY_TEXT)
  return once.length === 1 ? once[0]! : once.length === 0 ? EMPTY_TEXT : { kind: 'sequence', items: once }
}

export function textEither(...options: readonly Text[]): Text {
  const flat = [...new Set(options.flatMap((option) => (option.kind === 'either' ? option.options : [option])))]
  if (flat.includes(ANY_TEXT)) return ANY_TEXT
  const single = flat.flatMap((option) => (option.kind === 'chars' ? option.ranges : []))
  const joint = single.length === 0 ? [] : [chars(...single)]
  const all = [...joint, ...flat.filter(({ kind }) => kind !== 'chars')]
  return all.length === 1 ? all[0]! : all.length === 0 ? NO_TEXT : { kind: 'either', options: all }
}

/** `item`, `min` to `max` times; `max` may be Infinity. */
export function textRepeat(item: Text, min: number, max: number): Text {
  if (max === 0 || item === EMPTY_TEXT) return EMPTY_TEXT
  if (isNoText(item)) return min === 0 ? EMPTY_TEXT : NO_TEXT
  if (min === 1 && max === 1) return item
  if (item === ANY_CHAR && min === 0 && max === Number.POSITIVE_INFINITY) return ANY_TEXT
  return { kind: 'repeat', item, min, max }
}

export function textOptional(item: Text): Text {
  return textRepeat(item, 0, 1)
}

/** What every item accepts. */
export function textAll(...items: readonly Text[]): Text {
  const flat = [...new Set(items.flatMap((item) => (item.kind === 'all' ? item.items : [item])))]
  if (flat.some(isNoText)) return NO_TEXT
  const strict = flat.filter((item) => item !== ANY_TEXT)
  return strict.length === 1 ? strict[0]! : strict.length === 0 ? ANY_TEXT : { kind: 'all', items: strict }
}

/** What the item does not accept. */
export function textNot(item: Text): Text {
  if (isNoText(item)) return ANY_TEXT
  if (item === ANY_TEXT) return NO_TEXT
  return item.kind === 'not' ? item.item : { kind: 'not', item }
}

/** Whether no character and no choice is left; other texts may accept nothing too. */
export function isNoText(text: Text): boolean {
  return (text.kind === 'either' && text.options.length === 0) || (text.kind === 'chars' && text.ranges.length === 0)
}

/** Whether the empty text is accepted. */
export function acceptsEmpty(text: Text): boolean {
  switch (text.kind) {
    case 'chars':
      return false
    case 'sequence':
    case 'all':
      return text.items.every(acceptsEmpty)
    case 'either':
      return text.options.some(acceptsEmpty)
    case 'repeat':
      return text.min === 0 || acceptsEmpty(text.item)
    case 'not':
      return !acceptsEmpty(text.item)
  }
}

/** Ranges in their order, without gaps or overlaps between neighbours. */
export function joined(ranges: readonly CharRange[]): CharRange[] {
  if (ranges.length === 1 && ranges[0]![0] <= ranges[0]![1]) return [ranges[0]!]
  const sorted = ranges.filter(([first, last]) => first <= last).sort((a, b) => a[0] - b[0])
  const out: [number, number][] = []
  for (const [first, last] of sorted) {
    const before = out.at(-1)
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else out.push([first, last])
  }
  return out
}

/** Every character that is in none of the ranges, surrogates included. */
export function outside(ranges: readonly CharRange[]): CharRange[] {
  const out: CharRange[] = []
  let next = 0
  for (const [first, last] of joined(ranges)) {
    if (first > next) out.push([next, first - 1])
    next = last + 1
  }
  if (next <= LAST) out.push([next, LAST])
  return out
}

/** What is in both lists. */
export function common(a: readonly CharRange[], b: readonly CharRange[]): CharRange[] {
  return outside([...outside(a), ...outside(b)])
}

function withoutSurrogates(ranges: readonly CharRange[]): readonly CharRange[] {
  const touches = ranges.some(([first, last]) => first <= SURROGATES[1] && last >= SURROGATES[0])
  return touches ? common(ranges, outside([SURROGATES])) : ranges
}
