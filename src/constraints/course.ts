/** Masks of several tokens ahead, as far as it is known which tokens lead to which: the GPU goes from one to the next by what it chooses. */
import type { Automaton, State } from './automaton.ts'
import type { Tokens } from './token-set.ts'
import type { Vocabulary } from './vocabulary.ts'

/** As many stages, and tokens that lead from one to another, as there is room for. */
export interface CourseRoom {
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

/** States whose tokens are looked at for one course: others were looked at before, or wait for the next course. */
const MOST_FRESH = 12
/** Tokens of a state that are looked at. */
const MOST_TOKENS = 320
/** States that are remembered. */
const MOST_STATES = 2000

interface Node {
  readonly state: State
  readonly mask: Tokens
  /** Where tokens lead that change the mask; undefined as long as nobody has looked. */
  moves: readonly (readonly [id: number, to: Node])[] | undefined
  /** How often an answer came here. */
  visits: number
}

/** What finds the masks. */
export interface CourseMasks {
  readonly vocabulary: Vocabulary
  of(automaton: Automaton, state: State): Tokens
  wordsOf(mask: Tokens): Uint32Array
  /** The tokens that probably change the mask: all of a small one, and those that go on behind a terminal. */
  turning(automaton: Automaton, state: State): readonly number[]
}

/** The courses of one automaton. */
export class Courses {
  #nodes = new Map<State, Node>()

  constructor(
    private readonly automaton: Automaton,
    private readonly masks: CourseMasks,
  ) {}

  /** An answer has come to a state. */
  visit(state: State): void {
    const node = this.#nodes.get(state)
    if (node !== undefined) node.visits++
  }

  /** From a state on; what answers came to before goes before the rest. */
  from(state: State, { stages: most, moves: mostMoves }: CourseRoom): MaskCourse {
    if (this.#nodes.size > MOST_STATES) this.#nodes = new Map()
    const numbers = new Map<Node, number>([[this.#nodeOf(state), 0]])
    const stages: MaskStage[] = []
    let [fresh, room] = [MOST_FRESH, mostMoves]
    // Those that are found are added behind, and come up in their turn.
    for (const node of numbers.keys()) {
      if (node.moves === undefined && fresh-- > 0) node.moves = this.#movesOf(node)
      const tokens: number[] = []
      const targets: number[] = []
      for (const [id, to] of this.#byVisits(node.moves ?? [])) {
        if (room === 0 || (!numbers.has(to) && numbers.size >= most)) continue
        if (!numbers.has(to)) numbers.set(to, numbers.size)
        tokens.push(id)
        targets.push(numbers.get(to)!)
        room--
      }
      const { mask } = node
      const order = tokens.map((_, i) => i).sort((a, b) => tokens[a]! - tokens[b]!)
      const sorted = (values: readonly number[]) => order.map((i) => values[i]!)
      stages.push({
        key: mask,
        mask: () => this.masks.wordsOf(mask),
        tokens: sorted(tokens),
        targets: sorted(targets),
      })
    }
    return { stages }
  }

  #byVisits(moves: readonly (readonly [number, Node])[]): readonly (readonly [number, Node])[] {
    return [...moves].sort(([, a], [, b]) => b.visits - a.visits)
  }

  #nodeOf(state: State): Node {
    let node = this.#nodes.get(state)
    if (node === undefined) {
      node = { state, mask: this.masks.of(this.automaton, state), moves: undefined, visits: 0 }
      this.#nodes.set(state, node)
    }
    return node
  }

  #movesOf({ state, mask }: Node): [number, Node][] {
    const moves: [number, Node][] = []
    for (const id of this.masks.turning(this.automaton, state).slice(0, MOST_TOKENS)) {
      const next = this.automaton.after(state, this.masks.vocabulary.tokenBytes(id))
      if (next === null || next === state) continue
      const node = this.#nodeOf(next)
      if (node.mask !== mask) moves.push([id, node])
    }
    return moves
  }
}
