/** What a walk through a trie from one state of a lexer finds that a walk from another did not, where most of both is the same. */
import type { LexState } from './lexer.ts'
import type { Trie } from './trie.ts'

export class Changed {
  /** Tokens that can come in the new state only, and those that could in the old one only. */
  readonly more: number[] = []
  readonly fewer: number[] = []
  /** Nodes where the terminal can end in the new state only, and those where it could in the old one only. */
  readonly opened: number[] = []
  readonly closed: number[] = []
  visited = 0

  constructor(private readonly trie: Trie) {}

  /** Everything below a node: what leads to the same state is the same. */
  below(node: number, now: LexState | null, before: LexState | null): void {
    const { bytes, ends } = this.trie
    const end = ends[node]!
    for (let child = node + 1; child < end; child = ends[child]!) {
      this.visited++
      const byte = bytes[child]!
      const next = now?.lexer.step(now, byte) ?? null
      const old = before?.lexer.step(before, byte) ?? null
      if (next !== old) this.#enter(child, next, old)
    }
  }

  #enter(node: number, now: LexState | null, before: LexState | null): void {
    const { ends, firsts, order } = this.trie
    if ((now === null) !== (before === null)) {
      const ids = now === null ? this.fewer : this.more
      const until = firsts[node + 1]!
      for (let i = firsts[node]!; i < until; i++) ids.push(order[i]!)
    }
    if (ends[node]! === node + 1) return
    const [ended, endedBefore] = [now?.accepting === true, before?.accepting === true]
    if (ended !== endedBefore) (ended ? this.opened : this.closed).push(node)
    this.below(node, now, before)
  }
}
