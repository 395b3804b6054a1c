/** JSON strings whose decoded characters are a text: raw characters, short escapes, `\u` escapes and pairs of surrogates. */
import type { LexState } from './lexer.ts'
import type { Term } from './term.ts'
import { INNER_BYTES, TextLexer, type TextState } from './text-lexer.ts'

/**
 * - `open`: before the first quote; `text`: inside; `done`: after the last quote
 * - `escape`: after a backslash; `hex`: in the digits of `\u`
 * - `low`: after the first escape of a pair, before the digits of the second; `low-hex`: in these
 */
type Mode = 'open' | 'text' | 'done' | 'escape' | 'hex' | 'low' | 'low-hex'

interface JsonState extends TextState {
  readonly mode: Mode
  /** Digits that came; in `low` bytes of `\u`. */
  readonly digits: number
  /** The value of the digits. */
  readonly value: number
  /** The first half of a pair. */
  readonly high: number
}

const SHORT: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  '/': '/',
}
const CHAR_OF_SHORT = new Map(Object.entries(SHORT).map(([letter, char]) => [letter.charCodeAt(0), char.charCodeAt(0)]))
const ESCAPES = [...CHAR_OF_SHORT.keys(), 0x75]
const HEX_DIGITS = [...'0123456789abcdefABCDEF'].map((digit) => digit.charCodeAt(0))
const QUOTE = 0x22
const BACKSLASH = 0x5c
const U = 0x75
const LAST = 0x10ffff

export class JsonStringLexer extends TextLexer {
  protected beginningOf(term: Term): LexState {
    return this.make('open', term)
  }

  override alike(state: LexState): LexState | undefined {
    return (state as JsonState).mode === 'text' ? super.alike(state) : undefined
  }

  protected after(state: LexState, byte: number): LexState | null {
    const at = state as JsonState
    switch (at.mode) {
      case 'open':
        return byte === QUOTE ? this.between(at.term) : null
      case 'text':
        return at.left > 0 ? this.goOn(at, byte) : this.inText(at.term, byte)
      case 'escape':
        return this.afterBackslash(at.term, byte)
      case 'hex':
        return this.hex(at, byte)
      case 'low':
        if (byte !== (at.digits === 0 ? BACKSLASH : U)) return null
        return at.digits === 0 ? this.make('low', at.term, { digits: 1, high: at.high }) : this.lowHex(at, 0, 0)
      case 'low-hex': {
        const digit = hexDigit(byte)
        return digit < 0 ? null : this.lowHex(at, at.digits + 1, at.value * 16 + digit)
      }
      case 'done':
        return null
    }
  }

  protected override leading(state: LexState): readonly number[] {
    const { mode, term, left, digits } = state as JsonState
    switch (mode) {
      case 'open':
        return [QUOTE]
      case 'text':
        return left > 0 ? INNER_BYTES : this.inTextBytes(term)
      case 'escape':
        return ESCAPES
      case 'low':
        return [digits === 0 ? BACKSLASH : U]
      case 'hex':
      case 'low-hex':
        return HEX_DIGITS
      case 'done':
        return []
    }
  }

  private inTextBytes(term: Term): number[] {
    const raw = this.beginnings(term).filter((byte) => byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH)
    return [...raw, BACKSLASH, ...(term.nullable ? [QUOTE] : [])].sort((a, b) => a - b)
  }

  override within(state: LexState, length: number): LexState {
    const at = state as JsonState
    const near = this.terms.within(at.term, length)
    return near === at.term ? state : this.make(at.mode, near, at)
  }

  protected between(term: Term): LexState {
    return this.make('text', term)
  }

  protected inside(term: Term, left: number, bits: number): LexState {
    return this.make('text', term, { left, bits })
  }

  private inText(term: Term, byte: number): LexState | null {
    if (byte === QUOTE) return term.nullable ? this.make('done', this.terms.empty) : null
    if (byte === BACKSLASH) return this.leads(term, 0, LAST) ? this.make('escape', term) : null
    return byte < 0x20 ? null : this.begin(term, byte)
  }

  private afterBackslash(term: Term, byte: number): LexState | null {
    if (byte === U) return this.hexState(term, 0, 0)
    const char = CHAR_OF_SHORT.get(byte)
    return char === undefined ? null : this.character(term, char)
  }

  private hex({ term, digits, value }: JsonState, byte: number): LexState | null {
    const digit = hexDigit(byte)
    if (digit < 0) return null
    const more = value * 16 + digit
    if (digits < 3) return this.hexState(term, digits + 1, more)
    if (more < 0xd800 || more > 0xdfff) return this.character(term, more)
    return more < 0xdc00 && this.leadsAbove(term, more, more) ? this.make('low', term, { high: more }) : null
  }

  private hexState(term: Term, digits: number, value: number): LexState | null {
    const span = 16 ** (4 - digits)
    const first = value * span
    const last = first + span - 1
    const possible =
      this.leads(term, first, last) || this.leadsAbove(term, Math.max(first, 0xd800), Math.min(last, 0xdbff))
    return possible ? this.make('hex', term, { digits, value }) : null
  }

  private lowHex({ term, high }: JsonState, digits: number, value: number): LexState | null {
    const span = 16 ** (4 - digits)
    const first = Math.max(value * span, 0xdc00)
    const last = Math.min(value * span + span - 1, 0xdfff)
    const base = 0x10000 + (high - 0xd800) * 0x400 - 0xdc00
    if (first > last || !this.leads(term, base + first, base + last)) return null
    return digits === 4 ? this.character(term, base + value) : this.make('low-hex', term, { digits, value, high })
  }

  /** Whether a character of these can come. */
  private leads(term: Term, first: number, last: number): boolean {
    return this.targetsIn(term, first, last).length > 0
  }

  /** Whether one whose first half is among these can come. */
  private leadsAbove(term: Term, first: number, last: number): boolean {
    if (first > last) return false
    return this.leads(term, 0x10000 + (first - 0xd800) * 0x400, 0x10000 + (last - 0xd800) * 0x400 + 0x3ff)
  }

  private make(mode: Mode, term: Term, rest: Partial<JsonState> = {}): LexState {
    const { left = 0, bits = 0, digits = 0, value = 0, high = 0 } = rest
    return this.remember(`${mode},${term.id},${left},${bits},${digits},${value},${high}`, (id): JsonState => {
      const done = mode === 'done'
      return {
        id,
        lexer: this,
        accepting: done,
        final: done,
        next: undefined,
        bytes: undefined,
        term,
        left,
        bits,
        mode,
        digits,
        value,
        high,
      }
    })
  }
}

/** -1 for other bytes. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
