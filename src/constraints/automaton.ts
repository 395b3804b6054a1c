/**
 * The automaton of a constraint: a pushdown automaton over bytes that is made deterministic as bytes come. A state is the set
 * of all places where the text so far can have led.
 */
import { ConstraintError } from '../errors.ts'
import type { Budget } from './budget.ts'
import type { Expression } from './expression.ts'
import type { Lexers } from './lexers.ts'
import { type ItemsNode, type Node, Nodes, Productivity, type RepeatNode, type RuleNode } from './nodes.ts'
import { type Place, Stack } from './stack.ts'

export interface State {
  readonly id: number
  readonly places: readonly Place[]
  /** The text may end here. */
  readonly accepting: boolean
  /** By byte; null leads nowhere, undefined is not known yet. */
  next: (State | null | undefined)[] | undefined
  /** The one byte that can come; -1 where several can, or the text may end. */
  only: number | undefined
}

/** What comes behind the end of a terminal. */
interface After {
  readonly places: readonly Place[]
  /** Nothing need come. */
  readonly accepting: boolean
}

/** States that are remembered; what is older is made again when it comes up. */
const MOST_STATES = 10_000
/** Places of one state. */
const MOST_PLACES = 10_000

export class Automaton {
  readonly start: State
  readonly budget: Budget
  readonly #nodes: Nodes
  readonly #productivity: Productivity
  readonly #bottom = Stack.bottom()
  /** All that is on top of `#bottom`, to be forgotten together. */
  #stacks = new Set<Stack>()
  readonly #known = new Map<string, State>()
  /** By what comes after a terminal. */
  readonly #after = new Map<Stack, After>()
  #count = 0

  /** @throws ConstraintError for a language without texts, left recursion at its beginning, and limits */
  constructor(expression: Expression, lexers: Lexers) {
    this.budget = lexers.budget
    this.#nodes = new Nodes(lexers, this.budget)
    this.#productivity = new Productivity(this.#nodes, this.budget)
    const walk = this.#walk()
    walk.push(this.#nodes.of(expression), this.#bottom)
    walk.run()
    this.start = this.#state(walk)
    if (this.start.places.length === 0 && !this.start.accepting) {
      throw new ConstraintError('empty', 'no text at all satisfies the constraint')
    }
  }

  /** The state after a byte; null where it cannot come. */
  step(state: State, byte: number): State | null {
    state.next ??= new Array(256)
    let next = state.next[byte]
    if (next === undefined) state.next[byte] = next = this.#stepped(state, byte)
    return next
  }

  /** The state after some bytes; null where they cannot come. */
  after(state: State, bytes: Uint8Array): State | null {
    let at: State | null = state
    for (let i = 0; i < bytes.length && at !== null; i++) at = this.step(at, bytes[i]!)
    return at
  }

  /** The places behind the end of a terminal. */
  placesAfter(stack: Stack): readonly Place[] {
    return this.#behind(stack).places
  }

  #behind(stack: Stack): After {
    let after = this.#after.get(stack)
    if (after === undefined) {
      const walk = this.#walk()
      walk.pop(stack)
      walk.run()
      after = { places: [...walk.places], accepting: walk.accepting }
      if (this.#after.size >= MOST_STATES) this.#forget()
      this.#after.set(stack, after)
      this.#stacks.add(stack)
      for (const place of after.places) this.#stacks.add(place.stack)
    }
    return after
  }

  /** The one byte that can come; -1 where several can, or the text may end. */
  only(state: State): number {
    state.only ??= state.accepting ? -1 : onlyByte(state)
    return state.only
  }

  #stepped(state: State, byte: number): State | null {
    let places: Set<Place> | undefined
    let only: Place | undefined
    let accepting = false
    this.budget.spend(state.places.length / 2)
    for (const { lex, stack } of state.places) {
      const next = lex.lexer.step(lex, byte)
      if (next === null) continue
      const place = next.final ? undefined : stack.place(next)
      // Mostly one terminal goes on and does not end, and then nothing else is to be looked for.
      if (places === undefined && only === undefined && place !== undefined && !next.accepting) {
        only = place
        continue
      }
      places ??= new Set()
      if (place !== undefined) places.add(place)
      if (!next.accepting) continue
      const after = this.#behind(stack)
      this.budget.spend(after.places.length / 4)
      for (const one of after.places) places.add(one)
      accepting ||= after.accepting
    }
    if (places === undefined) return only === undefined ? null : this.#stateOf([only], false)
    if (only !== undefined) places.add(only)
    return places.size === 0 && !accepting ? null : this.#state({ places, accepting })
  }

  #walk(): Walk {
    return new Walk(this.#nodes, this.#productivity, this.budget)
  }

