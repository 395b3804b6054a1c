/** jinja2's filters of texts. A value that is no text is printed first, as there. */
import { characters } from '../marks.ts'
import { PythonError, typeError, valueError } from './errors.ts'
import type { FilterInput, Filters } from './filter-types.ts'
import { percentFormat } from './format.ts'
import { index } from './numbers.ts'
import { checkedText, checkSize, slice } from './operators.ts'
import { repr, str } from './printing.ts'
import { join, lines, strip, TEXT_METHODS } from './text-methods.ts'
import { replace, text } from './text-search.ts'
import { WHITE_SPACE } from './unicode.ts'
import {
  Dict,
  isIterable,
  iterate,
  type Kwargs,
  length,
  textLength,
  truth,
  tupleOf,
  Undefined,
  type Value,
} from './values.ts'
import { wrap } from './word-wrap.ts'

type Optional = Value | undefined

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '>': '&gt;', '<': '&lt;', "'": '&#39;', '"': '&#34;' }
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', gt: '>', lt: '<', quot: '"', apos: "'", nbsp: '\xa0' }
/** The filter that the method of the same name is, for a value that is printed first. */
const sameAsMethod =
  (name: 'capitalize' | 'lower' | 'upper') =>
  ({ value }: FilterInput) =>
    TEXT_METHODS[name]![1](str(value))

export function escapeHtml(value: Value): string {
  return checkedText(str(value).replace(/[&><'"]/g, (char) => HTML[char] as string))
}

function stripTags(value: Value): string {
  const bare = str(value)
    .replace(/<!--.*?-->/gs, '')
    .replace(/<[^>]*>/g, '')
  const words = TEXT_METHODS.split![1](bare) as string[]
  return words.join(' ').replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole
    const code = Number.parseInt(decimal ?? hex, decimal === undefined ? 16 : 10)
    return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
  })
}

function indent(value: Value, width: Value, first: boolean, blank: boolean): string {
  const space = typeof width === 'string' ? width : ' '.repeat(Math.max(0, Math.min(index(width), 1 << 16)))
  const [head = '', ...rest] = lines(`${text(value)}\n`)
  checkSize(text(value).length + (rest.length + 1) * space.length)
  const indented = rest.map((line) => (line !== '' || blank ? space + line : line))
  return (first ? space : '') + [head, ...indented].join('\n')
}

function truncate(value: Value, size: number, killWords: boolean, end: string, leeway: number): Value {
  if (size < textLength(end))
    throw new PythonError('AssertionError', `expected length >= ${textLength(end)}, got ${size}`)
  if (leeway < 0) throw new PythonError('AssertionError', `expected leeway >= 0, got ${leeway}`)
  if (length(value) <= size + leeway) return value
  const head = text(slice(value, 0, size - textLength(end), null))
  const space = head.lastIndexOf(' ')
  return (killWords || space < 0 ? head : head.slice(0, space)) + end
}

function titleWords(value: Value): string {
  const words = str(value).split(new RegExp(`([-${WHITE_SPACE}({[<]+)`))
  return words
    .map((word) => {
      const [first = ''] = characters(word)
      return first.toUpperCase() + word.slice(first.length).toLowerCase()
    })
    .join('')
}

function urlQuote(value: Value, forQuery: boolean): string {
  const quoted = encodeURIComponent(str(value)).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return forQuery ? quoted.replaceAll('%20', '+') : quoted.replaceAll('%2F', '/')
}

function urlEncode({ value }: FilterInput): string {
  if (typeof value === 'string' || !isIterable(value)) return urlQuote(value, false)
  const pairs = Array.from(value instanceof Dict ? value : iterate(value), (item) => [...iterate(item)])
  return join('&', pairs, (pair) => {
    const [key, item, ...rest] = pair as Value[]
    if (key === undefined || item === undefined || rest.length > 0) throw valueError('urlencode needs pairs')
    return `${urlQuote(key, true)}=${urlQuote(item, true)}`
  })
}

function xmlAttributes({ value }: FilterInput, autospace: Optional): string {
  if (!(value instanceof Dict)) throw typeError('xmlattr needs a mapping')
  const parts: string[] = []
  for (const [key, item] of value) {
    if (item === null || item instanceof Undefined) continue
    if (/[\s/>=]/.test(text(key))) throw valueError(`Invalid character in attribute name: ${repr(key)}`)
    parts.push(`${escapeHtml(key)}="${escapeHtml(item)}"`)
  }
  return (parts.length > 0 && (autospace === undefined || truth(autospace)) ? ' ' : '') + parts.join(' ')
}

function formatted({ value }: FilterInput, args: readonly Value[], kwargs: Kwargs): string {
  if (args.length > 0 && kwargs.size > 0) {
    throw typeError("can't handle positional and keyword arguments at the same time")
  }
  return percentFormat(str(value), kwargs.size > 0 ? Dict.from(kwargs) : tupleOf(args))
}

const yes = (flag: Optional, otherwise = false) => (flag === undefined ? otherwise : truth(flag))

export const TEXT_FILTERS: Filters = {
  capitalize: ['', sameAsMethod('capitalize')],
  center: [
    'width?',
    ({ value }, width: Optional) =>
      (TEXT_METHODS.center as readonly [string, (s: string, width: Value) => Value])[1](str(value), width ?? 80),
  ],
  e: ['', ({ value }) => escapeHtml(value)],
  escape: ['', ({ value }) => escapeHtml(value)],
  forceescape: ['', ({ value }) => escapeHtml(value)],
  format: ['*', formatted],
  indent: [
    'width? first? blank?',
    ({ value }, width: Optional, first: Optional, blank: Optional) => indent(value, width ?? 4, yes(first), yes(blank)),
  ],
  lower: ['', sameAsMethod('lower')],
  replace: [
    'old new count?',
    ({ value }, old: Value, by: Value, count: Optional) =>
      replace(str(value), str(old), str(by), (count ?? null) === null ? -1 : index(count as Value)),
  ],
  // Nothing is escaped on output, so that there is nothing to mark.
  safe: ['', ({ value }) => str(value)],
  string: ['', ({ value }) => str(value)],
  striptags: ['', ({ value }) => stripTags(value)],
  title: ['', ({ value }) => titleWords(value)],
  trim: ['chars?', ({ value }, chars: Optional) => strip(str(value), chars)],
  truncate: [
    'length? killwords? end? leeway?',
    ({ value }, size: Optional, kill: Optional, end: Optional, leeway: Optional) =>
      truncate(value, index(size ?? 255), yes(kill), text(end ?? '...'), index(leeway ?? 5)),
  ],
  upper: ['', sameAsMethod('upper')],
  urlencode: ['', urlEncode],
  wordcount: ['', ({ value }) => str(value).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0],
  wordwrap: [
    'width? break_long_words? wrapstring? break_on_hyphens?',
    ({ value }, width: Optional, long: Optional, by: Optional, hyphens: Optional) => {
      const newline = by === undefined || by === null ? '\n' : text(by)
      const wrapped = lines(text(value)).map((line) =>
        wrap(line, index(width ?? 79), yes(long, true), yes(hyphens, true)),
      )
      return join(
        newline,
        wrapped.map((parts) => join(newline, parts)),
      )
    },
  ],
  xmlattr: ['autospace?', xmlAttributes],
}
