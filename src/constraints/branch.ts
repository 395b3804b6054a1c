/** Places in a trie where a text goes on with another part of a grammar: what tokens have behind all of them, by the next byte. */
import type { LexState } from './lexer.ts'
import type { Trie } from './trie.ts'

/** The tokens that stay inside of a terminal, whatever comes after it. */
export interface Inside {
  /** Equal for those with the same tokens and exits, as far as they are few. */
  readonly id: number
  /** As a bitset, or a list where they are few. */
  readonly bits: Uint32Array | undefined
  readonly ids: Uint32Array
  /** Where the terminal can end and tokens go on. */
  readonly exits: Branch | undefined
}

export class Branch {
  /** By the state of the lexer in which a terminal is here. */
  readonly insides = new Map<LexState, Inside>()
  #below: readonly (readonly number[] | undefined)[] | undefined
  #bytes: readonly number[] | undefined

  /** @param skipped a node that is no child of these */
  constructor(
    readonly trie: Trie,
    private readonly nodes: readonly number[],
    private readonly skipped = -1,
  ) {}

  /** The nodes that a byte leads to; undefined for none. */
  below(byte: number): readonly number[] | undefined {
    this.#below ??= this.#sorted()
    return this.#below[byte]
  }

  /** As `below`, for those who ask for a few bytes only. */
  find(byte: number): readonly number[] | undefined {
    if (this.nodes.length > 1 || this.#below !== undefined || this.nodes[0] === 0) return this.below(byte)
    const child = this.trie.child(this.nodes[0]!, byte)
    return child < 0 ? undefined : [child]
  }

  /** The bytes that lead on. */
  get bytes(): readonly number[] {
    this.#bytes ??= Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => this.below(byte) !== undefined)
    return this.#bytes
  }

  #sorted(): (number[] | undefined)[] {
    const { bytes, ends } = this.trie
    const below: (number[] | undefined)[] = new Array(256)
    for (const node of this.nodes) {
      const end = ends[node]!
      for (let child = node + 1; child < end; child = ends[child]!) {
        if (child === this.skipped) continue
        const byte = bytes[child]!
        const same = below[byte]
        if (same === undefined) below[byte] = [child]
        else same.push(child)
      }
    }
    return below
  }
}
