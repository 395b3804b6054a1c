/** The sequences of the key/value cache: which conversation each holds, and which is given to a new prompt. */
import type { LoadedModel } from '../model/loaded-model.ts'

/** The request that computes in a sequence at the moment. */
export interface Owner {
  readonly tokens: readonly number[]
  /** How many of them have their keys and values in the sequence, or will have when the submitted batches are done. */
  readonly settled: number
  /** The adapter that its keys and values are computed with; undefined for none. */
  readonly adapter?: unknown
}

/** A place for one conversation in the cache. It keeps its conversation after the request, in case another continues it. */
export interface Sequence {
  /** Its number on the GPU. */
  readonly index: number
  /** The tokens whose keys and values it holds, while it has no owner. */
  tokens: readonly number[]
  /** The adapter that they were computed with. */
  adapter?: unknown
  /** The highest position written since it was last cleared, plus one: tells what its rings have overwritten. */
  written: number
  owner: Owner | undefined
  /** When its last owner left; 0 before the first. */
  usedAt: number
}

/** A sequence that holds the first `shared` tokens of a prompt. */
export interface Match {
  readonly sequence: Sequence
  readonly shared: number
}

/** Copying fewer positions than this costs more than computing them. */
const WORTH_COPYING = 16

export class SequenceCache {
  readonly all: readonly Sequence[]

  constructor(private readonly loaded: LoadedModel) {
    this.all = Array.from({ length: loaded.maxSequences }, (_, index) => ({
      index,
      tokens: [],
      written: 0,
      owner: undefined,
      usedAt: 0,
    }))
  }

  get free(): readonly Sequence[] {
    return this.all.filter((sequence) => sequence.owner === undefined)
  }

  /**
   * Chooses a free sequence for a prompt: the conversation that the prompt continues, else the least recently used one.
   * @returns undefined when none is free
   */
  find(tokens: readonly number[], adapter?: unknown): Match | undefined {
    const { free } = this
    let best: Sequence | undefined
    let leastLost = Infinity
    for (const sequence of free) {
      const shared = this.reusable(sequence, tokens, adapter)
      const lost = sequence.tokens.length - shared
      // A sequence that would lose most of what it holds is another conversation with the same beginning.
      if (shared > 0 && shared >= lost && lost < leastLost) {
        best = sequence
        leastLost = lost
      }
    }
    best ??= [...free].sort((a, b) => a.usedAt - b.usedAt)[0]
    return best && { sequence: best, shared: this.reusable(best, tokens, adapter) }
  }

  /** Gives a sequence to its new owner, who goes on after the first `shared` tokens of it. */
  allocate(sequence: Sequence, owner: Owner, shared: number): void {
    if (shared === 0) this.clear(sequence)
    sequence.owner = owner
    sequence.adapter = owner.adapter
  }

  /** Takes a sequence back. It keeps `tokens`, for a later prompt that continues them. */
  release(sequence: Sequence, tokens: readonly number[]): void {
    sequence.tokens = tokens
    sequence.owner = undefined
    sequence.usedAt = performance.now()
  }

  /** The sequence that holds all of these tokens, also one that a request goes on in. */
  holding(tokens: readonly number[], adapter: unknown): Sequence | undefined {
    // With one more, the last of them need not be computed again.
    const next = [...tokens, -1]
    return this.all.find((sequence) => this.reusable(sequence, next, adapter) === tokens.length)
  }

  /** A free sequence holds these tokens from now on, as if a request had left them there. */
  restore(sequence: Sequence, tokens: readonly number[], written: number, adapter: unknown): void {
    this.release(sequence, tokens)
    sequence.written = written
    sequence.adapter = adapter
  }

  /** Forgets what a sequence holds. */
  clear(sequence: Sequence): void {
    sequence.tokens = []
    sequence.written = 0
  }

  /** Finds another sequence that holds enough more of a prompt than the `known` tokens that copying them pays. */
  findSource(target: Sequence, tokens: readonly number[], known: number): Match | undefined {
    let best: Match | undefined
    for (const sequence of this.all) {
      if (sequence === target) continue
      const shared = this.reusable(sequence, tokens, target.adapter)
      if (shared >= (best ? best.shared + 1 : known + WORTH_COPYING)) best = { sequence, shared }
    }
    return best
  }

  /**
   * The number of tokens that a prompt can go on from: the common prefix without the prompt's last token, whose logits
   * must be computed. It is 0 when a ring has overwritten keys that the position after the prefix still sees, and when
   * the keys are of another adapter.
   */
  private reusable(sequence: Sequence, tokens: readonly number[], adapter: unknown): number {
    const { owner, tokens: kept, written } = sequence
    if (sequence.adapter !== adapter) return 0
    const held = owner ? owner.tokens : kept
    const most = Math.min(owner ? owner.settled : held.length, tokens.length - 1)
    const shared = Math.min(most, commonPrefix(held, tokens))
    const intact = this.loaded.cache.every(
      ({ ring, window }) => written <= ring || Math.max(0, shared - window + 1) >= written - ring,
    )
    return intact ? shared : 0
  }
}

/** Whether `common` tokens of a prompt that another request computes are worth waiting for, beyond the `known` ones. */
export function worthWaiting(common: number, known: number): boolean {
  return common >= known + WORTH_COPYING
}

export function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length)
  let length = 0
  while (length < most && a[length] === b[length]) length++
  return length
}
