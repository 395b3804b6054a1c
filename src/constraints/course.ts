/** Masks of several tokens ahead, as far as it is known which tokens lead to which: the GPU goes from one to the next by what it chooses. */
import type { Automaton, State } from './automaton.ts'
import type { Tokens } from './token-set.ts'
import type { Vocabulary } from './vocabulary.ts'

/** What a course is for: so many tokens, with room for so many stages and for so many tokens that lead from one to another. */
export interface CourseRoom {
  readonly steps: number
  readonly stages: number
  readonly moves: number
}

export interface MaskStage {
  /** The same object for stages with the same mask. */
  readonly key: object
  /** The mask, good until another is asked for. */
  mask(): Uint32Array
  /** Tokens, by id, that lead to another stage, and the numbers of those; any other leaves the stage as it is, so far as is known. */
  readonly tokens: readonly number[]
  readonly targets: readonly number[]
}

/** The first stage is for the next token. */
export interface MaskCourse {
  readonly stages: readonly MaskStage[]
}

/** The stage behind a token. */
export function stageAfter({ stages }: MaskCourse, stage: number, id: number): number {
  const { tokens, targets } = stages[stage]!
  const at = tokens.indexOf(id)
  return at < 0 ? stage : targets[at]!
}

/** Tokens that are looked at for one course, and units of the budget for them: others were looked at before, or wait for the next course. */
const MOST_FRESH = 100
const MOST_UNITS = 1000
/** Tokens of a state that are looked at. */
const MOST_TOKENS = 320
/** States that are remembered. */
const MOST_STATES = 2000

const NO_MOVES: NonNullable<Node['moves']> = []

interface Node {
  readonly state: State
  readonly mask: Tokens
  /** Where tokens lead that change the mask, by id; undefined as long as nobody has looked. */
  moves: readonly (readonly [id: number, to: Node])[] | undefined
}

/** What finds the masks. */
export interface CourseMasks {
  readonly vocabulary: Vocabulary
  of(automaton: Automaton, state: State): Tokens
  wordsOf(mask: Tokens): Uint32Array
  /** The tokens that probably change the mask: all of a small one, and those that go on behind a terminal. */
  turning(automaton: Automaton, state: State): number[]
}

/** The courses of one automaton. */
export class Courses {
  #nodes = new Map<State, Node>()

  constructor(
    private readonly automaton: Automaton,
    private readonly masks: CourseMasks,
  ) {}

  /** From a state on: what is reached with fewer tokens goes before the rest. */
  from(state: State, { steps, stages: most, moves: mostMoves }: CourseRoom): MaskCourse {
    if (this.#nodes.size > MOST_STATES) this.#nodes = new Map()
    const start = this.#nodeOf(state)
    const numbers = new Map<Node, number>([[start, 0]])
    const stages: MaskStage[] = []
    let [fresh, room, depth, next] = [MOST_FRESH, mostMoves, 1, 1]
    // Those that are found are added behind, and come up in their turn.
    for (const [node, number] of numbers) {
      // What is reached with the last of the steps leads nowhere.
      if (number === next) [depth, next] = [depth + 1, numbers.size]
      const hasTime = fresh > 0 && this.automaton.budget.spent < MOST_UNITS
      if (depth < steps && node.moves === undefined && hasTime) fresh -= this.#look(node)
      const tokens: number[] = []
      const targets: number[] = []
      for (const [id, to] of depth < steps && node.moves !== undefined ? node.moves : NO_MOVES) {
        let target = numbers.get(to)
        if (room === 0 || (target === undefined && numbers.size >= most)) continue
        if (target === undefined) {
          target = numbers.size
          numbers.set(to, target)
        }
        tokens.push(id)
        targets.push(target)
        room--
      }
      const { mask } = node
      stages.push({ key: mask, mask: () => this.masks.wordsOf(mask), tokens, targets })
    }
    return { stages }
  }

  #nodeOf(state: State): Node {
    let node = this.#nodes.get(state)
    if (node === undefined) {
      node = { state, mask: this.masks.of(this.automaton, state), moves: undefined }
      this.#nodes.set(state, node)
    }
    return node
  }

  /** Finds where tokens lead from a node. Returns how many it looked at. */
  #look(node: Node): number {
    const { state, mask } = node
    const moves: [number, Node][] = []
    const turning = this.masks.turning(this.automaton, state).slice(0, MOST_TOKENS)
    for (const id of turning.sort((a, b) => a - b)) {
      const next = this.automaton.after(state, this.masks.vocabulary.tokenBytes(id))
      if (next === null || next === state) continue
      const to = this.#nodeOf(next)
      // Inside of a bounded text states differ, but mostly not in what can come: that is looked at when the answer is there.
      if (to.mask !== mask || mask.set === undefined) moves.push([id, to])
    }
    node.moves = moves
    return turning.length
  }
}
