/** What a regular expression is before it becomes a text, and the error of one that cannot become one. */
import { MistralError } from '../../errors.ts'
import type { CharRange } from '../expression.ts'

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
    super(
      `pattern ${JSON.stringify(pattern.length > 80 ? `${pattern.slice(0, 77)}...` : pattern)}, at ${position}: ${fact}`,
    )
  }
}

/** A parsed pattern. `at` is where the node begins. */
export type RegexNode =
  | { readonly kind: 'chars'; readonly ranges: readonly CharRange[]; readonly at: number }
  | { readonly kind: 'sequence'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'either'; readonly options: readonly RegexNode[] }
  | {
      readonly kind: 'repeat'
      readonly item: RegexNode
      readonly min: number
      readonly max: number
      readonly at: number
    }
  | Assertion

/** What takes no character: it looks at those before or behind. */
export type Assertion =
  | { readonly kind: 'start' | 'end'; readonly at: number }
  | { readonly kind: 'boundary'; readonly negated: boolean; readonly at: number }
  | { readonly kind: 'ahead' | 'behind'; readonly item: RegexNode; readonly negated: boolean; readonly at: number }

export interface RegexFlags {
  /** `.` takes line ends too. */
  readonly dotAll: boolean
  readonly ignoreCase: boolean
}
