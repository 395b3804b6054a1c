/** Reads the values of keywords, and says which are wrong. */
import { type Decimal, decimalOf } from './decimal.ts'
import type { SchemaNode } from './document.ts'
import { SchemaError } from './error.ts'
import { escaped, isObject } from './plain-schema.ts'

/** A keyword of a subschema, with where it stands. */
export class Keyword {
  constructor(
    readonly node: SchemaNode,
    readonly name: string,
  ) {}

  get path(): string {
    return `${this.node.path}/${this.name}`
  }

  get value(): unknown {
    const { schema } = this.node
    return Object.hasOwn(schema, this.name) ? schema[this.name] : undefined
  }

  get present(): boolean {
    return this.value !== undefined
  }

  wrong(fact: string): SchemaError {
    return new SchemaError(this.path, fact)
  }

  /** A count of items, members or characters. */
  count(): number | undefined {
    const { value } = this
    if (value === undefined) return undefined
    if (typeof value === 'bigint' && value >= 0n) return Number(value)
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
      throw this.wrong('must be a whole number, 0 or more')
    return value
  }

  number(): Decimal | undefined {
    const { value } = this
    if (value === undefined) return undefined
    if (typeof value !== 'number' && typeof value !== 'bigint') throw this.wrong('must be a number')
    return decimalOf(value)
  }

  text(): string | undefined {
    const { value } = this
    if (value !== undefined && typeof value !== 'string') throw this.wrong('must be a string')
    return value
  }

  flag(): boolean {
    const { value } = this
    if (value !== undefined && typeof value !== 'boolean') throw this.wrong('must be true or false')
    return value === true
  }

  list(): readonly unknown[] | undefined {
    const { value } = this
    if (value !== undefined && !Array.isArray(value)) throw this.wrong('must be an array')
    return value as readonly unknown[] | undefined
  }

  schemas(): readonly unknown[] | undefined {
    const list = this.list()
    if (list?.length === 0) throw this.wrong('must have an item')
    return list
  }

  names(value: unknown = this.value): readonly string[] | undefined {
    if (value === undefined) return undefined
    if (!Array.isArray(value) || !value.every((name) => typeof name === 'string'))
      throw this.wrong('must be an array of strings')
    return value as string[]
  }

  /** The entries of an object. */
  entries(): readonly (readonly [name: string, value: unknown, path: string])[] {
    const { value } = this
    if (value === undefined) return []
    if (!isObject(value)) throw this.wrong('must be an object')
    return Object.entries(value).map(([name, item]) => [name, item, `${this.path}/${escaped(name)}`])
  }
}
