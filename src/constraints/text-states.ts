/**
 * Walks a text character by character: a state is what may still follow (Brzozowski's derivatives). It decides, for schemas, which
 * strings a text has and whether it has any.
 */
import type { CharRange, Text } from './expression.ts'

/** What may still follow. Equal states are one object. */
export interface TextState {
  readonly id: number
  /** Nothing need follow. */
  readonly accepts: boolean
  readonly node: Node
}

type Node =
  | { readonly kind: 'chars'; readonly ranges: readonly CharRange[] }
  | { readonly kind: 'sequence'; readonly first: TextState; readonly rest: TextState }
  | { readonly kind: 'either' | 'all'; readonly items: readonly TextState[] }
  | { readonly kind: 'repeat'; readonly item: TextState; readonly min: number; readonly max: number }
  | { readonly kind: 'not'; readonly item: TextState }
  | { readonly kind: 'empty' }

const MORE = Number.POSITIVE_INFINITY
/** Parts of states that are looked at: in one search for a string, and in all searches together. */
const MAX_STEPS = { search: 5000, all: 15_000 }

export class TextStates {
  readonly #byKey = new Map<string, TextState>()
  readonly #ofText = new WeakMap<Text, TextState>()
  readonly #next = new Map<TextState, Map<number, TextState>>()
  readonly #cuts = new Map<TextState, ReadonlySet<number>>()
  #steps = 0
  readonly #empty = this.#state('e', { kind: 'empty' }, true)
  /** The state that nothing can follow. */
  readonly none = this.#state('|', { kind: 'either', items: [] }, false)
  readonly #every = this.#state('&', { kind: 'all', items: [] }, true)

  start(text: Text): TextState {
    let state = this.#ofText.get(text)
    if (state === undefined) {
      state = this.#fromText(text)
      this.#ofText.set(text, state)
    }
    return state
  }

  /** Whether a text has a string. */
  has(text: Text, string: string): boolean {
    let state = this.start(text)
    for (const char of string) {
      state = this.after(state, char.codePointAt(0)!)
      if (state === this.none) return false
    }
    return state.accepts
  }

