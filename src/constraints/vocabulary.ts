/** The tokens of a vocabulary by their bytes. */
import { CONTROL_MARK } from './lexer.ts'
import { Trie } from './trie.ts'

/** A vocabulary, as far as texts are concerned. */
export interface TokenSource {
  /** Ids are below this. */
  readonly size: number
  /** The bytes that a token adds to a text; empty or undefined for tokens that no text holds. */
  readonly bytes: (id: number) => Uint8Array | undefined
  /** Tokens that end a text. */
  readonly endIds: readonly number[]
  /**
   * The bytes that a token adds as the first one of a text that drops the space before its first word. It is asked for tokens
   * that begin with a space; undefined: the token cannot be the first. By default all of them drop it.
   */
  readonly firstBytes?: ((id: number) => Uint8Array | undefined) | undefined
}

const SPACE = 0x20
const BACKSLASH = 0x5c

/**
 * Longer tokens have tries of their own. They are few, and without them the end of a bounded text is near for its last characters
 * only: all states before that are one for the short tokens.
 */
const LENGTHS = [0, 12, 24, Number.POSITIVE_INFINITY]

export class Vocabulary {
  readonly size: number
  /** Words of a mask. */
  readonly words: number
  readonly endIds: readonly number[]
  readonly tries: readonly Trie[]
  /**
   * Tokens with a space in front that do not just drop it where a text begins, with what they add there: the token of the byte
   * itself keeps it.
   */
  readonly unusual: ReadonlyMap<number, Uint8Array | undefined>
  #unfinished: readonly number[] | undefined
  readonly #starts: Uint32Array
  readonly #text: Uint8Array

  constructor({ size, bytes, endIds, firstBytes }: TokenSource) {
    this.size = size
    this.words = Math.ceil(size / 32)
    this.endIds = endIds.filter((id) => id < size)
    const starts = new Uint32Array(size + 1)
    const all: Uint8Array[] = []
    const unusual = new Map<number, Uint8Array | undefined>()
    let total = 0
    for (let id = 0; id < size; id++) {
      const own = this.endIds.includes(id) ? undefined : bytes(id)
      starts[id] = total
      if (own === undefined) continue
      all.push(own)
      const first = own[0] === SPACE && firstBytes !== undefined ? firstBytes(id) : own.subarray(1)
      if (own[0] === SPACE && first?.length !== own.length - 1) unusual.set(id, first)
      total += own.length
    }
    starts[size] = total
    this.unusual = unusual
    this.#starts = starts
    this.#text = joined(all, total)
    this.tries = LENGTHS.slice(1).map((most, i) => {
      return new Trie(starts, this.#text, (length) => length > LENGTHS[i]! && length <= most)
    })
  }

  /** Tokens of a byte or a few that end within a character, or with a backslash: what comes behind them is of another kind. */
  get unfinished(): readonly number[] {
    this.#unfinished ??= Array.from({ length: this.size }, (_, id) => id).filter((id) =>
      endsWithin(this.tokenBytes(id)),
    )
    return this.#unfinished
  }

  /** The bytes of a token; empty for those that no text holds. */
  tokenBytes(id: number): Uint8Array {
    return this.#text.subarray(this.#starts[id]!, this.#starts[id + 1]!)
  }

  /** The bytes of the first token of a text that drops the space before its first word; undefined for one that cannot be the first. */
  firstBytes(id: number): Uint8Array | undefined {
    if (this.unusual.has(id)) return this.unusual.get(id)
    const own = this.tokenBytes(id)
    return own[0] === SPACE ? own.subarray(1) : own
  }

  /** The longest token that a text goes on with from a place. */
  longestAt(text: readonly number[], start: number): { readonly id: number; readonly end: number } | undefined {
    return this.tries.map((trie) => trie.longestAt(text, start)).findLast((found) => found !== undefined)
  }
}

/** Whether a short text ends with a backslash or with the beginning of a character. */
function endsWithin(bytes: Uint8Array): boolean {
  if (bytes.length > 3 || bytes[0] === CONTROL_MARK) return false
  if (bytes.at(-1) === BACKSLASH) return true
  const lead = bytes.findLastIndex((byte) => byte >= 0xc0)
  if (lead < 0) return false
  const length = bytes[lead]! < 0xe0 ? 2 : bytes[lead]! < 0xf0 ? 3 : 4
  return lead + length > bytes.length
}

function joined(parts: readonly Uint8Array[], total: number): Uint8Array {
  const out = new Uint8Array(total)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
