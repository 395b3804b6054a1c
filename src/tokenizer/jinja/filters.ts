/** jinja2's filters of single values, and the table of all of them. */
import { type PythonJsonOptions, pythonJson } from '../../json/python.ts'
import { jsonFloat } from '../../json/value.ts'
import { attribute, getAttribute } from './attributes.ts'
import { order } from './compare.ts'
import { PythonError, typeError, valueError } from './errors.ts'
import type { FilterInput, Filters } from './filter-types.ts'
import { arithmetic, fixed, index, round, signed, toFloat, toInt } from './numbers.ts'
import { repr, str } from './printing.ts'
import { SEQUENCE_FILTERS } from './sequence-filters.ts'
import { TEXT_FILTERS } from './text-filters.ts'
import { isNumber, iterate, truth, typeName, Undefined, type Value } from './values.ts'

type Optional = Value | undefined

/** `json.dumps` as transformers gives it to templates. @throws PythonError for what JSON cannot hold */
function toJson(value: Value, ascii: Optional, indent: Optional, separators: Optional, sortKeys: Optional): string {
  const options: PythonJsonOptions = {
    ensureAscii: ascii !== undefined && truth(ascii),
    sortKeys: sortKeys !== undefined && truth(sortKeys),
    indent:
      typeof indent === 'string' ? indent : (indent ?? null) === null ? undefined : ' '.repeat(spaces(indent as Value)),
    separators: (separators ?? null) === null ? undefined : pair(separators as Value),
  }
  try {
    return pythonJson(value, options)
  } catch (error) {
    if (error instanceof TypeError) throw typeError(error.message)
    throw error
  }
}

function spaces(indent: Value): number {
  const count = Math.max(0, index(indent))
  if (count > 100) throw valueError('an indent of more than 100 is not supported')
  return count
}

function pair(separators: Value): [string, string] {
  const [comma, colon, ...rest] = iterate(separators)
  if (typeof comma !== 'string' || typeof colon !== 'string' || rest.length > 0) {
    throw typeError('separators must be two texts')
  }
  return [comma, colon]
}

function isError(error: unknown, ...names: string[]): boolean {
  return error instanceof PythonError && names.includes(error.name)
}

function intOr(value: Value, otherwise: Value, base: Value): Value {
  try {
    return toInt(value, index(base))
  } catch (error) {
    if (!isError(error, 'TypeError', 'ValueError')) throw error
  }
  try {
    return toInt(jsonFloat(toFloat(value)))
  } catch (error) {
    if (isError(error, 'TypeError', 'ValueError', 'OverflowError')) return otherwise
    throw error
  }
}

function floatOr(value: Value, otherwise: Value): Value {
  try {
    return jsonFloat(toFloat(value))
  } catch (error) {
    if (isError(error, 'TypeError', 'ValueError')) return otherwise
    throw error
  }
}

function rounded(value: Value, precision: Value, method: Value): Value {
  if (method === 'common') return round(value, index(precision))
  if (method !== 'ceil' && method !== 'floor') throw valueError('method must be common, ceil or floor')
  const scale = arithmetic('**', 10, precision)
  if (!isNumber(value)) throw typeError(`must be real number, not ${typeName(value)}`)
  const scaled = Number(arithmetic('*', value, scale))
  return arithmetic('/', toInt(jsonFloat(method === 'ceil' ? Math.ceil(scaled) : Math.floor(scaled))), scale)
}

function absolute(value: Value): Value {
  if (!isNumber(value)) throw typeError(`bad operand type for abs(): '${typeName(value)}'`)
  return order(value, 0) < 0 || Object.is(Number(value), -0) ? signed('-', value) : signed('+', value)
}

function fileSize(value: Value, binary: boolean): string {
  const size = toFloat(value)
  const base = binary ? 1024 : 1000
  if (size === 1) return '1 Byte'
  if (size < base) return `${str(toInt(jsonFloat(size)))} Bytes`
  const prefixes = 'kMGTPEZY'.split('').map((letter) => (binary ? `${letter.toUpperCase()}iB` : `${letter}B`))
  const at = Math.min(prefixes.length - 1, prefixes.findIndex((_, i) => size < base ** (i + 2)) >>> 0)
  return `${fixed((base * size) / base ** (at + 2), 1)} ${prefixes[at]}`
}

export const FILTERS: Filters = {
  ...TEXT_FILTERS,
  ...SEQUENCE_FILTERS,
  abs: ['', ({ value }) => absolute(value)],
  attr: [
    'name',
    ({ value }, name: Value) =>
      attribute(value, str(name)) === undefined
        ? new Undefined(`${repr(value)} has no attribute ${repr(name)}`)
        : getAttribute(value, str(name)),
  ],
  d: ['default_value? boolean?', orDefault],
  default: ['default_value? boolean?', orDefault],
  filesizeformat: ['binary?', ({ value }, binary: Optional) => fileSize(value, binary !== undefined && truth(binary))],
  float: ['default?', ({ value }, otherwise: Value = jsonFloat(0)) => floatOr(value, otherwise)],
  int: ['default? base?', ({ value }, otherwise: Value = 0, base: Value = 10) => intOr(value, otherwise, base)],
  round: ['precision? method?', ({ value }, digits: Value = 0, how: Value = 'common') => rounded(value, digits, how)],
  tojson: [
    'ensure_ascii? indent? separators? sort_keys?',
    ({ value }, ascii: Optional, indent: Optional, separators: Optional, sort: Optional) =>
      toJson(value, ascii, indent, separators, sort),
  ],
}

function orDefault({ value }: FilterInput, otherwise: Value = '', boolean: Value = false): Value {
  const missing = value instanceof Undefined || (truth(boolean) && !truth(value))
  return missing ? otherwise : value
}

/**
 * Filters that jinja2 has and chat templates cannot use: their results are random, or are for web pages and consoles.
 */
export const UNSUPPORTED_FILTERS = ['pprint', 'random', 'urlize']
