/** Byte-pair merges of words of any length: n log n for n characters, all in flat arrays. */

import type { Merges } from './merges.ts'

/** The ranks of texts to which any two neighbours that make them are joined. */
export type Joins = ReadonlyMap<string, number>

/** Longer words hardly come back, and would fill the memory. */
const MAX_CACHED_LENGTH = 64
const MAX_CACHED_WORDS = 20_000
/** Words up to this length share one set of arrays. */
const SHARED_LENGTH = 1 << 12
/** Places for pairs that were looked up; it is emptied when half of them are taken. */
const PAIR_PLACES = 1 << 16
/** Texts that are numbered before all are forgotten; those of a book are fewer. */
const MAX_TEXTS = 1 << 18

interface Arrays {
  readonly symbols: Int32Array
  readonly next: Int32Array
  readonly previous: Int32Array
}

export class Merger {
  readonly #rankOf: (left: string, right: string) => number | undefined
  readonly #ids = new Map<string, number>()
  readonly #texts: string[] = []
  /** Open addressing; of each slot the left and the right symbol, the rank, and the symbol that both make. */
  readonly #slots = new Int32Array(4 * PAIR_PLACES).fill(-1)
  readonly #mask = PAIR_PLACES - 1
  #taken = 0
  readonly #cache = new Map<string, readonly string[]>()
  readonly #shared = arraysOf(SHARED_LENGTH)

  /**
   * @param source the merges that there are, or what any two neighbours are joined to. The pairs are found out as texts need them: a
   *   vocabulary has some hundreds of thousands. The lowest rank is joined first, the leftmost of equals
   */
  constructor(source: Merges | Joins) {
    this.#rankOf =
      'separator' in source
        ? (left, right) => source.ranks.get(left + source.separator + right)
        : (left, right) => source.get(left + right)
  }

  #intern(text: string): number {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    this.#ids.set(text, this.#texts.length)
    return this.#texts.push(text) - 1
  }

  /** Where a pair lies in the table, whose rank is -1 when it is not joined. */
  #pair(left: number, right: number): number {
    const slot = this.#slot(left, right)
    return this.#slots[slot] === -1 ? this.#lookUp(left, right) : slot
  }

  #lookUp(left: number, right: number): number {
    if (++this.#taken > (this.#mask + 1) / 2) {
      this.#slots.fill(-1)
      this.#taken = 1
    }
    const slot = this.#slot(left, right)
    const [leftText, rightText] = [this.#texts[left]!, this.#texts[right]!]
    const rank = this.#rankOf(leftText, rightText)
    this.#slots[slot] = left
    this.#slots[slot + 1] = right
    if (rank === undefined) return slot
    this.#slots[slot + 2] = rank
    this.#slots[slot + 3] = this.#intern(leftText + rightText)
    return slot
  }

  #forgetTexts(): void {
    this.#ids.clear()
    this.#texts.length = 0
    this.#slots.fill(-1)
    this.#taken = 0
  }

  /** Where a pair lies in the table, or the free place where it would. */
  #slot(left: number, right: number): number {
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
    hash ^= hash >>> 15
    for (let at = hash & this.#mask; ; at = (at + 1) & this.#mask) {
      const slot = 4 * at
      const found = this.#slots[slot]
      if (found === -1 || (found === left && this.#slots[slot + 1] === right)) return slot
    }
  }

  /** The parts of a word that no merge joins any more. */
  split(word: string): readonly string[] {
    const known = this.#cache.get(word)
    if (known !== undefined) return known
    if (this.#texts.length > MAX_TEXTS) this.#forgetTexts()
    const parts = this.#merge(Array.from(word))
    if (word.length <= MAX_CACHED_LENGTH) {
      // It is cheaper to fill it anew than to keep an order among its words.
      if (this.#cache.size >= MAX_CACHED_WORDS) this.#cache.clear()
      this.#cache.set(word, parts)
    }
    return parts
  }

  #merge(characters: readonly string[]): string[] {
    const length = characters.length
    const { symbols, next, previous } = length <= SHARED_LENGTH ? this.#shared : arraysOf(length)
    for (let i = 0; i < length; i++) {
      symbols[i] = this.#intern(characters[i]!)
      next[i] = i + 1
      previous[i] = i - 1
    }
    const queue = new Queue()
    const offer = (left: number) => {
      const right = left < 0 ? length : next[left]!
      if (right >= length) return
      const rank = this.#slots[this.#pair(symbols[left]!, symbols[right]!) + 2]!
      if (rank !== -1) queue.push(rank * length + left)
    }
    for (let i = 0; i + 1 < length; i++) offer(i)
    while (queue.length > 0) {
      const best = queue.pop()
      const left = best % length
      const right = next[left]!
      // The symbols there may have been joined since; such a pair has been offered anew.
      if (right >= length || symbols[left]! < 0 || symbols[right]! < 0) continue
      const slot = this.#pair(symbols[left]!, symbols[right]!)
      if (this.#slots[slot + 2] === -1 || this.#slots[slot + 2]! * length + left !== best) continue
      symbols[left] = this.#slots[slot + 3]!
      symbols[right] = -2
      next[left] = next[right]!
      if (next[left]! < length) previous[next[left]!] = left
      offer(previous[left]!)
      offer(left)
    }
    const parts: string[] = []
    for (let i = 0; i < length; i = next[i]!) parts.push(this.#texts[symbols[i]!]!)
    return parts
  }
}

function arraysOf(length: number): Arrays {
  return { symbols: new Int32Array(length), next: new Int32Array(length), previous: new Int32Array(length) }
}

/** A binary heap of numbers, the least first. */
class Queue {
  readonly #items: number[] = []

  get length(): number {
    return this.#items.length
  }

  push(value: number): void {
    const items = this.#items
    let at = items.length
    items.push(value)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (items[parent]! <= value) break
      items[at] = items[parent]!
      at = parent
    }
    items[at] = value
  }

  /** The queue must not be empty. */
  pop(): number {
    const items = this.#items
    const least = items[0]!
    const last = items.pop()!
    const length = items.length
    if (length === 0) return least
    let at = 0
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && items[child + 1]! < items[child]!) child++
      if (items[child]! >= last) break
      items[at] = items[child]!
      at = child
    }
    items[at] = last
    return least
  }
}
