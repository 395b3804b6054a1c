/** What a GBNF grammar is read into. */
import type { CharRange } from '../expression.ts'

export { GrammarError } from '../../errors.ts'

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
