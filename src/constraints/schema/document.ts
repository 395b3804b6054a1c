/** A schema document: its subschemas by number. */
import { Addresses, NO_ADDRESS } from './addresses.ts'
import { SchemaError } from './error.ts'
import { isObject, keyOf, plainSchema, type SchemaObject } from './plain-schema.ts'
import { listed, type StringSet } from './strings.ts'
import { FALSE, type Term, TRUE } from './terms.ts'

/** What dynamic references lead to: by anchor, the first part on the way here that has it. */
interface Scope {
  readonly key: string
  readonly anchors: ReadonlyMap<string, string>
}

/** Where references are read. */
interface Place {
  /** The address that references inside are relative to. */
  readonly base: string
  readonly scope: Scope
}

/** A subschema, or a choice between terms that no subschema says. */
export interface SchemaNode extends Place {
  readonly schema: SchemaObject
  readonly alternatives?: readonly Term[]
  /** A JSON pointer, for errors. */
  readonly path: string
}

const NO_PLACE: Place = { base: NO_ADDRESS, scope: { key: '', anchors: new Map() } }

export class SchemaDocument {
  readonly #nodes: SchemaNode[] = [{ schema: {}, path: '#', ...NO_PLACE }]
  readonly #addresses = new Addresses()
  /** By scope. */
  readonly #terms = new Map<SchemaObject, Map<string, Term>>()
  readonly #scopes = new Map<string, Scope>()
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
      this.#addresses.add(plainSchema(other, address), address, address)
    }
    const plain = plainSchema(schema, '#')
    this.#addresses.add(plain, '#', NO_ADDRESS)
    this.root = this.term(plain, '#', NO_PLACE)
    this.usesUnevaluated = [...this.#addresses.subschemas].some((node) => {
      return Object.hasOwn(node, 'unevaluatedItems') || Object.hasOwn(node, 'unevaluatedProperties')
    })
  }

  node(number: number): SchemaNode {
    return this.#nodes[number]!
  }

  /** @throws SchemaError when it is no schema */
  term(schema: unknown, path: string, from: Place): Term {
    if (typeof schema === 'boolean') return schema ? TRUE : FALSE
    if (!isObject(schema)) throw new SchemaError(path, 'a schema must be an object or a boolean')
    if (Object.keys(schema).length === 0) return TRUE
    const base = this.#addresses.baseOf(schema) ?? from.base
    const scope = this.#entered(from.scope, base)
    const terms = this.#terms.get(schema) ?? new Map<string, Term>()
    this.#terms.set(schema, terms)
    let term = terms.get(scope.key)
    if (term === undefined) {
      term = this.#add({ schema, path: this.#addresses.pathOf(schema) ?? path, base, scope })
      terms.set(scope.key, term)
    }
    return term
  }

  /** The values that one of the terms has. */
  choice(terms: readonly Term[], path: string): Term {
    if (terms.length === 1) return terms[0]!
    if (terms.some((term) => term.length === 0)) return TRUE
    const key = terms.join('|')
    let term = this.#choices.get(key)
    if (term === undefined) {
      term = this.#add({ schema: {}, alternatives: terms, path, ...NO_PLACE })
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
    return this.term(schema, path, NO_PLACE)
  }

  /** Every object. */
  get objects(): Term {
    return this.term({ type: 'object' }, '#', NO_PLACE)
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

  /** Where a `$ref` leads. @throws SchemaError when that is outside, or nowhere */
  reference(reference: unknown, from: SchemaNode): Term {
    const { schema, path, base } = this.#addresses.find(reference, from.base, `${from.path}/$ref`)
    return this.term(schema, path, { base, scope: from.scope })
  }

  /** Where a `$dynamicRef` leads: to the first such anchor on the way here, when it leads to a dynamic anchor at all. */
  dynamicReference(reference: unknown, from: SchemaNode): Term {
    const found = this.#addresses.find(reference, from.base, `${from.path}/$dynamicRef`)
    const { schema, path, base } = found
    const [, anchor] = /#([^/]+)$/.exec(String(reference)) ?? []
    const first = anchor === undefined ? undefined : from.scope.anchors.get(anchor)
    const isDynamic = first !== undefined && isObject(schema) && schema.$dynamicAnchor === anchor
    if (!isDynamic) return this.term(schema, path, { base, scope: from.scope })
    return this.term(this.#addresses.anchored(first, anchor!), path, { base: first, scope: from.scope })
  }

  /** The scope inside of another part of the document. */
  #entered(scope: Scope, base: string): Scope {
    const more = this.#addresses.dynamicAnchors(base).filter((name) => !scope.anchors.has(name))
    if (more.length === 0) return scope
    const anchors = new Map([...scope.anchors, ...more.map((name) => [name, base] as const)])
    const key = JSON.stringify([...anchors].sort())
    const known = this.#scopes.get(key) ?? { key, anchors }
    this.#scopes.set(key, known)
    return known
  }

  #add(node: SchemaNode): Term {
    return [2 * (this.#nodes.push(node) - 1)]
  }
}
