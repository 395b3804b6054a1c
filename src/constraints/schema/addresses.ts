/** Where the subschemas of a document stand, and where references lead. */
import { SchemaError } from './error.ts'
import { escaped, isObject, type SchemaObject } from './plain-schema.ts'

/** A schema that a reference leads to. */
export interface Found {
  readonly schema: unknown
  readonly path: string
  readonly base: string
}

/** What a document's own address is when it has none. */
export const NO_ADDRESS = 'schema://document/'
/** Keywords whose values are schemas, or hold some: by name, or in a row. */
const HOLDS = new Map<string, 'map' | 'list' | 'one'>([
  ...words('map', 'properties patternProperties $defs definitions dependentSchemas dependencies'),
  ...words('list', 'allOf anyOf oneOf prefixItems'),
  ...words('one', 'items additionalItems contains additionalProperties propertyNames not if then else'),
  ...words('one', 'unevaluatedItems unevaluatedProperties contentSchema'),
])
const DIALECT = /^https?:\/\/json-schema\.org\/(draft\/2020-12|draft\/2019-09|draft-0[67])\/schema#?$/

export class Addresses {
  /** Schemas by address, with and without anchors. */
  readonly #schemas = new Map<string, unknown>()
  readonly #bases = new Map<SchemaObject, string>()
  readonly #paths = new Map<SchemaObject, string>()
  /** By name, the documents that have such a dynamic anchor. */
  readonly #dynamic = new Map<string, Set<string>>()

  /** Takes in a whole document. */
  add(schema: unknown, path: string, address: string): void {
    const absolute = resolved(address, NO_ADDRESS, path)
    this.#schemas.set(absolute, schema)
    this.#register(schema, path, absolute)
  }

  /** All subschemas. */
  get subschemas(): Iterable<SchemaObject> {
    return this.#paths.keys()
  }

  pathOf(schema: SchemaObject): string | undefined {
    return this.#paths.get(schema)
  }

  /** The address of the document, or of the part with an `$id`, that a subschema stands in. */
  baseOf(schema: SchemaObject): string | undefined {
    return this.#bases.get(schema)
  }

  /** The dynamic anchors of one part that others have too: which is meant depends on how one came there. */
  dynamicAnchors(base: string): string[] {
    return [...this.#dynamic].filter(([, bases]) => bases.size > 1 && bases.has(base)).map(([name]) => name)
  }

  anchored(base: string, name: string): unknown {
    return this.#schemas.get(`${base}#${name}`)
  }

  /**
   * @param path of the reference, for errors
   * @throws SchemaError when a reference leads outside, or nowhere
   */
  find(reference: unknown, from: string, path: string): Found {
    if (typeof reference !== 'string') throw new SchemaError(path, 'must be a string')
    const address = resolved(reference, from, path)
    const hash = address.indexOf('#')
    const [base, fragment] = hash < 0 ? [address, ''] : [address.slice(0, hash), address.slice(hash + 1)]
    const isPointer = fragment === '' || fragment.startsWith('/')
    const root = this.#schemas.get(isPointer ? base : address)
    if (root === undefined) throw new SchemaError(path, `"${reference}" is not in this schema, and nothing is fetched`)
    if (!isPointer) return { schema: root, path, base }
    return this.#pointed(
      { schema: root, path: isObject(root) ? (this.#paths.get(root) ?? '#') : '#', base },
      fragment,
      path,
    )
  }

  #pointed(root: Found, fragment: string, path: string): Found {
    let { schema, path: at, base } = root
    for (const step of decoded(fragment, path).split('/').slice(1)) {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
      const has = typeof schema === 'object' && schema !== null && Object.hasOwn(schema, key)
      if (!has) throw new SchemaError(path, `"#${fragment}" leads nowhere`)
      schema = (schema as Record<string, unknown>)[key]
      at = `${at}/${step}`
      if (isObject(schema)) base = this.#bases.get(schema) ?? base
    }
    return { schema, path: at, base }
  }

  /** Notes the addresses of a schema and of all inside it. */
  #register(schema: unknown, path: string, base: string): void {
    if (!isObject(schema)) return
    const inner = this.#address(schema, path, base)
    this.#bases.set(schema, inner)
    this.#paths.set(schema, path)
    for (const keyword of Object.keys(schema)) {
      const kind = HOLDS.get(keyword)
      if (kind === undefined) continue
      const value = schema[keyword]
      if (Array.isArray(value)) {
        if (kind === 'list' || keyword === 'items') {
          for (let i = 0; i < value.length; i++) this.#register(value[i], `${path}/${keyword}/${i}`, inner)
        }
      } else if (kind === 'one') this.#register(value, `${path}/${keyword}`, inner)
      else if (kind === 'map' && isObject(value)) {
        for (const name of Object.keys(value)) this.#register(value[name], `${path}/${keyword}/${escaped(name)}`, inner)
      }
    }
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
      this.#schemas.set(isAnchor ? address : inner, schema)
    }
    for (const anchor of [$anchor, $dynamicAnchor]) {
      if (typeof anchor === 'string') this.#schemas.set(`${inner}#${anchor}`, schema)
    }
    if (typeof $dynamicAnchor === 'string') {
      this.#dynamic.set($dynamicAnchor, (this.#dynamic.get($dynamicAnchor) ?? new Set()).add(inner))
    }
    return inner
  }
}

function words<const K>(kind: K, names: string): [string, K][] {
  return names.split(' ').map((name) => [name, kind])
}

/** What every address keeps as it is: most references are only such a fragment. */
const PLAIN_FRAGMENT = /^#[\w$/.-]*$/

function resolved(reference: string, base: string, path: string): string {
  if (PLAIN_FRAGMENT.test(reference) && !base.includes('#')) return base + reference
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
