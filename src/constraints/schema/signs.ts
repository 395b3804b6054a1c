/** Tells objects apart by members that each must have with one of a few values, as unions with a `kind` or `type` have. */
import type { SchemaDocument } from './document.ts'
import { keyOf } from './plain-schema.ts'
import type { ObjectSet } from './sets.ts'
import type { Shape } from './shape.ts'

/** By name, the values that a required member can have, as keys. */
export type Signs = ReadonlyMap<string, ReadonlySet<string>>

/** @returns undefined where a value need be no object, or where objects have alternatives */
export function signsOf(shape: Shape, document: SchemaDocument): Signs | undefined {
  const { numbers, strings, arrays, objects } = shape
  if (shape.null || shape.true || shape.false || numbers.length > 0 || strings.values?.size !== 0) return undefined
  return arrays.length === 0 && objects.length === 1 ? signsOfObject(objects[0]!, document) : undefined
}

function signsOfObject({ required, members }: ObjectSet, document: SchemaDocument): Signs {
  const signs = new Map<string, ReadonlySet<string>>()
  for (const name of required) {
    for (const { names, term } of members) {
      if (!names.values?.has(name) || term.length !== 1 || term[0]! % 2 === 1) continue
      const { schema } = document.node(term[0]! >> 1)
      const values = Object.hasOwn(schema, 'const')
        ? [schema.const]
        : Object.hasOwn(schema, 'enum')
          ? schema.enum
          : undefined
      if (Array.isArray(values)) signs.set(name, new Set(values.map(keyOf)))
    }
  }
  return signs
}

/** Whether some sign has no value in common. */
export function areApart(a: Signs | undefined, b: Signs | undefined): boolean {
  if (a === undefined || b === undefined) return false
  for (const [name, values] of a) {
    const others = b.get(name)
    if (others !== undefined && ![...values].some((value) => others.has(value))) return true
  }
  return false
}
