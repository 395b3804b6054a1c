/** The tokens of a vocabulary as a trie over their bytes, laid out flat so that a walk over all of them is one loop. */

/** What a vocabulary is made of. */
export interface TokenSource {
  /** Ids are below this. */
  readonly size: number
  /** The bytes that a token adds to a text; empty or undefined for tokens that no text holds, such as control tokens. */
  readonly bytes: (id: number) => Uint8Array | undefined
  /** Tokens that end a text. */
  readonly endIds: readonly number[]
}

/**
 * Nodes are numbered as a walk meets them, parents before children; node 0 is the root. The subtree of node `i` is
 * `i` up to `ends[i]`, and its tokens are `order[firsts[i]]` up to `order[firsts[ends[i]]]`, those that end at `i` itself first.
 */
export class Vocabulary {
  readonly size: number
  /** Words of a mask. */
  readonly words: number
  readonly endIds: readonly number[]
  /** The longest token, in bytes. */
  readonly longest: number
  readonly bytes: Uint8Array
  readonly depths: Uint16Array
  readonly ends: Uint32Array
  readonly firsts: Uint32Array
  readonly order: Uint32Array
  readonly #starts: Uint32Array
  readonly #text: Uint8Array

  constructor({ size, bytes, endIds }: TokenSource) {
    this.size = size
    this.words = Math.ceil(size / 32)
    this.endIds = endIds.filter((id) => id < size)
    const ends = new Set(this.endIds)
    const tokens: { id: number; text: string }[] = []
    const starts = new Uint32Array(size + 1)
    const all: Uint8Array[] = []
    let total = 0
    for (let id = 0; id < size; id++) {
      const own = ends.has(id) ? undefined : bytes(id)
      starts[id] = total
      if (own === undefined || own.length === 0) continue
      all.push(own)
      total += own.length
      tokens.push({ id, text: latin1(own) })
    }
    starts[size] = total
    this.#starts = starts
    this.#text = joined(all, total)
    tokens.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : a.id - b.id))
    const trie = buildTrie(tokens.map((token) => token.text), total)
    this.longest = trie.longest
    this.bytes = trie.bytes
    this.depths = trie.depths
    this.ends = trie.ends
    this.firsts = trie.firsts
    this.order = Uint32Array.from(tokens, (token) => token.id)
  }

  get nodes(): number {
    return this.bytes.length
  }

  /** The bytes of a token; empty for those that no text holds. */
  tokenBytes(id: number): Uint8Array {
    return this.#text.subarray(this.#starts[id]!, this.#starts[id + 1]!)
  }

  /** The node that a byte leads to from a node; -1 where no token goes on so. */
  child(node: number, byte: number): number {
    const end = this.ends[node]!
    for (let at = node + 1; at < end; at = this.ends[at]!) if (this.bytes[at] === byte) return at
    return -1
  }
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
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

/** @param sorted texts with one character for each byte */
function buildTrie(sorted: readonly string[], total: number) {
  const bytes = new Uint8Array(total + 1)
  const depths = new Uint16Array(total + 1)
  const ends = new Uint32Array(total + 1)
  const firsts = new Uint32Array(total + 2)
  /** The nodes from the root to where the last text ended. */
  const path = [0]
  let count = 1
  let longest = 0
  let before = ''
  for (const [i, text] of sorted.entries()) {
    let common = 0
    while (common < before.length && before.charCodeAt(common) === text.charCodeAt(common)) common++
    while (path.length > common + 1) ends[path.pop()!] = count
    for (let k = common; k < text.length; k++) {
      bytes[count] = text.charCodeAt(k)
      depths[count] = k + 1
      firsts[count] = i
      path.push(count++)
    }
    longest = Math.max(longest, text.length)
    before = text
  }
  while (path.length > 0) ends[path.pop()!] = count
  firsts[count] = sorted.length
  return {
    bytes: bytes.slice(0, count),
    depths: depths.slice(0, count),
    ends: ends.slice(0, count),
    firsts: firsts.slice(0, count + 1),
    longest,
  }
}
