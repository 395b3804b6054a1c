/** The limits on what a schema may cost, and the error of one that cannot become a constraint. */
import { SchemaError } from '../../errors.ts'
import type { Budget } from '../budget.ts'

export { SchemaError } from '../../errors.ts'

/** Steps that one schema may take; each is ten to twenty microseconds, so that hostile schemas end early. */
const MAX_STEPS = 5_000

/** Counts what a schema costs. */
/** What a step takes of the budget that the automaton has for its beginning. */
const UNITS = 4

export class Effort {
  #left = MAX_STEPS
  #budget: Budget | undefined

  constructor(budget?: Budget) {
    this.#budget = budget
  }

  /** States are made while an answer is written, too: what compiling left over does not limit those. */
  refill(): void {
    this.#left = 50 * MAX_STEPS
    this.#budget = undefined
  }

  /** @throws SchemaError when the schema has had its share */
  spend(steps: number, path: string): void {
    this.#left -= steps
    this.#budget?.spend(UNITS * steps)
    if (this.#left < 0) throw new SchemaError(path, 'the schema is too complex: its alternatives multiply')
  }
}
