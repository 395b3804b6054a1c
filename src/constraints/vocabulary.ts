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
    const starts = new Uint32Array(size + 1)
    const all: Uint8Array[] = []
    let total = 0
    for (let id = 0; id < size; id++) {
      const own = this.endIds.includes(id) ? undefined : bytes(id)
      starts[id] = total
      if (own === undefined) continue
      all.push(own)
      total += own.length
    }
    starts[size] = total
    this.#starts = starts
    this.#text = joined(all, total)
    const trie = flatten(grow(starts, this.#text))
    this.bytes = trie.bytes
    this.depths = trie.depths
    this.ends = trie.ends
    this.firsts = trie.firsts
    this.order = trie.order
    this.longest = trie.depths.reduce((most, depth) => Math.max(most, depth), 0)
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

function joined(parts: readonly Uint8Array[], total: number): Uint8Array {
  const out = new Uint8Array(total)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** A trie as lists of children and of tokens, in the order in which they came. */
interface Grown {
  readonly count: number
  readonly bytes: Uint8Array
  readonly depths: Uint16Array
  readonly firstChild: Uint32Array
  readonly sibling: Uint32Array
  /** Plus one; 0 is none. */
  readonly firstToken: Uint32Array
  readonly nextToken: Uint32Array
}

function grow(starts: Uint32Array, text: Uint8Array): Grown {
  const most = text.length + 1
  const bytes = new Uint8Array(most)
  const depths = new Uint16Array(most)
  const [firstChild, lastChild, sibling] = [new Uint32Array(most), new Uint32Array(most), new Uint32Array(most)]
  const firstToken = new Uint32Array(most)
  const nextToken = new Uint32Array(starts.length)
  const children = new ChildTable(most)
  let count = 1
  // From the last on, since each goes before those that are there.
  for (let id = starts.length - 2; id >= 0; id--) {
    let node = 0
    for (let at = starts[id]!; at < starts[id + 1]!; at++) {
      const byte = text[at]!
      const child = children.find(node, byte, count)
      if (child === count) {
        bytes[child] = byte
        depths[child] = depths[node]! + 1
        if (firstChild[node] === 0) firstChild[node] = child
        else sibling[lastChild[node]!] = child
        lastChild[node] = child
        count++
      }
      node = child
    }
    if (node === 0) continue
    nextToken[id] = firstToken[node]!
    firstToken[node] = id + 1
  }
  return { count, bytes, depths, firstChild, sibling, firstToken, nextToken }
}

/** The child of a node by its byte: one table for all nodes. */
class ChildTable {
  readonly #keys: Float64Array
  readonly #nodes: Uint32Array
  readonly #mask: number

  constructor(most: number) {
    const size = 2 ** Math.ceil(Math.log2(most * 2 + 2))
    this.#keys = new Float64Array(size)
    this.#nodes = new Uint32Array(size)
    this.#mask = size - 1
  }

  /** Where there is none, `fresh` becomes it. */
  find(node: number, byte: number, fresh: number): number {
    const key = node * 256 + byte + 1
    let at = (Math.imul(key, 0x9e3779b1) >>> 7) & this.#mask
    while (this.#keys[at] !== key) {
      if (this.#keys[at] === 0) {
        this.#keys[at] = key
        this.#nodes[at] = fresh
        return fresh
      }
      at = (at + 1) & this.#mask
    }
    return this.#nodes[at]!
  }
}

/** Nodes in the order of a walk. */
function flatten({ count, bytes, depths, firstChild, sibling, firstToken, nextToken }: Grown) {
  const flat = { bytes: new Uint8Array(count), depths: new Uint16Array(count), ends: new Uint32Array(count) }
  const firsts = new Uint32Array(count + 1)
  const order: number[] = []
  /** The nodes above, and their places. */
  const above: number[] = []
  const open: number[] = []
  let node = 0
  for (let place = 0; place < count; place++) {
    const depth = depths[node]!
    flat.bytes[place] = bytes[node]!
    flat.depths[place] = depth
    firsts[place] = order.length
    for (let token = firstToken[node]!; token !== 0; token = nextToken[token - 1]!) order.push(token - 1)
    while (open.length > depth) flat.ends[open.pop()!] = place
    open.push(place)
    if (firstChild[node] !== 0) {
      above.push(node)
      node = firstChild[node]!
      continue
    }
    while (sibling[node] === 0 && above.length > 0) node = above.pop()!
    node = sibling[node]!
  }
  while (open.length > 0) flat.ends[open.pop()!] = count
  firsts[count] = order.length
  return { ...flat, firsts, order: Uint32Array.from(order) }
}
