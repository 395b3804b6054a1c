/** A walk through a trie inside of one terminal. */
import type { LexState } from './lexer.ts'
import { allow, bitsOf } from './token-set.ts'
import type { Trie } from './trie.ts'

/** Below this a list of ids is smaller than a bitset. */
const FEW = 256
/** A state with no more bytes than these looks for them among the children of a node; others try each child. */
export const FEW_BYTES = 8

/** What a walk has found. */
export class Found {
  readonly ids: number[] = []
  /** Most terminals let in a few tokens: a bitset for each of them would be work for the garbage collector. */
  bits: Uint32Array | undefined
  readonly exits: number[] = []
  /** Tokens with which the terminal can end, as long as they are few. */
  readonly ending: number[] = []
  visited = 0

  /** @param path for the walk to write to */
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
    if (state.accepting) this.#end(node)
    if (ends[node]! === node + 1) return
    if (state.accepting) this.exits.push(node)
    if (!state.final) this.#goOn(state, node)
  }

  /** As `enter`, where one text alone can come, after its first byte. */
  spell(text: Uint8Array, node: number): void {
    const { trie } = this
    for (let length = 1, at = node; at >= 0; length++) {
      this.visited++
      this.#add(at)
      if (trie.ends[at]! === at + 1) return
      if (length === text.length) {
        this.exits.push(at)
        return
      }
      at = trie.child(at, text[length]!)
    }
  }

  #goOn(state: LexState, node: number): void {
    const bytes = state.lexer.bytes(state)
    if (bytes.length > FEW_BYTES) {
      this.#all(state, node)
      return
    }
    for (let i = 0; i < bytes.length; i++) {
      const child = this.trie.child(node, bytes[i]!)
      const next = child < 0 ? null : state.lexer.step(state, bytes[i]!)
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
      if (next.accepting) {
        this.#end(at)
        if (ends[at]! > at + 1) this.exits.push(at)
      }
      at = next.final ? ends[at]! : at + 1
    }
    this.visited += visited
  }

  /** The terminal can end with the tokens of a node. */
  #end(node: number): void {
    const { firsts, order } = this.trie
    const until = firsts[node + 1]!
    for (let i = firsts[node]!; i < until && this.ending.length < FEW; i++) this.ending.push(order[i]!)
  }

  /** The tokens that end at a node. */
  #add(node: number): void {
    const { firsts, order } = this.trie
    const until = firsts[node + 1]!
    for (let i = firsts[node]!; i < until; i++) {
      const id = order[i]!
      if (this.bits !== undefined) allow(this.bits, id)
      else if (this.ids.push(id) > FEW) this.bits = bitsOf(this.ids, this.words)
    }
  }
}
