/**
 * The language in which constraints are written: what a JSON schema, a regular expression, a list of choices or a GBNF grammar
 * becomes before an automaton over bytes runs it. Nodes are immutable; the functions below make them in a normal form.
 */

/** An inclusive range of Unicode scalar values. Surrogates (0xD800 to 0xDFFF) are never inside. */
export type CharRange = readonly [first: number, last: number]

/** A regular language over Unicode scalar values: text before it is written as bytes. */
export type Text =
  | { readonly kind: 'chars'; readonly ranges: readonly CharRange[] }
  | { readonly kind: 'sequence'; readonly items: readonly Text[] }
  | { readonly kind: 'either'; readonly options: readonly Text[] }
  | { readonly kind: 'repeat'; readonly item: Text; readonly min: number; readonly max: number }
  /** Texts that every item accepts. */
  | { readonly kind: 'all'; readonly items: readonly Text[] }
  /** Texts that the item does not accept. */
  | { readonly kind: 'not'; readonly item: Text }

/** A context-free language over bytes. */
export type Expression =
  /** UTF-8 of a text. */
  | { readonly kind: 'utf8'; readonly text: Text }
  /** A JSON string, quotes included, whose decoded characters are the text: every legal escape of a character counts as that character. */
  | { readonly kind: 'json-string'; readonly text: Text }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Whatever tokens with text spell, whether it is UTF-8 or not. */
  | { readonly kind: 'any-bytes' }
  | { readonly kind: 'sequence'; readonly items: readonly Expression[] }
  | { readonly kind: 'either'; readonly options: readonly Expression[] }
  | { readonly kind: 'repeat'; readonly item: Expression; readonly min: number; readonly max: number }
  | Rule

/**
 * An expression by reference. It is expanded when the automaton first comes to it, at most once for each object, so rules may refer to each
 * other, and to themselves, without end. A rule in the last place of a sequence costs no depth: an object whose
 * state is the set of names seen so far is a rule for each set, made as sets are met (keep the rules in a map by their state).
 */
export interface Rule {
  readonly kind: 'rule'
  /** For error texts. */
  readonly name: string
  readonly expand: () => Expression
  /** It is known that some text ends the rule. Otherwise the automaton looks for one, through all the rules that it leads to. */
  readonly ends: boolean
}

export const EMPTY: Expression = { kind: 'sequence', items: [] }
/** Accepts nothing. */
export const NEVER: Expression = { kind: 'either', options: [] }

/** A rule; see {@link Rule}. */
export function rule(name: string, expand: () => Expression, ends = false): Rule {
  return { kind: 'rule', name, expand, ends }
}

/** One after the other. Nested sequences become one; a `NEVER` inside makes the whole `NEVER`. */
export function sequence(...items: readonly Expression[]): Expression {
  const flat = items.flatMap((item) => (item.kind === 'sequence' ? item.items : [item]))
  if (flat.includes(NEVER)) return NEVER
  return flat.length === 1 ? flat[0]! : flat.length === 0 ? EMPTY : { kind: 'sequence', items: flat }
}

/** Any one of the options. */
export function either(...options: readonly Expression[]): Expression {
  const flat = options.flatMap((option) => (option.kind === 'either' ? option.options : [option]))
  return flat.length === 1 ? flat[0]! : flat.length === 0 ? NEVER : { kind: 'either', options: flat }
}

/** `item`, `min` to `max` times; `max` may be Infinity. */
export function repeat(item: Expression, min: number, max: number): Expression {
  return max === 0 ? EMPTY : { kind: 'repeat', item, min, max }
}

export function optional(item: Expression): Expression {
  return repeat(item, 0, 1)
}

const encoder = new TextEncoder()

/** The UTF-8 bytes of a fixed string. */
export function literal(text: string): Expression {
  if (text === '') return EMPTY
  return { kind: 'bytes', bytes: asciiBytes(text) ?? encoder.encode(text) }
}

/** Short ones come by the ten thousand, and a call of the encoder costs more than their bytes. */
function asciiBytes(text: string): Uint8Array | undefined {
  if (text.length > 16) return undefined
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return undefined
    bytes[i] = unit
  }
  return bytes
}

export function utf8(text: Text): Expression {
  return { kind: 'utf8', text }
}

export function jsonString(text: Text): Expression {
  return { kind: 'json-string', text }
}

/** Every character there is. */
export const ANY_CHAR: Text = {
  kind: 'chars',
  ranges: [
    [0, 0xd7ff],
    [0xe000, 0x10ffff],
  ],
}
export const ANY_TEXT: Text = { kind: 'repeat', item: ANY_CHAR, min: 0, max: Number.POSITIVE_INFINITY }
