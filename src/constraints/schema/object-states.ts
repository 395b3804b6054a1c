/** The states of an object that is being written: which names it has, how many members, and what is still to come. */
import type { TextStates } from '../text-states.ts'
import type { TermFacts } from './array-states.ts'
import type { Members, ObjectSet } from './sets.ts'
import { ANY_STRING, commonStrings, hasString, isEmptyStrings, otherStrings, type StringSet } from './strings.ts'
import { bothTerms, isFalse, type Term, TRUE } from './terms.ts'

const MORE = Number.POSITIVE_INFINITY

export interface ObjectState {
  /** A bit for each name that was written. */
  readonly seen: bigint
  readonly count: number
  /** A bit for each witness that was written. */
  readonly met: number
  /** A bit for each name that was written or must be. */
  readonly due: bigint
}

/** A member that may come next. */
export interface Member {
  /** The number of its name, or undefined for names that no subschema lists. */
  readonly named: number | undefined
  readonly names: StringSet
  readonly term: Term
  readonly state: ObjectState
}

/** Names that are alike: the same subschemas apply to their values. */
interface Cell {
  readonly names: StringSet
  readonly term: Term
  /** Numbers of the witnesses that such a member can be. */
  readonly witnesses: readonly number[]
}

export class ObjectStates {
  readonly start: ObjectState
  readonly #set: ObjectSet
  readonly #facts: TermFacts
  readonly #texts: TextStates
  /** All names that some subschema lists. */
  readonly names: readonly string[]
  readonly #named: readonly (Cell | undefined)[]
  readonly #others: readonly Cell[]
  /** By number of a name, the names that must be there with it, itself included; those without others are left out. */
  readonly #closures: ReadonlyMap<number, bigint>
  readonly #usable: bigint
  readonly #finishes = new Map<string, boolean>()

