/** A constraint on the text of an answer: an automaton over bytes, asked for tokens. */
import { ConstraintError } from '../errors.ts'
import type { Automaton, State } from './automaton.ts'
import type { Constraint } from './constraint.ts'
import type { CourseRoom, MaskCourse } from './course.ts'
import type { Masks } from './masks.ts'
import type { Tokens } from './token-set.ts'

/** Bytes to look ahead at a time. */
const LOOKAHEAD = 512
/** Units of the budget for masks that are only likely to be needed. */
const COURSE_UNITS = 20_000

export class TextConstraint implements Constraint {
  #state: State
  /** The text drops the space that the next token begins with. */
  begins: boolean
  #done = false
  /** What `mask` gave last. */
  #asked: Tokens | undefined

  /**
   * @param source a function is asked when masks are first needed
   * @param begins the text drops the space that its first token begins with
   */
  constructor(
    private readonly automaton: Automaton,
    private readonly source: Masks | (() => Masks),
    begins = false,
    state: State = automaton.start,
  ) {
    this.#state = state
    this.begins = begins
  }

  private get masks(): Masks {
    return typeof this.source === 'function' ? this.source() : this.source
  }

  /** An end token was accepted. */
  get done(): boolean {
    return this.#done
  }

  /** The text may end here. */
  get complete(): boolean {
    return this.#state.accepting
  }

  /**
   * Says what the text begins with, before any token.
   * @returns whether there is a text that does
   */
  begin(text: string): boolean {
    this.automaton.budget.renew()
    const state = withinStack(() => this.automaton.after(this.#state, new TextEncoder().encode(text)))
    if (state === null) return false
    this.#state = state
    return true
  }

  mask(): Uint32Array {
    this.automaton.budget.renew()
    const { automaton, masks, begins } = this
    this.#asked = undefined
    return withinStack(() => {
      if (begins) return masks.firstMask(automaton, this.#state)
      this.#asked = masks.of(automaton, this.#state)
      return masks.wordsOf(this.#asked)
    })
  }

  get unchanged(): boolean {
    if (this.#asked === undefined || this.#done) return false
    this.automaton.budget.renew()
    return withinStack(() => this.masks.of(this.automaton, this.#state)) === this.#asked
  }

  course(room: CourseRoom): MaskCourse | undefined {
    if (this.begins || this.#done) return undefined
    this.automaton.budget.renew(COURSE_UNITS)
    try {
      return withinStack(() => this.masks.coursesOf(this.automaton).from(this.#state, room))
    } catch (error) {
      // What fails here fails again where its mask is asked for, if that is ever so.
      if (error instanceof ConstraintError) return undefined
      throw error
    }
  }

  get stage(): object | undefined {
    if (this.begins || this.#done) return undefined
    this.automaton.budget.renew()
    this.masks.coursesOf(this.automaton).used(this.#state)
    return withinStack(() => this.masks.of(this.automaton, this.#state))
  }

  prepare(): void {
    this.masks.prepare(this.automaton)
  }

  accept(tokenId: number): void {
    const { vocabulary } = this.masks
    this.automaton.budget.renew()
    if (vocabulary.endIds.includes(tokenId)) {
      if (!this.#state.accepting) throw unfit(tokenId)
      this.#done = true
      return
    }
    const bytes = this.begins ? vocabulary.firstBytes(tokenId) : vocabulary.tokenBytes(tokenId)
    if (bytes === undefined || vocabulary.tokenBytes(tokenId).length === 0) throw unfit(tokenId)
    const state = withinStack(() => this.automaton.after(this.#state, bytes))
    if (state === null) throw unfit(tokenId)
    this.#state = state
    this.begins = false
  }

  fork(): TextConstraint {
    const fork = new TextConstraint(this.automaton, this.source, this.begins, this.#state)
    fork.#done = this.#done
    return fork
  }

  /** Where the text can go on in one way only, the longest tokens that spell it. */
  expected(most: number): readonly number[] {
    if (this.begins || this.#done) return []
    this.automaton.budget.renew()
    return this.#spelled(
      withinStack(() => this.#fixed()),
      most,
    )
  }

  /** Bytes that must come, as far as they are looked at. */
  #fixed(): number[] {
    const { automaton } = this
    const text: number[] = []
    let state = this.#state
    for (let byte = automaton.only(state); byte >= 0 && text.length < LOOKAHEAD; byte = automaton.only(state)) {
      text.push(byte)
      const next = automaton.step(state, byte)
      if (next === null) break
      state = next
    }
    return text
  }

  /** Tokens that spell the text. The last of them may be another one, which goes on into what is not fixed. */
  #spelled(text: readonly number[], most: number): number[] {
    const ids: number[] = []
    for (let at = 0; ids.length < most; ) {
      const found = this.masks.vocabulary.longestAt(text, at)
      if (found === undefined || found.end >= text.length) break
      ids.push(found.id)
      at = found.end
    }
    return ids
  }
}

function unfit(tokenId: number): ConstraintError {
  return new ConstraintError('token', `token ${tokenId} does not fit the constraint`)
}

/**
 * Does work that recurs into the parts of a constraint. The stack ends only where a constraint is longer or deeper than any that is of use.
 * @throws ConstraintError where the stack has ended
 */
export function withinStack<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ConstraintError('depth', 'the constraint is too long or nested too deep')
  }
}
