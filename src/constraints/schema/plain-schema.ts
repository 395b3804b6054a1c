/** Schemas as plain JSON: what they may hold at all, and when two values are equal. */
import { exactJson } from '../../json/value.ts'
import { SchemaError } from './error.ts'

export type SchemaObject = { readonly [keyword: string]: unknown }

const MAX_DEPTH = 200
const MAX_VALUES = 100_000
/** An object or array costs as much as some values: most of them are schemas, with an address each. */
const CONTAINER = 4
const MAX_TEXT = 2_000_000
const MAX_DIGITS = 400
const LARGEST = 10n ** BigInt(MAX_DIGITS)

/**
 * A copy of a schema that is plain JSON.
 * @param root where it stands, for errors
 * @throws SchemaError for what is no JSON, or too large
 */
export function plainSchema(schema: unknown, root: string): unknown {
  measure(schema, root)
  return exactJson(schema)
}

export function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A name as a step of a JSON pointer. */
export function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** The same for equal JSON values: `1` and `1.0`, and objects in any order. */
export function keyOf(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return `[${value.map(keyOf).join()}]`
  if (!isObject(value)) return Object.is(value, -0) ? '0' : JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${keyOf(item)}`).join()}}`
}

/** Refuses what is no JSON, and what is too large, before anything walks through it. */
function measure(schema: unknown, root: string): void {
  let [values, text] = [0, 0]
  const visit = (value: unknown, path: string, depth: number): void => {
    if (depth > MAX_DEPTH) throw new SchemaError(root, `is nested deeper than ${MAX_DEPTH}`)
    values += typeof value === 'object' && value !== null ? CONTAINER : 1
    if (values > MAX_VALUES) throw new SchemaError(root, `has more than ${MAX_VALUES} values`)
    if (typeof value === 'string') {
      text += value.length
      if (text > MAX_TEXT) throw new SchemaError(root, `has more than ${MAX_TEXT} characters of text`)
      if (/\p{Surrogate}/u.test(value)) throw new SchemaError(path, 'has half a character, a lone surrogate')
    } else if (Array.isArray(value)) for (const [i, item] of value.entries()) visit(item, `${path}/${i}`, depth + 1)
    else if (value instanceof Number || typeof value === 'number') {
      if (!Number.isFinite(Number(value))) throw new SchemaError(path, 'must be a finite number')
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, item] of value instanceof Map ? value : Object.entries(value)) {
        if (item === undefined) continue
        visit(name, path, depth + 1)
        visit(item, `${path}/${name}`, depth + 1)
      }
    } else if (typeof value === 'bigint' && (value > LARGEST || value < -LARGEST)) {
      throw new SchemaError(path, `has more than ${MAX_DIGITS} digits`)
    } else if (!['boolean', 'bigint'].includes(typeof value) && value !== null) {
      throw new SchemaError(path, `a ${typeof value} is no JSON`)
    }
  }
  visit(schema, root, 0)
}