  #state({ places, accepting }: Pick<Walk, 'places' | 'accepting'>): State {
    if (places.size > MOST_PLACES) {
      throw new ConstraintError('states', `a text can be read in more than ${MOST_PLACES} ways at once`)
    }
    return this.#stateOf(
      [...places].sort((a, b) => a.id - b.id),
      accepting,
    )
  }

  /** @param sorted by id */
  #stateOf(sorted: readonly Place[], accepting: boolean): State {
    const key = `${accepting ? '!' : ''}${sorted.map((place) => place.id).join()}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.budget.spend(5 + sorted.length)
    if (this.#known.size >= MOST_STATES) this.#forget()
    const state = { id: this.#count++, places: sorted, accepting, next: undefined, only: undefined }
    for (const { stack } of sorted) this.#stacks.add(stack)
    this.#known.set(key, state)
    return state
  }

  #forget(): void {
    for (const state of this.#known.values()) state.next = undefined
    this.#known.clear()
    this.#after.clear()
    for (const stack of this.#stacks) for (let at: Stack | undefined = stack; at; at = at.below) at.forget()
    this.#stacks = new Set()
  }
}

function onlyByte({ places }: State): number {
  let only = -1
  for (const { lex } of places) {
    for (const byte of lex.lexer.bytes(lex)) {
      if (byte === only || lex.lexer.step(lex, byte) === null) continue
      if (only >= 0) return -1
      only = byte
    }
  }
  return only
}

/** Rules that were entered since the last byte, with what was to come after them. */
interface Entered {
  readonly node: RuleNode
  readonly stack: Stack
  readonly before: Entered | undefined
}

/** All places that can be reached without reading a byte. */
class Walk {
  readonly places = new Set<Place>()
  accepting = false
  /** What to begin, or with no node what to go on with. */
  private readonly open: { node: Node | undefined; stack: Stack; entered: Entered | undefined }[] = []
  private readonly seen = new Map<Stack, Set<Node | undefined>>()

  constructor(
    private readonly nodes: Nodes,
    private readonly productivity: Productivity,
    private readonly budget: Budget,
  ) {}

  /** Begins a node, with the stack after it. */
  push(node: Node, stack: Stack, entered?: Entered): void {
    this.open.push({ node, stack, entered })
  }

  /** A node has ended: what is on the stack goes on. */
  pop(stack: Stack, entered?: Entered): void {
    this.open.push({ node: undefined, stack, entered })
  }

  run(): void {
    for (let item = this.open.pop(); item !== undefined; item = this.open.pop()) {
      const { node, stack } = item
      this.budget.spend(3)
      const seen = this.seen.get(stack)
      if (seen?.has(node)) continue
      if (seen === undefined) this.seen.set(stack, new Set([node]))
      else seen.add(node)
      let { entered } = item
      // Rules that have ended meanwhile do not count.
      while (entered !== undefined && entered.stack.depth > stack.depth) entered = entered.before
      if (node === undefined) this.goOn(stack, entered)
      else this.begin(node, stack, entered)
    }
  }

  private goOn(stack: Stack, entered: Entered | undefined): void {
    const { node, index, below } = stack
    if (node === undefined) this.accepting = true
    else if (node.kind !== 'repeat') this.item(node, index, below!, entered)
    // An iteration that matched nothing: all that are left can do so too.
    else if (stack.fresh) this.pop(below!, entered)
    else this.iterate(node, index, below!, entered)
  }

  private item(node: ItemsNode, index: number, stack: Stack, entered: Entered | undefined): void {
    const last = index === node.items.length - 1
    this.push(node.items[index]!, last ? stack : stack.push(node, index + 1), entered)
  }

  private iterate(node: RepeatNode, done: number, stack: Stack, entered: Entered | undefined): void {
    if (done >= node.min) this.pop(stack, entered)
    if (done >= node.max) return
    // Without an end to count to, iterations beyond the least number are all the same.
    const count = node.max === Infinity ? Math.min(done + 1, node.min) : done + 1
    this.push(node.item, stack.push(node, count, true), entered)
  }

  private begin(node: Node, stack: Stack, entered: Entered | undefined): void {
    // What no text ends is not begun, so that whatever is on a stack can be ended.
    if (!this.productivity.of(node)) return
    switch (node.kind) {
      case 'lexer': {
        const { start } = node.terminal
        if (start?.accepting) this.pop(stack, entered)
        if (start !== null && !start.final) this.places.add(stack.full.place(start))
        return
      }
      case 'either':
        this.budget.spend(node.items.length / 2)
        for (const item of node.items) this.push(item, stack, entered)
        return
      case 'sequence':
        if (node.items.length === 0) this.pop(stack, entered)
        else this.item(node, 0, stack, entered)
        return
      case 'repeat':
        this.iterate(node, 0, stack, entered)
        return
      case 'rule':
        this.enter(node, stack, entered)
    }
  }

  private enter(node: RuleNode, stack: Stack, entered: Entered | undefined): void {
    for (let at = entered; at !== undefined; at = at.before) {
      this.budget.spend(0.2)
      if (at.node === node && stack.standsOn(at.stack)) {
        throw new ConstraintError('left recursion', `the rule ${node.rule.name} begins with itself`)
      }
    }
    this.push(this.nodes.body(node), stack, { node, stack, before: entered })
  }
}
