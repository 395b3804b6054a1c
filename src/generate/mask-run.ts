/** How many steps of an answer may run before its constraint is asked again, and under which mask. It is loaded for requests with a constraint. */
import type { Constraint } from '../constraints/constraint.ts'
import { type CourseRoom, type MaskCourse, stageAfter } from '../constraints/course.ts'
import { ParameterError } from '../errors.ts'
import type { SamplerNeeds } from '../model/batch.ts'
import { errorOf } from './thrown.ts'

/** What batches under masks have cost, as {@link Pace} has measured it. */
export interface MaskCosts {
  /** Steps of every batch, where the caller has chosen them. */
  readonly fixed?: number | undefined
  /** Milliseconds of a batch of so many steps; undefined as long as none was measured. */
  heldCost(steps: number): number | undefined
  /** What bringing tokens back costs, in steps; undefined when it was not measured. */
  readonly readback?: number | undefined
}

/** What the steps of a batch behind its first are chosen from. */
export interface LaterMask {
  readonly needs: Pick<SamplerNeeds, 'later' | 'course'>
  /**
   * Whether the token that was chosen so is the one that would have been chosen from its own mask, which is asked for.
   * @param before the token before it, which the constraint has accepted
   * @param fail takes what the constraint throws
   */
  fits(constraint: Constraint, before: number, tokenId: number, fail: (error: Error) => void): boolean
}

/** Numbers of steps to choose from, each the double of the one before. */
const STEPS = [1, 2, 4, 8, 16]
/** What twice the steps are taken to cost, times the one, until they have been tried. */
const UNTRIED = 1.6
/** How much a token still counts after the next one; and one that was chosen along a course, where few are wrong. */
const FADE = 0.9
const COURSE_FADE = 0.98
/** What a readback is taken to cost, in steps, until it was measured; and what it costs at least. */
const READBACK = 0.3
const LEAST_READBACK = 0.15
/** How likely all steps of a batch must be right for the next forward pass to follow at once: it spares what a readback costs, or is lost. */
const WORTH_FOLLOWING = 0.8
/** How much a token counts that was chosen from its own mask, where that lets most of the vocabulary in. */
const HINT = 0.5

/**
 * Several steps run where the tokens behind the first are likely to be right without their own masks; those behind a wrong one are
 * dropped, so that each token of the answer is what its own mask would have given. There are three ways to that.
 *
 * - The constraint gives a course of masks, in which the GPU finds the mask of each token by the token before it. It is most likely to be right, and
 *   holds for all samplers: where there is one, it is taken.
 * - Inside of a string, for one, the same tokens may come again and again: the mask of the first step is that of the next, too, and the
 *   constraint says so. This holds for all samplers.
 * - The best token of many is the best of some of them, if it is one of these. So where the best is taken, any mask will do that lets in
 *   more than the token's own, as long as the token turns out to be allowed: all tokens, or all that masks of the answer have let in.
 */
export class MaskRun {
  /** Tokens since the mask was another one. */
  #length = 0
  /** Of tokens behind which a mask that had been kept was kept again. */
  readonly #kept = new Odds()
  readonly #all = new Superset(null)
  readonly #seen = new Superset(new Uint32Array(0))
  readonly #course = new Odds(COURSE_FADE, 0.05)
  /** The mask that was asked for last lets most of the vocabulary in. */
  #free = false
  /** The token that comes next was chosen from a superset. */
  #judged = false

  private readonly best: boolean

  /**
   * @param best the best token is taken, and the constraint can be asked again
   * @param courses as the constraint gives them
   */
  constructor(
    private readonly costs: MaskCosts,
    best = false,
    private readonly courses?: ((room: CourseRoom) => MaskCourse | undefined) | undefined,
  ) {
    this.best = best && courses === undefined
  }

  /** The mask of the next token is that of the token before. */
  get holds(): boolean {
    return this.#length > 0
  }

  /** A mask was asked for. */
  asked(mask: Uint32Array | null): void {
    if (this.best) this.#free = this.#seen.join(mask)
  }

