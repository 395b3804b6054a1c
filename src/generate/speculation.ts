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
const FADE = 0.8
/** Rounds that must have been seen before guessing begins. */
const ROUNDS = 2
/** Tokens a millisecond that guessing must gain, times what it would be without, to begin and to go on. */
const TO_BEGIN = 1.25
const TO_GO_ON = 1
/** Lengths of a guess to choose from, besides the longest: with the row before them they fill a small matrix product. */
const LENGTHS = [7, 3, 1]
/** Tokens at the end of a prompt that are gone through before the answer. */
const REHEARSED = 1024

/** What became of a guess. */
interface Round {
  readonly length: number
  readonly right: number
}

/**
 * Goes through tokens in rounds, as if each round's guess were verified: it knows what came, so it knows how many of the
 * guess were right. That takes nothing from the GPU as long as guessing is off, and it is the same measure when it is on.
 */
class Rounds {
  private readonly lookup: PromptLookup
  private guessed: readonly number[] | undefined
  /** Where the guess begins in the tokens. */
  private first = 0

  constructor(
    private readonly tokens: readonly number[],
    private readonly length: () => number,
  ) {
    this.lookup = new PromptLookup(tokens)
  }

  guess(most: number): number[] {
    return this.lookup.guess(most)
  }

  /** A token was added to the list. Returns the round that ended with it, if one did. */
  added(): Round | undefined {
    const at = this.tokens.length - 1
    const { guessed } = this
    const right = at - this.first
    if (guessed !== undefined && right < guessed.length && guessed[right] === this.tokens[at]) return undefined
    this.guessed = this.lookup.guess(this.length())
    this.first = at + 1
    return guessed && { length: guessed.length, right }
  }
}

/** Decides for one request. A text that repeats itself goes on doing so: the end of its prompt counts like an answer. */
export class Speculation {
  private readonly answer: Rounds
  private readonly promptEnd: readonly number[]
  private rehearsed = false
  /** Sums over rounds, the latest counting most. */
  private rounds = 0
  private gained = 0
  private spent = 0
  private right = 0
  private wrong = 0
  #pays = false

  /**
   * @param tokens those of the prompt, to which those of the answer are added
   * @param most tokens of one guess at most
   */
  constructor(
    tokens: readonly number[],
    private readonly most: number,
    private readonly costs: Costs,
    /** Whether the request's tokens are awaited one by one anyway. */
    private readonly stepwise: () => boolean,
  ) {
    this.answer = new Rounds(tokens, () => this.length())
    this.promptEnd = tokens.slice(-REHEARSED)
  }

  /** Guesses should be verified now. */
  get pays(): boolean {
    return this.#pays
  }

  /** What may come next, at most `room` ids; none while guessing does not pay. */
  guess(room: number): number[] {
    return this.#pays ? this.answer.guess(Math.min(room, this.length())) : []
  }

  /** A token was added to the list. */
  added(): void {
    const plain = this.plain()
    if (plain !== undefined && !this.rehearsed) this.rehearse(plain)
    const round = this.answer.added()
    if (plain !== undefined && round !== undefined) this.ended(round, plain)
  }

  private rehearse(plain: number): void {
    this.rehearsed = true
    const tokens: number[] = []
    const rounds = new Rounds(tokens, () => this.length())
    for (const id of this.promptEnd) {
      tokens.push(id)
      const round = rounds.added()
      if (round !== undefined) this.ended(round, plain)
    }
  }

  private ended({ length, right }: Round, plain: number): void {
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
