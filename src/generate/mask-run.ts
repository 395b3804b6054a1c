/** How many steps of an answer may run before its constraint is asked again, and under which mask. It is loaded for requests with a constraint. */
import type { Constraint } from '../constraints/constraint.ts'
import { type CourseRoom, type MaskCourse, stageAfter } from '../constraints/course.ts'
import { ParameterError } from '../errors.ts'
import type { SamplerNeeds } from '../model/batch.ts'
import { Odds, Superset } from './mask-odds.ts'
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
  readonly needs: Pick<SamplerNeeds, 'later' | 'course' | 'goesOn'>
  /** The first step of the batch is chosen so too, as its own mask is not known before it begins. */
  readonly first?: boolean
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
/** What is taken to be known of tokens along a course: so few are wrong that one of them says little. */
const ALONG_COURSE = { fade: 0.95, doubt: 0.05, right: 20, wrong: 0.5 }
/** What a readback is taken to cost, in steps, until it was measured; and what it costs at least. */
const READBACK = 0.3
const LEAST_READBACK = 0.15
/** How likely all steps of a batch must be right for the next forward pass to follow at once: it spares what a readback costs, or is lost. */
const WORTH_FOLLOWING = 0.8

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
  readonly #course: Odds
  /** That of the latest batch, if it had one. */
  #way: Way | undefined
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
    this.#course = alongCourses.get(costs) ?? new Odds(ALONG_COURSE)
    alongCourses.set(costs, this.#course)
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

  /**
   * As {@link later}, for so many steps behind `ahead` ones that are on their way; undefined for one. Where those are right often enough, the GPU goes on along
   * their course.
   */
  behind(ahead: number, steps: number): LaterMask | undefined {
    const way = this.#way
    if (steps === 1) return undefined
    return ahead > 0 && way !== undefined && this.#goesOn(ahead, steps) ? this.#alongCourse(way) : this.later
  }

  #goesOn(ahead: number, steps: number): boolean {
    return (1 - this.#course.likely ** ahead) * steps < this.#readback
  }

  /** @param before where the steps before go along, and perhaps these, too */
  #alongCourse(before?: Way): LaterMask {
    let way: Way | undefined
    /** The next token to judge is the first, which is chosen from its own mask unless the GPU goes on. */
    let isOwn = before !== undefined
    const goesOn = before && {
      course: before.course,
      taken: () => {
        way = before
        isOwn = false
      },
    }
    return {
      first: before !== undefined,
      needs: {
        goesOn,
        course: (room) => {
          const course = this.courses!(room)
          way = course && { course, stage: course.first }
          this.#way = way
          return course
        },
      },
      fits: (constraint, last, _id, fail) => {
        if (isOwn) {
          isOwn = false
          return true
        }
        try {
          if (way !== undefined) way.stage = stageAfter(way.course, way.stage, last)
          const fits = way !== undefined && constraint.stage === way.course.stages[way.stage]!.key
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
    const readback = this.#readback
    const rate = (steps: number) => (1 - likely ** steps) / (1 - likely) / (steps + readback)
    return STEPS.reduce((best, steps) => (rate(steps) > rate(best) ? steps : best), 1)
  }

  /** What a readback costs, in steps. */
  get #readback(): number {
    return Math.max(this.costs.readback ?? READBACK, LEAST_READBACK)
  }

  get #likeliest(): Superset {
    return this.#seen.odds.likely > this.#all.odds.likely ? this.#seen : this.#all
  }
}

/** How often tokens along courses were right, in all answers of a model. */
const alongCourses = new WeakMap<MaskCosts, Odds>()

/** A course, and the stage of the token that was accepted last. */
interface Way {
  readonly course: MaskCourse
  stage: number
}

/** @throws ParameterError for what a user's constraint should not give */
export function checkedMask(mask: unknown): Uint32Array | null {
  if (mask === null || mask instanceof Uint32Array) return mask
  throw new ParameterError('constraint', mask, 'mask() must return a Uint32Array or null')
}
