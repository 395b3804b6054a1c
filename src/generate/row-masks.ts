/** The masks of the rows of one generation, asked for when the GPU is busy with their logits. It is loaded for requests with a constraint. */
import type { Constraint } from '../constraints/constraint.ts'
import { ParameterError } from '../errors.ts'
import { type MaskCosts, MaskRun } from './mask-run.ts'
import { errorOf } from './thrown.ts'

export const maskRun = (costs: MaskCosts): MaskRun => new MaskRun(costs)

/** The generation whose masks they are. */
export interface MaskOwner {
  fail(error: Error): void
  /** The tokens that the masks are for count no more, or have been given back. */
  isOver(): boolean
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
  { fail, isOver }: MaskOwner,
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
      return before
    } catch (error) {
      own = undefined
      fail(errorOf(error))
      return null
    }
  })
}

function checkedMask(mask: unknown): Uint32Array | null {
  if (mask === null || mask instanceof Uint32Array) return mask
  throw new ParameterError('constraint', mask, 'mask() must return a Uint32Array or null')
}

function allows(mask: Uint32Array | null, id: number): boolean {
  return mask === null || (((mask[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1
}
