/** Derivatives of terms: what is left to match after any one character, for all characters at once. */
import type { CharRange } from './expression.ts'
import type { Derivative, Term, TermMaker } from './term.ts'

/** The term after a character. */
export function targetOf({ starts, targets }: Derivative, char: number): Term {
  return targets[intervalOf(starts, char)]!
}

/** The interval that holds a character. */
export function intervalOf(starts: readonly number[], char: number): number {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (starts[middle]! <= char) low = middle
    else high = middle - 1
  }
  return low
}

export function derive(terms: TermMaker, term: Term): Derivative {
  const { items } = term
  switch (term.kind) {
    case 'empty':
      return whole(terms.never)
    case 'chars':
      return ofRanges(terms, term.ranges)
    case 'sequence': {
      const [first, rest] = items as [Term, Term]
      const before = mapped(terms, terms.derivative(first), (target) => terms.sequence(target, rest))
      return first.nullable ? joined(terms, [before, terms.derivative(rest)], (both) => terms.either(both)) : before
    }
    case 'repeat': {
      const rest = terms.repeat(items[0]!, Math.max(term.min - 1, 0), term.max - 1)
      return mapped(terms, terms.derivative(items[0]!), (target) => terms.sequence(target, rest))
    }
    case 'not': {
      const turned = mapped(terms, terms.derivative(items[0]!), (target) => terms.not(target))
      // Surrogates are no characters: they lead nowhere on this side either.
      return joined(terms, [turned, terms.derivative(terms.every)], (both) => terms.all(both))
    }
    case 'either':
    case 'all': {
      if (items.length === 0) return whole(terms.never)
      const derivatives = items.map((item) => terms.derivative(item))
      const join =
        term.kind === 'all' ? (targets: Term[]) => terms.all(targets) : (targets: Term[]) => terms.either(targets)
      return joined(terms, derivatives, join)
    }
  }
}

function whole(target: Term): Derivative {
  return { starts: [0], targets: [target] }
}

function ofRanges(terms: TermMaker, ranges: readonly CharRange[]): Derivative {
  const builder = new Builder()
  builder.add(0, terms.never)
  for (const [first, last] of ranges) {
    builder.add(first, terms.empty)
    builder.add(last + 1, terms.never)
  }
  return builder
}

function mapped(terms: TermMaker, { starts, targets }: Derivative, map: (target: Term) => Term): Derivative {
  terms.budget.spend(0.5 + starts.length / 4)
  const builder = new Builder()
  let before: Term | undefined
  let to = terms.never
  for (const [i, start] of starts.entries()) {
    if (targets[i] !== before) {
      before = targets[i]!
      to = map(before)
    }
    builder.add(start, to)
  }
  return builder
}

/** Of several terms at once: the targets of each common interval become one. */
function joined(terms: TermMaker, parts: readonly Derivative[], join: (targets: Term[]) => Term): Derivative {
  const builder = new Builder()
  const at = parts.map(() => 0)
  const known = new Map<string, Term>()
  for (let start = 0; ; ) {
    terms.budget.spend(1 + parts.length)
    const targets = parts.map((part, i) => part.targets[at[i]!]!)
    const distinct = [...new Set(targets)]
    const key = distinct.map((target) => target.id).join()
    let target = known.get(key)
    if (target === undefined) {
      target = join(distinct)
      known.set(key, target)
    }
    builder.add(start, target)
    let next = Infinity
    for (const [i, part] of parts.entries()) next = Math.min(next, part.starts[at[i]! + 1] ?? Infinity)
    if (next === Infinity) return builder
    for (const [i, part] of parts.entries()) if (part.starts[at[i]! + 1] === next) at[i]!++
    start = next
  }
}

/** Joins neighbours with the same target. */
class Builder implements Derivative {
  readonly starts: number[] = []
  readonly targets: Term[] = []

  add(start: number, target: Term): void {
    if (start > 0x10ffff) return
    if (this.starts.at(-1) === start) {
      this.starts.pop()
      this.targets.pop()
    }
    if (this.targets.at(-1) === target) return
    this.starts.push(start)
    this.targets.push(target)
  }
}
