/** The UTF-8 of a text, byte by byte: the base of what reads texts. */
import type { Budget } from './budget.ts'
import { intervalOf, targetOf } from './derivatives.ts'
import type { Text } from './expression.ts'
import { Lexer, type LexState } from './lexer.ts'
import type { Term } from './term.ts'
import type { Terms } from './terms.ts'

/** Between characters (`left` 0), or inside one. */
export interface TextState extends LexState {
  /** What is left of the text from this character on; inside of a character of which it does not matter, what follows it. */
  readonly term: Term
  /** Bytes of the character that are missing. */
  readonly left: number
  /** The bits of the character so far; -1 where all that can come lead to `term`. */
  readonly bits: number
}

/** The least character of three and of four bytes, by how many bytes follow the first. */
const LEAST = [0, 0x80, 0x800, 0x10000]
const LAST = 0x10ffff

/** Remembered states of all texts together. */
const MOST_STATES = 16_000

/** One for all texts, so that those that come to be alike share their states, such as strings of any bounded length. */
export abstract class TextLexer extends Lexer {
  protected override readonly most = MOST_STATES

  /** @param terms which other lexers may share */
  constructor(
    budget: Budget,
    protected readonly terms: Terms,
  ) {
    super(budget)
  }

  /** Where a text begins; null for one that has no strings. */
  startOf(text: Text): LexState | null {
    const term = this.terms.of(text)
    return this.terms.isLive(term) ? this.beginningOf(term) : null
  }

  protected abstract beginningOf(term: Term): LexState

  /** The state between two characters. */
  protected abstract between(term: Term): LexState
  /** The state inside of a character. */
  protected abstract inside(term: Term, left: number, bits: number): LexState

  /** Between two characters: that of the term which most characters lead to, where it is one that they do not lead away from. */
  override alike(state: LexState): LexState | undefined {
    const { term, left } = state as TextState
    if (left > 0) return undefined
    const next = this.usual(term)
    return next === undefined || next === term || this.usual(next) !== next ? undefined : this.between(next)
  }

  /** The term that more than half of all characters lead to, side by side; few tokens are inside of a text without one. */
  private usual(term: Term): Term | undefined {
    const { starts, targets } = this.terms.derivative(term)
    let [most, found]: [number, Term | undefined] = [0, undefined]
    for (const [i, start] of starts.entries()) {
      const width = (starts[i + 1] ?? LAST + 1) - start
      if (targets[i] !== this.terms.never && width > most) [most, found] = [width, targets[i]]
    }
    return most > LAST / 2 ? found : undefined
  }

  /** A byte that begins a character. */
  protected begin(term: Term, byte: number): LexState | null {
    if (byte < 0x80) return this.character(term, byte)
    if (byte < 0xc2 || byte > 0xf4) return null
    const left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
    return this.part(term, left, byte & (0x3f >> left), LEAST[left]!)
  }

  /** A byte inside of a character. */
  protected goOn({ term, left, bits }: TextState, byte: number): LexState | null {
    if ((byte & 0xc0) !== 0x80) return null
    if (bits < 0) return left > 1 ? this.inside(term, left - 1, -1) : this.between(term)
    const more = (bits << 6) | (byte & 0x3f)
    return left > 1 ? this.part(term, left - 1, more, LEAST[left]!) : this.character(term, more)
  }

  /** The state after a whole character. */
  protected character(term: Term, char: number): LexState | null {
    const target = targetOf(this.terms.derivative(term), char)
    return this.terms.isLive(target) ? this.between(target) : null
  }

  private part(term: Term, left: number, bits: number, least: number): LexState | null {
    const all = bits << (6 * left)
    const first = Math.max(all, least)
    const last = Math.min(all + (1 << (6 * left)) - 1, LAST)
    const targets = this.targetsIn(term, first, last)
    if (targets.length === 0) return null
    // Without exceptions among what can follow, states that only differ in the character become one.
    const regular = first === all && last === all + (1 << (6 * left)) - 1 && (last < 0xd800 || first > 0xdfff)
    return targets.length === 1 && regular && this.covers(term, first, last)
      ? this.inside(targets[0]!, left, -1)
      : this.inside(term, left, bits)
  }

  /** The bytes that characters after which something can follow begin with. */
  protected beginnings(term: Term): number[] {
    const { starts, targets } = this.terms.derivative(term)
    const bytes: number[] = []
    for (const [i, start] of starts.entries()) {
      if (targets[i] === this.terms.never) continue
      const last = leadingByte((starts[i + 1] ?? LAST + 1) - 1)
      // Two intervals may share the first byte of their characters.
      for (let byte = leadingByte(start); byte <= last; byte++) {
        if (byte > (bytes.at(-1) ?? -1) && (byte < 0x80 || byte > 0xc1)) bytes.push(byte)
      }
    }
    return bytes
  }

  /** All live terms that a character of these leads to. */
  protected targetsIn(term: Term, first: number, last: number): Term[] {
    const { starts, targets } = this.terms.derivative(term)
    const found = new Set<Term>()
    if (first > last) return []
    for (let i = intervalOf(starts, first); i < starts.length && starts[i]! <= last; i++) {
      if (this.terms.isLive(targets[i]!)) found.add(targets[i]!)
    }
    return [...found]
  }

  private covers(term: Term, first: number, last: number): boolean {
    const { starts } = this.terms.derivative(term)
    return intervalOf(starts, first) === intervalOf(starts, last)
  }
}

/** The bytes that go on inside of a character. */
export const INNER_BYTES: readonly number[] = Array.from({ length: 64 }, (_, i) => 0x80 + i)

function leadingByte(char: number): number {
  if (char < 0x80) return char
  return char < 0x800 ? 0xc0 | (char >> 6) : char < 0x10000 ? 0xe0 | (char >> 12) : 0xf0 | (char >> 18)
}

/** The UTF-8 of a text. */
export class Utf8Lexer extends TextLexer {
  protected beginningOf(term: Term): LexState {
    return this.between(term)
  }

  protected after(state: LexState, byte: number): LexState | null {
    const at = state as TextState
    return at.left > 0 ? this.goOn(at, byte) : this.begin(at.term, byte)
  }

  protected override leading(state: LexState): readonly number[] {
    const { term, left } = state as TextState
    return left > 0 ? INNER_BYTES : this.beginnings(term)
  }

  override within(state: LexState, length: number): LexState {
    const { term, left, bits } = state as TextState
    const near = this.terms.within(term, length)
    if (near === term) return state
    return left > 0 ? this.inside(near, left, bits) : this.between(near)
  }

  protected between(term: Term): TextState {
    return this.make(term, 0, 0)
  }

  protected inside(term: Term, left: number, bits: number): TextState {
    return this.make(term, left, bits)
  }

  private make(term: Term, left: number, bits: number): TextState {
    return this.remember(`${term.id},${left},${bits}`, (id) => ({
      id,
      lexer: this,
      accepting: left === 0 && term.nullable,
      final: left === 0 && term === this.terms.empty,
      next: undefined,
      bytes: undefined,
      term,
      left,
      bits,
    }))
  }
}
