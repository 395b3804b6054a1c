import type { Engine } from '../model/engine.ts'
import { Generation } from './generation.ts'

/** Who computes in a slot. */
export interface Holder {
  readonly tokens: readonly number[]
  /** How many of them the slot holds. */
  readonly settled: number
}

/** A sequence of the cache: a conversation that is being computed, or one that is kept in case it goes on. */
export interface Slot {
  readonly index: number
  /** While nobody holds it: the tokens whose keys and values it has. */
  tokens: readonly number[]
  /** Positions written since it was last emptied: where its rings have gone, also when `tokens` was cut back since. */
  written: number
  holder: Holder | undefined
  /** When it was last given back; 0 for never. */
  usedAt: number
}

/** A slot for a prompt. */
export interface Seat {
  readonly slot: Slot
  /** Tokens at the beginning of the prompt that the slot holds. */
  readonly shared: number
}

/** Copying this many positions at least is worth it. */
const WORTH_COPYING = 16

/** The conversations in the cache: which may go on in its place, and which goes first when room is needed. */
export class Slots {
  readonly all: readonly Slot[]

  constructor(private readonly engine: Engine) {
    this.all = Array.from({ length: engine.maxSequences }, (_, index) => ({
      index,
      tokens: [],
      written: 0,
      holder: undefined,
      usedAt: 0,
    }))
  }

  /**
   * A free slot for a prompt: the conversation that the prompt continues, else the one least recently used.
   * undefined when none is free.
   */
  seatFor(tokens: readonly number[]): Seat | undefined {
    const free = this.all.filter((slot) => slot.holder === undefined)
    let best: Slot | undefined
    let lost = Infinity
    for (const slot of free) {
      const shared = this.reusable(slot, tokens)
      // One that would lose most of what it holds is somebody else's conversation with the same beginning.
      if (shared > 0 && 2 * shared >= slot.tokens.length && slot.tokens.length - shared < lost) {
        best = slot
        lost = slot.tokens.length - shared
      }
    }
    best ??= free.sort((a, b) => a.usedAt - b.usedAt)[0]
    if (best === undefined) return undefined
    return { slot: best, shared: this.reusable(best, tokens) }
  }

  /** What it held does not count any more. */
  empty(slot: Slot): void {
    slot.tokens = []
    slot.written = 0
  }

  /** Another slot that holds so much more of a prompt than the `known` tokens that copying them is worth it. */
  bestSource(than: Slot, tokens: readonly number[], known: number): Seat | undefined {
    let best: Seat | undefined
    for (const slot of this.all) {
      if (slot === than) continue
      const shared = this.reusable(slot, tokens)
      if (shared >= (best ? best.shared + 1 : known + WORTH_COPYING)) best = { slot, shared }
    }
    return best
  }

  /** Whether another prompt that was admitted earlier and is being read begins with more of this one's tokens. */
  comesSoon(generation: Generation): boolean {
    if (generation.request.recompute) return false
    return this.all.some(({ holder }) => {
      if (!(holder instanceof Generation) || holder === generation || holder.order > generation.order) return false
      if (holder.pendingRows <= 1 || !holder.runnable || holder.request.recompute) return false
      const common = commonPrefix(holder.tokens, generation.tokens)
      return holder.computed < common && common >= generation.computed + WORTH_COPYING
    })
  }

  /**
   * Tokens of the slot that `tokens` can go on from: the common prefix without the last of `tokens`, whose logits must
   * be computed; nothing when a ring has overwritten keys that the position after the prefix still sees.
   */
  private reusable(slot: Slot, tokens: readonly number[]): number {
    const held = slot.holder ? slot.holder.tokens : slot.tokens
    const most = Math.min(slot.holder ? slot.holder.settled : held.length, tokens.length - 1)
    const shared = Math.min(most, commonPrefix(held, tokens))
    const intact = this.engine.cache.every(
      ({ ring, window }) => slot.written <= ring || Math.max(0, shared - window + 1) >= slot.written - ring,
    )
    return intact ? shared : 0
  }
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length)
  let length = 0
  while (length < most && a[length] === b[length]) length++
  return length
}
