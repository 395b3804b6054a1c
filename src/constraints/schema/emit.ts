/** Writes terms as expressions over the bytes of JSON. */
import {
  ANY_TEXT,
  type Expression,
  either,
  jsonString,
  literal,
  NEVER,
  type Rule,
  rule,
  sequence,
  utf8,
} from '../expression.ts'
import type { TextStates } from '../text-states.ts'
import { type ArrayState, ArrayStates } from './array-states.ts'
import { type NameTree, nameTree } from './name-tree.ts'
import { numberExpression, spellings } from './number-states.ts'
import { isPoint, type NumberSet } from './numbers.ts'
import { type Member, type ObjectState, ObjectStates } from './object-states.ts'
import type { ArraySet, ObjectSet } from './sets.ts'
import type { Shape } from './shape.ts'
import { isEmptyStrings, listedText, type StringSet, textOf } from './strings.ts'
import type { Term } from './terms.ts'
import type { Values } from './values.ts'

export class Emitter {
  readonly #values: Values
  readonly #texts: TextStates
  /** White space between two tokens of JSON. */
  readonly space: Expression
  readonly #rules = new Map<string, Rule>()
  readonly #arrays = new Map<ArraySet, ArrayStates>()
  readonly #objects = new Map<ObjectSet, ObjectStates>()
  readonly #expressions = new Map<object, Expression>()

  constructor(values: Values, texts: TextStates, space: Expression) {
    this.#values = values
    this.#texts = texts
    this.space = space
  }