  constructor(set: ObjectSet, facts: TermFacts, texts: TextStates) {
    this.#set = set
    this.#facts = facts
    this.#texts = texts
    this.names = namesIn(set)
    const unlisted = set.members.filter(({ names }) => names.values === undefined)
    // States hold a bit for each name, and each state leads to one more for each name.
    const count = this.names.length
    const letters = this.names.reduce((all, { length }) => all + length, 0)
    facts.spend((count * (1 + unlisted.length)) / 50 + count ** 2 / 16000 + letters / 60, set.path)
    const byName = membersByName(set.members)
    const numbers = new Map(this.names.map((name, i) => [name, i]))
    this.#named = this.names.map((name) => this.#namedCell(name, [...(byName.get(name) ?? []), ...unlisted]))
    this.#others = this.#cells(numbers)
    const dependents = set.dependents.map(([name, required]) => {
      return [numbers.get(name)!, required.map((one) => numbers.get(one)!)] as const
    })
    this.#closures = closuresOf(dependents, (steps) => facts.spend(steps, set.path))
    const due = set.required.reduce((all, name) => all | this.#closure(numbers.get(name)!), 0n)
    this.start = { seen: 0n, count: 0, met: 0, due }
    this.#usable = this.#named.reduce((all, cell, i) => (cell === undefined ? all : all | (1n << BigInt(i))), 0n)
  }

  /** Conditions work together in ways that only trying shows. */
  get #searches(): boolean {
    const { witnesses, min, max } = this.#set
    return witnesses.length > 0 || (this.#closures.size > 0 && min > 0 && max < MORE)
  }

  /** Whether some object is in the set. */
  get some(): boolean {
    return this.#canFinish(this.start)
  }

  key({ seen, count, met }: ObjectState): string {
    // Digits of a power of two are cut out of the bits; others take a division for each.
    return `${seen.toString(32)};${count};${met}`
  }

  accepts({ seen, count, met, due }: ObjectState): boolean {
    return (
      (due & ~seen) === 0n &&
      count >= this.#set.min &&
      count <= this.#set.max &&
      met === 2 ** this.#set.witnesses.length - 1
    )
  }

  /** A bit for each listed name that may come next, so that the object can still be finished. */
  named(state: ObjectState): bigint {
    const { seen, count, due } = state
    if (count >= this.#set.max) return 0n
    const free = this.#usable & ~seen
    if (this.#searches || this.#closures.size > 0) {
      return bitsOf(free).reduce((all, i) => (this.members(state, i).length > 0 ? all | (1n << BigInt(i)) : all), 0n)
    }
    // What must come has its place; anything else needs one more.
    const needed = due & ~seen
    return this.#set.max < MORE && count + bitsIn(needed) >= this.#set.max ? free & needed : free
  }

  /** The members of a listed name that may come next, after which the object can still be finished. */
  members(state: ObjectState, named: number): Member[] {
    const bit = 1n << BigInt(named)
    const cell = this.#named[named]
    if (cell === undefined || (state.seen & bit) !== 0n || state.count >= this.#set.max) return []
    const after = { ...this.#counted(state), seen: state.seen | bit, due: state.due | this.#closure(named) }
    return this.#marked(cell, named, after).filter((member) => this.#canFinish(member.state))
  }

  /** The members of names that no subschema lists. */
  others(state: ObjectState): Member[] {
    if (state.count >= this.#set.max) return []
    const after = this.#counted(state)
    return this.#others
      .flatMap((cell) => this.#marked(cell, undefined, after))
      .filter((member) => this.#canFinish(member.state))
  }

  /** Every term that some member may be of. */
  terms(): Term[] {
    const cells = [...this.#named, ...this.#others].filter((cell) => cell !== undefined)
    this.#facts.spend(
      cells.reduce((all, { witnesses }) => all + 2 ** witnesses.length - 1, 0),
      this.#set.path,
    )
    return cells.flatMap((cell) => this.#marked(cell, undefined, this.start).map(({ term }) => term))
  }

  /** A state with one member more. */
  #counted(state: ObjectState): ObjectState {
    const { min, max } = this.#set
    const more = state.count + 1
    return { ...state, count: max === MORE ? Math.min(min, more) : more }
  }

  /** The names that must be there with one, itself included. */
  #closure(named: number): bigint {
    return this.#closures.get(named) ?? 1n << BigInt(named)
  }

  /** A member as it is, and as each choice of witnesses that it can be. */
  #marked({ names, term, witnesses }: Cell, named: number | undefined, state: ObjectState): Member[] {
    let members: Member[] = [{ named, names, term, state }]
    for (const i of witnesses) {
      const bit = 2 ** i
      if ((state.met & bit) !== 0) continue
      const also = members.map((member) => ({
        ...member,
        term: bothTerms(member.term, this.#set.witnesses[i]!.term),
        state: { ...member.state, met: member.state.met | bit },
      }))
      members = [...members, ...also.filter((member) => !isFalse(member.term) && this.#facts.has(member.term))]
    }
    return members
  }

  #canFinish(state: ObjectState): boolean {
    const { min, max } = this.#set
    const needed = state.due & ~state.seen
    if ((needed & ~this.#usable) !== 0n || (max < MORE && state.count + bitsIn(needed) > max)) return false
    if (this.#searches) return this.#search(state)
    if (this.#others.length > 0 || state.count >= min) return true
    return state.count + bitsIn(this.#reachable(state.seen)) >= min
  }

  /** Names that may still come: what depends on them may come too. */
  #reachable(seen: bigint): bigint {
    let reachable = this.#usable & ~seen
    for (const [i, closure] of this.#closures) {
      if ((closure & ~this.#usable) !== 0n) reachable &= ~(1n << BigInt(i))
    }
    return reachable
  }

  #search(state: ObjectState): boolean {
    const key = this.key(state)
    let finishes = this.#finishes.get(key)
    if (finishes === undefined) {
      this.#facts.spend(1, this.#set.path)
      this.#finishes.set(key, false)
      finishes = this.accepts(state) || this.#leads(state)
      this.#finishes.set(key, finishes)
    }
    return finishes
  }

  /** Whether some member leads on to an end. */
  #leads(state: ObjectState): boolean {
    return this.names.some((_, i) => this.members(state, i).length > 0) || this.others(state).length > 0
  }

  #namedCell(name: string, members: readonly Members[]): Cell | undefined {
    const applies = ({ names }: Members) => hasString(names, name, this.#texts)
    const term = bothTerms(...members.filter(applies).map((member) => member.term))
    if (isFalse(term) || !this.#facts.has(term)) return undefined
    const witnesses = this.#set.witnesses.flatMap((one, i) => (applies(one) ? [i] : []))
    return { names: { values: new Set([name]) }, term, witnesses }
  }

  /** The names that nobody lists, cut where other subschemas begin to apply. */
  #cells(listed: ReadonlyMap<string, number>): Cell[] {
    const rest = listed.size === 0 ? ANY_STRING : otherStrings({ values: new Set(listed.keys()) }, this.#texts)
    let cells: Cell[] = [{ names: rest, term: TRUE, witnesses: [] }]
    const cut = (names: StringSet, inside: (cell: Cell) => Cell): void => {
      if (names.values !== undefined) return
      this.#facts.spend(8 * cells.length, this.#set.path)
      cells = cells.flatMap((cell) => {
        const both = (other: StringSet) => ({ ...cell, names: commonStrings(cell.names, other, this.#texts) })
        const within = isFalse(inside(cell).term) ? [] : [inside(both(names))]
        const without =
          names.text === ANY_STRING.text ? [] : [both(otherStrings({ ...names, except: new Set() }, this.#texts))]
        return [...within, ...without].filter((part) => !isEmptyStrings(part.names, this.#texts))
      })
    }
    for (const { names, term } of this.#set.members)
      cut(names, (cell) => ({ ...cell, term: bothTerms(cell.term, term) }))
    for (const [i, { names }] of this.#set.witnesses.entries()) {
      cut(names, (cell) => ({ ...cell, witnesses: [...cell.witnesses, i] }))
    }
    return cells.filter(({ term }) => this.#facts.has(term))
  }
}

/** All names that some subschema lists. */
function namesIn({ members, required, dependents, witnesses }: ObjectSet): string[] {
  const sets = [...members, ...witnesses].flatMap(({ names }) => [...(names.values ?? names.except)])
  return [...new Set([...sets, ...required, ...dependents.flatMap(([name, others]) => [name, ...others])])]
}

function membersByName(members: readonly Members[]): Map<string, Members[]> {
  const byName = new Map<string, Members[]>()
  for (const one of members) {
    for (const name of one.names.values ?? []) {
      const before = byName.get(name)
      if (before === undefined) byName.set(name, [one])
      else before.push(one)
    }
  }
  return byName
}

/** What depends on each name, and on what depends on it. */
function closuresOf(
  dependents: readonly (readonly [named: number, others: readonly number[]])[],
  spend: (steps: number) => void,
): Map<number, bigint> {
  const direct = new Map<number, number[]>()
  for (const [named, others] of dependents) {
    const known = direct.get(named)
    if (known === undefined) direct.set(named, [...others])
    else for (const other of others) known.push(other)
  }
  const closures = new Map<number, bigint>()
  for (const named of direct.keys()) {
    const found = new Set([named])
    let looks = 0
    for (const one of found) {
      const next = direct.get(one) ?? []
      looks += 1 + next.length
      for (const other of next) found.add(other)
    }
    spend(0.2 + looks / 300)
    closures.set(
      named,
      [...found].reduce((all, one) => all | (1n << BigInt(one)), 0n),
    )
  }
  return closures
}

/** The numbers of the bits that are set. */
function bitsOf(bits: bigint): number[] {
  const digits = bits.toString(2)
  return Array.from({ length: digits.length }, (_, i) => i).filter((i) => digits[digits.length - 1 - i] === '1')
}

function bitsIn(bits: bigint): number {
  let count = 0
  for (let left = bits; left !== 0n; left &= left - 1n) count++
  return count
}
