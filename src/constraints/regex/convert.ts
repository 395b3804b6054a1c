/**
 * Makes a text of a parsed pattern. What looks ahead becomes an intersection with the texts that may follow; what looks back is
 * decided by the last character before it, so that conversion goes on once for each kind of last character that matters.
 */
import { ANY_CHAR, ANY_TEXT, type CharRange, type Text } from '../expression.ts'
import {
  acceptsEmpty,
  chars,
  common,
  EMPTY_TEXT,
  isNoText,
  NO_TEXT,
  outside,
  sequenceOf,
  textAll,
  textEither,
  textNot,
  textRepeat,
  textSequence,
} from '../text.ts'
import { WORD } from './classes.ts'
import { PatternError, type RegexNode } from './syntax.ts'

/** What stands before: nothing at all, or a character of one cell. */
type Before = 'start' | readonly CharRange[]
/** The texts that may follow, by what stands before them. */
type Rest = (before: Before) => Text

/** Each is a few calls deep at most. */
const MAX_STEPS = 1000
/** Counted repetitions with assertions inside are written out up to this count. */
const MAX_UNROLLED = 32

/**
 * @param search the pattern may match anywhere in the text, as JSON Schema has it; else it matches the whole
 * @throws PatternError for assertions that cannot be decided
 */
export function convertPattern(pattern: string, node: RegexNode, search: boolean): Text {
  return new Converter(pattern, node).whole(node, search)
}

class Converter {
  readonly #pattern: string
  /** Characters fall into the same cell when no assertion that looks back tells them apart. */
  readonly #cells: readonly (readonly CharRange[])[]
  readonly #looksBack: boolean
  readonly #asserts = new Map<RegexNode, boolean>()
  #steps = 0

  constructor(pattern: string, node: RegexNode) {
    this.#pattern = pattern
    const sets = new Set<readonly CharRange[]>()
    this.#looksBack = this.#collect(node, sets)
    this.#cells = cellsOf([...sets])
  }

