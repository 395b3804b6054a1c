/** Finds added tokens (control tokens among them) in a text before the rest of it is split into pieces. */
import { TokenizerError } from '../errors.ts'

/**
 * Where a stretch of text stands, which decides over the word boundary mark before it: at the very start, after a control
 * token, or after a token that a file beside the vocabulary added.
 */
export type Place = 'start' | 'after-control' | 'after-added'

/** How an added token is looked for. The flags are those of Hugging Face's `AddedToken`. */
export interface AddedTokenFlags {
  /** The token takes the white space before it. */
  readonly lstrip: boolean
  /** The token takes the white space after it. */
  readonly rstrip: boolean
  /** The token does not count where a letter, digit or underscore touches it. */
  readonly singleWord: boolean
  /** The token is looked for in normalized text, and is itself normalized before. */
  readonly normalized: boolean
}

export interface AddedToken extends AddedTokenFlags {
  readonly id: number
  readonly content: string
  /** The token steers the model: templates may write it, people may not. */
  readonly control: boolean
  /** How text begins after the token. */
  readonly next: Place
}

export const NO_FLAGS: AddedTokenFlags = { lstrip: false, rstrip: false, singleWord: false, normalized: false }

/**
 * Which of several overlapping tokens counts.
 * - `leftmost`: the one that begins first, the longest of those that begin at one place (Hugging Face's tokenizers)
 * - `longest`: the longest of all; it may begin inside a shorter one (llama.cpp)
 */
export type SearchOrder = 'leftmost' | 'longest'

/** A part of a text, and where it began: either an added token, or text between two of them. */
export type Part =
  | { readonly from: number; readonly token: AddedToken }
  | { readonly from: number; readonly text: string }

interface Match {
  readonly from: number
  readonly to: number
  readonly token: AddedToken
}

/** Whether nobody but the template wrote what a control token would stand for. */
type MayStand = (token: AddedToken, from: number, to: number) => boolean

/** A search for a fixed set of added tokens. */
export class AddedTokenSearch {
  readonly #order: SearchOrder
  /** Finds places where some token may begin. */
  readonly #pattern: RegExp | undefined
  readonly #bySpelling = new Map<string, AddedToken>()
  /** The lengths that spellings have, longest first. */
  readonly #lengths: readonly number[]

