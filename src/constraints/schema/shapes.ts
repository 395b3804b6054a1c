/** The shape of each term: keywords that apply other schemas to the same value are worked out here. */
import type { TextStates } from '../text-states.ts'
import { decimalOf } from './decimal.ts'
import type { SchemaDocument, SchemaNode } from './document.ts'
import type { Effort } from './error.ts'
import { SchemaError } from './error.ts'
import { Keyword } from './keyword-values.ts'
import { type KeywordContext, localShape, simplest } from './keywords.ts'
import { onlyNumber } from './numbers.ts'
import { isObject } from './plain-schema.ts'
import { ANY_ARRAY, ANY_OBJECT, commonArrays, commonObjects } from './sets.ts'
import { ANY_SHAPE, NO_SHAPE, type Shape, ShapeAlgebra } from './shape.ts'
import { areApart, signsOf } from './signs.ts'
import { ANY_STRING, listed, otherStrings } from './strings.ts'
import { bothTerms, FALSE, isFalse, otherTerms, type Term, TRUE } from './terms.ts'

/** Branches of `anyOf` that are told apart by what they look at; their combinations double with each. */
const MOST_LOOKED_AT = 6

/** Keywords that bring in other subschemas, or values, whole. */
const APPLIES = new Set(
  `$ref $dynamicRef const enum allOf anyOf oneOf not if dependentSchemas dependencies unevaluatedItems
  unevaluatedProperties`.split(/\s+/),
)

/** A shape that needs itself. */
class ShapeLoop extends Error {
  constructor(readonly path: string) {
    super()
  }
}

export class Shapes {
  readonly algebra: ShapeAlgebra
  readonly #document: SchemaDocument
  readonly #effort: Effort
  readonly #context: KeywordContext
  readonly #known = new Map<number, Shape | 'open'>()
  /** Shapes that are just being made. */
  #open = 0
  readonly #terms = new Map<string, Shape>()
  /** Says that a shape surely has no value. */
  readonly #isEmpty: (shape: Shape) => boolean

  constructor(
    document: SchemaDocument,
    effort: Effort,
    states: TextStates,
    options: { formats: boolean; isEmpty: (shape: Shape) => boolean },
  ) {
    this.#document = document
    this.#effort = effort
    this.#isEmpty = options.isEmpty
    this.algebra = new ShapeAlgebra(effort, states, document.usesUnevaluated, {
      choice: (terms) => document.choice(terms, '#'),
      name: (name) => document.name(name),
    })
    const stringsOf = (term: Term) => this.of(term).strings
    this.#context = { document, states, formats: options.formats, stringsOf }
  }

