/**
 * Regular languages over characters as terms in a normal form, each made once: what is left to match of a `Text`.
 * Derivatives (derivatives.ts) lead from term to term, as Owens, Reppy and Turon 2009 describe it.
 */
import { ConstraintError } from '../errors.ts'
import type { Budget } from './budget.ts'
import { derive } from './derivatives.ts'
import type { CharRange, Text } from './expression.ts'
import { intersection, normalRanges, union } from './ranges.ts'
import type { Derivative, Term, TermMaker } from './term.ts'

/** Alternatives of one term at most. */
const MOST_ITEMS = 20_000
/** Nesting of a text. */
const MOST_DEPTH = 500
/** Terms that are remembered; what is older is made again when it comes up. */
const MOST_TERMS = 50_000

const NONE: readonly never[] = []

export class Terms implements TermMaker {
  readonly empty: Term
  /** No text at all. */
  readonly never: Term
  /** Every text. */
  readonly every: Term
  #known = new Map<string, Term>()
  #count = 0

  constructor(readonly budget: Budget) {
    this.empty = this.#make('empty', '', { nullable: true })
    this.never = this.#make('either', '', { nullable: false })
    const any = this.chars([
      [0, 0xd7ff],
      [0xe000, 0x10ffff],
    ])
    this.every = this.#make('repeat', `${any.id}:0:Infinity`, { nullable: true, items: [any], max: Infinity })
  }

  of(text: Text, depth = 0): Term {
    if (depth > MOST_DEPTH) throw new ConstraintError('depth', `a text is nested more than ${MOST_DEPTH} deep`)
    this.budget.spend(1)
    switch (text.kind) {
      case 'chars':
        return this.chars(text.ranges)
      case 'sequence':
        return text.items.reduceRight((rest, item) => this.sequence(this.of(item, depth + 1), rest), this.empty)
      case 'either':
        return this.either(text.options.map((option) => this.of(option, depth + 1)))
      case 'repeat':
        return this.repeat(this.of(text.item, depth + 1), text.min, text.max)
      case 'all':
        return this.all(text.items.map((item) => this.of(item, depth + 1)))
      case 'not':
        return this.not(this.of(text.item, depth + 1))
    }
  }

  chars(ranges: readonly CharRange[]): Term {
    this.budget.spend(ranges.length / 2)
    const normal = normalRanges(ranges)
    return normal.length === 0 ? this.never : this.#make('chars', normal.join(), { nullable: false, ranges: normal })
  }