  /** Whether a text has no string at all. @returns false also where the search was given up */
  isEmpty(text: Text): boolean {
    if (surelyHas(text)) return false
    const limit = Math.min(MAX_STEPS.all, this.#steps + MAX_STEPS.search)
    const seen = new Set([this.start(text)])
    // The last one found goes on first: most texts end somewhere below any of their beginnings.
    for (const left = [...seen]; left.length > 0; ) {
      const state = left.pop()!
      if (state.accepts || this.#steps > limit) return false
      for (const cut of this.#cutsOf(state)) {
        const next = this.after(state, cut)
        if (next === this.none || seen.has(next)) continue
        seen.add(next)
        left.push(next)
      }
    }
    return true
  }

  after(state: TextState, char: number): TextState {
    let known = this.#next.get(state)
    if (known === undefined) {
      known = new Map()
      this.#next.set(state, known)
    }
    let next = known.get(char)
    if (next === undefined) {
      this.#steps++
      next = this.#after(state, char)
      known.set(char, next)
    }
    return next
  }

  /** For each set of characters with the same states behind them, the first one. */
  #cutsOf(state: TextState): ReadonlySet<number> {
    let cuts = this.#cuts.get(state)
    if (cuts === undefined) {
      this.#steps++
      cuts = new Set([0, ...this.#innerCuts(state.node)].map((cut) => (cut === 0xd800 ? 0xe000 : cut)))
      this.#cuts.set(state, cuts)
    }
    return cuts
  }

  #innerCuts(node: Node): number[] {
    switch (node.kind) {
      case 'empty':
        return []
      case 'chars':
        return node.ranges.flatMap(([first, last]) => (last === 0x10ffff ? [first] : [first, last + 1]))
      case 'sequence':
        return [...this.#cutsOf(node.first), ...(node.first.accepts ? this.#cutsOf(node.rest) : [])]
      case 'either':
      case 'all':
        return node.items.flatMap((item) => [...this.#cutsOf(item)])
      case 'not':
      case 'repeat':
        return [...this.#cutsOf(node.item)]
    }
  }

  #after(state: TextState, char: number): TextState {
    const { node } = state
    switch (node.kind) {
      case 'empty':
        return this.none
      case 'chars':
        return isIn(node.ranges, char) ? this.#empty : this.none
      case 'sequence': {
        const behind = this.#sequence(this.after(node.first, char), node.rest)
        return node.first.accepts ? this.#either([behind, this.after(node.rest, char)]) : behind
      }
      case 'either':
        return this.#either(node.items.map((item) => this.after(item, char)))
      case 'all':
        return this.#all(node.items.map((item) => this.after(item, char)))
      case 'not':
        return this.#not(this.after(node.item, char))
      case 'repeat': {
        const { item, min, max } = node
        return this.#sequence(this.after(item, char), this.#repeat(item, Math.max(0, min - 1), max - 1))
      }
    }
  }

  #fromText(text: Text): TextState {
    switch (text.kind) {
      case 'chars':
        return text.ranges.length === 0 ? this.none : this.#state(`c${text.ranges.join()}`, text, false)
      case 'sequence':
        return text.items.reduceRight((rest, item) => this.#sequence(this.start(item), rest), this.#empty)
      case 'either':
        return this.#either(text.options.map((option) => this.start(option)))
      case 'all':
        return this.#all(text.items.map((item) => this.start(item)))
      case 'not':
        return this.#not(this.start(text.item))
      case 'repeat':
        return this.#repeat(this.start(text.item), text.min, text.max)
    }
  }

  #state(key: string, node: Node, accepts: boolean): TextState {
    let state = this.#byKey.get(key)
    if (state === undefined) {
      state = { id: this.#byKey.size, accepts, node }
      this.#byKey.set(key, state)
    }
    return state
  }

  #sequence(first: TextState, rest: TextState): TextState {
    if (first === this.none || rest === this.none) return this.none
    if (first === this.#empty) return rest
    if (rest === this.#empty) return first
    // Always the first thing apart from all others, so that equal sequences are equal states.
    if (first.node.kind === 'sequence') return this.#sequence(first.node.first, this.#sequence(first.node.rest, rest))
    return this.#state(`s${first.id},${rest.id}`, { kind: 'sequence', first, rest }, first.accepts && rest.accepts)
  }

  #either(options: readonly TextState[]): TextState {
    const flat = options.flatMap((option) => (option.node.kind === 'either' ? option.node.items : [option]))
    this.#steps += flat.length
    const items = [...new Set(flat)].sort((a, b) => a.id - b.id)
    if (items.includes(this.#every)) return this.#every
    if (items.length === 1) return items[0]!
    return this.#state(
      `|${items.map(({ id }) => id)}`,
      { kind: 'either', items },
      items.some(({ accepts }) => accepts),
    )
  }

  #all(options: readonly TextState[]): TextState {
    const flat = options.flatMap((option) => (option.node.kind === 'all' ? option.node.items : [option]))
    this.#steps += flat.length
    const items = [...new Set(flat)].sort((a, b) => a.id - b.id)
    if (items.includes(this.none)) return this.none
    if (items.length === 1) return items[0]!
    return this.#state(
      `&${items.map(({ id }) => id)}`,
      { kind: 'all', items },
      items.every(({ accepts }) => accepts),
    )
  }

  #not(item: TextState): TextState {
    if (item === this.none) return this.#every
    if (item === this.#every) return this.none
    if (item.node.kind === 'not') return item.node.item
    return this.#state(`!${item.id}`, { kind: 'not', item }, !item.accepts)
  }

  #repeat(item: TextState, min: number, max: number): TextState {
    if (max <= 0 || item === this.#empty) return this.#empty
    if (item === this.none) return min === 0 ? this.#empty : this.none
    if (min === 1 && max === 1) return item
    if (min === 0 && max === MORE && isEveryChar(item)) return this.#every
    const accepts = min === 0 || item.accepts
    return this.#state(`r${item.id},${min},${max}`, { kind: 'repeat', item, min, max }, accepts)
  }
}

/** Whether the text has a string by how it is made: only intersections and opposites can shut all strings out. */
function surelyHas(text: Text): boolean {
  switch (text.kind) {
    case 'chars':
      return text.ranges.length > 0
    case 'sequence':
      return text.items.every(surelyHas)
    case 'either':
      return text.options.some(surelyHas)
    case 'repeat':
      return text.min === 0 || surelyHas(text.item)
    case 'all':
    case 'not':
      return false
  }
}

function isIn(ranges: readonly CharRange[], char: number): boolean {
  return ranges.some(([first, last]) => char >= first && char <= last)
}

function isEveryChar({ node }: TextState): boolean {
  return node.kind === 'chars' && node.ranges.length === 2 && String(node.ranges) === '0,55295,57344,1114111'
}
