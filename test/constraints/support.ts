/** Small vocabularies and random expressions for the tests of constraints. */
import type { Automaton } from '../../src/constraints/automaton.ts'
import { Automaton as AutomatonClass } from '../../src/constraints/automaton.ts'
import { Budget } from '../../src/constraints/budget.ts'
import {
  type Expression,
  either,
  jsonString,
  literal,
  repeat,
  rule,
  sequence,
  type Text,
  utf8,
} from '../../src/constraints/expression.ts'
import { Lexers } from '../../src/constraints/lexers.ts'
import { Vocabulary } from '../../src/constraints/vocabulary.ts'

export function automatonOf(expression: Expression): Automaton {
  return new AutomatonClass(expression, new Lexers(new Budget()))
}

/** Whether the automaton takes all bytes, and whether they may end there. */
export function run(automaton: Automaton, bytes: Uint8Array): { alive: boolean; accepting: boolean } {
  let state = automaton.start
  for (const byte of bytes) {
    automaton.budget.renew()
    const next = automaton.step(state, byte)
    if (next === null) return { alive: false, accepting: false }
    state = next
  }
  return { alive: true, accepting: state.accepting }
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Ids by place in the list; the last id ends an answer. */
export function vocabularyOf(tokens: readonly (string | Uint8Array)[]): Vocabulary {
  return new Vocabulary({
    size: tokens.length + 1,
    bytes: (id) => {
      const token = tokens[id]
      return typeof token === 'string' ? bytesOf(token) : token
    },
    endIds: [tokens.length],
  })
}

/** A generator of numbers below its argument that gives the same each time (mulberry32). */
export function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

export type Random = (below: number) => number

/** Characters that random texts are made of. */
export const ALPHABET = ['a', 'b', '"', '\\', '\n', 'é', '€', '😀']

function randomChars(random: Random): Text {
  const point = () => ALPHABET[random(ALPHABET.length)]!.codePointAt(0)!
  const ranges = Array.from({ length: 1 + random(2) }, (): [number, number] => {
    const [a, b] = [point(), point()]
    return random(3) === 0 ? [Math.min(a, b), Math.max(a, b)] : [a, a]
  })
  return { kind: 'chars', ranges }
}

export function randomText(random: Random, depth: number): Text {
  if (depth === 0) return randomChars(random)
  const inner = () => randomText(random, depth - 1)
  const some = () => Array.from({ length: random(3) + (random(6) === 0 ? 0 : 1) }, inner)
  switch (random(8)) {
    case 0:
      return { kind: 'either', options: some() }
    case 1:
    case 2: {
      const min = random(3)
      return { kind: 'repeat', item: inner(), min, max: random(3) === 0 ? Infinity : min + random(3) }
    }
    case 3:
      return { kind: 'all', items: some() }
    case 4:
      return { kind: 'not', item: inner() }
    case 5:
      return randomChars(random)
    default:
      return { kind: 'sequence', items: some() }
  }
}

/** @param rules rules that may be referred to, from inside of something only */
export function randomExpression(random: Random, depth: number, rules: readonly Expression[] = []): Expression {
  const inner = () => randomExpression(random, depth - 1, rules)
  const some = () => Array.from({ length: random(3) + (random(6) === 0 ? 0 : 1) }, inner)
  if (depth === 0) {
    if (random(4) === 0) return jsonString(randomText(random, 2))
    if (random(3) === 0) return utf8(randomText(random, 2))
    return literal(Array.from({ length: random(3) }, () => ALPHABET[random(ALPHABET.length)]).join(''))
  }
  switch (random(rules.length > 0 ? 6 : 5)) {
    case 0:
    case 1:
      return either(...some())
    case 2: {
      const min = random(3)
      return repeat(inner(), min, random(3) === 0 ? Infinity : min + random(3))
    }
    case 5: {
      const target = rules[random(rules.length)]!
      return sequence(literal('a'), target, ...some())
    }
    default:
      return sequence(...some())
  }
}

/** An expression whose rules refer to each other. */
export function randomGrammar(random: Random): Expression {
  const bodies: Expression[] = []
  const rules = Array.from({ length: 2 }, (_, i) => rule(`r${i}`, () => bodies[i]!))
  for (const _ of rules) bodies.push(either(randomExpression(random, 2, rules), randomExpression(random, 1)))
  return random(2) === 0 ? rules[0]! : randomExpression(random, 3, rules)
}
