/** What a GBNF grammar is read into, and the errors that say where it is wrong. */
import { ConstraintError } from '../../errors.ts'
import type { CharRange } from '../expression.ts'

export type Syntax =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'chars'; readonly ranges: readonly CharRange[] }
  | { readonly kind: 'sequence' | 'either'; readonly items: readonly Syntax[] }
  | { readonly kind: 'repeat'; readonly item: Syntax; readonly min: number; readonly max: number }
  | { readonly kind: 'reference'; readonly name: string; readonly at: number }

export interface Grammar {
  readonly source: string
  readonly rules: ReadonlyMap<string, { readonly body: Syntax; readonly at: number }>
}

/** A grammar that does not parse, or that no automaton runs. */
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
    const line = before.length
    const column = Array.from(before.at(-1)!).length + 1
    super(limit, `grammar, line ${line}, column ${column}: ${fact}`)
    this.line = line
    this.column = column
  }
}
