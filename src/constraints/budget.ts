/** Counts the work of an automaton, so that a hostile constraint ends in an error after a bounded time on every machine. */
import { ConstraintError } from '../errors.ts'

/** Units of one call. A unit is two to five microseconds, so that all of them are about 100 ms. */
const MOST = 36_000

export class Budget {
  #all = MOST
  #left = MOST

  /** A call from outside begins: compiling, taking a token, a mask; or work ahead, which has fewer units. */
  renew(units = MOST): void {
    this.#all = units
    this.#left = units
  }

  /** Units since the call began. */
  get spent(): number {
    return this.#all - this.#left
  }

  /** @throws ConstraintError when the call has used up its work */
  spend(units: number): void {
    this.#left -= units
    if (this.#left < 0) {
      throw new ConstraintError(
        'work',
        'the constraint takes too much work: its alternatives, bounds or repetitions multiply; write it with fewer of them',
      )
    }
  }
}
