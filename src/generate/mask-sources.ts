/** What every generation asks of its constraint, if it has one; what only constrained ones need is in row-masks.ts. */
import type { Constraint } from '../constraints/constraint.ts'
import { MistralError, NoTokenLeftError, ParameterError } from '../errors.ts'
import { errorOf } from './thrown.ts'
import type { GenerationRequest } from './types.ts'

/** Tokens of a fixed text to check in one pass: with the one before them as many rows as a small matmul takes. */
const MOST_EXPECTED = 7
/** Tokens of a fixed text for which the first of them is awaited. */
const WORTH_WAITING = 3

/** The GPU is busy: the constraint of one answer can work ahead. One at a time, so that results do not wait for many. */
export function prepareOne(shares: readonly { readonly generation: Prepared }[], turn: number): void {
  const { generation } = shares[turn % shares.length]!
  if (generation.done) return
  try {
    generation.request.constraint?.prepare?.()
  } catch (error) {
    generation.fail(errorOf(error))
  }
}

interface Prepared {
  readonly done: boolean
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
    const expected = expectedOf(constraint, Math.min(MOST_EXPECTED, room))
    if (expected.length > 0 && generation.trusts(expected.length)) return expected
  }
  return generation.lookUp(room)
}

/**
 * Whether the forward pass behind a token that is on its way may begin already: only the mask waits for that token. Where the text is
 * fixed for a while it is better to wait, since all of it is checked in one pass then.
 */
export function runsAhead(generation: Ahead): boolean {
  const { request, verifies } = generation
  return request.constraint !== undefined && !request.recompute && !verifies && !isFixed(generation)
}

/** So much of the text is fixed that it is checked as a whole. */
export function isFixed(generation: Pick<Ahead, 'request' | 'trusts'>): boolean {
  const { constraint } = generation.request
  if (constraint?.fork === undefined || !generation.trusts(WORTH_WAITING)) return false
  return expectedOf(constraint, WORTH_WAITING).length >= WORTH_WAITING
}

interface Ahead {
  readonly request: Pick<GenerationRequest, 'constraint' | 'recompute'>
  readonly verifies: boolean
  trusts(tokens: number): boolean
}

interface Guessing {
  readonly request: Pick<GenerationRequest, 'constraint'>
  trusts(tokens: number): boolean
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

/** @throws ParameterError for what is no constraint */
export function checkConstraint(constraint: Constraint | undefined): void {
  if (constraint === undefined) return
  const { mask, accept } = Object(constraint) as Partial<Constraint>
  if (typeof mask === 'function' && typeof accept === 'function') return
  throw new ParameterError('constraint', constraint, 'must make a Constraint')
}

/** @param rules the request has rules that forbid tokens */
export function noTokenLeft(rules: boolean): MistralError {
  return rules
    ? new NoTokenLeftError('no token is left to choose: the rules of the request ban the whole vocabulary')
    : new MistralError('no token is left to choose: every logit is NaN or -Infinity')
}
