/** Holds log-probabilities back until the text of their tokens is shown. */
import type { TokenLogprob } from './token-logprob.ts'

/**
 * Holds log-probabilities back until the text of their tokens is shown, or known not to be. Places are characters of all
 * text that the tokens give; the tokens of one character, such as its single bytes, begin at the same place.
 */
export class ShownLogprobs {
  #held: { at: number; entry: TokenLogprob }[] = []

  get size(): number {
    return this.#held.length
  }

  /** A token whose text begins `at`, not before that of the token before it. */
  add(at: number, entry: TokenLogprob): void {
    // One without text, such as a space that the beginning of the text drops, is in none.
    if (entry.bytes.length > 0) this.#held.push({ at, entry })
  }

  /** Takes those of which text before `end` is shown. */
  take(end: number): TokenLogprob[] {
    let count = 0
    while (count < this.#held.length && this.#held[count]!.at < end) count++
    return this.#held.splice(0, count).map(({ entry }) => entry)
  }

  /** Drops those of which no text from `start` on is left. */
  skipTo(start: number): void {
    const first = this.#held.findLast(({ at }) => at <= start)?.at
    if (first !== undefined) this.#held = this.#held.filter(({ at }) => at >= first)
  }
}
