/** Places in the tries where a text goes on with another part of a grammar: what tokens have behind all of them, by the next byte. */
import type { LexState } from './lexer.ts'
import type { TokenSet, Tokens } from './token-set.ts'
import type { Trie } from './trie.ts'

/** The tokens of one trie that stay inside of a terminal, whatever comes after it. */
export interface Inside extends Tokens {
  readonly set: TokenSet | undefined
  readonly id: number
  /** Where the terminal can end and tokens go on. */
  readonly exits: Branch | undefined
  /** Some of the tokens, with which the terminal can end: all where they are few. */
  readonly ending: readonly number[]
  /** It as the only one of its fan that has tokens. */
  joint: Joint | undefined
}

/** The same of all tries together. */
export interface Joint extends Tokens {
  readonly id: number
  readonly exits: Fan | undefined
  readonly ending: readonly number[]
}

/** Branches of several tries, at most one of each. */
export class Fan {
  /** By the state of the lexer in which a terminal is here. */
  readonly joints = new Map<LexState, Joint>()

  constructor(readonly branches: readonly Branch[]) {}
}

let count = 0

/** Nodes of one trie. */
export class Branch {
  readonly id = count++
  readonly insides = new Map<LexState, Inside>()
  /** It as the only one of a fan. */
  fan: Fan | undefined
  #below: readonly (readonly number[] | undefined)[] | undefined
  #bytes: readonly number[] = []

  /** @param skipped a node that is no child of these */
  constructor(
    readonly trie: Trie,
    readonly nodes: readonly number[],
    private readonly skipped = -1,
  ) {}

  /** Whole tokens are below. */
  get isRoot(): boolean {
    return this.nodes.length === 1 && this.nodes[0] === 0
  }

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

  /** The bytes that lead on, in any order. */
  get bytes(): readonly number[] {
    this.#below ??= this.#sorted()
    return this.#bytes
  }

  #sorted(): (number[] | undefined)[] {
    const { bytes, ends } = this.trie
    const below: (number[] | undefined)[] = new Array(256)
    const met: number[] = []
    for (const node of this.nodes) {
      const end = ends[node]!
      for (let child = node + 1; child < end; child = ends[child]!) {
        if (child === this.skipped) continue
        const byte = bytes[child]!
        const same = below[byte]
        if (same !== undefined) same.push(child)
        else {
          below[byte] = [child]
          met.push(byte)
        }
      }
    }
    this.#bytes = met
    return below
  }
}
