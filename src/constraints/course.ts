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

export interface MaskCourse {
  /** The same array as before where nothing in it has changed. */
  readonly stages: readonly MaskStage[]
  /** The number of the stage of the next token. */
  readonly first: number
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
/** States that are remembered, and those beyond which none is looked at before an answer comes to it. */
const MOST_STATES = 4000
const MOST_AHEAD = 1000

/** A course goes on for so many tokens: its steps, and those of batches that follow along it. */
const FAR = 32

const NO_MOVES: NonNullable<Node['moves']> = []

interface Node {
  readonly state: State
  readonly mask: Tokens
  /** Where tokens lead that change the mask, by id; undefined as long as nobody has looked. */
  moves: readonly (readonly [id: number, to: Node])[] | undefined
  /** An answer came to it: others are likely to come as well. */
  isUsed: boolean
}

/** What finds the masks. */
export interface CourseMasks {
  readonly vocabulary: Vocabulary
  of(automaton: Automaton, state: State): Tokens
  wordsOf(mask: Tokens): Uint32Array
  /** The tokens that probably change the mask: all of a small one, and those that go on behind a terminal. */
  turning(automaton: Automaton, state: State): number[]
}

/** Stages that were put together, and the nodes that they stand for, by their numbers. */
interface Drawn {
  readonly stages: readonly MaskStage[]
  readonly numbers: ReadonlyMap<Node, number>
  /** Of each stage, for how many tokens from it on all moves are there. */
  readonly reach: readonly number[]
  readonly room: CourseRoom
  /** How many nodes had been looked at; undefined where more would be with more time. */
  readonly looked: number | undefined
}

/** The courses of one automaton. */
export class Courses {
  #nodes = new Map<State, Node>()
  #drawn: Drawn | undefined
  #looked = 0

  constructor(
    private readonly automaton: Automaton,
    private readonly masks: CourseMasks,
  ) {}

  /** From a state on: what is reached with fewer tokens goes before the rest. */
  from(state: State, room: CourseRoom): MaskCourse {
    if (this.#nodes.size > MOST_STATES) [this.#nodes, this.#drawn] = [new Map(), undefined]
    const start = this.#nodeOf(state)
    start.isUsed = true
    const first = this.#drawn && this.#stageIn(this.#drawn, start, room)
    if (first === undefined) this.#drawn = this.#draw(start, room)
    return { stages: this.#drawn!.stages, first: first ?? 0 }
  }

  /** An answer came to a state. */
  used(state: State): void {
    const node = this.#nodes.get(state)
    if (node !== undefined) node.isUsed = true
  }

  /** The stage of a node, where another course from there would know no more. */
  #stageIn(
    { numbers, reach, room, looked }: Drawn,
    start: Node,
    { steps, stages, moves }: CourseRoom,
  ): number | undefined {
    const first = numbers.get(start)
    if (first === undefined || room.stages !== stages || room.moves !== moves) return undefined
    const isSame = first === 0 && looked === this.#looked && steps <= room.steps
    return isSame || reach[first]! >= steps ? first : undefined
  }

  /** Looks where tokens lead at the end of the latest course, as long as there are units. What takes more is left alone. */
  prepare(units: number): void {
    const { budget } = this.automaton
    for (const node of this.#drawn?.numbers.keys() ?? []) {
      if (node.moves !== undefined) continue
      if (budget.spent >= units || this.#nodes.size > MOST_AHEAD) return
      try {
        this.#look(node)
      } catch (error) {
        node.moves = NO_MOVES
        throw error
      }
    }
  }

  /** It goes on beyond the steps, so that it serves for those behind them as well. */
  #draw(start: Node, room: CourseRoom): Drawn {
    const { steps, stages: most } = room
    // Those that are found are added behind, and come up in their turn: before all others those that answers have come to.
    const depths = usedFrom(start, most)
    const numbers = new Map([...depths.keys()].map((node, number) => [node, number]))
    const stages: MaskStage[] = []
    const ends: number[] = []
    let [fresh, free, late] = [MOST_FRESH, room.moves, false]
    for (const [node, number] of numbers) {
      const depth = depths.get(node)!
      const hasTime = fresh > 0 && this.automaton.budget.spent < MOST_UNITS
      // What is reached with the last of the steps leads nowhere.
      const isNew = depth < steps && node.moves === undefined
      if (isNew && hasTime) fresh -= this.#look(node)
      late ||= isNew && !hasTime
      const moves = (depth < FAR && node.moves) || NO_MOVES
      let whole = moves === node.moves
      const tokens: number[] = []
      const targets: number[] = []
      for (const [id, to] of moves) {
        let target = numbers.get(to)
        if (free === 0 || (target === undefined && numbers.size >= most)) {
          whole = false
          continue
        }
        if (target === undefined) {
          target = numbers.size
          numbers.set(to, target)
          depths.set(to, depth + 1)
        }
        tokens.push(id)
        targets.push(target)
        free--
      }
      if (!whole) ends.push(number)
      const { mask } = node
      stages.push({ key: mask, mask: () => this.masks.wordsOf(mask), tokens, targets })
    }
    return { stages, numbers, reach: reachOf(stages, ends), room, looked: late ? undefined : this.#looked }
  }

  #nodeOf(state: State): Node {
    let node = this.#nodes.get(state)
    if (node === undefined) {
      node = { state, mask: this.masks.of(this.automaton, state), moves: undefined, isUsed: false }
      this.#nodes.set(state, node)
    }
    return node
  }

  /** Finds where tokens lead from a node. Returns how many it looked at. */
  #look(node: Node): number {
    const { state, mask } = node
    this.#looked++
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

/** Nodes that answers have come to, which are reached by such alone, the nearest first, with the number of tokens to what comes behind each. */
function usedFrom(start: Node, most: number): Map<Node, number> {
  const depths = new Map([[start, 1]])
  for (const [node, depth] of depths) {
    if (depth === FAR) break
    for (const [, to] of node.moves ?? NO_MOVES) {
      if (depths.size >= most / 2) return depths
      if (to.isUsed && !depths.has(to)) depths.set(to, depth + 1)
    }
  }
  return depths
}

/** For how many tokens from each stage on it is known where they lead, by the stages of which that is not known. */
function reachOf(stages: readonly MaskStage[], ends: readonly number[]): number[] {
  const reach: number[] = new Array(stages.length).fill(Number.POSITIVE_INFINITY)
  const from: Set<number>[] = stages.map(() => new Set())
  for (const [i, { targets }] of stages.entries()) for (const target of targets) from[target]!.add(i)
  for (const end of ends) reach[end] = 1
  // Those that are added come up in their turn, the nearest first.
  const open = [...ends]
  for (const stage of open) {
    for (const before of from[stage]!) {
      if (reach[before]! < Number.POSITIVE_INFINITY) continue
      reach[before] = reach[stage]! + 1
      open.push(before)
    }
  }
  return reach
}
