/** The tokens inside of terminals, found once for all grammars over a vocabulary. */
import { Branch, Fan, type Inside, type Joint } from './branch.ts'
import type { Budget } from './budget.ts'
import { Changed } from './changed.ts'
import { FEW_BYTES, Found } from './found.ts'
import type { LexState } from './lexer.ts'
import { NO_IDS, TokenSet, type Tokens, Unions } from './token-set.ts'
import type { Trie } from './trie.ts'
import type { Vocabulary } from './vocabulary.ts'

/** As many tokens of a mask are a list and no bitset. */
const FEW = 512
/** Bytes of what is remembered; then all of it is forgotten. */
const MOST_BYTES = 96 * 2 ** 20
/** Branches of more nodes are not compared with others. */
const MOST_COMPARED = 64
/** Nodes of a walk that cost a unit of the budget. */
const NODES_OF_UNIT = 64
const SPACE = 0x20

/** Where tokens begin. */
export interface Roots {
  readonly all: Fan
  /** Without the space that tokens begin with. */
  readonly first: Fan
}

/** What a walk has found: `ids` counts where there are no `bits`. */
type Walked = Pick<Inside, 'ids' | 'ending'> & {
  readonly exits: readonly number[]
  readonly bits?: Uint32Array | undefined
}

let count = 0
const NOTHING: Inside = { id: count++, set: undefined, ids: NO_IDS, exits: undefined, ending: NO_IDS, joint: undefined }

export class Insides {
  roots: Roots
  readonly #words: number
  readonly #tries: readonly Trie[]
  readonly #unions: Unions
  readonly #path: LexState[] = []
  /** By their nodes, for each trie. */
  #branches: readonly Map<number | string, Branch>[] = []
  readonly #fans = new Map<string, Fan>()
  readonly #known = new Map<string, Inside>()
  readonly #joints = new Map<string, Joint>()
  #bytes = 0

  constructor(vocabulary: Vocabulary) {
    this.#words = vocabulary.words
    this.#tries = vocabulary.tries
    this.#unions = new Unions(vocabulary.words, FEW, (bytes) => this.keep(bytes))
    this.roots = this.#newRoots()
  }

  /** The tokens behind a fan that stay inside of the terminal in this state. */
  of(lex: LexState, fan: Fan, budget: Budget): Joint {
    let joint = fan.joints.get(lex)
    if (joint === undefined) {
      joint = this.#join(lex, fan.branches, budget)
      fan.joints.set(lex, joint)
      this.#bytes += 100
    }
    return joint
  }

  /** The tokens of any of some sets. */
  union(parts: readonly Tokens[]): Tokens {
    return this.#unions.of(parts)
  }

  /** So much more is remembered of what came from here. */
  keep(bytes: number): void {
    this.#bytes += bytes
  }

  /** Between two masks: what is remembered does not grow without an end. All of it is forgotten together, and `forget` is told of it. */
  tidy(forget: () => void): void {
    if (this.#bytes <= MOST_BYTES) return
    forget()
    this.#bytes = 0
    for (const known of [this.#fans, this.#known, this.#joints, this.#unions]) {
      if (known instanceof Map) known.clear()
      else known.forget()
    }
    this.roots = this.#newRoots()
  }

  #newRoots(): Roots {
    this.#branches = this.#tries.map(() => new Map())
    return {
      all: new Fan(this.#tries.map((trie) => new Branch(trie, [0]))),
      first: new Fan(
        this.#tries.map((trie) => {
          const space = trie.child(0, SPACE)
          return new Branch(trie, space < 0 ? [0] : [0, space], space)
        }),
      ),
    }
  }

