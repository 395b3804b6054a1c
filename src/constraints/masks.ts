/** Which tokens can come in a state of an automaton, as bitsets. */
import type { Automaton, State } from './automaton.ts'
import type { Branch } from './branch.ts'
import { Explorer } from './explorer.ts'
import { Insides } from './insides.ts'
import type { Place } from './stack.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Bytes of remembered masks. */
const MOST_BYTES = 64 * 2 ** 20
/** As many tokens are a list and no bitset. */
const FEW = 512
const SPACE = 0x20

/**
 * Masks of the states of any automata over one vocabulary. The tokens inside of a terminal do not depend on the grammar around it,
 * and neither do those that go on behind it inside of another one: each such set is found once for all grammars (insides.ts), and
 * a mask is put together from a few of them.
 */
export class Masks {
  /** By state, and by what the mask is put together from. */
  readonly #masks = new Recent<Mask>(MOST_BYTES)
  readonly #insides: Insides
  readonly #explorers = new WeakMap<Automaton, Explorer>()
  /** What masks of few tokens are written to, and those it has now. */
  readonly #scratch: Uint32Array
  #written: Uint32Array = new Uint32Array()

  constructor(readonly vocabulary: Vocabulary) {
    this.#insides = new Insides(vocabulary)
    this.#scratch = new Uint32Array(vocabulary.words)
  }

  /** The tokens that can come, those that end the text included; not to be changed, and good until the next call. */
  mask(automaton: Automaton, state: State): Uint32Array {
    return this.wordsOf(this.of(automaton, state))
  }

  /** One that was remembered, written out as `mask` gives it. */
  wordsOf({ bits, ids }: Mask): Uint32Array {
    if (bits !== undefined) return bits
    for (const id of this.#written) this.#scratch[id >>> 5] = 0
    for (const id of ids) allow(this.#scratch, id)
    this.#written = ids
    return this.#scratch
  }

  /** As `mask`, as it is remembered: the same object for states that no token tells apart. */
  of(automaton: Automaton, state: State): Mask {
    const known = this.#masks.get(state)
    if (known !== undefined) return known
    this.#insides.tidy()
    const key = this.#keyOf(automaton, state)
    let mask = this.#masks.get(key)
    if (mask === undefined) {
      mask = this.#sum(automaton, state, this.#insides.roots.all).mask()
      this.#masks.set(key, mask, (mask.bits?.byteLength ?? 0) + mask.ids.byteLength + 300)
    }
    this.#masks.set(state, mask, 100)
    return mask
  }

  /** As `mask`, where the text drops the space that its first token begins with. */
  firstMask(automaton: Automaton, state: State): Uint32Array {
    this.#insides.tidy()
    const mask = this.#sum(automaton, state, this.#insides.roots.first).bits
    // Nothing is left of a token that is that space alone.
    for (const trie of this.vocabulary.tries) for (const id of trie.tokensAt(trie.child(0, SPACE))) allow(mask, id)
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
      explorer = new Explorer(automaton, this.#insides, (place, root) => {
        new Sum(automaton, this.#insides, 0).add(place, root, 0)
      })
      this.#explorers.set(automaton, explorer)
    }
    explorer.step()
  }

  #sum(automaton: Automaton, state: State, roots: readonly Branch[]): Sum {
    const sum = new Sum(automaton, this.#insides, this.vocabulary.words)
    for (const place of state.places) for (const root of roots) sum.add(place, root, 0)
    if (state.accepting) sum.ids.push(...this.vocabulary.endIds)
    return sum
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

/** The tokens of a mask: as a bitset, or as a list where they are few. */
export interface Mask {
  readonly bits: Uint32Array | undefined
  readonly ids: Uint32Array
}

/** A mask that is being put together. */
class Sum {
  readonly ids: number[] = []
  #bits: Uint32Array | undefined
  /** What has been added behind the end of a terminal that itself came behind another. */
  readonly #added = new Map<Branch, Set<Place>>()

  /** @param words of the mask; 0 to look at everything without writing it down */
  constructor(
    private readonly automaton: Automaton,
    private readonly insides: Insides,
    private readonly words: number,
  ) {}

  get bits(): Uint32Array {
    const bits = this.#bits ?? new Uint32Array(this.words)
    for (const id of this.ids) allow(bits, id)
    return bits
  }

  mask(): Mask {
    const few = this.#bits === undefined && this.ids.length <= FEW
    return few ? { bits: undefined, ids: Uint32Array.from(this.ids) } : { bits: this.bits, ids: new Uint32Array() }
  }

  /** The tokens behind a branch that can come in a place. */
  add(place: Place, branch: Branch, crossed: number): void {
    if (crossed > 1 && !this.#isNew(place, branch)) return
    const { automaton } = this
    automaton.budget.spend(0.5)
    const { bits, ids, exits } = this.insides.of(place.lex, branch, automaton.budget)
    if (this.words > 0) {
      if (bits !== undefined) this.#join(bits)
      for (const id of ids) this.ids.push(id)
    }
    if (exits === undefined) return
    for (const next of automaton.placesAfter(place.stack)) this.add(next, exits, crossed + 1)
  }

  #join(bits: Uint32Array): void {
    this.automaton.budget.spend(bits.length / 1024)
    if (this.#bits === undefined) this.#bits = bits.slice()
    else for (let word = 0; word < bits.length; word++) this.#bits[word]! |= bits[word]!
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
