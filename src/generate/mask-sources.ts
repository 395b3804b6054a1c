/** The masks of the rows of one generation, asked for when the GPU is busy with their logits. */
import type { Constraint } from '../constraints/constraint.ts'
import { MistralError, ParameterError } from '../errors.ts'
import type { GenerationRequest } from './types.ts'

/** Tokens of a fixed text to check in one pass: with the one before them as many rows as a small matmul takes. */
const MOST_EXPECTED = 7

/**
 * One for the next token, and one for the token after each of the guessed. They are asked in order, once each, and throw
 * nothing: an error goes to `fail`, which ends the generation, so that it does not matter what they give then.
 */
export function maskSources(
  constraint: Constraint,
  guessed: readonly number[],
  fail: (error: Error) => void,
): (() => Uint32Array | null)[] {
  // The next token is asked of the constraint itself: a user's own may not be able to fork.
  let own: Constraint | undefined = constraint
  let before: Uint32Array | null = null
  return [undefined, ...guessed].map((id) => () => {
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

/** The GPU is busy: the constraint of one answer can work ahead. One at a time, so that results do not wait for many. */
export function prepareOne(shares: readonly { readonly generation: Prepared }[], turn: number): void {
  const { generation } = shares[turn % shares.length]!
  try {
    generation.request.constraint?.prepare?.()
  } catch (error) {
    generation.fail(errorOf(error))
  }
}

interface Prepared {
  readonly request: Pick<GenerationRequest, 'constraint'>
  fail(error: Error): void
}

export function isAsked(constraint: Constraint | undefined): boolean {
  return constraint !== undefined && constraint.idle !== true
}

/**
 * Guesses the next tokens of an answer, at most `room`: what its constraint expects, else what prompt lookup finds.
 * A constraint that cannot fork lets none be guessed.
 */
export function guess(generation: Guessing, room: number): number[] {
  const { constraint } = generation.request
  if (constraint !== undefined && isAsked(constraint)) {
    if (constraint.fork === undefined) return []
    const expected = generation.trustsExpected ? expectedOf(constraint, Math.min(MOST_EXPECTED, room)) : []
    if (expected.length > 0) return expected
  }
  return generation.lookUp(room)
}

interface Guessing {
  readonly request: Pick<GenerationRequest, 'constraint'>
  readonly trustsExpected: boolean
  lookUp(room: number): number[]
}

/** What a constraint cannot say now it will not say in its mask either, which ends its generation alone. */
function expectedOf(constraint: Constraint, most: number): number[] {
  try {
    return constraint.expected?.(most).slice(0, Math.max(0, most)) ?? []
  } catch {
    return []
  }
}

function checkedMask(mask: unknown): Uint32Array | null {
  if (mask === null || mask instanceof Uint32Array) return mask
  throw new ParameterError('constraint', mask, 'mask() must return a Uint32Array or null')
}

/** @throws ParameterError for what is no constraint */
export function checkConstraint(constraint: Constraint | undefined): void {
  if (constraint === undefined) return
  const { mask, accept } = Object(constraint) as Partial<Constraint>
  if (typeof mask === 'function' && typeof accept === 'function') return
  throw new ParameterError('constraint', constraint, 'must make a Constraint')
}

function allows(mask: Uint32Array | null, id: number): boolean {
  return mask === null || (((mask[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1
}

/** Turns what a caller's function threw into an error. */
export function errorOf(thrown: unknown, who = 'constraint'): Error {
  return thrown instanceof Error ? thrown : new MistralError(`${who} threw ${String(thrown)}`, { cause: thrown })
}
