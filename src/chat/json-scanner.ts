/** The meaning of one more character: it belongs to the value, completes it, comes after it, or cannot stand there. */
export type JsonStep = 'more' | 'end' | 'after' | 'error'

type Want =
  | 'value'
  | 'first-value'
  | 'first-key'
  | 'key'
  | 'colon'
  | 'comma'
  | 'text'
  | 'escape'
  | 'hex'
  | 'word'
  | 'done'

const MAX_DEPTH = 64
/** Digits beyond this say nothing, and a number without end must not cost ever more to check. */
const MAX_WORD = 400
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const NUMBER_BEGINS = /^-?(?:(?:0|[1-9]\d*)(?:\.\d*)?(?:(?<=\d)[eE][+-]?\d*)?)?$/
const LITERALS = ['true', 'false', 'null']

export function isJsonSpace(char: string): boolean {
  return char === ' ' || char === '\n' || char === '\r' || char === '\t'
}

/**
 * Reads one JSON value (RFC 8259) a character at a time and finds its end, or the first character that no JSON has there.
 * Space before the value belongs to it. Values nested deeper than 64 are errors.
 */
export class JsonScanner {
  readonly #open: ('{' | '[')[] = []
  #want: Want = 'value'
  #isKey = false
  #hexDigits = 0
  #word = ''

  /** The value is whole. Of a number at the end of a text only this tells it. */
  get complete(): boolean {
    return this.#want === 'done' || (this.#want === 'word' && this.#open.length === 0 && wordIsWhole(this.#word))
  }

  push(char: string): JsonStep {
    switch (this.#want) {
      case 'done':
        return 'after'
      case 'text':
        return this.#inText(char)
      case 'escape':
        if (!'"\\/bfnrtu'.includes(char)) return 'error'
        this.#want = char === 'u' ? 'hex' : 'text'
        this.#hexDigits = 0
        return 'more'
      case 'hex':
        if (!/^[0-9a-fA-F]$/.test(char)) return 'error'
        if (++this.#hexDigits === 4) this.#want = 'text'
        return 'more'
      case 'word':
        return this.#inWord(char)
      default:
        return isJsonSpace(char) ? 'more' : this.#between(char)
    }
  }

  #between(char: string): JsonStep {
    const want = this.#want
    if (want === 'colon') return char === ':' ? this.#go('value') : 'error'
    if (want === 'comma') {
      if (char === ',') return this.#go(this.#open.at(-1) === '{' ? 'key' : 'value')
      return this.#close(char)
    }
    if (want === 'key' || want === 'first-key') {
      if (char === '"') return this.#text(true)
      return want === 'first-key' ? this.#close(char) : 'error'
    }
    if (char === ']' && want === 'first-value') return this.#close(char)
    return this.#value(char)
  }

  #value(char: string): JsonStep {
    if (char === '"') return this.#text(false)
    if (char === '{' || char === '[') {
      if (this.#open.push(char) > MAX_DEPTH) return 'error'
      return this.#go(char === '{' ? 'first-key' : 'first-value')
    }
    this.#word = ''
    this.#want = 'word'
    return this.#inWord(char)
  }

  #inText(char: string): JsonStep {
    if (char === '\\') return this.#go('escape')
    if (char < ' ') return 'error'
    if (char !== '"') return 'more'
    return this.#isKey ? this.#go('colon') : this.#ended('more')
  }

  #inWord(char: string): JsonStep {
    const longer = this.#word + char
    if (longer.length <= MAX_WORD && wordBegins(longer)) {
      this.#word = longer
      return LITERALS.includes(longer) ? this.#ended('more') : 'more'
    }
    if (!wordIsWhole(this.#word)) return 'error'
    if (this.#open.length === 0) {
      this.#want = 'done'
      return 'after'
    }
    this.#want = 'comma'
    return this.push(char)
  }

  #close(char: string): JsonStep {
    if (char !== (this.#open.at(-1) === '{' ? '}' : ']') || this.#open.length === 0) return 'error'
    this.#open.pop()
    return this.#ended('more')
  }

  #ended(inside: JsonStep): JsonStep {
    this.#want = this.#open.length === 0 ? 'done' : 'comma'
    return this.#want === 'done' ? 'end' : inside
  }

  #text(isKey: boolean): JsonStep {
    this.#isKey = isKey
    return this.#go('text')
  }

  #go(want: Want): JsonStep {
    this.#want = want
    return 'more'
  }
}

function wordBegins(word: string): boolean {
  return NUMBER_BEGINS.test(word) || LITERALS.some((literal) => literal.startsWith(word))
}

function wordIsWhole(word: string): boolean {
  return NUMBER.test(word) || LITERALS.includes(word)
}
