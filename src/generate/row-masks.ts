/** The masks of the rows of one generation, asked for when the GPU is busy with their logits. It is loaded for requests with a constraint. */
import type { Constraint } from '../constraints/constraint.ts'
import type { SamplerKind } from '../kernels/sampler.ts'
import { allows } from './mask-odds.ts'
import { checkedMask, type MaskCosts, MaskRun } from './mask-run.ts'
import { errorOf } from './thrown.ts'

export const maskRun = (costs: MaskCosts, { sampler, constraint }: Masked): MaskRun => {
  const best = sampler === 'greedy' && constraint?.fork !== undefined
  return new MaskRun(costs, best, constraint?.course?.bind(constraint))
}

/** A request, as far as it says how masks can be used for several steps. */
export interface Masked {
  readonly sampler: SamplerKind
  readonly constraint: Constraint | undefined
}

/** The generation whose masks they are. */
export interface MaskOwner {
  fail(error: Error): void
  /** The tokens that the masks are for count no more, or have been given back. */
  isOver(): boolean
  /** A mask was asked for. */
  asked(mask: Uint32Array | null): void
}

export type MaskSources = (
  constraint: Constraint,
  guessed: readonly number[],
  owner: MaskOwner,
) => (() => Uint32Array | null)[]

/**
 * One for the next token, and one for the token after each of the guessed. They are asked in order, once each, and throw
 * nothing: an error goes to `fail`, which ends the generation, so that it does not matter what they give then.
 */
export const maskSources: MaskSources = (
  constraint: Constraint,
  guessed: readonly number[],
  { fail, isOver, asked }: MaskOwner,
): (() => Uint32Array | null)[] => {
  // The next token is asked of the constraint itself: a user's own may not be able to fork.
  let own: Constraint | undefined = constraint
  let before: Uint32Array | null = null
  return [undefined, ...guessed].map((id) => () => {
    if (isOver()) return null
    try {
      if (id !== undefined) {
        // A guess that is not allowed is never right, and what comes after it is not asked for.
        if (own === undefined || !allows(before, id)) {
          own = undefined
          return null
        }
        if (own === constraint) own = constraint.fork!()
        own.accept(id)
      }
      before = own === undefined ? null : checkedMask(own.mask())
      if (own !== undefined) asked(before)
      return before
    } catch (error) {
      own = undefined
      fail(errorOf(error))
      return null
    }
  })
}
