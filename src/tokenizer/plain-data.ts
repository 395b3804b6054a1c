/** Copies of plain data, as JSON holds it. */
import { ParameterError } from '../errors.ts'
import { entriesOf, JsonObject, type JsonValue } from '../json/value.ts'

/** Rewrites every string of plain data, keys included. */
export type MapString = (text: string) => string

const MAX_DEPTH = 64

/**
 * A copy of JSON-like data; `undefined` fields are left out. What `json/value.ts` says of numbers and of keys stays true.
 * @throws ParameterError for what JSON cannot hold, and for data nested deeper than 64 (or in a cycle)
 */
export function copyPlain(value: unknown, at: string, map: MapString = (text) => text, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new ParameterError(at, '…', `is nested deeper than ${MAX_DEPTH} levels`)
  if (typeof value === 'string') return map(value)
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint' || value instanceof Number) return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (Array.isArray(value)) return value.map((item, i) => copyPlain(item, `${at}[${i}]`, map, depth + 1))
  if (typeof value !== 'object') throw new ParameterError(at, value, 'must be plain data, as JSON holds it')
  const entries = entriesOf(value).map(([key, item]): [string, unknown] => [
    map(key),
    copyPlain(item, `${at}.${key}`, map, depth + 1),
  ])
  return value instanceof Map ? new JsonObject(entries as [string, JsonValue][]) : Object.fromEntries(entries)
}
