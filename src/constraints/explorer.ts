/** Works out ahead what masks to come are put together from, a little at a time, while there is nothing else to do. */
import { MistralError } from '../errors.ts'
import type { Automaton } from './automaton.ts'
import type { Branch } from './branch.ts'
import type { Insides } from './insides.ts'
import type { Lexer, LexState } from './lexer.ts'
import type { Place } from './stack.ts'

/** Units of the budget for a little, some tenths of a millisecond, and for all of one automaton. */
const LITTLE = 600
const MOST_UNITS = 60_000
/** Places of one automaton, and states of one lexer, that are visited; what lies further away waits for its token. */
const MOST_PLACES = 400
const MOST_STATES = 48
/** A lexer whose states cost more than this is left alone: most of them will never come up. */
const MOST_OF_LEXER = 8000

export class Explorer {
  readonly #places: Place[]
  readonly #seen: Set<Place>
  readonly #steps: Generator<undefined, void, undefined>
  #spent = 0
  #done = false

  /** @param visit finds the tokens that can come in a place, so that they are known */
  constructor(
    private readonly automaton: Automaton,
    private readonly insides: Insides,
    private readonly visit: (place: Place, root: Branch) => void,
  ) {
    this.#places = [...automaton.start.places]
    this.#seen = new Set(this.#places)
    this.#steps = this.#explore()
  }

  /** Visits some places. What fails here fails again where it is needed, and is said there. */
  step(): void {
    if (this.#done) return
    const { budget } = this.automaton
    budget.renew()
    try {
      while (!this.#done && budget.spent < LITTLE) this.#done = this.#steps.next().done === true
      this.#spent += budget.spent
      this.#done ||= this.#spent > MOST_UNITS
    } catch (error) {
      if (!(error instanceof MistralError || error instanceof RangeError)) throw error
      this.#done = true
    }
  }

  *#explore(): Generator<undefined, void, undefined> {
    for (const { lex, stack } of this.#places) {
      const places = this.automaton.placesAfter(stack)
      for (const place of places) {
        if (this.#seen.has(place) || this.#places.length >= MOST_PLACES) continue
        this.#seen.add(place)
        this.#places.push(place)
      }
      yield
      for (const state of statesOf(lex)) {
        for (const root of this.insides.roots.all) {
          if (this.#hasExits(state, root) && places.length > 0) this.visit(stack.place(state), root)
          yield
        }
      }
    }
  }

  /** Finds the tokens inside. Returns whether some go on behind the terminal. */
  #hasExits(state: LexState, root: Branch): boolean {
    const { budget } = this.automaton
    const { lexer } = state
    const spent = costs.get(lexer) ?? 0
    if (spent > MOST_OF_LEXER) return false
    const before = budget.spent
    const { exits } = this.insides.of(state, root, budget)
    costs.set(lexer, spent + budget.spent - before)
    return exits !== undefined
  }
}

/** Units that the states of a lexer have cost. */
const costs = new WeakMap<Lexer, number>()
const states = new WeakMap<Lexer, readonly LexState[]>()

/** The states that a terminal can come to from its first one on; of literals the first one, in which most tokens begin. */
function statesOf(start: LexState): readonly LexState[] {
  const { lexer } = start
  if (lexer.start !== start) return [start]
  let known = states.get(lexer)
  if (known === undefined) {
    known = lexer.literal ? [start] : reachable(start)
    states.set(lexer, known)
  }
  return known
}

function reachable(start: LexState): LexState[] {
  const found = new Set([start])
  for (const state of found) {
    if (state.final) continue
    for (const byte of state.lexer.bytes(state)) {
      const next = state.lexer.step(state, byte)
      if (next !== null && found.size < MOST_STATES) found.add(next)
    }
  }
  return [...found].filter((state) => !state.final)
}