  /** Looks at everything that the expression of a term can come to, so that what is not supported is found now. */
  check(root: Term): void {
    const found = new Map([[String(root), root]])
    for (const term of found.values()) {
      this.#values.facts.spend(0.4, this.#values.shapes.pathOf(term))
      const shape = this.#values.shapes.of(term)
      const inner = [
        ...shape.arrays.flatMap((set) => this.#arrayStates(set).terms()),
        ...shape.objects.flatMap((set) => this.#objectStates(set).terms()),
      ]
      this.#numbers(shape.numbers, this.#values.shapes.pathOf(term))
      for (const one of inner) found.set(String(one), one)
    }
  }

  value(term: Term): Expression {
    const key = String(term)
    let known = this.#rules.get(key)
    if (known === undefined) {
      const path = this.#values.shapes.pathOf(term)
      known = rule(path, () => this.#shape(this.#values.shapes.of(term), path))
      this.#rules.set(key, known)
    }
    return known
  }

  #shape(shape: Shape, path: string): Expression {
    const { strings } = shape
    return either(
      ...(shape.null ? [literal('null')] : []),
      ...(shape.true ? [literal('true')] : []),
      ...(shape.false ? [literal('false')] : []),
      ...this.#numbers(shape.numbers, path),
      ...(isEmptyStrings(strings, this.#texts) ? [] : [this.#once(strings, () => stringExpression(strings))]),
      ...shape.arrays.map((set) => this.#once(set, () => this.#array(this.#arrayStates(set)))),
      ...shape.objects.map((set) => this.#once(set, () => this.#object(this.#objectStates(set)))),
    )
  }

  #numbers(sets: readonly NumberSet[], path: string): Expression[] {
    const points = sets.flatMap((set) => (isPoint(set) ? spellings(set.min!.value) : []))
    const ranges = sets.filter((set) => !isPoint(set))
    return [
      ...(points.length === 0 ? [] : [this.#once(sets, () => utf8(listedText(points)))]),
      ...ranges.map((set) => this.#once(set, () => numberExpression(set, this.#texts, path))),
    ]
  }

  #array(states: ArrayStates): Expression {
    if (!states.some) return NEVER
    const rules = new Map<string, Rule>()
    const items = (state: ArrayState): Expression =>
      either(...states.next(state).map((item) => sequence(this.value(item.term), this.space, after(item.state))))
    const end = (state: ArrayState) => (states.accepts(state) ? literal(']') : NEVER)
    const after = (state: ArrayState): Rule =>
      shared(rules, states.key(state), 'an array', () => {
        return either(end(state), ...some(items(state), (more) => sequence(literal(','), this.space, more)))
      })
    return sequence(literal('['), this.space, either(end(states.start), items(states.start)))
  }

  #object(states: ObjectStates): Expression {
    if (!states.some) return NEVER
    const rules = new Map<string, Rule>()
    const tree = nameTree(states.names)
    const colon = sequence(this.space, literal(':'), this.space)
    const body = ({ term, state }: Member) => sequence(colon, this.value(term), this.space, after(state))
    const members = (state: ObjectState): Expression => {
      const others = states.others(state).map((one) => sequence(this.#name(one.names), body(one)))
      const bits = states.named(state)
      const follow = (named: number) => states.members(state, named).map(body)
      return either(...(bits === 0n ? [] : [sequence(literal('"'), this.#names(tree, bits, follow))]), ...others)
    }
    const end = (state: ObjectState) => (states.accepts(state) ? literal('}') : NEVER)
    const after = (state: ObjectState): Rule =>
      shared(rules, states.key(state), 'an object', () => {
        return either(end(state), ...some(members(state), (more) => sequence(literal(','), this.space, more)))
      })
    return sequence(literal('{'), this.space, either(end(states.start), members(states.start)))
  }

  /** What is left of a name, its closing quote, and what follows it. */
  #names(tree: NameTree, allowed: bigint, follow: (named: number) => Expression[]): Expression {
    const { text, ends, branches } = tree
    const ended = ends === undefined || ((allowed >> BigInt(ends)) & 1n) === 0n ? [] : [ends]
    const more = branches.filter(({ names }) => (names & allowed) !== 0n)
    const rest = rule(
      'a name',
      () =>
        either(
          ...ended.map((named) => sequence(literal('"'), either(...follow(named)))),
          ...more.map((branch) => this.#names(branch, allowed, follow)),
        ),
      true,
    )
    return sequence(typeof text === 'string' ? literal(text) : utf8(text), rest)
  }

  /** A name that no subschema lists. */
  #name(names: StringSet): Expression {
    return this.#once(names, () =>
      jsonString(names.text === ANY_TEXT && names.except.size === 0 ? ANY_TEXT : textOf(names)),
    )
  }

  #arrayStates(set: ArraySet): ArrayStates {
    let states = this.#arrays.get(set)
    if (states === undefined) {
      states = new ArrayStates(set, this.#values.facts)
      this.#arrays.set(set, states)
    }
    return states
  }

  #objectStates(set: ObjectSet): ObjectStates {
    let states = this.#objects.get(set)
    if (states === undefined) {
      states = new ObjectStates(set, this.#values.facts, this.#texts)
      this.#objects.set(set, states)
    }
    return states
  }

  #once(set: object, make: () => Expression): Expression {
    let expression = this.#expressions.get(set)
    if (expression === undefined) {
      expression = make()
      this.#expressions.set(set, expression)
    }
    return expression
  }
}

/** Characters of listed strings; longer lists are written in two ways only. */
const MOST_SPELLED = 4000

/** Any of the strings, however its characters are escaped; of long lists as JSON writers do it, with and without escapes of what is not ASCII. */
function stringExpression(strings: StringSet): Expression {
  const values = [...(strings.values ?? [])]
  const size = values.reduce((sum, { length }) => sum + length, 0)
  if (size <= MOST_SPELLED) return jsonString(textOf(strings))
  return either(...values.flatMap((value) => [...new Set([JSON.stringify(value), asciiJson(value)])].map(literal)))
}

function asciiJson(value: string): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replace(/[\x7f-\uffff]/g, escaped)
}

/** A rule for a state. Only states after which the array or the object can be finished come up, so every such rule has an end. */
function shared(rules: Map<string, Rule>, key: string, name: string, expand: () => Expression): Rule {
  let known = rules.get(key)
  if (known === undefined) {
    known = rule(name, expand, true)
    rules.set(key, known)
  }
  return known
}

function some(expression: Expression, make: (expression: Expression) => Expression): Expression[] {
  return expression === NEVER ? [] : [make(expression)]
}
