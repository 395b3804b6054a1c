/**
 * Numbers that are multiples of one number and no multiples of others, as rules: each stands for what may follow when the digits so
 * far leave certain remainders.
 */
import { EMPTY, type Expression, either, type Rule, rule, sequence, type Text, utf8 } from '../expression.ts'
import { charsOf, textAll } from '../text.ts'
import type { TextState, TextStates } from '../text-states.ts'
import { type Decimal, plainSpelling } from './decimal.ts'
import { SchemaError } from './error.ts'
import { fractionsText, rangeText } from './number-text.ts'
import type { NumberSet } from './numbers.ts'

const MORE = Number.POSITIVE_INFINITY
/** Remainders that are told apart, and states together with those of the bounds. */
const LIMITS = { remainders: 10_000n, states: 5_000 }
const SYMBOLS = '-.0123456789'

/** @throws SchemaError when the multiples are too large for an automaton */
export function numberExpression(set: NumberSet, states: TextStates, path: string): Expression {
  const { min, max, step, avoid } = set
  const simple = simpleText(set)
  if (simple !== undefined) return utf8(simple)
  for (const { digits } of [...(step === undefined ? [] : [step]), ...avoid]) {
    if (digits > LIMITS.remainders) {
      throw new SchemaError(
        path,
        `multiples of ${digits} are not supported, the limit is ${LIMITS.remainders} without the point`,
      )
    }
  }
  const integer = step?.scale === 0
  const bounds = rangeText(min, max, { integer, scale: step?.scale ?? MORE, plain: true })
  return new Remainders(set, bounds, states, path).whole()
}

function simpleText({ min, max, step, avoid }: NumberSet): Text | undefined {
  const one = ({ digits, scale }: Decimal) => digits === 1n && scale === 0
  if (step === undefined) {
    if (avoid.length === 0) return rangeText(min, max, { integer: false, scale: MORE })
    return avoid.length === 1 && one(avoid[0]!) ? fractionsText(min, max) : undefined
  }
  if (step.digits !== 1n || avoid.some((multiple) => !one(multiple))) return undefined
  const multiples = rangeText(min, max, { integer: step.scale === 0, scale: step.scale })
  return avoid.length === 0 ? multiples : textAll(multiples, fractionsText(undefined, undefined))
}

/** A number as JavaScript writes it, and without an exponent. */
export function spellings(value: Decimal): string[] {
  const plain = plainSpelling(value)
  const short = JSON.stringify(Number(plain))
  return short === plain || short === 'null' ? [plain] : [plain, short]
}

interface State {
  readonly bounds: TextState
  /** Of what was read without the point, by each number. */
  readonly left: readonly number[]
  /** Digits behind the point; undefined before it. */
  readonly behind: number | undefined
  /** By number: whether a digit other than zero stands further behind than multiples have. */
  readonly over: readonly boolean[]
}

class Remainders {
  readonly #of: readonly Decimal[]
  readonly #wanted: readonly boolean[]
  readonly #most: number
  readonly #states: TextStates
  readonly #start: State
  readonly #next = new Map<string, Map<string, string>>()
  readonly #accepting = new Set<string>()
  readonly #rules = new Map<string, Rule>()

  constructor({ step, avoid }: NumberSet, bounds: Text, states: TextStates, path: string) {
    this.#of = step === undefined ? avoid : [step, ...avoid]
    this.#wanted = this.#of.map((number) => number === step)
    this.#most = Math.max(...this.#of.map(({ scale }) => scale))
    this.#states = states
    const none = this.#of.map(() => 0)
    this.#start = { bounds: states.start(bounds), left: none, behind: undefined, over: none.map(() => false) }
    this.#explore(path)
  }

  whole(): Expression {
    return this.#rule(keyOf(this.#start))
  }

  #rule(key: string): Rule {
    let known = this.#rules.get(key)
    if (known === undefined) {
      known = rule('a multiple', () => {
        const targets = new Map<string, string>()
        for (const [symbol, target] of this.#next.get(key)!) targets.set(target, (targets.get(target) ?? '') + symbol)
        const options = [...targets].map(([target, symbols]) => sequence(utf8(charsOf(symbols)), this.#rule(target)))
        return either(...(this.#accepting.has(key) ? [EMPTY] : []), ...options)
      })
      this.#rules.set(key, known)
    }
    return known
  }

  /** Finds all states, and drops those that lead to no number. */
  #explore(path: string): void {
    const found = new Map([[keyOf(this.#start), this.#start]])
    const before = new Map<string, string[]>()
    for (const [key, state] of found) {
      if (found.size > LIMITS.states)
        throw new SchemaError(path, 'these multiples between these bounds are too many to tell apart')
      const next = new Map<string, string>()
      for (const symbol of SYMBOLS) {
        const target = this.#after(state, symbol)
        if (target === undefined) continue
        const name = keyOf(target)
        if (!found.has(name)) found.set(name, target)
        next.set(symbol, name)
        const known = before.get(name)
        if (known === undefined) before.set(name, [key])
        else known.push(key)
      }
      this.#next.set(key, next)
      if (this.#isNumber(state)) this.#accepting.add(key)
    }
    const alive = new Set(this.#accepting)
    for (const key of alive) for (const one of before.get(key) ?? []) alive.add(one)
    for (const next of this.#next.values()) {
      for (const [symbol, target] of next) if (!alive.has(target)) next.delete(symbol)
    }
  }

  #after({ bounds, left, behind, over }: State, symbol: string): State | undefined {
    const next = this.#states.after(bounds, symbol.charCodeAt(0))
    if (next === this.#states.none) return undefined
    if (symbol === '-') return { bounds: next, left, behind, over }
    if (symbol === '.') return { bounds: next, left, behind: 0, over }
    const digit = Number(symbol)
    const counts = (i: number) => behind === undefined || behind < this.#of[i]!.scale
    return {
      bounds: next,
      left: left.map((rest, i) => (counts(i) ? (rest * 10 + digit) % Number(this.#of[i]!.digits) : rest)),
      behind: behind === undefined ? undefined : Math.min(behind + 1, this.#most),
      over: over.map((is, i) => is || (!counts(i) && digit > 0)),
    }
  }

  #isNumber({ bounds, left, behind = 0, over }: State): boolean {
    return (
      bounds.accepts &&
      this.#of.every(({ digits, scale }, i) => {
        const missing = 10n ** BigInt(Math.max(0, scale - behind))
        return (!over[i]! && (BigInt(left[i]!) * missing) % digits === 0n) === this.#wanted[i]
      })
    )
  }
}

function keyOf({ bounds, left, behind, over }: State): string {
  return `${bounds.id},${left},${behind},${over.map(Number)}`
}
