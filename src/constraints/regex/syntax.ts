/** What a regular expression is before it becomes a text. */
import type { CharRange } from '../expression.ts'

export { PatternError } from '../../errors.ts'

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
