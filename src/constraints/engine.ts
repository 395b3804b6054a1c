/** Constraints over one vocabulary: what was compiled and found out is kept for the requests to come. */
import { Automaton } from './automaton.ts'
import { Budget } from './budget.ts'
import type { Expression } from './expression.ts'
import { Lexers } from './lexers.ts'
import { Masks } from './masks.ts'
import { TextConstraint, withinStack } from './text-constraint.ts'
import { type TokenSource, Vocabulary } from './vocabulary.ts'

/** Automata that are remembered, and the longest text of a request by which one is found again. */
const MOST_AUTOMATA = 32
const MOST_KEY = 100_000

export class Engine {
  readonly #lexers = new Lexers(new Budget())
  #masks: Masks | undefined
  readonly #automata = new Map<string, Automaton>()

  constructor(private readonly source: TokenSource) {}

  /**
   * @param key what the expression is made of, written down; undefined or long: it is made anew
   * @param begins the text drops the space that its first token begins with
   * @returns makes a constraint for each answer
   * @throws ConstraintError for an expression that no text satisfies, or that passes a limit; what `make` throws
   */
  compile(key: string | undefined, make: (budget: Budget) => Expression, begins: boolean): () => TextConstraint {
    const name = key !== undefined && key.length <= MOST_KEY ? key : undefined
    let automaton = name === undefined ? undefined : this.#automata.get(name)
    if (automaton === undefined) {
      this.#lexers.budget.renew()
      automaton = withinStack(() => new Automaton(make(this.#lexers.budget), this.#lexers))
    }
    if (name !== undefined) this.#remember(name, automaton)
    const found = automaton
    return () => new TextConstraint(found, () => this.masks(), begins)
  }

  /** Made with the first mask, which is asked for when the GPU is busy with a prompt: the tries of a large vocabulary take a while. */
  private masks(): Masks {
    this.#masks ??= new Masks(new Vocabulary(this.source))
    return this.#masks
  }

  #remember(name: string, automaton: Automaton): void {
    this.#automata.delete(name)
    this.#automata.set(name, automaton)
    if (this.#automata.size > MOST_AUTOMATA) this.#automata.delete(this.#automata.keys().next().value!)
  }
}
