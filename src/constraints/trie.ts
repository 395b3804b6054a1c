/** Byte strings with ids as a trie, laid out flat so that a walk over all of them is one loop. */

/** Nodes below a node from which on its children are listed: on average there are a few nodes below each child. */
const MANY = 100

/**
 * Nodes are numbered as a walk meets them, parents before children; node 0 is the root. The subtree of node `i` is
 * `i` up to `ends[i]`, and its tokens are `order[firsts[i]]` up to `order[firsts[ends[i]]]`, those that end at `i` itself first.
 */
export class Trie {
  readonly bytes: Uint8Array
  readonly depths: Uint16Array
  readonly ends: Uint32Array
  readonly firsts: Uint32Array
  readonly order: Uint32Array
  /** The longest token, in bytes. */
  readonly longest: number
  /** By byte, of nodes with many below them that were asked for. */
  readonly #children = new Map<number, Int32Array>()

  /** @param starts where the bytes of each id begin in `text`, and end: those of the next begin there */
  constructor(starts: Uint32Array, text: Uint8Array, takes: (length: number) => boolean) {
    const flat = flatten(grow(starts, text, takes))
    this.bytes = flat.bytes
    this.depths = flat.depths
    this.ends = flat.ends
    this.firsts = flat.firsts
    this.order = flat.order
    this.longest = flat.depths.reduce((most, depth) => Math.max(most, depth), 0)
  }

  /** The node that a byte leads to from a node; -1 where no token goes on so. */
  child(node: number, byte: number): number {
    const { bytes, ends } = this
    const end = ends[node]!
    if (end - node > MANY) return this.#childOfMany(node, byte)
    for (let at = node + 1; at < end; at = ends[at]!) if (bytes[at] === byte) return at
    return -1
  }

  #childOfMany(node: number, byte: number): number {
    let children = this.#children.get(node)
    if (children === undefined) {
      children = new Int32Array(256).fill(-1)
      const end = this.ends[node]!
      for (let at = node + 1; at < end; at = this.ends[at]!) children[this.bytes[at]!] = at
      this.#children.set(node, children)
    }
    return children[byte]!
  }

  /** The tokens that end at a node; none for -1. */
  tokensAt(node: number): Uint32Array {
    return node < 0 ? this.order.subarray(0, 0) : this.order.subarray(this.firsts[node], this.firsts[node + 1])
  }

  /** The longest token that a text goes on with from a place. */
  longestAt(text: readonly number[], start: number): { readonly id: number; readonly end: number } | undefined {
    let found: { id: number; end: number } | undefined
    let node = 0
    for (let i = start; i < text.length; i++) {
      node = this.child(node, text[i]!)
      if (node < 0) return found
      if (this.firsts[node + 1]! > this.firsts[node]!) found = { id: this.order[this.firsts[node]!]!, end: i + 1 }
    }
    return found
  }
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

function grow(starts: Uint32Array, text: Uint8Array, takes: (length: number) => boolean): Grown {
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
    if (!takes(starts[id + 1]! - starts[id]!)) continue
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
