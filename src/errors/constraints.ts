/** Errors of constraints, and of what they are made of. */
import { MistralError } from './base.ts'
import { show } from './show.ts'

/**
 * A constraint on the next token cannot be kept: its automaton passes a limit, it cannot begin (left recursion, a language
 * without texts), or its text is no grammar.
 */
export class ConstraintError extends MistralError {
  override name = 'ConstraintError'

  constructor(
    /** What was passed or broken: `work`, `states`, `depth`, `left recursion`, `empty`, `syntax`, `token`. */
    readonly limit: string,
    message: string,
  ) {
    super(message)
  }
}

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

/** A regular expression that does not parse, or that says what no automaton can hold. */
export class PatternError extends MistralError {
  override name = 'PatternError'

  constructor(
    readonly pattern: string,
    /** Where in the pattern, in UTF-16 units. */
    readonly position: number,
    /** What is wrong, without the pattern. */
    readonly fact: string,
  ) {
    super(`pattern ${show(pattern)}, at ${position}: ${fact}`)
  }
}

/** A GBNF grammar that does not parse, or that no automaton runs. */
export class GrammarError extends ConstraintError {
  override name = 'GrammarError'
  /** From 1 on. */
  readonly line: number
  /** From 1 on, in characters. */
  readonly column: number

  constructor(
    source: string,
    at: number,
    /** What is wrong, without the place. */
    readonly fact: string,
    limit = 'syntax',
  ) {
    const before = source.slice(0, at).split('\n')
    const column = Array.from(before.at(-1)!).length + 1
    super(limit, `grammar, line ${before.length}, column ${column}: ${fact}`)
    this.line = before.length
    this.column = column
  }
}
