/** How many steps of an answer may run under one mask, where its constraint says that masks stay the same. It is loaded for requests with a constraint. */

/** What batches under one mask have cost, as {@link Pace} has measured it. */
export interface MaskCosts {
  /** Steps of every batch, where the caller has chosen them. */
  readonly fixed?: number | undefined
  /** Milliseconds of a batch of so many steps; undefined as long as none was measured. */
  heldCost(steps: number): number | undefined
}

/** Numbers of steps to choose from, each the double of the one before. */
const STEPS = [1, 2, 4, 8, 16]
/** What twice the steps are taken to cost, times the one, until they have been tried. */
const UNTRIED = 1.6
/** How much a token still counts after the next one. */
const FADE = 0.9

/**
 * Inside of a string, for one, the same tokens may come again and again. Then several steps run under the mask of the first, as
 * they do without a constraint, and nothing waits for the tokens between them. Where the mask turns out to be another one behind
 * a token, the steps after it are dropped, so that each token is chosen under its own mask.
 */
export class MaskRun {
  /** Tokens since the mask was another one. */
  #length = 0
  /** Tokens behind which a mask that had been kept was kept again, and behind which it was not; the latest count most. */
  #kept = 0
  #ended = 0

  constructor(private readonly costs: MaskCosts) {}

  /** The mask of the next token is that of the token before. */
  get holds(): boolean {
    return this.#length > 0
  }

  /** A token was accepted; `unchanged` as its constraint says. */
  added(unchanged: boolean): void {
    if (this.#length > 0) {
      this.#kept = FADE * this.#kept + (unchanged ? 1 : 0)
      this.#ended = FADE * this.#ended + (unchanged ? 0 : 1)
    }
    this.#length = unchanged ? this.#length + 1 : 0
  }

  /** The number of steps that brings most tokens for its cost; one where the mask has just changed. */
  get steps(): number {
    if (this.#length === 0) return 1
    if (this.costs.fixed !== undefined) return this.costs.fixed
    const likely = (this.#kept + 1) / (this.#kept + this.#ended + 1.25)
    let [best, bestRate, cost] = [1, 0, 0]
    for (const steps of STEPS) {
      const measured = this.costs.heldCost(steps)
      cost = measured ?? cost * UNTRIED
      const rate = (1 - likely ** steps) / (1 - likely) / cost
      if (cost === 0 || rate <= bestRate) break
      best = steps
      bestRate = rate
      if (measured === undefined) break
    }
    return best
  }
}
