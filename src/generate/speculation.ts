/** Whether guessing tokens ahead pays for one request, by how many guesses were right and by what wide batches cost. */
import { PromptLookup } from './prompt-lookup.ts'

/** Milliseconds of batches, as {@link Pace} has measured them; undefined where it has not. */
export interface Costs {
  /** Answers that go through the model together. */
  readonly answers: number
  /** One step of many, in batches of so many rows. */
  stepCost(rows: number): number | undefined
  /** A step whose tokens are awaited before the next. */
  aloneCost(rows: number): number | undefined
}

export type Speculate = (tokens: readonly number[], costs: Costs, stepwise: () => boolean) => Speculation

/** @param most tokens of one guess at most */
export function speculating(most: number): Speculate {
  return (tokens, costs, stepwise) => new Speculation(tokens, most, costs, stepwise)
}

/** How much a round still counts after the next one. */
const FADE = 0.85
/** Rounds that must have been seen before guessing begins. */
const ROUNDS = 2
/** Tokens a millisecond that guessing must gain, times what it would be without, to begin and to go on. */
const TO_BEGIN = 1.05
const TO_GO_ON = 1
/** Lengths of a guess to choose from, besides the longest: with the row before them they fill a small matrix product. */
const LENGTHS = [7, 3, 1]

/**
 * Goes through the answer in rounds, as if each round's guess were verified: it knows what came, so it knows how many of the
 * guess were right, and what the round would have cost. That takes nothing from the GPU as long as guessing is off, and it is
 * the same measure when it is on.
 */
export class Speculation {
  private readonly lookup: PromptLookup
  /** The guess of this round, where it begins in the tokens, and how much of it is seen to be right. */
  private guessed: readonly number[] | undefined
  private first = 0
  /** Sums over rounds, the latest counting most. */
  private rounds = 0
  private gained = 0
  private spent = 0
  private right = 0
  private wrong = 0
  #pays = false

  /** @param most tokens of one guess at most */
  constructor(
    private readonly tokens: readonly number[],
    private readonly most: number,
    private readonly costs: Costs,
    /** Whether the request's tokens are awaited one by one anyway. */
    private readonly stepwise: () => boolean,
  ) {
    this.lookup = new PromptLookup(tokens)
  }

  /** Guesses should be verified now. */
  get pays(): boolean {
    return this.#pays
  }

  /** What may come next, at most `room` ids; none while guessing does not pay. */
  guess(room: number): number[] {
    return this.#pays ? this.lookup.guess(Math.min(room, this.length())) : []
  }

  /** A token was added to the list. */
  added(): void {
    const at = this.tokens.length - 1
    if (this.guessed === undefined) this.begin(at)
    else {
      const right = this.guessed[at - this.first] === this.tokens[at]
      if (right && at - this.first < this.guessed.length) return
      this.end(at - this.first, this.guessed.length)
      this.begin(at)
    }
  }

  /** The round after the token at `at`. */
  private begin(at: number): void {
    this.guessed = this.lookup.guess(this.length())
    this.first = at + 1
  }

  private end(right: number, length: number): void {
    const plain = this.plain()
    if (plain === undefined) return
    this.rounds = FADE * this.rounds + 1
    // The other answers of the batch get one token each, guesses or not.
    this.gained = FADE * this.gained + 1 + right / this.costs.answers
    this.spent = FADE * this.spent + this.costOf(length)
    if (length > 0) {
      this.right = FADE * this.right + right
      this.wrong = FADE * this.wrong + (right < length ? 1 : 0)
    }
    const gain = (this.gained / this.spent) * plain
    this.#pays = this.rounds > ROUNDS - 1 && gain > (this.#pays ? TO_GO_ON : TO_BEGIN)
  }

  /** What a step costs without guesses. */
  private plain(): number | undefined {
    const { costs } = this
    return (this.stepwise() ? costs.aloneCost(costs.answers) : undefined) ?? costs.stepCost(costs.answers)
  }

  /** A width that was not measured is taken for as cheap as the next narrower one, so that it is tried. */
  private costOf(length: number): number {
    const { answers } = this.costs
    for (let rows = answers + length; rows > answers; rows = Math.max(answers, rows / 2)) {
      const cost = this.costs.aloneCost(Math.ceil(rows))
      if (cost !== undefined) return cost
    }
    return this.costs.aloneCost(answers) ?? this.plain() ?? 1
  }

  /** The length that brings most tokens for its cost, when each token is right as often as those before were. */
  private length(): number {
    const likely = (this.right + 1) / (this.right + this.wrong + 1.25)
    let best = this.most
    let bestRate = 0
    for (const length of [this.most, ...LENGTHS]) {
      if (length > this.most) continue
      const rate = (1 - likely ** (length + 1)) / (1 - likely) / this.costOf(length)
      if (rate > bestRate) {
        best = length
        bestRate = rate
      }
    }
    return best
  }
}
