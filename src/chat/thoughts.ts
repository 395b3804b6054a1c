/** Thoughts of the model: which tokens are one. */
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

/** How a vocabulary marks thoughts. */
export interface ThinkingTokens {
  /** The id of `[THINK]`. */
  readonly begin: number
  /** The id of `[/THINK]`. */
  readonly end: number
}

/** undefined when the vocabulary has no tokens for thoughts. */
export function thinkingTokens({ specialTokens }: Tokenizer): ThinkingTokens | undefined {
  const [begin, end] = [specialTokens.get('[THINK]'), specialTokens.get('[/THINK]')]
  return begin === undefined || end === undefined ? undefined : { begin, end }
}

/** The prompt ends inside a thought: a message that is gone on with, or a template that makes the model think. */
export function endsInThought(promptIds: readonly number[], { begin, end }: ThinkingTokens): boolean {
  return promptIds.findLast((id) => id === begin || id === end) === begin
}