  sequence(first: Term, rest: Term): Term {
    if (first === this.never || rest === this.never) return this.never
    if (first === this.empty) return rest
    if (rest === this.empty) return first
    if (first.kind === 'sequence') return this.sequence(first.items[0]!, this.sequence(first.items[1]!, rest))
    return this.#make('sequence', `${first.id},${rest.id}`, {
      nullable: first.nullable && rest.nullable,
      items: [first, rest],
    })
  }

  either(options: readonly Term[]): Term {
    const flat = this.#flat('either', options)
    if (flat.has(this.every)) return this.every
    flat.delete(this.never)
    this.#join(flat, 'chars', (terms) => this.chars(terms.map((term) => term.ranges).reduce(union)))
    this.#joinCounts(flat)
    return this.#set('either', flat, (items) => items.some((item) => item.nullable)) ?? this.never
  }

  all(items: readonly Term[]): Term {
    const flat = this.#flat('all', items)
    if (flat.has(this.never)) return this.never
    flat.delete(this.every)
    this.#join(flat, 'chars', (terms) => this.chars(terms.map((term) => term.ranges).reduce(intersection)))
    if (flat.has(this.never)) return this.never
    return this.#set('all', flat, (terms) => terms.every((term) => term.nullable)) ?? this.every
  }

  not(item: Term): Term {
    if (item.kind === 'not') return item.items[0]!
    if (item === this.never) return this.every
    if (item === this.every) return this.never
    return this.#make('not', `${item.id}`, { nullable: !item.nullable, items: [item] })
  }

  repeat(item: Term, min: number, max: number): Term {
    if (max === 0 || item === this.empty) return this.empty
    if (item === this.never) return min === 0 ? this.empty : this.never
    if (item === this.every) return this.every
    if (min === 1 && max === 1) return item
    // An iteration may match nothing, so fewer are as good.
    const least = item.nullable ? 0 : min
    if (item.kind === 'repeat' && item.max === Infinity && item.min <= 1 && max === Infinity) {
      return this.repeat(item.items[0]!, Math.min(least, item.min), Infinity)
    }
    return this.#make('repeat', `${item.id}:${least}:${max}`, { nullable: least === 0, items: [item], min: least, max })
  }

  /** What is left after a character: intervals of characters that lead to the same term. */
  derivative(term: Term): Derivative {
    term.derivative ??= derive(this, term)
    return term.derivative
  }

  /** Whether the term has any text: for terms with `all` or `not` one is looked for. */
  isLive(term: Term): boolean {
    if (term.plain) return term !== this.never
    term.live ??= this.#findText(term)
    return term.live
  }

  /**
   * A term that cannot be told from this one by texts of at most `length` characters, the same for many: bounds
   * of repetitions that lie further away are as good as none.
   */
  within(term: Term, length: number): Term {
    // Sequences nest in their last place: a long text would be too deep to recur into.
    const open: Term[] = []
    let at = term
    while (at.plain && at.kind === 'sequence' && at.near?.has(length) !== true) {
      open.push(at)
      at = at.items[1]!
    }
    let near = at.plain ? this.#remembered(at, length, () => this.#within(at, length)) : at
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const rest = near
      const first = next.items[0]!
      near = this.#remembered(next, length, () => this.sequence(this.within(first, length), rest))
    }
    return near
  }

  #remembered(term: Term, length: number, make: () => Term): Term {
    term.near ??= new Map()
    let near = term.near.get(length)
    if (near === undefined) {
      near = make()
      term.near.set(length, near)
    }
    return near
  }

  #within(term: Term, length: number): Term {
    const near = (item: Term) => this.within(item, length)
    switch (term.kind) {
      case 'either':
        return this.either(term.items.map(near))
      case 'repeat':
        return this.repeat(
          near(term.items[0]!),
          Math.min(term.min, length + 1),
          term.max > length ? Infinity : term.max,
        )
      default:
        return term
    }
  }

  #findText(term: Term): boolean {
    const seen = new Set([term])
    const open = [term]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next.nullable || next.live === true) return true
      for (const target of this.derivative(next).targets) {
        this.budget.spend(1)
        if (seen.has(target) || target === this.never || target.live === false) continue
        seen.add(target)
        open.push(target)
      }
    }
    for (const dead of seen) dead.live = false
    return false
  }

  #flat(kind: Term['kind'], items: readonly Term[]): Set<Term> {
    const flat = new Set<Term>()
    for (const item of items) {
      for (const inner of item.kind === kind && item !== this.never ? item.items : [item]) flat.add(inner)
    }
    this.budget.spend(1 + flat.size / 2)
    if (flat.size > MOST_ITEMS) throw new ConstraintError('states', `more than ${MOST_ITEMS} alternatives at once`)
    return flat
  }

  #join(flat: Set<Term>, kind: Term['kind'], join: (terms: Term[]) => Term): void {
    const same = [...flat].filter((term) => term.kind === kind)
    if (same.length < 2) return
    for (const term of same) flat.delete(term)
    const joined = join(same)
    // `either` of characters may be all of them, which stays a term of one character.
    flat.add(joined)
  }

  /** `x{2,5}` and `x{4,9}`, with the same behind them, are `x{2,9}`: counters that run side by side become one. */
  #joinCounts(flat: Set<Term>): void {
    if (flat.size < 2) return
    const groups = new Map<string, Term[]>()
    for (const term of flat) {
      const [count, rest] = term.kind === 'sequence' ? term.items : [term, this.empty]
      if (count!.kind !== 'repeat') continue
      const key = `${count!.items[0]!.id},${rest!.id}`
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [term])
      else group.push(term)
    }
    for (const group of groups.values()) {
      if (group.length < 2) continue
      const counts = group.map((term) => (term.kind === 'sequence' ? term.items[0]! : term))
      const rest = group[0]!.kind === 'sequence' ? group[0]!.items[1]! : this.empty
      for (const term of group) flat.delete(term)
      for (const [min, max] of joined(counts)) {
        flat.add(this.sequence(this.repeat(counts[0]!.items[0]!, min, max), rest))
      }
    }
  }

  /** undefined for no terms. */
  #set(kind: 'either' | 'all', flat: Set<Term>, nullable: (items: readonly Term[]) => boolean): Term | undefined {
    if (flat.size < 2) return flat.values().next().value
    const items = [...flat].sort((a, b) => a.id - b.id)
    return this.#make(kind, items.map((item) => item.id).join(), { nullable: nullable(items), items })
  }

  #make(kind: Term['kind'], key: string, rest: Partial<Term> & { nullable: boolean }): Term {
    const items = rest.items ?? NONE
    const known = this.#known.get(kind + key)
    if (known !== undefined) return known
    this.budget.spend(1 + items.length / 4)
    const plain = kind !== 'all' && kind !== 'not' && items.every((item) => item.plain)
    const made = { ranges: NONE, min: 0, max: 0, derivative: undefined, live: undefined, near: undefined }
    const term: Term = { ...made, ...rest, id: this.#count++, kind, items, plain }
    if (this.#known.size >= MOST_TERMS) this.#forget()
    this.#known.set(kind + key, term)
    return term
  }

  #forget(): void {
    for (const term of this.#known.values()) {
      term.derivative = undefined
      term.near = undefined
    }
    this.#known.clear()
  }
}

/** Bounds of repetitions of one item, with those joined that overlap or follow each other. */
function joined(counts: readonly Term[]): [min: number, max: number][] {
  const sorted = counts.map(({ min, max }): [number, number] => [min, max]).sort((a, b) => a[0] - b[0])
  const out: [number, number][] = []
  for (const [min, max] of sorted) {
    const last = out.at(-1)
    if (last !== undefined && min <= last[1] + 1) last[1] = Math.max(last[1], max)
    else out.push([min, max])
  }
  return out
}
