/** Which tokens can come in a state of an automaton, as bitsets. */
import type { Automaton, State } from './automaton.ts'
import type { Branch } from './branch.ts'
import { Explorer } from './explorer.ts'
import { Insides } from './insides.ts'
import type { Place } from './stack.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Bytes of remembered masks. */
const MOST_BYTES = 64 * 2 ** 20
const SPACE = 0x20

/**
 * Masks of the states of any automata over one vocabulary. The tokens inside of a terminal do not depend on the grammar around it,
 * and neither do those that go on behind it inside of another one: each such set is found once for all grammars (insides.ts), and
 * a mask is put together from a few of them.
 */
export class Masks {
  /** By state, and by what the mask is put together from. */
  readonly #masks = new Recent<Uint32Array>(MOST_BYTES)
  readonly #insides: Insides
  readonly #explorers = new WeakMap<Automaton, Explorer>()

  constructor(readonly vocabulary: Vocabulary) {
    this.#insides = new Insides(vocabulary)
  }

  /** The tokens that can come, those that end the text included; not to be changed. The same for states that no token tells apart. */
  mask(automaton: Automaton, state: State): Uint32Array {
    const known = this.#masks.get(state)
    if (known !== undefined) return known
    this.#insides.tidy()
    const key = this.#keyOf(automaton, state)
    let mask = this.#masks.get(key)
    if (mask === undefined) {
      mask = this.#tokens(automaton, state, this.#insides.roots.all)
      this.#masks.set(key, mask, mask.byteLength + 100)
    }
    this.#masks.set(state, mask, 100)
    return mask
  }

  /** As `mask`, where the text drops the space that its first token begins with. */
  firstMask(automaton: Automaton, state: State): Uint32Array {
    this.#insides.tidy()
    const mask = this.#tokens(automaton, state, this.#insides.roots.first)
    for (const { child, firsts, order } of this.vocabulary.tries.map((trie) => ({
      child: trie.child(0, SPACE),
      firsts: trie.firsts,
      order: trie.order,
    }))) {
      if (child < 0) continue
      // Nothing is left of a token that is that space alone.
      for (let i = firsts[child]!; i < firsts[child + 1]!; i++) allow(mask, order[i]!)
    }
    for (const [id, bytes] of this.vocabulary.unusual) {
      if (bytes !== undefined && automaton.after(state, bytes) !== null) allow(mask, id)
      else mask[id >>> 5]! &= ~(1 << (id & 31))
    }
    return mask
  }

  /** Works out a little of what masks to come are put together from. */
  prepare(automaton: Automaton): void {
    let explorer = this.#explorers.get(automaton)
    if (explorer === undefined) {
      const sum = new Sum(automaton, this.#insides, this.vocabulary.words)
      explorer = new Explorer(automaton, this.#insides, (place, root) => sum.add(place, root, 0))
      this.#explorers.set(automaton, explorer)
    }
    explorer.step()
  }

  #tokens(automaton: Automaton, state: State, roots: readonly Branch[]): Uint32Array {
    const sum = new Sum(automaton, this.#insides, this.vocabulary.words)
    for (const place of state.places) for (const root of roots) sum.add(place, root, 0)
    if (state.accepting) for (const id of this.vocabulary.endIds) allow(sum.mask, id)
    return sum.mask
  }

  /** Equal for states with the same tokens inside of the same terminals, and the same behind them. */
  #keyOf({ budget }: Automaton, { places, accepting }: State): string {
    let key = accepting ? '!' : ''
    for (const { lex, stack } of places) {
      let exits = false
      for (const root of this.#insides.roots.all) {
        const inside = this.#insides.of(lex, root, budget)
        key += `${inside.id}.`
        exits ||= inside.exits !== undefined
      }
      key += exits ? `${stack.id},` : ','
    }
    return key
  }
}

/** A mask that is being put together. */
class Sum {
  readonly mask: Uint32Array
  #empty = true
  /** What has been added behind the end of a terminal that itself came behind another. */
  readonly #added = new Map<Branch, Set<Place>>()

  constructor(
    private readonly automaton: Automaton,
    private readonly insides: Insides,
    words: number,
  ) {
    this.mask = new Uint32Array(words)
  }

  /** The tokens behind a branch that can come in a place. */
  add(place: Place, branch: Branch, crossed: number): void {
    if (crossed > 1 && !this.#isNew(place, branch)) return
    const { automaton, mask } = this
    automaton.budget.spend(0.5)
    const { bits, ids, exits } = this.insides.of(place.lex, branch, automaton.budget)
    if (bits !== undefined) {
      if (this.#empty) mask.set(bits)
      else for (let word = 0; word < mask.length; word++) mask[word]! |= bits[word]!
      automaton.budget.spend(mask.length / 1024)
    }
    this.#empty = false
    for (const id of ids) mask[id >>> 5]! |= 1 << (id & 31)
    if (exits === undefined) return
    for (const next of automaton.placesAfter(place.stack)) this.add(next, exits, crossed + 1)
  }

  #isNew(place: Place, branch: Branch): boolean {
    const places = this.#added.get(branch)
    if (places === undefined) this.#added.set(branch, new Set([place]))
    else if (places.has(place)) return false
    else places.add(place)
    return true
  }
}

function allow(mask: Uint32Array, id: number): void {
  mask[id >>> 5]! |= 1 << (id & 31)
}

/** Values by object or text, of which the ones used longest ago are forgotten. */
class Recent<T> {
  readonly #values = new Map<object | string, { value: T; bytes: number }>()
  #bytes = 0

  constructor(private readonly most: number) {}

  get(key: object | string): T | undefined {
    const found = this.#values.get(key)
    if (found === undefined) return undefined
    this.#values.delete(key)
    this.#values.set(key, found)
    return found.value
  }

  set(key: object | string, value: T, bytes: number): void {
    this.#values.set(key, { value, bytes })
    this.#bytes += bytes
    for (const [oldest, entry] of this.#values) {
      if (this.#bytes <= this.most) return
      this.#values.delete(oldest)
      this.#bytes -= entry.bytes
    }
  }
}
