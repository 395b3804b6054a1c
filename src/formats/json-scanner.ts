/**
 * A pull scanner for JSON from strangers. `JSON.parse` keeps the last of two equal keys without a word, and builds
 * whatever a file describes before anybody can say no; here the caller decides value by value what is kept.
 */

import { shortened } from '../errors/show.ts'

/** The fault of the text, and its place. The caller turns it into an error that names the file. */
export class JsonSyntaxError extends Error {
  override name = 'JsonSyntaxError'
}

const MAX_DEPTH = 16

export class JsonScanner {
  #at = 0

  constructor(readonly text: string) {}

  /**
   * Walks an object's members; `member` must consume the value. Equal keys are refused.
   * @param maxMembers more are refused
   */
  object(member: (key: string) => void, maxMembers: number): void {
    this.#expect('{')
    if (this.#accept('}')) return
    const seen = new Set<string>()
    do {
      const key = this.string()
      if (seen.has(key)) throw this.error(`the key ${shorten(key)} occurs twice`)
      if (seen.size === maxMembers) throw this.error(`an object has more than ${maxMembers} members`)
      seen.add(key)
      this.#expect(':')
      member(key)
    } while (this.#accept(','))
    this.#expect('}')
  }

  /** Walks an array's items; `item` must consume the value. */
  array(item: () => void, maxItems: number): void {
    this.#expect('[')
    if (this.#accept(']')) return
    let count = 0
    do {
      if (++count > maxItems) throw this.error(`an array has more than ${maxItems} items`)
      item()
    } while (this.#accept(','))
    this.#expect(']')
  }

  string(): string {
    this.#skipSpace()
    const start = this.#at
    if (this.text[start] !== '"') throw this.error('a string is expected')
    let end = start + 1
    for (;;) {
      const code = this.text.charCodeAt(end)
      if (code === 0x22) break
      if (Number.isNaN(code) || code < 0x20) throw this.error('a string does not end')
      end += code === 0x5c ? 2 : 1
    }
    this.#at = end + 1
    try {
      return JSON.parse(this.text.slice(start, end + 1)) as string
    } catch {
      throw this.error('a string has a bad escape')
    }
  }

  /** A whole number from 0 to 2⁵³ − 1, written without sign, point or exponent. */
  integer(): number {
    const found = this.#number()
    const value = /^(0|[1-9]\d{0,15})$/.test(found) ? Number(found) : Number.NaN
    if (!Number.isSafeInteger(value)) throw this.error(`${shorten(found)} is not a whole number from 0 to 2^53 - 1`)
    return value
  }

  /** Passes over any value and keeps nothing of it. */
  skip(depth = 0): void {
    if (depth > MAX_DEPTH) throw this.error(`values are nested more than ${MAX_DEPTH} deep`)
    this.#skipSpace()
    const first = this.text[this.#at]
    if (first === '{') this.object(() => this.skip(depth + 1), Number.MAX_SAFE_INTEGER)
    else if (first === '[') this.array(() => this.skip(depth + 1), Number.MAX_SAFE_INTEGER)
    else if (first === '"') this.string()
    else this.#scalar()
  }

  /** Nothing but white space may be left. */
  end(): void {
    this.#skipSpace()
    if (this.#at < this.text.length) throw this.error('something follows the end')
  }

  error(fact: string): JsonSyntaxError {
    return new JsonSyntaxError(`${fact} (at character ${this.#at})`)
  }

  #scalar(): void {
    for (const word of ['true', 'false', 'null']) {
      if (this.text.startsWith(word, this.#at)) {
        this.#at += word.length
        return
      }
    }
    if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(this.#number())) throw this.error('a value is expected')
  }

  #number(): string {
    this.#skipSpace()
    const start = this.#at
    while ('+-.eE0123456789'.includes(this.text[this.#at] ?? 'x')) this.#at++
    if (this.#at === start) throw this.error('a number is expected')
    return this.text.slice(start, this.#at)
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at++
    }
  }

  #accept(char: string): boolean {
    this.#skipSpace()
    if (this.text[this.#at] !== char) return false
    this.#at++
    return true
  }

  #expect(char: string): void {
    if (!this.#accept(char)) throw this.error(`${JSON.stringify(char)} is expected`)
  }
}

function shorten(text: string): string {
  return JSON.stringify(shortened(text, 60))
}