  #join(lex: LexState, branches: readonly Branch[], budget: Budget): Joint {
    let [first, more]: [Inside, Inside[] | undefined] = [NOTHING, undefined]
    for (let i = 0; i < branches.length; i++) {
      const inside = this.#inside(lex, branches[i]!, budget)
      if (inside === NOTHING) continue
      if (first === NOTHING) first = inside
      else if (more === undefined) more = [first, inside]
      else more.push(inside)
    }
    if (more !== undefined) return this.#jointOf(more)
    first.joint ??= {
      id: count++,
      set: first.set,
      ids: first.ids,
      exits: first.exits && this.#fanOf([first.exits]),
      ending: first.ending,
    }
    return first.joint
  }

  #jointOf(insides: readonly Inside[]): Joint {
    let key = ''
    for (const { id } of insides) key += `${id}.`
    let joint = this.#joints.get(key)
    if (joint === undefined) {
      const exits = insides.flatMap((inside) => inside.exits ?? [])
      const fan = exits.length === 0 ? undefined : this.#fanOf(exits)
      joint = { id: count++, ...this.union(insides), exits: fan, ending: insides.flatMap(({ ending }) => ending) }
      this.#joints.set(key, joint)
      this.#bytes += 200 + 8 * joint.ids.length
    }
    return joint
  }

  /** The same one for the same branches. */
  #fanOf(branches: readonly Branch[]): Fan {
    if (branches.length === 1) {
      branches[0]!.fan ??= new Fan(branches)
      return branches[0]!.fan
    }
    const key = branches.map(({ id }) => id).join()
    let fan = this.#fans.get(key)
    if (fan === undefined) {
      fan = new Fan(branches)
      this.#fans.set(key, fan)
      this.#bytes += 200
    }
    return fan
  }

  #inside(lex: LexState, branch: Branch, budget: Budget): Inside {
    const { lexer } = lex
    const text = lexer.rest(lex)
    // What is found of a literal is remembered by its fan alone.
    if (text !== undefined) return this.#spell(lex, text, branch, budget)
    const known = branch.insides.get(lex)
    if (known !== undefined) return known
    const near = lexer.within(lex, branch.trie.longest)
    let inside = branch.insides.get(near)
    if (inside === undefined) {
      const like = branch.isRoot ? lexer.alike(near) : undefined
      inside = like === undefined ? this.#walk(near, branch, budget) : this.#change(near, like, branch, budget)
      branch.insides.set(near, inside)
      this.#bytes +=
        300 +
        (inside.set?.byteLength ?? 8 * inside.ids.length) +
        16 * (inside.exits?.nodes.length ?? 0) +
        8 * inside.ending.length
    }
    if (near !== lex) {
      branch.insides.set(lex, inside)
      this.#bytes += 100
    }
    return inside
  }

  #spell(lex: LexState, text: Uint8Array, branch: Branch, budget: Budget): Inside {
    const nodes = text.length === 0 ? undefined : branch.find(text[0]!)
    if (nodes === undefined) return NOTHING
    const found = new Found(branch.trie, this.#words, this.#path)
    for (let i = 0; i < nodes.length; i++) found.spell(text, nodes[i]!)
    budget.spend(0.2 + found.visited / NODES_OF_UNIT)
    return this.#insideOf(lex, found, branch)
  }

  #walk(lex: LexState, branch: Branch, budget: Budget): Inside {
    const bytes = lex.lexer.bytes(lex)
    const few = bytes.length <= FEW_BYTES
    const tried = few ? bytes : branch.bytes
    let found: Found | undefined
    for (let i = 0; i < tried.length; i++) {
      const byte = tried[i]!
      const nodes = few ? branch.find(byte) : branch.below(byte)
      const next = nodes && lex.lexer.step(lex, byte)
      if (!next) continue
      found ??= new Found(branch.trie, this.#words, this.#path)
      for (const node of nodes) found.enter(next, node)
    }
    budget.spend(1 + (found === undefined ? 0 : found.visited / NODES_OF_UNIT))
    return found === undefined ? NOTHING : this.#insideOf(lex, found, branch)
  }

  /** As `walk`, from what is known of a state that is like this one in most. */
  #change(lex: LexState, like: LexState, branch: Branch, budget: Budget): Inside {
    const { trie } = branch
    const old = this.#inside(like, branch, budget)
    const changed = new Changed(trie)
    changed.below(0, lex, like)
    budget.spend(1 + changed.visited / NODES_OF_UNIT)
    const { more, fewer, opened, closed } = changed
    if (more.length + fewer.length + opened.length + closed.length === 0) return old
    const gone = new Set(closed)
    const exits = [...(old.exits?.nodes ?? []).filter((node) => !gone.has(node)), ...opened].sort((a, b) => a - b)
    if (old.set === undefined) {
      const out = new Set(fewer)
      const ids = [...old.ids.filter((id) => !out.has(id)), ...more]
      return this.#insideOf(lex, { ids, exits, ending: NO_IDS }, branch)
    }
    const set = fewer.length > 0 || more.length > FEW ? new TokenSet(old.set.changed(more, fewer)) : old.set
    const ids = set === old.set ? [...old.ids, ...more] : old.ids
    return { id: count++, set, ids, exits: this.#branch(trie, exits), ending: old.ending, joint: undefined }
  }

  /** The same one for the same tokens and exits, as far as they are few. */
  #insideOf({ lexer }: LexState, { bits, ids, exits: nodes, ending: all }: Walked, { trie }: Branch): Inside {
    if (ids.length === 0 && nodes.length === 0) return NOTHING
    const exits = this.#branch(trie, nodes)
    const set = bits && new TokenSet(bits)
    // A small mask is looked at as a whole.
    const [own, ending] = set === undefined ? [ids, NO_IDS] : [NO_IDS, all]
    const fresh: Inside = { id: count++, set, ids: own, exits, ending, joint: undefined }
    // No two states of one literal have the same.
    if (lexer.literal || set !== undefined || nodes.length > MOST_COMPARED) return fresh
    // Each token is in one trie only, and so is each branch.
    const key = `${exits?.id ?? ''}:${ids.join()}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.#known.set(key, fresh)
    this.#bytes += 2 * key.length
    return fresh
  }

  /** The same one for the same nodes. */
  #branch(trie: Trie, nodes: readonly number[]): Branch | undefined {
    if (nodes.length === 0) return undefined
    if (nodes.length > MOST_COMPARED) return new Branch(trie, nodes)
    const known = this.#branches[this.#tries.indexOf(trie)]!
    const key = nodes.length === 1 ? nodes[0]! : nodes.join()
    let branch = known.get(key)
    if (branch === undefined) {
      branch = new Branch(trie, nodes)
      known.set(key, branch)
      this.#bytes += 200 + 24 * nodes.length
    }
    return branch
  }
}
