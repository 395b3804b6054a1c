/**
 * JSON as Python reads and writes it, for what reaches a prompt: models were trained on Python's spelling of every number.
 *
 * `parseJson(text)` of `parse.ts` reads; `pythonJson(value)` of `python.ts` writes what Python's
 * `json.dumps(json.loads(text), ensure_ascii=False)` would write. Between them a value is **as plain as it can
 * be without a loss**, so that code for plain data needs two more cases only:
 *
 * | JSON | value here |
 * |---|---|
 * | `22`, `-7` | a `number`; every whole `number` is Python's `int` |
 * | `12345678901234567890` | a `bigint`, where a double would round |
 * | `22.5`, `1e-7` | a `number` with a fraction: Python's `float` |
 * | `22.0`, `1e5`, `-0.0`, `NaN` | a {@link JsonFloat}, since the bare `number` would look like an `int`, or is not finite |
 * | `{"a": 1}` | a plain object |
 * | `{"b": 1, "10": 2}` | a {@link JsonObject}, a `Map`: plain objects put keys that look like indices first |
 * | the rest | `string`, `boolean`, `null`, arrays |
 *
 * `entriesOf` walks both kinds of objects and `isJsonObject` knows them; `fieldOf` reads one field of either;
 * `plainJson` gives up the difference (doubles, plain objects) where only JavaScript's values matter. All of it survives
 * `structuredClone`: a `JsonFloat` arrives as `Number`, a `JsonObject` as `Map`, and both are taken.
 *
 * `lossless-json` keeps the spelling of numbers, but not the order of keys, and knows nothing of Python's; hence this file.
 */

/** Python's `float` where the bare number could be taken for an `int`. It computes and prints as a number does. */
export class JsonFloat extends Number {}

/** An object whose keys keep their order where a plain object would not keep it. */
export class JsonObject extends Map<string, JsonValue> {
  toJSON(): object {
    return Object.fromEntries(this)
  }
}

export type JsonValue =
  | null
  | boolean
  | string
  | number
  | bigint
  | JsonFloat
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }
  | JsonObject

/** Python's `float`, as bare as it can be. */
export function jsonFloat(value: number): number | JsonFloat {
  return Number.isFinite(value) && !Number.isInteger(value) ? value : new JsonFloat(value)
}

export function isJsonObject(value: unknown): value is { readonly [key: string]: JsonValue } | JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Number)
}

/** Keys and values of either kind of object, in their order, without fields that are `undefined`. */
export function entriesOf(value: object): [string, unknown][] {
  const entries = value instanceof Map ? [...(value as Map<string, unknown>)] : Object.entries(value)
  return entries.filter(([, item]) => item !== undefined)
}

/** A field of either kind of object; undefined when there is none. */
export function fieldOf(value: object, key: string): unknown {
  if (value instanceof Map) return value.get(key)
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
}

/** The same as `JSON.parse` gives it, but whole numbers that a double would round stay `bigint`s. */
export function exactJson(value: unknown): unknown {
  if (value instanceof Number) return value.valueOf()
  if (Array.isArray(value)) return value.map(exactJson)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(entriesOf(value).map(([key, item]) => [key, exactJson(item)]))
}

/** The same as `JSON.parse` gives it: doubles and plain objects. A `bigint` is rounded too. */
export function plainJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Number) return value.valueOf()
  if (Array.isArray(value)) return value.map(plainJson)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(entriesOf(value).map(([key, item]) => [key, plainJson(item)]))
}
