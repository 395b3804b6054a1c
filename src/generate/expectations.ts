/** How often tokens were right that constraints expected. It depends on how a model cuts texts into tokens, so all its answers count. */
import type { Costs } from './speculation.ts'

/** How much of what was seen before counts still when another answer begins: what was wrong is tried again. */
const FADE = 0.9
/** Tokens that may turn out wrong before any was right. */
const CREDIT = 8

export class Expectations {
  #guessed = 0
  #right = 0

  begin(): void {
    this.#guessed *= FADE
    this.#right *= FADE
  }

  /** So many tokens were checked. */
  checked(tokens: number): void {
    this.#guessed += tokens
  }

  /** One of them was right. */
  confirm(): void {
    this.#right++
  }

  /** Whether it is of use to check so many tokens at once: not where most were wrong, and not where they come as fast one by one. */
  trusts(tokens: number, costs: Costs): boolean {
    if (2 * this.#right + CREDIT < this.#guessed) return false
    const { answers } = costs
    const [together, one] = [costs.aloneCost(answers + tokens), costs.stepCost(answers)]
    if (together === undefined || one === undefined) return true
    const share = (this.#right + CREDIT) / (this.#guessed + CREDIT)
    return (1 + tokens * share) * one > together
  }
}
