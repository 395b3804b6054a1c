/**
 * Cuts a template into tokens, by the rules of jinja2's lexer with `trim_blocks` and `lstrip_blocks`: white space around
 * tags, `{%-`, `{%+`, comments, `raw` blocks, strings with Python's escapes, and Python's numbers.
 */
import { JsonFloat } from '../../json/value.ts'
import { TemplateSyntaxError } from './errors.ts'
import { WHITE_SPACE } from './unicode.ts'

export type TokenType =
  | 'data'
  | 'name'
  | 'string'
  | 'number'
  | 'operator'
  | 'block_begin'
  | 'block_end'
  | 'variable_begin'
  | 'variable_end'
  | 'end'

export interface Token {
  readonly type: TokenType
  /** The text of a name or an operator, the text of a tag's sign, or what a string holds. */
  readonly text: string
  /** Of a number token. */
  readonly number?: number | bigint | JsonFloat
  readonly line: number
}

const S = `[${WHITE_SPACE}]`
/** The text up to the next tag, the tag, and the sign that says how white space before it is treated. */
const NEXT_TAG = /\{([%{#])([-+]?)/g
const RAW_BEGIN = new RegExp(`\\{%[-+]?${S}*raw${S}*(?:-%\\}${S}*|%\\})`, 'y')
const RAW_END = new RegExp(`\\{%([-+]?)${S}*endraw${S}*(?:\\+%\\}|-%\\}${S}*|%\\}\\n?)`, 'g')
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}${S}*|#\\}\\n?`, 'g')
const BLOCK_END = new RegExp(`\\+%\\}|-%\\}${S}*|%\\}\\n?`, 'y')
const VARIABLE_END = new RegExp(`-\\}\\}${S}*|\\}\\}`, 'y')
const SPACES = new RegExp(`${S}+`, 'y')
const ONLY_SPACES = new RegExp(`^${S}+$`)
const SPACES_AT_END = new RegExp(`${S}+$`)
const DIGITS = '(?:\\d+_)*\\d+'
const FLOAT = new RegExp(`(?<!\\.)${DIGITS}(?:(?:\\.${DIGITS})?e[+-]?${DIGITS}|\\.${DIGITS})`, 'iy')
const INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy
const NAME = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/uy
const STRING = /'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/sy
const OPERATOR = /\/\/|\*\*|[=!<>]=|[-+/*%~[\](){}<>=.:|,;]/y
const CLOSES: Readonly<Record<string, string>> = { '{': '}', '(': ')', '[': ']' }

/** @throws TemplateSyntaxError */
export function tokenize(source: string): Token[] {
  return new Lexer(source).run()
}

class Lexer {
  readonly #source: string
  readonly #tokens: Token[] = []
  #at = 0
  #line = 1
  /** Whether the part before {@link #at} ended with a line break, or there is none. */
  #lineStarts = true

  constructor(source: string) {
    // One line break at the end does not belong to the text.
    this.#source = source.replace(/\r\n?/g, '\n').replace(/\n$/, '')
  }

  run(): Token[] {
    const source = this.#source
    while (this.#at < source.length) {
      NEXT_TAG.lastIndex = this.#at
      const tag = NEXT_TAG.exec(source)
      if (tag === null) {
        this.#push('data', source.slice(this.#at))
        break
      }
      this.#data(tag.index, tag[2] as string, tag[1] !== '{')
      RAW_BEGIN.lastIndex = tag.index
      if (RAW_BEGIN.test(source)) this.#raw(RAW_BEGIN.lastIndex)
      else if (tag[1] === '#') this.#comment(NEXT_TAG.lastIndex)
      else this.#tag(NEXT_TAG.lastIndex, tag[1] === '%')
    }
    this.#push('end', '')
    return this.#tokens
  }

  /** The text before a tag at `end`, less the white space that the tag's sign or `lstrip_blocks` takes away. */
  #data(end: number, sign: string, strips: boolean): void {
    const whole = this.#source.slice(this.#at, end)
    let text = whole
    if (sign === '-') text = text.replace(SPACES_AT_END, '')
    else if (sign !== '+' && strips) {
      const begin = text.lastIndexOf('\n') + 1
      if ((begin > 0 || this.#lineStarts) && ONLY_SPACES.test(text.slice(begin))) text = text.slice(0, begin)
    }
    if (text !== '') this.#push('data', text)
    this.#advance(end)
  }

  #raw(begin: number): void {
    this.#advance(begin)
    RAW_END.lastIndex = begin
    const end = RAW_END.exec(this.#source)
    if (end === null) throw new TemplateSyntaxError('Missing end of raw directive', this.#line)
    this.#data(end.index, end[1] as string, true)
    this.#advance(RAW_END.lastIndex)
  }

  #comment(begin: number): void {
    COMMENT_END.lastIndex = begin
    if (COMMENT_END.exec(this.#source) === null) throw new TemplateSyntaxError('Missing end of comment tag', this.#line)
    this.#advance(COMMENT_END.lastIndex)
  }

  /** Everything from `{%` or `{{` to its end. The end counts outside of brackets only, so that `{{ {'a': {}} }}` works. */
  #tag(begin: number, isBlock: boolean): void {
    const source = this.#source
    const kind = isBlock ? 'block' : 'variable'
    const open: string[] = []
    this.#push(`${kind}_begin`, '')
    this.#advance(begin)
    for (;;) {
      const end = open.length === 0 && this.#match(isBlock ? BLOCK_END : VARIABLE_END)
      if (end) {
        this.#push(`${kind}_end`, '')
        this.#advance(this.#at + end.length)
        return
      }
      if (this.#at >= source.length) {
        this.#push('end', '')
        throw new TemplateSyntaxError(`a tag that begins with ${isBlock ? '{%' : '{{'} does not end`, this.#line)
      }
      this.#token(open)
    }
  }

  #token(open: string[]): void {
    const line = this.#line
    for (const [pattern, read] of RULES) {
      const found = this.#match(pattern)
      if (found === undefined) continue
      if (pattern === OPERATOR) balance(found, open, line)
      if (read !== undefined) this.#tokens.push({ line, ...read(found, line) })
      this.#advance(this.#at + found.length)
      return
    }
    const [char] = this.#source.slice(this.#at, this.#at + 2)
    throw new TemplateSyntaxError(`unexpected char ${JSON.stringify(char)}`, line)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    return pattern.exec(this.#source)?.[0]
  }

  #push(type: TokenType, text: string): void {
    this.#tokens.push({ type, text, line: this.#line })
  }

  #advance(to: number): void {
    const passed = this.#source.slice(this.#at, to)
    for (let i = passed.indexOf('\n'); i >= 0; i = passed.indexOf('\n', i + 1)) this.#line++
    if (passed !== '') this.#lineStarts = passed.endsWith('\n')
    this.#at = to
  }
}

/** The tokens inside of tags, in the order in which jinja2 tries them; white space is passed over. */
const RULES: readonly [RegExp, ((found: string, line: number) => Omit<Token, 'line'>)?][] = [
  [SPACES],
  [FLOAT, (text) => ({ type: 'number', text, number: floatOf(text) })],
  [INTEGER, (text) => ({ type: 'number', text, number: integerOf(text) })],
  [NAME, (text) => ({ type: 'name', text })],
  [STRING, (text, line) => ({ type: 'string', text: unescaped(text, line) })],
  [OPERATOR, (text) => ({ type: 'operator', text })],
]

/** @param open the ends of the brackets that are open */
function balance(text: string, open: string[], line: number): void {
  const end = CLOSES[text]
  if (end !== undefined) open.push(end)
  else if (text === '}' || text === ')' || text === ']') {
    const expected = open.pop()
    if (expected === text) return
    throw new TemplateSyntaxError(
      `unexpected '${text}'${expected === undefined ? '' : `, expected '${expected}'`}`,
      line,
    )
  }
}

function integerOf(text: string): number | bigint {
  const digits = text.replaceAll('_', '')
  const value = Number(digits)
  return Number.isSafeInteger(value) ? value : BigInt(digits)
}

function floatOf(text: string): number | JsonFloat {
  const value = Number(text.replaceAll('_', ''))
  return Number.isInteger(value) || !Number.isFinite(value) ? new JsonFloat(value) : value
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}
const ESCAPE = /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))/gs

/**
 * Reads escapes as Python's `unicode-escape` codec does, which jinja2 uses: an unknown escape stays as it is, an
 * escaped line break vanishes.
 */
function unescaped(quoted: string, line: number): string {
  const body = quoted.slice(1, -1)
  if (!body.includes('\\')) return body
  // jinja2 writes other characters as escapes first, so a backslash before one of them escapes that escape's backslash.
  const ascii = body.replace(/\\(.)/gsu, (pair, char: string) => (char > '\x7f' ? `\\\\${asciiEscape(char)}` : pair))
  return ascii.replace(ESCAPE, (whole, octal?: string, x?: string, u?: string, U?: string, char?: string) => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
    const code = Number.parseInt(x ?? u ?? U ?? '', 16)
    if (code <= 0x10ffff) return String.fromCodePoint(code)
    if (char !== undefined && !'xuUN'.includes(char)) return SIMPLE_ESCAPES[char] ?? whole
    throw new TemplateSyntaxError(`a string has the escape ${whole}, which is not whole or not supported`, line)
  })
}

function asciiEscape(char: string): string {
  const code = char.codePointAt(0) as number
  if (code <= 0xff) return `x${code.toString(16)}`
  return code <= 0xffff ? `u${code.toString(16).padStart(4, '0')}` : `U${code.toString(16).padStart(8, '0')}`
}
