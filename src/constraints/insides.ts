/** The tokens inside of terminals, found once for all grammars over a vocabulary. */
import { Branch, type Inside } from './branch.ts'
import type { Budget } from './budget.ts'
import type { LexState } from './lexer.ts'
import type { Trie } from './trie.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Below this a list of ids is smaller than a bitset. */
const FEW = 256
/** A state with no more bytes than these looks for them among the children of a node; others try each child. */
const FEW_BYTES = 8
/** Bytes of what is remembered; then all of it is forgotten. */
const MOST_BYTES = 64 * 2 ** 20
/** Branches of more nodes are not compared with others. */
const MOST_COMPARED = 64
/** Nodes of a walk that cost a unit of the budget. */
const NODES_OF_UNIT = 64
const SPACE = 0x20

/** Where tokens begin, one for each trie of the vocabulary. */
export interface Roots {
  readonly all: readonly Branch[]
  /** Without the space that tokens begin with. */
  readonly first: readonly Branch[]
}

export class Insides {
  roots: Roots
  readonly #words: number
  readonly #tries: readonly Trie[]
  readonly #path: LexState[] = []
  #branches = new Map<string, Branch>()
  #ids = new Map<string, number>()
  #count = 0
  #bytes = 0

  constructor(vocabulary: Vocabulary) {
    this.#words = vocabulary.words
    this.#tries = vocabulary.tries
    this.roots = this.#newRoots()
  }

  /** The tokens behind a branch that stay inside of the terminal in this state. */
  of(lex: LexState, branch: Branch, budget: Budget): Inside {
    const known = branch.insides.get(lex)
    if (known !== undefined) return known
    const near = lex.lexer.within(lex, branch.trie.longest)
    let inside = branch.insides.get(near)
    if (inside === undefined) {
      inside = this.#walk(near, branch, budget)
      branch.insides.set(near, inside)
      this.#bytes += (inside.bits?.byteLength ?? 0) + inside.ids.byteLength + 300
    }
    if (near !== lex) {
      branch.insides.set(lex, inside)
      this.#bytes += 100
    }
    return inside
  }

  /** Between two masks: what is remembered does not grow without an end. */
  tidy(): void {
    if (this.#bytes <= MOST_BYTES) return
    this.#bytes = 0
    this.#branches = new Map()
    this.#ids = new Map()
    this.roots = this.#newRoots()
  }

  #newRoots(): Roots {
    return {
      all: this.#tries.map((trie) => new Branch(trie, [0])),
      first: this.#tries.map((trie) => {
        const space = trie.child(0, SPACE)
        return new Branch(trie, space < 0 ? [0] : [0, space], space)
      }),
    }
  }

  #walk(lex: LexState, branch: Branch, budget: Budget): Inside {
    const found = new Found(branch.trie, this.#words, this.#path)
    const bytes = lex.lexer.bytes(lex)
    const few = bytes.length <= FEW_BYTES
    for (const byte of few ? bytes : branch.bytes) {
      const nodes = few ? branch.find(byte) : branch.below(byte)
      const next = nodes && lex.lexer.step(lex, byte)
      if (next) for (const node of nodes) found.enter(next, node)
    }
    budget.spend(1 + found.visited / NODES_OF_UNIT)
    const { bits } = found
    const ids = Uint32Array.from(bits === undefined ? found.ids : [])
    const exits = this.#branch(branch.trie, found.exits)
    return { id: this.#idOf(bits, ids, found.exits, branch.trie), bits, ids, exits }
  }

  /** The same one for the same nodes. */
  #branch(trie: Trie, nodes: readonly number[]): Branch | undefined {
    if (nodes.length === 0) return undefined
    this.#bytes += 200 + 16 * nodes.length
    if (nodes.length > MOST_COMPARED) return new Branch(trie, nodes)
    const key = `${this.#tries.indexOf(trie)}:${nodes.join()}`
    let branch = this.#branches.get(key)
    if (branch === undefined) {
      branch = new Branch(trie, nodes)
      this.#branches.set(key, branch)
    }
    return branch
  }

  #idOf(bits: Uint32Array | undefined, ids: Uint32Array, exits: readonly number[], trie: Trie): number {
    const fresh = this.#count++
    if (bits !== undefined || exits.length > MOST_COMPARED) return fresh
    const key = `${this.#tries.indexOf(trie)}:${ids.join()}:${exits.join()}`
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    this.#ids.set(key, fresh)
    this.#bytes += 2 * key.length
    return fresh
  }
}

/** What a walk has found. */
class Found {
  readonly ids: number[] = []
  /** Most terminals let in a few tokens: a bitset for each of them would be work for the garbage collector. */
  bits: Uint32Array | undefined
  readonly exits: number[] = []
  visited = 0

  constructor(
    private readonly trie: Trie,
    private readonly words: number,
    private readonly path: LexState[],
  ) {}

  /** A state after the byte of a node. */
  enter(state: LexState, node: number): void {
    const { ends } = this.trie
    this.visited++
    this.#add(node)
    if (ends[node]! === node + 1) return
    if (state.accepting) this.exits.push(node)
    if (!state.final) this.#goOn(state, node)
  }

  #goOn(state: LexState, node: number): void {
    const bytes = state.lexer.bytes(state)
    if (bytes.length > FEW_BYTES) {
      this.#all(state, node)
      return
    }
    for (const byte of bytes) {
      const child = this.trie.child(node, byte)
      const next = child < 0 ? null : state.lexer.step(state, byte)
      if (next !== null) this.enter(next, child)
    }
  }

  /** Everything below a node, in one loop. */
  #all(start: LexState, node: number): void {
    const { bytes, depths, ends } = this.trie
    const { lexer } = start
    const { path } = this
    path[depths[node]!] = start
    const end = ends[node]!
    let visited = 0
    for (let at = node + 1; at < end; ) {
      visited++
      const depth = depths[at]!
      const before = path[depth - 1]!
      const byte = bytes[at]!
      // Most steps are known, and this loop has hundreds of thousands.
      let next = before.next === undefined ? undefined : before.next[byte]
      if (next === undefined) next = lexer.step(before, byte)
      if (next === null) {
        at = ends[at]!
        continue
      }
      path[depth] = next
      this.#add(at)
      if (next.accepting && ends[at]! > at + 1) this.exits.push(at)
      at = next.final ? ends[at]! : at + 1
    }
    this.visited += visited
  }

  /** The tokens that end at a node. */
  #add(node: number): void {
    const { firsts, order } = this.trie
    const until = firsts[node + 1]!
    for (let i = firsts[node]!; i < until; i++) {
      const id = order[i]!
      if (this.bits !== undefined) this.bits[id >>> 5]! |= 1 << (id & 31)
      else if (this.ids.push(id) > FEW) this.bits = bitsOf(this.ids, this.words)
    }
  }
}

function bitsOf(ids: readonly number[], words: number): Uint32Array {
  const bits = new Uint32Array(words)
  for (const id of ids) bits[id >>> 5]! |= 1 << (id & 31)
  return bits
}
