/** Sets of tokens, as masks are put together from them: a bitset that many masks share, and a few ids of each one's own. */

/** A set of tokens: those of a bitset, if there is one, and some more. */
export interface Tokens {
  readonly set: TokenSet | undefined
  /** None of them is in `set`. */
  readonly ids: readonly number[]
}

export const NO_IDS: readonly number[] = []

let count = 0

/**
 * A bitset of many tokens. Masks that differ in a few tokens only are written into the bits of the set that they share, one at a time, so that none of
 * them costs a bitset of its own.
 */
export class TokenSet {
  readonly id = count++
  /** Ids that are written and are not of the set. */
  #added = NO_IDS

  /** @param bits of the set, which it keeps */
  constructor(private readonly bits: Uint32Array) {}

  get byteLength(): number {
    return this.bits.byteLength
  }

  /** The set alone; good until others are asked for. */
  get words(): Uint32Array {
    return this.with(NO_IDS)
  }

  /** A copy with more ids, and without some. */
  changed(more: readonly number[], fewer: readonly number[]): Uint32Array {
    const bits = this.words.slice()
    for (let i = 0; i < fewer.length; i++) forbid(bits, fewer[i]!)
    for (let i = 0; i < more.length; i++) allow(bits, more[i]!)
    return bits
  }

  /** The set and some ids that are not in it; good until others are asked for. */
  with(ids: readonly number[]): Uint32Array {
    const { bits } = this
    const before = this.#added
    if (before === ids) return bits
    for (let i = 0; i < before.length; i++) forbid(bits, before[i]!)
    for (let i = 0; i < ids.length; i++) allow(bits, ids[i]!)
    this.#added = ids
    return bits
  }
}

export function allow(bits: Uint32Array, id: number): void {
  bits[id >>> 5]! |= 1 << (id & 31)
}

function forbid(bits: Uint32Array, id: number): void {
  bits[id >>> 5]! &= ~(1 << (id & 31))
}

export function bitsOf(ids: readonly number[], words: number): Uint32Array {
  const bits = new Uint32Array(words)
  for (let i = 0; i < ids.length; i++) allow(bits, ids[i]!)
  return bits
}

/** Puts sets together. Of several bitsets one is made, once for all that have the same. */
export class Unions {
  readonly #known = new Map<string, TokenSet>()
  /**
   * @param words of a bitset
   * @param few as many ids are a list, and more a bitset
   * @param made is told of the bytes of each new set
   */
  constructor(
    private readonly words: number,
    private readonly few: number,
    private readonly made: (bytes: number) => void,
  ) {}

  /** The tokens of any of some sets. */
  of(parts: readonly Tokens[]): Tokens {
    const sets: TokenSet[] = []
    for (let i = 0; i < parts.length; i++) {
      const { set } = parts[i]!
      if (set !== undefined && !sets.includes(set)) sets.push(set)
    }
    const set = this.joined(sets)
    const ids = this.#ids(parts, set)
    if (ids.length <= this.few) return { set, ids }
    return { set: this.#make(set === undefined ? bitsOf(ids, this.words) : set.changed(ids, NO_IDS)), ids: NO_IDS }
  }

  /** One set that has the tokens of all; undefined for none. */
  joined(sets: TokenSet[]): TokenSet | undefined {
    if (sets.length < 2) return sets[0]
    const key = sets
      .map(({ id }) => id)
      .sort((a, b) => a - b)
      .join()
    let joined = this.#known.get(key)
    if (joined === undefined) {
      const bits = sets[0]!.words.slice()
      for (const { words } of sets.slice(1)) for (let i = 0; i < bits.length; i++) bits[i]! |= words[i]!
      joined = this.#make(bits)
      this.#known.set(key, joined)
    }
    return joined
  }

  forget(): void {
    this.#known.clear()
  }

  /** None that is in the set; each once where there are many. */
  #ids(parts: readonly Tokens[], set: TokenSet | undefined): readonly number[] {
    const words = set?.words
    let ids: number[] = []
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!
      if (words === undefined || part.set === set) {
        ids = ids.length === 0 ? part.ids.slice() : ids.concat(part.ids)
        continue
      }
      for (let j = 0; j < part.ids.length; j++) {
        const id = part.ids[j]!
        if (((words[id >>> 5]! >>> (id & 31)) & 1) === 0) ids.push(id)
      }
    }
    return ids.length > this.few ? [...new Set(ids)] : ids
  }

  #make(bits: Uint32Array): TokenSet {
    this.made(bits.byteLength + 200)
    return new TokenSet(bits)
  }
}
