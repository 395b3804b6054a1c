/** A schema document: its subschemas by number, and where references lead. */
import { exactJson } from '../../json/value.ts'
import { SchemaError } from './error.ts'
import { listed, type StringSet } from './strings.ts'
import { FALSE, type Term, TRUE } from './terms.ts'

export type SchemaObject = { readonly [keyword: string]: unknown }

/** A subschema, or a choice between terms that no subschema says. */
export interface SchemaNode {
  readonly schema: SchemaObject
  readonly alternatives?: readonly Term[]
  /** A JSON pointer, for errors. */
  readonly path: string
  /** The address that references inside are relative to. */
  readonly base: string
}

const MAX_DEPTH = 200
const MAX_VALUES = 100_000
const MAX_TEXT = 2_000_000
const MAX_DIGITS = 400
const LARGEST = 10n ** BigInt(MAX_DIGITS)
/** What the document's own address is when it has none. */
const NO_ADDRESS = 'schema://document/'
const IN_MAPS = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies']
const IN_LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']
const SINGLE = `items additionalItems contains additionalProperties propertyNames not if then else unevaluatedItems
  unevaluatedProperties contentSchema`.split(/\s+/)
const DIALECT = /^https?:\/\/json-schema\.org\/(draft\/2020-12|draft\/2019-09|draft-0[67])\/schema#?$/

export class SchemaDocument {
  readonly #nodes: SchemaNode[] = [{ schema: {}, path: '#', base: NO_ADDRESS }]
  readonly #terms = new Map<SchemaObject, Term>()
  /** Schemas by address, with and without anchors. */
  readonly #addresses = new Map<string, unknown>()
  readonly #bases = new Map<SchemaObject, string>()
  readonly #paths = new Map<SchemaObject, string>()
  readonly #dynamicAnchors = new Map<string, string[]>()
  readonly #choices = new Map<string, Term>()
  readonly #names = new Map<string, StringSet>()
  readonly #constants = new Map<string, SchemaObject>()
  readonly root: Term
  /** Some subschema asks what others have looked at. */
  readonly usesUnevaluated: boolean