  /** @throws SchemaError */
  of(term: Term): Shape {
    try {
      return this.#of(term)
    } catch (error) {
      if (error instanceof ShapeLoop && this.#open === 0)
        throw new SchemaError(error.path, 'refers to itself without an end')
      throw error
    }
  }

  #of(term: Term): Shape {
    if (term.length === 0) return ANY_SHAPE
    if (isFalse(term)) return NO_SHAPE
    if (term.length === 1) return this.#literal(term[0]!)
    const key = term.join()
    let shape = this.#terms.get(key)
    if (shape === undefined) {
      shape = term.reduce((all, one) => this.algebra.both(all, this.#literal(one), this.pathOf(term)), ANY_SHAPE)
      this.#terms.set(key, shape)
    }
    return shape
  }

  /** As `of`; undefined where that shape is just being made. */
  tryOf(term: Term): Shape | undefined {
    try {
      return this.#of(term)
    } catch (error) {
      if (error instanceof ShapeLoop) return undefined
      throw error
    }
  }

  pathOf(term: Term): string {
    return term.length === 0 ? '#' : this.#document.node(term[0]! >> 1).path
  }

  #literal(literal: number): Shape {
    const known = this.#known.get(literal)
    if (known === 'open') throw new ShapeLoop(this.#document.node(literal >> 1).path)
    if (known !== undefined) return known
    const node = this.#document.node(literal >> 1)
    this.#effort.spend(1, node.path)
    this.#known.set(literal, 'open')
    this.#open++
    try {
      const shape = literal % 2 === 0 ? this.#node(node) : this.algebra.not(this.#literal(literal - 1), node.path)
      this.#known.set(literal, shape)
      return shape
    } catch (error) {
      this.#known.delete(literal)
      throw error
    } finally {
      this.#open--
    }
  }

  #node(node: SchemaNode): Shape {
    if (node.alternatives !== undefined) {
      return this.algebra.any(
        node.alternatives.map((term) => this.of(term)),
        node.path,
      )
    }
    let shape = simplest(localShape(node, this.#context))
    if (!Object.keys(node.schema).some((name) => APPLIES.has(name))) return shape
    this.#effort.spend(1, node.path)
    const narrow = (other: Shape): void => {
      shape = this.algebra.both(shape, other, node.path)
    }
    for (const term of this.#references(node)) narrow(this.of(term))
    for (const other of this.#values(node)) narrow(other)
    for (const term of this.#listed(node, 'allOf')) narrow(this.of(term))
    const some = this.#listed(node, 'anyOf')
    if (some.length > 0) narrow(this.#anyOf(some, node))
    const one = this.#listed(node, 'oneOf')
    if (one.length > 0) narrow(this.#oneOf(one, node))
    const not = this.#term(node, 'not')
    if (not !== undefined) narrow(this.of(otherTerms(not)[0]!))
    for (const other of this.#conditions(node)) narrow(other)
    return this.#document.usesUnevaluated ? this.#unevaluated(shape, node) : shape
  }

  #term(node: SchemaNode, name: string): Term | undefined {
    const { present, value, path } = new Keyword(node, name)
    return present ? this.#document.term(value, path, node) : undefined
  }

  #listed(node: SchemaNode, name: string): Term[] {
    const keyword = new Keyword(node, name)
    return (keyword.schemas() ?? []).map((schema, i) => this.#document.term(schema, `${keyword.path}/${i}`, node))
  }

  #references(node: SchemaNode): Term[] {
    const [plain, dynamic] = [new Keyword(node, '$ref'), new Keyword(node, '$dynamicRef')]
    return [
      ...(plain.present ? [this.#document.reference(plain.value, node)] : []),
      ...(dynamic.present ? [this.#document.dynamicReference(dynamic.value, node)] : []),
    ]
  }

  /** `const` and `enum`. */
  #values(node: SchemaNode): Shape[] {
    const [only, list] = [new Keyword(node, 'const'), new Keyword(node, 'enum')]
    return [
      ...(only.present ? [this.#constants([only.value], only.path)] : []),
      ...(list.present ? [this.#constants(list.list() ?? [], list.path)] : []),
    ]
  }

  #constants(values: readonly unknown[], path: string): Shape {
    const constant = (value: unknown) => this.#document.constant(value, path)
    const numbers = values.filter((value) => typeof value === 'number' || typeof value === 'bigint')
    this.#effort.spend(values.length / 25 + numbers.length, path)
    const arrays = values.filter((value) => Array.isArray(value)) as (readonly unknown[])[]
    const any = { ...NO_SHAPE, numbers: numbers.map((value) => onlyNumber(decimalOf(value))) }
    return {
      ...any,
      null: values.includes(null),
      true: values.includes(true),
      false: values.includes(false),
      strings: listed(...values.filter((value) => typeof value === 'string')),
      arrays: arrays.map((items) => {
        const size = { min: items.length, max: items.length }
        return { ...ANY_ARRAY, prefix: items.map(constant), rest: FALSE, ...size, path }
      }),
      objects: values.filter(isObject).map((object) => {
        const names = Object.keys(object)
        const members = names.map((name) => ({ names: this.#document.name(name), term: constant(object[name]) }))
        const others = { names: otherStrings(listed(...names), this.#context.states), term: FALSE }
        return { ...ANY_OBJECT, members: [...members, others], required: names, path }
      }),
    }
  }

  #anyOf(terms: readonly Term[], node: SchemaNode): Shape {
    const shapes = terms.map((term) => this.of(term))
    if (!this.#document.usesUnevaluated) return this.algebra.any(shapes, node.path)
    // What several branches have looked at together counts too: each combination of them is an alternative.
    if (shapes.filter(looksAtSome).length < 2) return this.algebra.any(shapes, node.path)
    if (shapes.length > MOST_LOOKED_AT) {
      throw new SchemaError(
        `${node.path}/anyOf`,
        `has more than ${MOST_LOOKED_AT} branches where unevaluated ones are asked for`,
      )
    }
    const combinations = Array.from({ length: 2 ** shapes.length - 1 }, (_, bits) => {
      const chosen = shapes.filter((_, i) => ((bits + 1) >> i) % 2 === 1)
      return chosen.reduce((all, shape) => this.algebra.both(all, shape, node.path), ANY_SHAPE)
    })
    return this.algebra.any(combinations, node.path)
  }

  #oneOf(terms: readonly Term[], node: SchemaNode): Shape {
    const shapes = terms.map((term) => this.of(term))
    const path = `${node.path}/oneOf`
    this.#effort.spend(terms.length ** 2 / 20, path)
    const signs = shapes.map((shape) => signsOf(shape, this.#document))
    const overlap = (i: number, j: number) =>
      !areApart(signs[i], signs[j]) &&
      !isFalse(bothTerms(terms[i]!, terms[j]!)) &&
      !this.#isEmpty(this.algebra.both(shapes[i]!, shapes[j]!, path))
    const branches = shapes.map((shape, i) => {
      const others = shapes.filter((_, j) => j !== i && overlap(Math.min(i, j), Math.max(i, j)))
      return others.reduce((left, other) => this.algebra.both(left, this.algebra.not(other, path), path), shape)
    })
    return this.algebra.any(branches, path)
  }

  /** `if`, `then` and `else`, and schemas that depend on a name. */
  #conditions(node: SchemaNode): Shape[] {
    const { both, any } = this.#at(node.path)
    const conditions: Shape[] = []
    const condition = this.#term(node, 'if')
    const [then, other] = [this.#term(node, 'then'), this.#term(node, 'else')]
    if (condition !== undefined && (then !== undefined || other !== undefined || this.#document.usesUnevaluated)) {
      const no = this.of(otherTerms(condition)[0]!)
      conditions.push(any(both(this.of(condition), this.of(then ?? [])), both(no, this.of(other ?? []))))
    }
    for (const name of ['dependentSchemas', 'dependencies']) {
      for (const [key, schema, path] of new Keyword(node, name).entries()) {
        if (Array.isArray(schema)) continue
        const absent = {
          ...ANY_SHAPE,
          objects: [{ ...ANY_OBJECT, members: [{ names: this.#document.name(key), term: FALSE }] }],
        }
        const present = { ...NO_SHAPE, objects: [{ ...ANY_OBJECT, required: [key] }] }
        conditions.push(any(absent, both(present, this.of(this.#document.term(schema, path, node)))))
      }
    }
    return conditions
  }

  #at(path: string) {
    return {
      both: (a: Shape, b: Shape) => this.algebra.both(a, b, path),
      any: (...shapes: Shape[]) => this.algebra.any(shapes, path),
    }
  }

  #unevaluated(shape: Shape, node: SchemaNode): Shape {
    const [items, properties] = [this.#term(node, 'unevaluatedItems'), this.#term(node, 'unevaluatedProperties')]
    let { arrays, objects } = shape
    if (items !== undefined) {
      arrays = arrays.flatMap((set) => {
        const { upTo, terms } = set.evaluated
        const done = { ...set, evaluated: { upTo: Number.POSITIVE_INFINITY, terms: [] } }
        if (upTo === Number.POSITIVE_INFINITY) return [done]
        const rest = this.#document.choice([...terms, items], node.path)
        return commonArrays(done, { ...ANY_ARRAY, prefix: Array.from({ length: upTo }, () => TRUE), rest }) ?? []
      })
    }
    if (properties !== undefined) {
      const { states } = this.#context
      objects = objects.flatMap((set) => {
        const names = otherStrings(set.evaluated, states)
        const others = { ...ANY_OBJECT, members: [{ names, term: properties }], evaluated: ANY_STRING }
        return commonObjects(set, others, states) ?? []
      })
    }
    return { ...shape, arrays, objects }
  }
}

function looksAtSome({ arrays, objects }: Shape): boolean {
  const looked = arrays.some(({ evaluated }) => evaluated.upTo > 0 || evaluated.terms.length > 0)
  return looked || objects.some(({ evaluated }) => evaluated.values?.size !== 0)
}
