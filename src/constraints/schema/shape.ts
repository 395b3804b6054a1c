/** A set of JSON values, type by type, and the algebra of such sets. */

import type { TextStates } from '../text-states.ts'
import { sizeOf, withoutRepeats } from './alternatives.ts'
import type { Effort } from './error.ts'
import { SchemaError } from './error.ts'
import { ANY_NUMBER, commonNumbers, isEmptyNumbers, type NumberSet, otherNumbers } from './numbers.ts'
import {
  ANY_ARRAY,
  ANY_OBJECT,
  type ArraySet,
  commonArrays,
  commonObjects,
  type ObjectSet,
  otherArrays,
  otherObjects,
  type TermMakers,
} from './sets.ts'
import { ANY_STRING, commonStrings, NO_STRING, otherStrings, type StringSet, unitedStrings } from './strings.ts'

export interface Shape {
  readonly null: boolean
  readonly true: boolean
  readonly false: boolean
  /** A union, as are arrays and objects. */
  readonly numbers: readonly NumberSet[]
  readonly strings: StringSet
  readonly arrays: readonly ArraySet[]
  readonly objects: readonly ObjectSet[]
}

export const ANY_SHAPE: Shape = {
  null: true,
  true: true,
  false: true,
  numbers: [ANY_NUMBER],
  strings: ANY_STRING,
  arrays: [ANY_ARRAY],
  objects: [ANY_OBJECT],
}
export const NO_SHAPE: Shape = {
  null: false,
  true: false,
  false: false,
  numbers: [],
  strings: NO_STRING,
  arrays: [],
  objects: [],
}

/** Unions, intersections and complements of shapes. Each counts what it costs. */
export class ShapeAlgebra {
  readonly #effort: Effort
  readonly #states: TextStates
  /** Alternatives count by what they have looked at too: one that accepts everything does not make others useless. */
  readonly #looks: boolean
  readonly #makers: TermMakers

  constructor(effort: Effort, states: TextStates, looks: boolean, makers: TermMakers) {
    this.#effort = effort
    this.#looks = looks
    this.#states = states
    this.#makers = makers
  }

  both(a: Shape, b: Shape, path: string): Shape {
    if (a === ANY_SHAPE || b === NO_SHAPE) return b
    if (b === ANY_SHAPE || a === NO_SHAPE) return a
    this.#effort.spend(0.1 + partsOf(a.strings) / 20 + partsOf(b.strings) / 20, path)
    return {
      null: a.null && b.null,
      true: a.true && b.true,
      false: a.false && b.false,
      numbers: this.#product(a.numbers, b.numbers, path, nonEmptyNumbers),
      strings: commonStrings(a.strings, b.strings, this.#states),
      arrays: this.#product(a.arrays, b.arrays, path, commonArrays),
      objects: this.#product(a.objects, b.objects, path, (x, y) => commonObjects(x, y, this.#states)),
    }
  }

  any(shapes: readonly Shape[], path: string): Shape {
    const some = shapes.filter((shape) => shape !== NO_SHAPE)
    if (some.length === 1) return some[0]!
    this.#effort.spend(some.length, path)
    return {
      null: some.some((shape) => shape.null),
      true: some.some((shape) => shape.true),
      false: some.some((shape) => shape.false),
      numbers: this.#united(some.flatMap(({ numbers }) => numbers)),
      strings: some.reduce<StringSet>((all, { strings }) => unitedStrings(all, strings, this.#states), NO_STRING),
      arrays: this.#united(some.flatMap(({ arrays }) => arrays)),
      objects: this.#united(some.flatMap(({ objects }) => objects)),
    }
  }

  not(shape: Shape, path: string): Shape {
    if (shape === ANY_SHAPE) return NO_SHAPE
    if (shape === NO_SHAPE) return ANY_SHAPE
    this.#effort.spend(0.2, path)
    return {
      null: !shape.null,
      true: !shape.true,
      false: !shape.false,
      numbers: this.#noneOf(shape.numbers, [ANY_NUMBER], path, otherNumbers, nonEmptyNumbers),
      strings: otherStrings(shape.strings, this.#states),
      arrays: this.#noneOf(shape.arrays, [ANY_ARRAY], path, (set) => this.#otherArrays(set), commonArrays),
      objects: this.#noneOf(
        shape.objects,
        [ANY_OBJECT],
        path,
        (set) => otherObjects(set, this.#makers),
        (a, b) => commonObjects(a, b, this.#states),
      ),
    }
  }

  #otherArrays(set: ArraySet): ArraySet[] {
    const others = otherArrays(set)
    if (others === undefined)
      throw new SchemaError(set.unique!, 'uniqueItems is not supported where its opposite is needed')
    return others
  }

  #product<S extends object>(a: readonly S[], b: readonly S[], path: string, both: (x: S, y: S) => S | undefined): S[] {
    this.#effort.spend(1.5 * (a.length * sizeOf(b) + b.length * sizeOf(a)), path)
    return this.#united(a.flatMap((x) => b.map((y) => both(x, y)).filter((set) => set !== undefined)))
  }

  #united<S extends object>(sets: readonly S[]): S[] {
    return withoutRepeats(sets, this.#looks)
  }

  #noneOf<S extends object>(
    sets: readonly S[],
    all: readonly S[],
    path: string,
    other: (set: S) => readonly S[],
    both: (x: S, y: S) => S | undefined,
  ): readonly S[] {
    // What is everything has no complement, however many others stand beside it.
    if (sets.some((set) => set === all[0])) return []
    return sets.reduce<readonly S[]>((left, set) => this.#product(left, other(set), path, both), all)
  }
}

/** Texts that a text has joined, which each further one is compared with. */
function partsOf({ text }: StringSet): number {
  return text?.kind === 'all' ? text.items.length : 0
}

function nonEmptyNumbers(a: NumberSet, b: NumberSet): NumberSet | undefined {
  const joint = commonNumbers(a, b)
  return isEmptyNumbers(joint) ? undefined : joint
}
