/** How likely it is that tokens are right which were chosen without their own masks. */

/** How much a token still counts after the next one. */
const FADE = 0.9
/** How much a token counts that was chosen from its own mask, where that lets most of the vocabulary in. */
const HINT = 0.5

/** How often something happened; what happened last counts most. */
export class Odds {
  #yes = 0
  #no: number
  private readonly fade: number
  private readonly doubt: number
  private readonly right: number

  /** @param given what is known at first: `right` that happened and `doubt` that did not count always, `wrong` that did not grows old */
  constructor({ fade = FADE, doubt = 0.25, right = 1, wrong = 0 } = {}) {
    this.fade = fade
    this.doubt = doubt
    this.right = right
    this.#no = wrong
  }

  get likely(): number {
    const yes = this.#yes + this.right
    return yes / (yes + this.#no + this.doubt)
  }

  add(happened: boolean): void {
    this.#yes = this.fade * this.#yes + (happened ? 1 : 0)
    this.#no = this.fade * this.#no + (happened ? 0 : 1)
  }

  /** What did not happen grows old, so that it is tried again. */
  pardon(): void {
    this.#no *= this.fade
  }

  /** It was not tried, but would probably have happened. Otherwise what is known grows old, so that it is tried again. */
  hint(probably: boolean): void {
    this.#yes = this.fade * this.#yes + (probably ? HINT : 0)
    this.#no *= this.fade
  }
}

/** A mask that lets in more than others. */
export class Superset {
  readonly odds = new Odds()

  /** @param words null for all tokens */
  constructor(public words: Uint32Array | null) {}

  /** Lets in what another one does as well. Returns whether that lets most of the vocabulary in, or so it seems. */
  join(mask: Uint32Array | null): boolean {
    if (mask === null) this.words = null
    if (mask === null || this.words === null) return mask === null || isFree(mask)
    if (mask.length > this.words.length) {
      const before = this.words
      this.words = new Uint32Array(mask.length)
      this.words.set(before)
    }
    for (let i = 0; i < mask.length; i++) this.words[i]! |= mask[i]!
    return isFree(mask)
  }

  fits(own: Uint32Array | null, id: number): boolean {
    const { words } = this
    if (words === null) return allows(own, id)
    if (own === null || !allows(own, id)) return false
    for (let i = 0; i < own.length; i++) if ((own[i]! & ~(words[i] ?? 0)) !== 0) return false
    return true
  }
}

function isFree(mask: Uint32Array): boolean {
  let words = 0
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) words++
  return 2 * words > mask.length
}

export function allows(mask: Uint32Array | null, id: number): boolean {
  return mask === null || (((mask[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1
}
