/** Which tokens can come in a state of an automaton, as bitsets. */
import type { Automaton, State } from './automaton.ts'
import type { LexState } from './lexer.ts'
import type { Trie } from './trie.ts'
import type { Vocabulary } from './vocabulary.ts'

/** The tokens that stay inside of a terminal, whatever comes after it. */
interface Inside {
  /** As a bitset, or a list where they are few. */
  readonly bits: Uint32Array | undefined
  readonly ids: Uint32Array
  /** Nodes of the trie where the terminal can end and tokens go on. */
  readonly exits: Uint32Array
}

/** Below this a list of ids is smaller than a bitset. */
const FEW = 256
/** Bytes of remembered masks. */
const MOST_BYTES = 64 * 2 ** 20
const SPACE = 0x20

/**
 * Masks of the states of any automata over one vocabulary. What is inside of a terminal does not depend on the grammar around
 * it, so that is kept for all grammars: what is left for a new state are the few tokens that cross the end of a terminal.
 */
export class Masks {
  readonly #masks = new Recent<Uint32Array>(MOST_BYTES)
  /** For each trie of the vocabulary. */
  readonly #insides: readonly Recent<Inside>[]
  readonly #path: (LexState | State | null)[] = []

  constructor(readonly vocabulary: Vocabulary) {
    this.#insides = vocabulary.tries.map(() => new Recent(MOST_BYTES))
  }

  /** The tokens that can come, those that end the text included; not to be changed. */
  mask(automaton: Automaton, state: State): Uint32Array {
    const known = this.#masks.get(state)
    if (known !== undefined) return known
    const mask = this.#tokens(automaton, state)
    if (state.accepting) for (const id of this.vocabulary.endIds) mask[id >>> 5]! |= 1 << (id & 31)
    this.#masks.set(state, mask, mask.byteLength)
    return mask
  }

  /** As `mask`, where the text drops the space that its first token begins with. */
  firstMask(automaton: Automaton, state: State): Uint32Array {
    const mask = new Uint32Array(this.vocabulary.words)
    for (const trie of this.vocabulary.tries) {
      const space = trie.child(0, SPACE)
      const end = trie.ends[0]!
      for (let node = 1; node < end; node = trie.ends[node]!) {
        if (node === space) continue
        const next = automaton.step(state, trie.bytes[node]!)
        if (next === null) continue
        add(mask, trie, node)
        this.#cross(mask, automaton, next, trie, node)
      }
      if (space < 0) continue
      // Nothing is left of a token that is that space alone.
      add(mask, trie, space)
      this.#cross(mask, automaton, state, trie, space)
    }
    for (const [id, bytes] of this.vocabulary.unusual) {
      if (bytes !== undefined && automaton.after(state, bytes) !== null) mask[id >>> 5]! |= 1 << (id & 31)
      else mask[id >>> 5]! &= ~(1 << (id & 31))
    }
    if (state.accepting) for (const id of this.vocabulary.endIds) mask[id >>> 5]! |= 1 << (id & 31)
    return mask
  }

  #tokens(automaton: Automaton, state: State): Uint32Array {
    const { tries, words } = this.vocabulary
    const mask = new Uint32Array(words)
    let empty = true
    for (const { lex, stack } of state.places) {
      for (const [i, trie] of tries.entries()) {
        const { bits, ids, exits } = this.#inside(lex, i)
        if (bits !== undefined) {
          if (empty) mask.set(bits)
          else for (let word = 0; word < words; word++) mask[word]! |= bits[word]!
        }
        empty = false
        for (const id of ids) mask[id >>> 5]! |= 1 << (id & 31)
        if (exits.length === 0) continue
        const after = automaton.closed(stack)
        for (const exit of exits) this.#cross(mask, automaton, after, trie, exit)
      }
    }
    return mask
  }

  /** Adds the tokens below a node of the trie, at which the automaton is in a state. */
  #cross(mask: Uint32Array, automaton: Automaton, state: State, trie: Trie, node: number): void {
    const { bytes, depths, ends } = trie
    const path = this.#path as State[]
    const end = ends[node]!
    path[depths[node]!] = state
    for (let at = node + 1; at < end; ) {
      const depth = depths[at]!
      const next = automaton.step(path[depth - 1]!, bytes[at]!)
      if (next === null) {
        at = ends[at]!
        continue
      }
      path[depth] = next
      add(mask, trie, at)
      at++
    }
  }

  #inside(lex: LexState, i: number): Inside {
    const trie = this.vocabulary.tries[i]!
    const insides = this.#insides[i]!
    const near = lex.lexer.within(lex, trie.longest)
    const known = insides.get(near)
    if (known !== undefined) return known
    const inside = this.#walk(near, trie)
    const bytes = (inside.bits?.byteLength ?? 0) + inside.ids.byteLength + inside.exits.byteLength
    insides.set(near, inside, bytes + 100)
    return inside
  }

  #walk(start: LexState, { bytes, depths, ends, firsts, order }: Trie): Inside {
    const { lexer } = start
    const path = this.#path as LexState[]
    const ids: number[] = []
    // Most terminals let in a few tokens: a bitset for each of them would be work for the garbage collector.
    let bits: Uint32Array | undefined
    const exits: number[] = []
    const end = bytes.length
    path[0] = start
    for (let at = 1; at < end; ) {
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
      const until = firsts[at + 1]!
      for (let i = firsts[at]!; i < until; i++) {
        const id = order[i]!
        if (bits !== undefined) bits[id >>> 5]! |= 1 << (id & 31)
        else if (ids.push(id) > FEW) bits = bitsOf(ids, this.vocabulary.words)
      }
      if (next.accepting && ends[at]! > at + 1) exits.push(at)
      at = next.final ? ends[at]! : at + 1
    }
    return { bits, ids: Uint32Array.from(bits === undefined ? ids : []), exits: Uint32Array.from(exits) }
  }
}

/** Adds the tokens that end at a node. */
function add(mask: Uint32Array, { firsts, order }: Trie, node: number): void {
  const until = firsts[node + 1]!
  for (let i = firsts[node]!; i < until; i++) {
    const id = order[i]!
    mask[id >>> 5]! |= 1 << (id & 31)
  }
}

function bitsOf(ids: readonly number[], words: number): Uint32Array {
  const bits = new Uint32Array(words)
  for (const id of ids) bits[id >>> 5]! |= 1 << (id & 31)
  return bits
}

/** Values by object, of which the ones used longest ago are forgotten. */
class Recent<T> {
  readonly #values = new Map<object, { value: T; bytes: number }>()
  #bytes = 0

  constructor(private readonly most: number) {}

  get(key: object): T | undefined {
    const found = this.#values.get(key)
    if (found === undefined) return undefined
    this.#values.delete(key)
    this.#values.set(key, found)
    return found.value
  }

  set(key: object, value: T, bytes: number): void {
    this.#values.set(key, { value, bytes })
    this.#bytes += bytes
    for (const [oldest, entry] of this.#values) {
      if (this.#bytes <= this.most) return
      this.#values.delete(oldest)
      this.#bytes -= entry.bytes
    }
  }
}