  whole(node: RegexNode, search: boolean): Text {
    if (!search) return this.#text(node, 'start', () => EMPTY_TEXT)
    const rest: Rest = () => ANY_TEXT
    if (!this.#looksBack) return textSequence(ANY_TEXT, this.#text(node, 'start', rest))
    const later = this.#cells.map((cell) => textSequence(ANY_TEXT, chars(...cell), this.#text(node, cell, rest)))
    return textEither(this.#text(node, 'start', rest), ...later)
  }

  /** @returns whether anything looks back; the sets that it looks for are added */
  #collect(node: RegexNode, sets: Set<readonly CharRange[]>): boolean {
    const inner = childrenOf(node).map((child) => this.#collect(child, sets))
    const assertion = !['chars', 'sequence', 'either', 'repeat'].includes(node.kind)
    this.#asserts.set(node, assertion || childrenOf(node).some((child) => this.#asserts.get(child)))
    if (node.kind === 'boundary') sets.add(WORD)
    if (node.kind === 'behind') sets.add(this.#lastChars(node.item, node.at))
    return inner.includes(true) || node.kind === 'boundary' || node.kind === 'behind' || node.kind === 'start'
  }

  /** The characters that a look-behind looks for. */
  #lastChars(node: RegexNode, at: number): readonly CharRange[] {
    if (node.kind === 'chars') return node.ranges
    if (node.kind === 'start') return []
    if (node.kind === 'either') return node.options.flatMap((option) => this.#lastChars(option, at))
    throw new PatternError(this.#pattern, at, 'looking back further than one character is not supported')
  }

  #text(node: RegexNode, before: Before, rest: Rest): Text {
    if (++this.#steps > MAX_STEPS) throw new PatternError(this.#pattern, 0, 'is too complex')
    if (!this.#asserts.get(node)) return this.#follow(plainText(node), before, rest)
    switch (node.kind) {
      case 'sequence':
        return this.#runs(node.items).reduceRight<Rest>(
          (after, item) => remembered((b) => this.#text(item, b, after)),
          rest,
        )(before)
      case 'either': {
        const once = remembered(rest)
        return textEither(...node.options.map((option) => this.#text(option, before, once)))
      }
      case 'repeat':
        return this.#repeat(node, before, rest)
      case 'chars':
        return NO_TEXT
      case 'start':
        return before === 'start' ? rest('start') : NO_TEXT
      case 'end':
        return acceptsEmpty(rest(before)) ? EMPTY_TEXT : NO_TEXT
      case 'boundary': {
        const wordAhead = textSequence(chars(...WORD), ANY_TEXT)
        const changes = isIn(before, WORD) === node.negated
        return textAll(rest(before), changes ? wordAhead : textNot(wordAhead))
      }
      case 'ahead': {
        const ahead = this.#text(node.item, before, () => ANY_TEXT)
        return textAll(rest(before), node.negated ? textNot(ahead) : ahead)
      }
      case 'behind':
        return this.#isBehind(node.item, before) === node.negated ? NO_TEXT : rest(before)
    }
  }

  /** Neighbours without assertions as one. */
  #runs(items: readonly RegexNode[]): RegexNode[] {
    const runs: RegexNode[] = []
    for (const item of items) {
      const before = runs.at(-1)
      if (before?.kind === 'sequence' && !this.#asserts.get(before) && !this.#asserts.get(item)) {
        ;(before.items as RegexNode[]).push(item)
      } else runs.push(this.#asserts.get(item) ? item : { kind: 'sequence', items: [item] })
    }
    return runs
  }

  #isBehind(node: RegexNode, before: Before): boolean {
    if (node.kind === 'either') return node.options.some((option) => this.#isBehind(option, before))
    if (node.kind === 'start') return before === 'start'
    return node.kind === 'chars' && isIn(before, node.ranges)
  }

  /** A text without assertions, and then the rest. */
  #follow(text: Text, before: Before, rest: Rest): Text {
    if (text === EMPTY_TEXT) return rest(before)
    if (!this.#looksBack) return textSequence(text, rest(before))
    const once = remembered(rest)
    const ends = this.#cells.map((cell) => textSequence(endingIn(text, cell), once(cell)))
    return textEither(
      ...(acceptsEmpty(text) ? [once(before)] : []),
      ...(sameRest(text, this.#cells, once, before) ?? ends),
    )
  }

  #repeat(node: RegexNode & { kind: 'repeat' }, before: Before, rest: Rest): Text {
    const { item, min, max, at } = node
    if (max > MAX_UNROLLED) {
      throw new PatternError(this.#pattern, at, 'an assertion inside such a repetition is not supported')
    }
    // From the last possible time to the first.
    let after: Rest = rest
    for (let count = max - 1; count >= 0; count--) {
      const more = after
      after = remembered((b) => textEither(...(count < min ? [] : [rest(b)]), this.#text(item, b, more)))
    }
    return after(before)
  }
}

/** Where what follows is the same after every character, the text need not be split. */
function sameRest(
  text: Text,
  cells: readonly (readonly CharRange[])[],
  rest: Rest,
  before: Before,
): Text[] | undefined {
  const [first, ...others] = cells.map((cell) => rest(cell))
  if (first === undefined || others.some((other) => other !== first)) return undefined
  const whole = acceptsEmpty(text) && rest(before) !== first
  return [textSequence(whole ? textAll(text, textRepeat(ANY_CHAR, 1, Number.POSITIVE_INFINITY)) : text, first)]
}

function remembered(rest: Rest): Rest {
  const known = new Map<Before, Text>()
  return (before) => {
    let text = known.get(before)
    if (text === undefined) {
      text = rest(before)
      known.set(before, text)
    }
    return text
  }
}

/** The texts whose last character is in the cell. */
function endingIn(text: Text, cell: readonly CharRange[]): Text {
  if (text.kind === 'chars') return chars(...common(text.ranges, cell))
  const last = text.kind === 'sequence' ? text.items.at(-1) : undefined
  if (text.kind === 'sequence' && last !== undefined && !acceptsEmpty(last)) {
    return sequenceOf([...text.items.slice(0, -1), endingIn(last, cell)])
  }
  if (text.kind === 'either') return textEither(...text.options.map((option) => endingIn(option, cell)))
  const end = chars(...cell)
  return isNoText(text) || text === EMPTY_TEXT ? NO_TEXT : textAll(text, textSequence(ANY_TEXT, end))
}

function isIn(before: Before, set: readonly CharRange[]): boolean {
  // A cell lies wholly inside or outside.
  return before !== 'start' && common(before.slice(0, 1), set).length > 0
}

/** All characters, cut where some set tells them apart. */
function cellsOf(sets: readonly (readonly CharRange[])[]): (readonly CharRange[])[] {
  let cells: (readonly CharRange[])[] = [outside([])]
  for (const set of sets) {
    cells = cells.flatMap((cell) => [common(cell, set), common(cell, outside(set))]).filter((cell) => cell.length > 0)
  }
  return cells
}

function childrenOf(node: RegexNode): readonly RegexNode[] {
  if (node.kind === 'sequence') return node.items
  if (node.kind === 'either') return node.options
  return node.kind === 'repeat' || node.kind === 'ahead' || node.kind === 'behind' ? [node.item] : []
}

function plainText(node: RegexNode): Text {
  switch (node.kind) {
    case 'chars':
      return chars(...node.ranges)
    case 'sequence':
      return sequenceOf(node.items.map(plainText))
    case 'either':
      return textEither(...node.options.map(plainText))
    case 'repeat':
      return textRepeat(plainText(node.item), node.min, node.max)
    default:
      return NO_TEXT
  }
}
