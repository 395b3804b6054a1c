/** The error of a schema that cannot become a constraint, and the limits on what one may cost. */
import { MistralError } from '../../errors.ts'

/** A JSON schema that is wrong, asks for what is not supported, allows no value, or is too large. */
export class SchemaError extends MistralError {
  override name = 'SchemaError'

  constructor(
    /** Where in the schema: a JSON pointer, `#/properties/a/pattern`. */
    readonly path: string,
    /** What is wrong, without the path. */
    readonly fact: string,
    options?: ErrorOptions,
  ) {
    super(`schema at ${path}: ${fact}`, options)
  }
}

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