  /** @param spell gives the form in which a token stands in the text, its `content` by default */
  constructor(tokens: Iterable<AddedToken>, order: SearchOrder, spell = (content: string) => content) {
    this.#order = order
    for (const token of tokens) {
      const spelling = spell(token.content)
      // Texts are well-formed, so half a character would only be found inside another one.
      if (spelling === '' || /\p{Surrogate}/u.test(spelling) || this.#bySpelling.has(spelling)) continue
      this.#bySpelling.set(spelling, token)
    }
    this.#pattern = anyOf([...this.#bySpelling.keys()])
    this.#lengths = [...new Set([...this.#bySpelling.keys()].map((s) => s.length))].sort((a, b) => b - a)
  }

  get isEmpty(): boolean {
    return this.#pattern === undefined
  }

  /**
   * Cuts a well-formed text at its added tokens.
   * @param breaks sorted places in the text that no control token may cover, because a person wrote what stands around
   *   them; a token may begin or end there
   * @param offset place of the text's first character, in the text that `breaks` are about
   */
  split(text: string, breaks: readonly number[], offset = 0): Part[] {
    const mayStand: MayStand = ({ control }, from, to) =>
      !control || !covers(from + offset, to + offset, breaks, to - from === firstLength(text, from))
    if (this.#order === 'longest') return this.#splitByLength(text, mayStand)
    const parts: Part[] = []
    let from = 0
    for (const match of this.#leftmost(text, mayStand)) {
      if (match.from > from) parts.push({ from, text: text.slice(from, match.from) })
      parts.push({ from: match.from, token: match.token })
      from = match.to
    }
    if (from < text.length) parts.push({ from, text: text.slice(from) })
    return parts
  }

  #leftmost(text: string, mayStand: MayStand): Match[] {
    const matches: Match[] = []
    let end = 0
    for (let found = this.#next(text, 0, mayStand); found !== undefined; found = this.#next(text, found.to, mayStand)) {
      const { from, to, token } = found
      if (token.singleWord && (isWordAt(text, from, -1) || isWordAt(text, to, 1))) continue
      // White space that the token before has taken is not taken twice.
      const begin = token.lstrip ? Math.max(skipSpace(text, from, -1), end) : from
      end = token.rstrip ? skipSpace(text, to, 1) : to
      matches.push({ from: begin, to: end, token })
    }
    return matches
  }

  /** Takes all of the longest token out, then looks for the next shorter one in what is left, and so on. */
  #splitByLength(text: string, mayStand: MayStand): Part[] {
    const present = new Map<AddedToken, string>()
    for (
      let at = this.#next(text, 0, mayStand)?.from;
      at !== undefined;
      at = this.#next(text, at + 1, mayStand)?.from
    ) {
      for (const { token, to } of this.#at(text, at, mayStand)) present.set(token, text.slice(at, to))
    }
    // Among tokens of one length the id decides, as it does in llama.cpp where few tokens are sorted.
    const order = [...present].map(([token, spelling]) => ({ token, spelling, bytes: utf8Length(spelling) }))
    order.sort((a, b) => b.bytes - a.bytes || a.token.id - b.token.id)
    let parts: Part[] = text === '' ? [] : [{ from: 0, text }]
    for (const { token, spelling } of order) {
      parts = parts.flatMap((part) => ('token' in part ? [part] : cut(part, token, spelling, mayStand)))
    }
    return parts
  }

  /** The longest token at the first place from `start` on where one may stand. */
  #next(text: string, start: number, mayStand: MayStand): Match | undefined {
    if (this.#pattern === undefined) return undefined
    this.#pattern.lastIndex = start
    for (let found = this.#pattern.exec(text); found !== null; found = this.#pattern.exec(text)) {
      for (const match of this.#at(text, found.index, mayStand)) return match
      this.#pattern.lastIndex = found.index + 1
    }
    return undefined
  }

  /** The tokens that may begin at a place, the longest first. */
  *#at(text: string, from: number, mayStand: MayStand): Generator<Match, void, undefined> {
    for (const length of this.#lengths) {
      const token = this.#bySpelling.get(text.slice(from, from + length))
      if (token === undefined || from + length > text.length) continue
      if (mayStand(token, from, from + length)) yield { from, to: from + length, token }
    }
  }
}

/** Cuts a text at each place where one token stands. */
function cut(part: { from: number; text: string }, token: AddedToken, spelling: string, mayStand: MayStand): Part[] {
  const parts: Part[] = []
  const { from, text } = part
  let done = 0
  for (let at = text.indexOf(spelling); at >= 0; at = text.indexOf(spelling, Math.max(at + 1, done))) {
    if (!mayStand(token, from + at, from + at + spelling.length)) continue
    if (at > done) parts.push({ from: from + done, text: text.slice(done, at) })
    parts.push({ from: from + at, token })
    done = at + spelling.length
  }
  if (done < text.length) parts.push({ from: from + done, text: text.slice(done) })
  return parts
}

/** Whether one of the sorted `places` lies between `from` and `to`; for a single character, whether one lies before it. */
function covers(start: number, to: number, places: readonly number[], isSingle: boolean): boolean {
  const from = isSingle ? start - 1 : start
  let low = 0
  let high = places.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (places[middle]! > from) high = middle
    else low = middle + 1
  }
  return low < places.length && places[low]! < to
}

/** Word characters (`\w`) and white space (`\s`) of Rust's regular expressions. */
const WORD = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u
const SPACE = /\p{White_Space}/u

/** Whether the character before (−1) or after (1) a place belongs to a word. */
function isWordAt(text: string, at: number, side: -1 | 1): boolean {
  if (side === 1) return at < text.length && WORD.test(String.fromCodePoint(text.codePointAt(at)!))
  const low = at >= 2 && (text.charCodeAt(at - 1) & 0xfc00) === 0xdc00
  return at > 0 && WORD.test(text.slice(low ? at - 2 : at - 1, at))
}

/** The place where the white space before (−1) or after (1) a place ends. */
function skipSpace(text: string, at: number, side: -1 | 1): number {
  let place = at
  while (SPACE.test(text.charAt(side === 1 ? place : place - 1))) place += side
  return place
}

/** UTF-16 units of the character at `at`. */
export function firstLength(text: string, at: number): number {
  return (text.codePointAt(at) as number) > 0xffff ? 2 : 1
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length
}

/** Characters of all control or user-defined tokens together. Tekken's thousand have 15,000. */
const MAX_NAMES_LENGTH = 1 << 18

/** A pattern that finds any of the strings, the longest of those that begin at one place. Throws TokenizerError. */
export function anyOf(strings: readonly string[]): RegExp | undefined {
  if (strings.length === 0) return undefined
  const length = strings.reduce((sum, text) => sum + text.length, 0)
  if (length > MAX_NAMES_LENGTH) {
    throw new TokenizerError(`the special tokens have ${length} characters together, the limit is ${MAX_NAMES_LENGTH}`)
  }
  const longestFirst = [...strings].sort((a, b) => b.length - a.length)
  return new RegExp(longestFirst.map((s) => s.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'g')
}
