/** Which tokens can come in a state of an automaton, as bitsets. */
import type { Automaton, State } from './automaton.ts'
import type { Fan, Joint } from './branch.ts'
import { Courses } from './course.ts'
import { Explorer } from './explorer.ts'
import { Insides } from './insides.ts'
import type { Place, Stack } from './stack.ts'
import { allow, NO_IDS, TokenSet, type Tokens } from './token-set.ts'
import type { Vocabulary } from './vocabulary.ts'

const SPACE = 0x20

/**
 * Masks of the states of any automata over one vocabulary. The tokens inside of a terminal do not depend on the grammar around it,
 * and neither do those that go on behind it inside of another one: each such set is found once for all grammars (insides.ts), and
 * a mask is put together from a few of them. Most masks are one large set that is known, such as what stays inside of a string, and
 * the few tokens that go on behind its end: only these are found for a new grammar, once for each place behind a terminal.
 */
export class Masks {
  readonly #insides: Insides
  #pages = new WeakMap<Automaton, Page>()
  readonly #explorers = new WeakMap<Automaton, Explorer>()
  /** What masks of few tokens are written to. */
  readonly #empty: TokenSet
  readonly #ends: Tokens

  constructor(readonly vocabulary: Vocabulary) {
    this.#insides = new Insides(vocabulary)
    this.#empty = new TokenSet(new Uint32Array(vocabulary.words))
    this.#ends = { set: undefined, ids: vocabulary.endIds }
  }

  /** The tokens that can come, those that end the text included; not to be changed, and good until the next call. */
  mask(automaton: Automaton, state: State): Uint32Array {
    return this.wordsOf(this.of(automaton, state))
  }

