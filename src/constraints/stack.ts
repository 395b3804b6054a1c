/** What is still to come after a terminal: immutable stacks, each made once, so that equal ones are the same object. */
import { ConstraintError } from '../errors.ts'
import type { LexState } from './lexer.ts'
import type { ItemsNode, RepeatNode } from './nodes.ts'

/** A place in the automaton: inside of a terminal, with what comes after it. */
export interface Place {
  readonly id: number
  readonly lex: LexState
  readonly stack: Stack
}

/** Frames of a stack at most. */
const MOST_DEPTH = 50_000

let count = 0

export class Stack {
  readonly id = count++
  readonly depth: number
  readonly #above = new Map<number, Stack>()
  readonly #places = new Map<number, Place>()
  /** The same stack once a byte was read. */
  #full: Stack | undefined
  private readonly lowestFresh: Stack | undefined

  private constructor(
    /** undefined at the bottom, where the text may end. */
    readonly node: ItemsNode | RepeatNode | undefined,
    /** The next item of the sequence; iterations of the repetition, the one that runs included. */
    readonly index: number,
    /** It is a repetition that has read no byte in this iteration. */
    readonly fresh: boolean,
    readonly below: Stack | undefined,
  ) {
    this.depth = below === undefined ? 0 : below.depth + 1
    this.lowestFresh = below?.lowestFresh ?? (fresh ? this : undefined)
    if (this.depth > MOST_DEPTH) throw new ConstraintError('depth', `the text is nested more than ${MOST_DEPTH} deep`)
  }

  static bottom(): Stack {
    return new Stack(undefined, 0, false, undefined)
  }

  push(node: ItemsNode | RepeatNode, index: number, fresh = false): Stack {
    // Nodes are fewer than 2^20, counts fit in 31 bits.
    const key = node.id * 2 ** 32 + index * 2 + (fresh ? 1 : 0)
    let above = this.#above.get(key)
    if (above === undefined) {
      above = new Stack(node, index, fresh, this)
      this.#above.set(key, above)
    }
    return above
  }

  /** Without fresh frames, which are on top if there are any. */
  get full(): Stack {
    this.#full ??= this.lowestFresh === undefined ? this : this.#rebuilt(this.lowestFresh.below!)
    return this.#full
  }

  #rebuilt(base: Stack): Stack {
    const frames: Stack[] = []
    for (let at: Stack = this; at !== base; at = at.below!) frames.push(at)
    return frames.reduceRight((stack, { node, index }) => stack.push(node!, index), base)
  }

  place(lex: LexState): Place {
    let place = this.#places.get(lex.id)
    if (place === undefined) {
      place = { id: count++, lex, stack: this }
      this.#places.set(lex.id, place)
    }
    return place
  }

  /** Whether `base` lies below this stack, with at least one frame between. */
  standsOn(base: Stack): boolean {
    let at: Stack | undefined = this
    if (at === base) return false
    while (at !== undefined && at.depth > base.depth) at = at.below
    return at === base
  }

  /** Forgets the stacks and places above. */
  forget(): void {
    this.#above.clear()
    this.#places.clear()
  }
}
