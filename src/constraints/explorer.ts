/** Works out ahead what masks to come are put together from, a little at a time, while there is nothing else to do. */
import { MistralError } from '../errors.ts'
import type { Automaton } from './automaton.ts'
import type { Branch } from './branch.ts'
import type { Insides } from './insides.ts'
import type { Lexer, LexState } from './lexer.ts'
import type { Place } from './stack.ts'

/** Units of the budget for a little: some tenths of a millisecond. */
const LITTLE = 600
/** Places of one automaton, and states of one lexer, that are visited; what lies further away waits for its token. */
const MOST_PLACES = 400
const MOST_STATES = 48

export class Explorer {
  readonly #places: Place[]
  readonly #seen: Set<Place>
  #at = 0

  /** @param visit finds the tokens that can come in a place, so that they are known */
  constructor(
    private readonly automaton: Automaton,
    private readonly insides: Insides,
    private readonly visit: (place: Place, root: Branch) => void,
  ) {
    this.#places = [...automaton.start.places]
    this.#seen = new Set(this.#places)
  }

  /** Visits some places. What fails here fails again where it is needed, and is said there. */
  step(): void {
    const { budget } = this.automaton
    budget.renew()
    try {
      while (this.#at < this.#places.length && budget.spent < LITTLE) this.#explore(this.#places[this.#at++]!)
    } catch (error) {
      if (!(error instanceof MistralError || error instanceof RangeError)) throw error
      this.#at = Number.POSITIVE_INFINITY
    }
  }

  #explore({ lex, stack }: Place): void {
    const { automaton, insides } = this
    for (const state of statesOf(lex)) {
      for (const root of insides.roots.all) {
        if (insides.of(state, root, automaton.budget).exits !== undefined) this.visit(stack.place(state), root)
      }
    }
    for (const place of automaton.placesAfter(stack)) {
      if (this.#seen.has(place) || this.#places.length >= MOST_PLACES) continue
      this.#seen.add(place)
      this.#places.push(place)
    }
  }
}

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