  /** A token was accepted; `unchanged` as its constraint says. */
  added(unchanged: boolean): void {
    if (this.#length > 0) this.#kept.add(unchanged)
    this.#length = unchanged ? this.#length + 1 : 0
    if (this.best && !this.#judged) for (const { odds } of [this.#all, this.#seen]) odds.hint(this.#free)
    if (this.courses !== undefined && !this.#judged) this.#course.pardon()
    this.#judged = false
  }

  /** For the next batch of several steps; undefined where the first step's mask has to hold. */
  get later(): LaterMask | undefined {
    if (this.courses !== undefined) return this.#alongCourse()
    if (!this.best) return undefined
    const superset = this.#likeliest
    return {
      needs: { later: () => superset.words },
      fits: (constraint, _before, id, fail) => {
        try {
          return this.#judge(superset, checkedMask(constraint.mask()), id)
        } catch (error) {
          fail(errorOf(error))
          return false
        }
      },
    }
  }

  /**
   * Whether the forward pass behind so many steps that are on their way may begin: all of them are right so often that it costs less than it
   * spares.
   */
  follows(ahead: number): boolean {
    return this.courses !== undefined && this.#course.likely ** (ahead - 1) > WORTH_FOLLOWING
  }

  #alongCourse(): LaterMask {
    let course: MaskCourse | undefined
    let stage = 0
    return {
      needs: {
        course: (room) => {
          course = this.courses!(room)
          stage = course?.first ?? 0
          return course
        },
      },
      fits: (constraint, before, _id, fail) => {
        try {
          if (course !== undefined) stage = stageAfter(course, stage, before)
          const fits = course !== undefined && constraint.stage === course.stages[stage]!.key
          this.#course.add(fits)
          this.#judged = fits
          return fits
        } catch (error) {
          fail(errorOf(error))
          return false
        }
      },
    }
  }

  #judge(superset: Superset, own: Uint32Array | null, id: number): boolean {
    const fits = superset.fits(own, id)
    // What it lets in counts from the next batch on only.
    this.asked(own)
    superset.odds.add(fits)
    this.#judged = fits
    return fits
  }

  /** The number of steps that brings most tokens for its cost; one where the mask has just changed and has to hold. */
  get steps(): number {
    if (!this.best && this.courses === undefined && this.#length === 0) return 1
    if (this.costs.fixed !== undefined) return this.costs.fixed
    if (this.courses !== undefined) return this.#stepsAlongCourse
    const { likely } = this.best ? this.#likeliest.odds : this.#kept
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

  /** Nearly all steps are right, so batches are as long as those of free answers, where what a wrong one wastes is less than a readback. */
  get #stepsAlongCourse(): number {
    const { likely } = this.#course
    const readback = Math.max(this.costs.readback ?? READBACK, LEAST_READBACK)
    const rate = (steps: number) => (1 - likely ** steps) / (1 - likely) / (steps + readback)
    return STEPS.reduce((best, steps) => (rate(steps) > rate(best) ? steps : best), 1)
  }

  get #likeliest(): Superset {
    return this.#seen.odds.likely > this.#all.odds.likely ? this.#seen : this.#all
  }
}

/** How often something happened; what happened last counts most. */
class Odds {
  #yes = 0
  #no = 0

  /** @param doubt how much of one that did not happen there is at first */
  constructor(
    private readonly fade = FADE,
    private readonly doubt = 0.25,
  ) {}

  get likely(): number {
    return (this.#yes + 1) / (this.#yes + this.#no + 1 + this.doubt)
  }

  add(happened: boolean): void {
    this.#yes = this.fade * this.#yes + (happened ? 1 : 0)
    this.#no = this.fade * this.#no + (happened ? 0 : 1)
  }

  /** What did not happen grows old, so that it is tried again. */
  pardon(): void {
    this.#no *= this.fade
  }

  /** It was not tried, but would probably have happened. Otherwise what is known grows old, so that it is tried again. */
  hint(probably: boolean): void {
    this.#yes = this.fade * this.#yes + (probably ? HINT : 0)
    this.#no *= this.fade
  }
}

/** A mask that lets in more than others. */
class Superset {
  readonly odds = new Odds()

  /** @param words null for all tokens */
  constructor(public words: Uint32Array | null) {}

  /** Lets in what another one does as well. Returns whether that lets most of the vocabulary in, or so it seems. */
  join(mask: Uint32Array | null): boolean {
    if (mask === null) this.words = null
    if (mask === null || this.words === null) return mask === null || isFree(mask)
    if (mask.length > this.words.length) {
      const before = this.words
      this.words = new Uint32Array(mask.length)
      this.words.set(before)
    }
    for (let i = 0; i < mask.length; i++) this.words[i]! |= mask[i]!
    return isFree(mask)
  }

  fits(own: Uint32Array | null, id: number): boolean {
    const { words } = this
    if (words === null) return allows(own, id)
    if (own === null || !allows(own, id)) return false
    for (let i = 0; i < own.length; i++) if ((own[i]! & ~(words[i] ?? 0)) !== 0) return false
    return true
  }
}

function isFree(mask: Uint32Array): boolean {
  let words = 0
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) words++
  return 2 * words > mask.length
}

export function allows(mask: Uint32Array | null, id: number): boolean {
  return mask === null || (((mask[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1
}

/** @throws ParameterError for what a user's constraint should not give */
export function checkedMask(mask: unknown): Uint32Array | null {
  if (mask === null || mask instanceof Uint32Array) return mask
  throw new ParameterError('constraint', mask, 'mask() must return a Uint32Array or null')
}
