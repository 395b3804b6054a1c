/** JSON and floats as Python writes them. `value.ts` says how values stand for Python's. */
import { entriesOf, type JsonFloat } from './value.ts'

/** The arguments of Python's `json.dumps` with `ensure_ascii=False` as the default. */
export interface PythonJsonOptions {
  /** Each item on a line of its own, indented by this text for each level; `''` breaks lines alone. */
  indent?: string | undefined
  /** Between items, and between key and value. Default `', '` (`','` with an indent) and `': '`. */
  separators?: readonly [string, string] | undefined
  sortKeys?: boolean | undefined
  ensureAscii?: boolean | undefined
}

/** Python stops a little earlier, with a RecursionError. */
const MAX_DEPTH = 900
const ESCAPED = /["\\]|[^ -\uffff]/g
const ESCAPED_ASCII = /["\\]|[^ -~]/g
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\b': '\\b',
}

/**
 * As `json.dumps(value, ensure_ascii=False)` writes the value that a {@link JsonValue} stands for. Keys of a `Map` may be
 * whole or fractional numbers, booleans and null too, as in Python.
 * @throws TypeError for what JSON cannot hold, and for data nested deeper than 900
 */
export function pythonJson(value: unknown, options: PythonJsonOptions = {}): string {
  const { indent, ensureAscii = false, sortKeys = false } = options
  const [comma, colon] = options.separators ?? [indent === undefined ? ', ' : ',', ': ']
  const out: string[] = []
  const text = (part: string) => `"${escaped(part, ensureAscii)}"`

  function list<T>(brackets: string, items: readonly T[], depth: number, write: (item: T) => void): void {
    if (depth > MAX_DEPTH) throw new TypeError(`values nested deeper than ${MAX_DEPTH} levels are not written as JSON`)
    const line = indent === undefined || items.length === 0 ? '' : `\n${indent.repeat(depth)}`
    out.push(brackets[0] as string, line)
    for (const [i, item] of items.entries()) {
      if (i > 0) out.push(comma, line)
      write(item)
    }
    if (line !== '') out.push(`\n${indent?.repeat(depth - 1)}`)
    out.push(brackets[1] as string)
  }

  function write(item: unknown, depth: number): void {
    if (typeof item === 'string') out.push(text(item))
    else if (Array.isArray(item)) list('[]', item, depth, (inner) => write(inner, depth + 1))
    else if (isPlainObject(item)) {
      const entries = entriesOf(item).map(([key, inner]) => [keyText(key), inner] as const)
      if (sortKeys) entries.sort(([a], [b]) => compareText(a, b))
      list('{}', entries, depth, ([key, inner]) => {
        out.push(text(key), colon)
        write(inner, depth + 1)
      })
    } else out.push(scalar(item))
  }

  write(value, 1)
  return out.join('')
}

/** An instance of a class is no JSON, as in Python. A plain object may come from another realm. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || value instanceof Map || Object.getPrototypeOf(prototype) === null
}

function keyText(key: unknown): string {
  return typeof key === 'string' ? key : scalar(key)
}

function scalar(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number' || typeof value === 'bigint' || value instanceof Number) {
    const text = pythonNumber(value)
    return NON_FINITE[text] ?? text
  }
  throw new TypeError(`Object of type ${typeof value} is not JSON serializable`)
}

const NON_FINITE: Readonly<Record<string, string>> = { nan: 'NaN', inf: 'Infinity', '-inf': '-Infinity' }

function escaped(text: string, ascii: boolean): string {
  return text.replace(ascii ? ESCAPED_ASCII : ESCAPED, (char) => {
    return SHORT_ESCAPES[char] ?? Array.from({ length: char.length }, (_, i) => hexEscape(char.charCodeAt(i))).join('')
  })
}

function hexEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

/** Python's `repr` of an `int` or a `float`. A bare whole number is an `int` as long as JavaScript writes it as one. */
export function pythonNumber(value: number | bigint | JsonFloat): string {
  if (typeof value === 'bigint') return String(value)
  const isInt = typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 1e21
  return isInt ? String(value) : pythonFloat(value.valueOf() as number)
}

/** Python's `repr` of a float: JavaScript's digits, but an exponent below 1e-4 and from 1e16 on, and always a point or one. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const [digits, power] = value.toExponential().split('e') as [string, string]
  const exponent = Number(power)
  if (exponent < -4 || exponent >= 16) {
    return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  }
  const text = String(value)
  return text.includes('.') ? text : `${text}.0`
}

/** The order of Python's strings, which goes by characters; JavaScript's goes by UTF-16 units. */
export function compareText(a: string, b: string): number {
  let i = 0
  while (i < a.length && a.charCodeAt(i) === b.charCodeAt(i)) i++
  // A half of a surrogate pair stands for a character above all others.
  const rank = (text: string) =>
    i < text.length ? text.charCodeAt(i) + (/[\ud800-\udfff]/.test(text[i]!) ? 0x10000 : 0) : -1
  return rank(a) - rank(b)
}