  /** One that was remembered, written out as `mask` gives it. */
  wordsOf({ set, ids }: Tokens): Uint32Array {
    return (set ?? this.#empty).with(ids)
  }

  /** As `mask`, as it is remembered: the same object for states that no token tells apart. */
  of(automaton: Automaton, state: State): Tokens {
    const known = this.#pageOf(automaton).ofState.get(state)
    if (known !== undefined) return known
    this.#insides.tidy(() => {
      this.#pages = new WeakMap()
    })
    const page = this.#pageOf(automaton)
    const { places, accepting } = state
    const single = places.length === 1 && !accepting
    const mask = single ? this.#ofPlace(page, places[0]!) : this.#ofSeveral(page, state)
    page.add(state, mask)
    this.#insides.keep(100)
    return mask
  }

  /** As `mask`, where the text drops the space that its first token begins with. */
  firstMask(automaton: Automaton, state: State): Uint32Array {
    const { first } = this.#insides.roots
    const parts = this.#parts(this.#pageOf(automaton), state.places, first)
    const mask = this.wordsOf(this.#insides.union(parts)).slice()
    if (state.accepting) for (const id of this.vocabulary.endIds) allow(mask, id)
    // Nothing is left of a token that is that space alone.
    for (const trie of this.vocabulary.tries) for (const id of trie.tokensAt(trie.child(0, SPACE))) allow(mask, id)
    for (const [id, bytes] of this.vocabulary.unusual) {
      if (bytes !== undefined && automaton.after(state, bytes) !== null) allow(mask, id)
      else mask[id >>> 5]! &= ~(1 << (id & 31))
    }
    return mask
  }

  /** The masks of several tokens ahead. */
  coursesOf(automaton: Automaton): Courses {
    const page = this.#pageOf(automaton)
    page.courses ??= new Courses(automaton, this)
    return page.courses
  }

  /** The tokens that probably change the mask: all of a small one; of others those that go on behind a terminal, end with it, or end within a character. */
  turning(automaton: Automaton, state: State): number[] {
    const page = this.#pageOf(automaton)
    const ends = new Set(this.vocabulary.endIds)
    const mask = this.of(automaton, state)
    if (mask.set === undefined) return mask.ids.filter((id) => !ends.has(id))
    const behind = state.places.map(({ lex, stack }) => {
      const { exits, ending } = this.#insides.of(lex, this.#insides.roots.all, automaton.budget)
      return exits === undefined ? ending : [...ending, ...this.#behind(page, exits, stack).ids]
    })
    return [...new Set([...behind.flat(), ...this.vocabulary.unfinished])]
  }

  /** Works out a little of what masks to come are put together from. */
  prepare(automaton: Automaton): void {
    let explorer = this.#explorers.get(automaton)
    if (explorer === undefined) {
      explorer = new Explorer(automaton, this.#insides, (exits, stack) => {
        this.#behind(this.#pageOf(automaton), exits, stack)
      })
      this.#explorers.set(automaton, explorer)
    }
    explorer.step((units) => this.#pageOf(automaton).courses?.prepare(units))
  }

  #pageOf(automaton: Automaton): Page {
    let page = this.#pages.get(automaton)
    if (page === undefined) {
      page = new Page(automaton)
      this.#pages.set(automaton, page)
    }
    return page
  }

  /** The tokens that can come in a place. */
  #ofPlace(page: Page, { lex, stack }: Place): Tokens {
    const joint = this.#insides.of(lex, this.#insides.roots.all, page.automaton.budget)
    if (joint.exits === undefined) return joint
    const masks = page.at(stack)
    let mask = masks.get(joint)
    if (mask === undefined) {
      const behind = this.#behind(page, joint.exits, stack)
      mask = behind === NOTHING ? joint : this.#union(page, [joint, behind])
      masks.set(joint, mask)
    }
    return mask
  }

  #ofSeveral(page: Page, { places, accepting }: State): Tokens {
    const { roots } = this.#insides
    let key = accepting ? '!' : ''
    for (const { lex, stack } of places) {
      const { id, exits } = this.#insides.of(lex, roots.all, page.automaton.budget)
      key += exits === undefined ? `${id},` : `${id}.${stack.id},`
    }
    let mask = page.ofPlaces.get(key)
    if (mask === undefined) {
      const parts = places.map((place) => this.#ofPlace(page, place))
      mask = this.#union(page, accepting ? [...parts, this.#ends] : parts)
      page.ofPlaces.set(key, mask)
      this.#insides.keep(2 * key.length + 200)
    }
    return mask
  }

  /** What can come in any of some places behind a fan, in parts. */
  #parts(page: Page, places: readonly Place[], fan: Fan): Tokens[] {
    const parts: Tokens[] = []
    for (let i = 0; i < places.length; i++) {
      const { lex, stack } = places[i]!
      const joint = this.#insides.of(lex, fan, page.automaton.budget)
      if (joint.set !== undefined || joint.ids.length > 0) parts.push(joint)
      const behind = joint.exits === undefined ? NOTHING : this.#behind(page, joint.exits, stack)
      if (behind !== NOTHING) parts.push(behind)
    }
    return parts
  }

  /** The tokens that go on behind a terminal which ended at a fan. */
  #behind(page: Page, fan: Fan, stack: Stack): Tokens {
    const known = page.at(stack)
    let behind = known.get(fan)
    if (behind === undefined) {
      page.automaton.budget.spend(0.5)
      behind = this.#union(page, this.#parts(page, page.automaton.placesAfter(stack), fan))
      known.set(fan, behind)
    }
    return behind
  }

  #union({ automaton: { budget } }: Page, parts: readonly Tokens[]): Tokens {
    if (parts.length === 0) return NOTHING
    if (parts.length === 1) return parts[0]!
    let ids = 0
    for (let i = 0; i < parts.length; i++) ids += parts[i]!.ids.length
    budget.spend(parts.length / 2 + ids / 128)
    const union = this.#insides.union(parts)
    this.#insides.keep(100 + 8 * union.ids.length)
    return union
  }
}

const NOTHING: Tokens = { set: undefined, ids: NO_IDS }

/** States and stacks of one automaton of which masks are remembered; what is older is made again when it comes up. */
const MOST_REMEMBERED = 10_000

/** What is remembered of one automaton. */
class Page {
  readonly ofState = new Map<State, Tokens>()
  /** Of states that can be read in several ways, by what their masks are put together from. */
  readonly ofPlaces = new Map<string, Tokens>()
  /** By what comes behind a terminal: with it the masks of places, and alone the tokens that go on behind a fan. */
  courses: Courses | undefined
  readonly #atStack = new Map<Stack, Map<Joint | Fan, Tokens>>()

  constructor(readonly automaton: Automaton) {}

  add(state: State, mask: Tokens): void {
    if (this.ofState.size >= MOST_REMEMBERED) this.ofState.clear()
    if (this.ofPlaces.size >= MOST_REMEMBERED) this.ofPlaces.clear()
    this.ofState.set(state, mask)
  }

  at(stack: Stack): Map<Joint | Fan, Tokens> {
    let known = this.#atStack.get(stack)
    if (known === undefined) {
      if (this.#atStack.size >= MOST_REMEMBERED) this.#atStack.clear()
      known = new Map()
      this.#atStack.set(stack, known)
    }
    return known
  }
}
