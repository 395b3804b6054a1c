/** The limits on what a schema may cost, and the error of one that cannot become a constraint. */
import { SchemaError } from '../../errors.ts'

export { SchemaError } from '../../errors.ts'

/** Steps that one schema may take; each is about ten microseconds, so that hostile schemas end early. */
const MAX_STEPS = 10_000

/** Counts what a schema costs. */
export class Effort {
  #left = MAX_STEPS

  /** States are made while an answer is written, too: what compiling left over does not limit those. */
  refill(): void {
    this.#left = 50 * MAX_STEPS
  }

  /** @throws SchemaError when the schema has had its share */
  spend(steps: number, path: string): void {
    this.#left -= steps
    if (this.#left < 0) throw new SchemaError(path, 'the schema is too complex: its alternatives multiply')
  }
}
