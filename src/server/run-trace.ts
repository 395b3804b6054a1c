/** The measures of one request to the model. */
import type { ChatChunk } from '../chat/answer.ts'
import type { Usage } from '../generate/types.ts'
import type { ServedCompletion } from './records.ts'

interface Choice {
  readonly firstAt: number
  lastAt: number
  tokens: number
  /** Tokens that came after the first piece. */
  later: number
}

/** Takes the measures of one request to the model, from its pieces as they come. Times are those of `performance.now`. */
export class RunTrace {
  /** Infinity until there is one. */
  firstTokenAt = Infinity
  /** undefined until the end, and for good when it breaks off. */
  usage: Usage | undefined
  finishReasons: readonly string[] = []
  private readonly choices = new Map<number, Choice>()

  piece({ index, token_ids: { length: tokens }, text }: ChatChunk): void {
    if (tokens === 0 && text === '') return
    const now = performance.now()
    this.firstTokenAt = Math.min(this.firstTokenAt, now)
    const choice = this.choices.get(index)
    if (choice === undefined) this.choices.set(index, { firstAt: now, lastAt: now, tokens, later: 0 })
    else {
      choice.lastAt = now
      choice.tokens += tokens
      choice.later += tokens
    }
  }

  completed({ usage, choices }: ServedCompletion): void {
    this.usage = usage
    this.finishReasons = choices.map((choice) => choice.finish_reason)
  }

  /** The tokens of all choices; of a run that broke off, what had come. */
  get completionTokens(): number {
    if (this.usage !== undefined) return this.usage.completion_tokens
    return [...this.choices.values()].reduce((sum, { tokens }) => sum + tokens, 0)
  }

  /** The time that one reader waits between tokens, for each choice that has more than one. */
  secondsPerToken(): number[] {
    const long = [...this.choices.values()].filter(({ later }) => later > 0)
    return long.map(({ firstAt, lastAt, later }) => (lastAt - firstAt) / 1000 / later)
  }
}
