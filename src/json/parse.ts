/** A reader for JSON that loses nothing; `value.ts` says what it gives. */
import { JsonFloat, JsonObject, type JsonValue, jsonFloat } from './value.ts'

/** The fault of a text, and its place. The caller turns it into an error that names the field or the file. */
export class JsonSyntaxError extends Error {
  override name = 'JsonSyntaxError'
}

export interface ParseJsonOptions {
  /** Values nested deeper are errors. Default 64. */
  maxDepth?: number | undefined
  /** Takes `NaN`, `Infinity` and `-Infinity` as Python's `json.loads` does. Default true. */
  nonFinite?: boolean | undefined
}

const MAX_DEPTH = 64
/** Python refuses to read longer whole numbers, for the time that it takes. */
const MAX_INT_DIGITS = 4300
const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
const WORD = /-?[A-Za-z]+/y
/** The end, an escape, or a control character. */
const IN_STRING = /["\\]|[^ -\uffff]/g
const WORDS = new Map<string, null | boolean>([
  ['null', null],
  ['true', true],
  ['false', false],
])
const NON_FINITE = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])
/** Plain objects move keys that are array indices to the front, and do not hold this one as a field. */
const UNPLAIN_KEY = /^(?:0|[1-9]\d{0,9}|__proto__)$/

/**
 * One JSON value with nothing but white space around it. Of equal keys the last one's value stays, as in Python.
 * @throws JsonSyntaxError
 */
export function parseJson(text: string, { maxDepth = MAX_DEPTH, nonFinite = true }: ParseJsonOptions = {}): JsonValue {
  const parser = new Parser(text, maxDepth, nonFinite)
  const value = parser.value(0)
  parser.end()
  return value
}

/** As {@link parseJson}; undefined when the text is no JSON. */
export function tryParseJson(text: string, options?: ParseJsonOptions): JsonValue | undefined {
  try {
    return parseJson(text, options)
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined
    throw error
  }
}

/** Linear in the text: every character is looked at a fixed number of times. Recursion ends at `maxDepth`. */
class Parser {
  #at = 0

  constructor(
    private readonly text: string,
    private readonly maxDepth: number,
    private readonly nonFinite: boolean,
  ) {}

  value(depth: number): JsonValue {
    if (depth > this.maxDepth) throw this.#error(`values are nested deeper than ${this.maxDepth} levels`)
    this.#space()
    switch (this.text[this.#at]) {
      case '{':
        return this.#object(depth + 1)
      case '[':
        return this.#array(depth + 1)
      case '"':
        return this.#string()
      default:
        return this.#scalar()
    }
  }

  end(): void {
    this.#space()
    if (this.#at < this.text.length) throw this.#error('something follows the value')
  }

  #object(depth: number): JsonValue {
    const fields: [string, JsonValue][] = []
    let plain = true
    this.#at++
    if (!this.#take('}')) {
      do {
        this.#space()
        if (this.text[this.#at] !== '"') throw this.#error('a key in double quotes is expected')
        const key = this.#string()
        plain &&= !UNPLAIN_KEY.test(key)
        if (!this.#take(':')) throw this.#error('":" is expected')
        fields.push([key, this.value(depth)])
      } while (this.#take(','))
      if (!this.#take('}')) throw this.#error('"," or "}" is expected')
    }
    return plain ? Object.fromEntries(fields) : new JsonObject(fields)
  }

  #array(depth: number): JsonValue[] {
    const items: JsonValue[] = []
    this.#at++
    if (this.#take(']')) return items
    do items.push(this.value(depth))
    while (this.#take(','))
    if (!this.#take(']')) throw this.#error('"," or "]" is expected')
    return items
  }

  #string(): string {
    const start = this.#at
    let plain = true
    for (IN_STRING.lastIndex = start + 1; ; ) {
      const found = IN_STRING.exec(this.text)
      if (found?.[0] === '"') break
      if (found?.[0] !== '\\') {
        if (found) this.#at = found.index
        throw this.#error(found ? 'a string holds a bare control character' : 'a string does not end')
      }
      plain = false
      IN_STRING.lastIndex = found.index + 2
    }
    const end = IN_STRING.lastIndex
    this.#at = end
    if (plain) return this.text.slice(start + 1, end - 1)
    try {
      return JSON.parse(this.text.slice(start, end)) as string
    } catch {
      this.#at = start
      throw this.#error('a string has a bad escape')
    }
  }

  #scalar(): JsonValue {
    const number = this.#match(NUMBER)
    if (number !== null && !/^[A-Za-z]/.test(this.text[this.#at] ?? '')) return this.#number(number)
    const word = number === null ? this.#match(WORD)?.[0] : undefined
    const value = word === undefined ? undefined : WORDS.get(word)
    if (value !== undefined) return value
    const special = word !== undefined && this.nonFinite ? NON_FINITE.get(word) : undefined
    if (special !== undefined) return new JsonFloat(special)
    if (word !== undefined) this.#at -= word.length
    throw this.#error(this.#at < this.text.length ? 'a value is expected' : 'the text ends too early')
  }

  #number([text, fraction, exponent]: RegExpExecArray): JsonValue {
    if (fraction === undefined && exponent === undefined) return this.#integer(text)
    return jsonFloat(Number(text))
  }

  #integer(text: string): number | bigint {
    const value = Number(text)
    if (Number.isSafeInteger(value)) return value + 0
    if (text.length - (text[0] === '-' ? 1 : 0) > MAX_INT_DIGITS)
      throw this.#error(`a number has more than ${MAX_INT_DIGITS} digits`)
    return BigInt(text)
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.text)
    if (found) this.#at = pattern.lastIndex
    return found
  }

  #space(): void {
    this.#match(SPACE)
  }

  #take(char: string): boolean {
    this.#space()
    if (this.text[this.#at] !== char) return false
    this.#at++
    return true
  }

  #error(fact: string): JsonSyntaxError {
    return new JsonSyntaxError(`${fact} (at character ${this.#at})`)
  }
}
