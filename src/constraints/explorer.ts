/** Works out ahead what masks to come are put together from, a little at a time, while there is nothing else to do. */
import { MistralError } from '../errors.ts'
import type { Automaton } from './automaton.ts'
import type { Fan } from './branch.ts'
import type { Insides } from './insides.ts'
import type { LexState } from './lexer.ts'
import type { Place, Stack } from './stack.ts'

/** Units of the budget for a little, some tenths of a millisecond, and for all of one automaton. */
const LITTLE = 300
const MOST_UNITS = 30_000
/** Units of a state of which everything is known. */
const STATE = 0.2
/** Units of one thing that is worked out; what takes more is left for its token. */
const MOST_AT_ONCE = 9000
/** Places of one automaton, and states of one terminal, that are visited; what lies further away waits for its token. */
const MOST_PLACES = 400
const MOST_STATES = 48
/** A terminal whose states cost more than this is left alone: most of them will never come up. */
const MOST_OF_TERMINAL = 8000

export class Explorer {
  readonly #places: Place[]
  readonly #seen: Set<Place>
  readonly #steps: Generator<undefined, void, undefined>
  #spent = 0
  #done = false

  /** @param visit finds the tokens that go on behind a terminal, so that they are known */
  constructor(
    private readonly automaton: Automaton,
    private readonly insides: Insides,
    private readonly visit: (exits: Fan, stack: Stack) => void,
  ) {
    this.#places = [...automaton.start.places]
    this.#seen = new Set(this.#places)
    this.#steps = this.#explore()
  }

  /**
   * Visits some places. What fails here fails again where it is needed, and is said there.
   * @param before does other work first, of about so many units
   */
  step(before: (units: number) => void = () => {}): void {
    const { budget } = this.automaton
    try {
      budget.renew(MOST_AT_ONCE)
      before(LITTLE)
      const left = Math.max(0, LITTLE - budget.spent)
      if (this.#done || left === 0) return
      budget.renew(MOST_AT_ONCE)
      while (!this.#done && budget.spent < left) this.#done = this.#steps.next().done === true
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
        const exits = places.length > 0 ? this.#exitsOf(state, lex) : undefined
        if (exits !== undefined) this.visit(exits, stack)
        this.automaton.budget.spend(STATE)
        yield
      }
    }
  }

  /** Finds the tokens inside. Returns where some go on behind the terminal. */
  #exitsOf(state: LexState, start: LexState): Fan | undefined {
    const { budget } = this.automaton
    const spent = costs.get(start) ?? 0
    if (spent > MOST_OF_TERMINAL) return undefined
    const before = budget.spent
    const { exits } = this.insides.of(state, this.insides.roots.all, budget)
    costs.set(start, spent + budget.spent - before)
    return exits
  }
}

/** Units that the states of a terminal have cost, by its first one. */
const costs = new WeakMap<LexState, number>()
const states = new WeakMap<LexState, readonly LexState[]>()

/** The states that a terminal can come to from its first one on, those within a literal included. */
function statesOf(start: LexState): readonly LexState[] {
  let known = states.get(start)
  if (known === undefined) {
    known = reachable(start)
    states.set(start, known)
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