  /**
   * @param others schemas that references may lead to, by address
   * @throws SchemaError
   */
  constructor(schema: unknown, others: { readonly [address: string]: unknown } = {}) {
    for (const [address, other] of Object.entries(others)) {
      measure(other, address)
      const plain = exactJson(other)
      const absolute = resolved(address, NO_ADDRESS, address)
      this.#addresses.set(absolute, plain)
      this.#register(plain, address, absolute)
    }
    measure(schema, '#')
    const plain = exactJson(schema)
    this.#addresses.set(NO_ADDRESS, plain)
    this.#register(plain, '#', NO_ADDRESS)
    this.root = this.term(plain, '#', NO_ADDRESS)
    this.usesUnevaluated = [...this.#paths.keys()].some((node) => {
      return Object.hasOwn(node, 'unevaluatedItems') || Object.hasOwn(node, 'unevaluatedProperties')
    })
  }

  /** The set of one name: always the same object, so that what is asked of a name is known again. */
  name(name: string): StringSet {
    let set = this.#names.get(name)
    if (set === undefined) {
      set = listed(name)
      this.#names.set(name, set)
    }
    return set
  }

  node(number: number): SchemaNode {
    return this.#nodes[number]!
  }

  /** @throws SchemaError when it is no schema */
  term(schema: unknown, path: string, base: string): Term {
    if (typeof schema === 'boolean') return schema ? TRUE : FALSE
    if (!isObject(schema)) throw new SchemaError(path, 'a schema must be an object or a boolean')
    if (Object.keys(schema).length === 0) return TRUE
    let term = this.#terms.get(schema)
    if (term === undefined) {
      const at = { path: this.#paths.get(schema) ?? path, base: this.#bases.get(schema) ?? base }
      term = this.#add({ schema, ...at })
      this.#terms.set(schema, term)
    }
    return term
  }

  #add(node: SchemaNode): Term {
    return [2 * (this.#nodes.push(node) - 1)]
  }

  /** The values that one of the terms has. */
  choice(terms: readonly Term[], path: string): Term {
    if (terms.length === 1) return terms[0]!
    if (terms.some((term) => term.length === 0)) return TRUE
    const key = terms.join('|')
    let term = this.#choices.get(key)
    if (term === undefined) {
      term = this.#add({ schema: {}, alternatives: terms, path, base: NO_ADDRESS })
      this.#choices.set(key, term)
    }
    return term
  }

  /** One value and no other. */
  constant(value: unknown, path: string): Term {
    const key = keyOf(value)
    let schema = this.#constants.get(key)
    if (schema === undefined) {
      schema = { const: value }
      this.#constants.set(key, schema)
    }
    return this.term(schema, path, NO_ADDRESS)
  }

  /** Every object. */
  get objects(): Term {
    return this.term({ type: 'object' }, '#', NO_ADDRESS)
  }

  /** Where a `$ref` leads. @throws SchemaError when that is outside, or nowhere */
  reference(reference: unknown, from: SchemaNode, keyword = '$ref'): Term {
    const path = `${from.path}/${keyword}`
    if (typeof reference !== 'string') throw new SchemaError(path, 'must be a string')
    const address = resolved(reference, from.base, path)
    const hash = address.indexOf('#')
    const [document, fragment] = hash < 0 ? [address, ''] : [address.slice(0, hash), address.slice(hash + 1)]
    if (fragment !== '' && !fragment.startsWith('/')) {
      const anchored = this.#addresses.get(address)
      if (anchored !== undefined) return this.term(anchored, path, document)
    }
    const root = this.#addresses.get(document)
    if (root === undefined || (fragment !== '' && !fragment.startsWith('/'))) {
      throw new SchemaError(path, `"${reference}" is not in this schema, and nothing is fetched`)
    }
    return this.#pointed(root, decoded(fragment, path), document, reference, path)
  }

  /** A dynamic reference, where only one schema can be meant. */
  dynamicReference(reference: unknown, from: SchemaNode): Term {
    const [, anchor] = /#([^/]*)$/.exec(String(reference)) ?? []
    if (anchor !== undefined && (this.#dynamicAnchors.get(anchor)?.length ?? 0) > 1) {
      throw new SchemaError(
        `${from.path}/$dynamicRef`,
        `"${reference}" can mean more than one schema, which is not supported`,
      )
    }
    return this.reference(reference, from, '$dynamicRef')
  }

  #pointed(root: unknown, pointer: string, document: string, reference: string, path: string): Term {
    let [value, at, base] = [root, isObject(root) ? (this.#paths.get(root) ?? '#') : '#', document]
    for (const step of pointer.split('/').slice(1)) {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
      const inside: unknown =
        typeof value === 'object' && value !== null && Object.hasOwn(value, key)
          ? (value as Record<string, unknown>)[key]
          : undefined
      if (inside === undefined) throw new SchemaError(path, `"${reference}" leads nowhere`)
      value = inside
      at = `${at}/${step}`
      if (isObject(value)) base = this.#bases.get(value) ?? base
    }
    return this.term(value, at, base)
  }

  /** Notes the addresses of a schema and of all inside it. */
  #register(schema: unknown, path: string, base: string): void {
    if (!isObject(schema)) return
    const inner = this.#address(schema, path, base)
    this.#bases.set(schema, inner)
    this.#paths.set(schema, path)
    for (const keyword of IN_MAPS) {
      if (!isObject(schema[keyword])) continue
      for (const [name, value] of Object.entries(schema[keyword])) {
        this.#register(value, `${path}/${keyword}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, inner)
      }
    }
    for (const keyword of IN_LISTS) {
      if (!Array.isArray(schema[keyword])) continue
      for (const [i, value] of schema[keyword].entries()) this.#register(value, `${path}/${keyword}/${i}`, inner)
    }
    for (const keyword of SINGLE) this.#register(schema[keyword], `${path}/${keyword}`, inner)
  }

  #address(schema: SchemaObject, path: string, base: string): string {
    const { $schema, $id, $anchor, $dynamicAnchor } = schema
    if ($schema !== undefined && (typeof $schema !== 'string' || !DIALECT.test($schema))) {
      throw new SchemaError(`${path}/$schema`, 'is no dialect that is supported')
    }
    let inner = base
    if ($id !== undefined) {
      if (typeof $id !== 'string') throw new SchemaError(`${path}/$id`, 'must be a string')
      const address = resolved($id, base, `${path}/$id`)
      // Before 2019 an anchor was written so.
      const isAnchor = $id.startsWith('#') && $id.length > 1
      if (!isAnchor) inner = address.replace(/#$/, '')
      this.#addresses.set(isAnchor ? address : inner, schema)
    }
    for (const anchor of [$anchor, $dynamicAnchor]) {
      if (typeof anchor === 'string') this.#addresses.set(`${inner}#${anchor}`, schema)
    }
    if (typeof $dynamicAnchor === 'string') {
      this.#dynamicAnchors.set($dynamicAnchor, [...(this.#dynamicAnchors.get($dynamicAnchor) ?? []), inner])
    }
    return inner
  }
}

export function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The same for equal JSON values: `1` and `1.0`, and objects in any order. */
export function keyOf(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return `[${value.map(keyOf).join()}]`
  if (!isObject(value)) return Object.is(value, -0) ? '0' : JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${keyOf(item)}`).join()}}`
}

function resolved(reference: string, base: string, path: string): string {
  try {
    return new URL(reference, base).href
  } catch (cause) {
    throw new SchemaError(path, `"${reference}" is no address`, { cause })
  }
}

function decoded(fragment: string, path: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch (cause) {
    throw new SchemaError(path, 'has a broken percent sign', { cause })
  }
}

/** Refuses what is no JSON, and what is too large, before anything walks through it. */
function measure(schema: unknown, root: string): void {
  let [values, text] = [0, 0]
  const visit = (value: unknown, path: string, depth: number): void => {
    if (depth > MAX_DEPTH) throw new SchemaError(root, `is nested deeper than ${MAX_DEPTH}`)
    if (++values > MAX_VALUES) throw new SchemaError(root, `has more than ${MAX_VALUES} values`)
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
