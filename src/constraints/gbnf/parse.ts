/** Reads GBNF as llama.cpp's `grammars/README.md` documents it. */
import { ANY_CHAR, type CharRange } from '../expression.ts'
import { complement } from '../ranges.ts'
import { type Grammar, GrammarError, type Syntax } from './syntax.ts'

const MOST_DEPTH = 200
const MOST_COUNT = 2 ** 31
const NAME = /[a-zA-Z0-9_-]+/y
const DIGITS = /[0-9]+/y
const SHORT: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n', '\\': '\\', '"': '"', '[': '[', ']': ']' }
const HEX: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }

/** @throws GrammarError with line and column */
export function parseGrammar(source: string): Grammar {
  return new Parser(source).grammar()
}

class Parser {
  private at = 0
  private depth = 0

  constructor(private readonly source: string) {}

  grammar(): Grammar {
    const rules = new Map<string, { body: Syntax; at: number }>()
    for (this.space(true); this.at < this.source.length; this.space(true)) {
      const at = this.at
      const name = this.match(NAME) ?? this.fail('expected the name of a rule')
      this.space(false)
      if (!this.take('::=')) this.fail(`expected ::= after the name ${name}`)
      if (rules.has(name)) this.fail(`the rule ${name} is defined twice`, at)
      this.space(true)
      rules.set(name, { body: this.alternatives(false), at })
      if (this.at < this.source.length && !/[\r\n]/.test(this.source[this.at]!)) this.unexpected()
    }
    return { source: this.source, rules }
  }

  private alternatives(nested: boolean): Syntax {
    const items = [this.sequence(nested)]
    for (;;) {
      const before = this.at
      // A line that begins with | goes on with the rule.
      this.space(true)
      if (!this.take('|')) {
        this.at = before
        return items.length === 1 ? items[0]! : { kind: 'either', items }
      }
      this.space(true)
      items.push(this.sequence(nested))
    }
  }

  private sequence(nested: boolean): Syntax {
    const items: Syntax[] = []
    for (this.space(nested); ; this.space(nested)) {
      const item = this.item()
      if (item === undefined) return items.length === 1 ? items[0]! : { kind: 'sequence', items }
      this.space(nested)
      items.push(this.repeated(item, nested))
    }
  }

  private item(): Syntax | undefined {
    const { at } = this
    if (this.take('"')) return this.literal(at)
    if (this.take('[')) return this.charClass(at)
    if (this.take('.')) return ANY_CHAR as Syntax
    if (this.take('(')) return this.group(at)
    if (/^!?</.test(this.source.slice(at, at + 2))) {
      this.fail('tokens by name or number, such as <think> or <[1000]>, are not supported: a grammar speaks of text')
    }
    const name = this.match(NAME)
    return name === undefined ? undefined : this.reference(name, at)
  }

  /** Where the name begins the next rule, the rule before has ended without a newline. */
  private reference(name: string, at: number): Syntax {
    const after = this.at
    this.space(false)
    if (this.source.startsWith('::=', this.at)) this.fail(`expected a newline before the rule ${name}`, at)
    this.at = after
    return { kind: 'reference', name, at }
  }

  private group(start: number): Syntax {
    if (++this.depth > MOST_DEPTH) this.fail(`is nested more than ${MOST_DEPTH} deep`, start)
    this.space(true)
    const inner = this.alternatives(true)
    this.space(true)
    if (!this.take(')')) this.at < this.source.length ? this.unexpected() : this.fail('this ( has no )', start)
    this.depth--
    return inner
  }

  private repeated(item: Syntax, nested: boolean): Syntax {
    let result = item
    for (let depth = 0; ; depth++) {
      const { at } = this
      if (depth > MOST_DEPTH) this.fail(`is repeated more than ${MOST_DEPTH} times over`)
      if (this.take('*')) result = { kind: 'repeat', item: result, min: 0, max: Infinity }
      else if (this.take('+')) result = { kind: 'repeat', item: result, min: 1, max: Infinity }
      else if (this.take('?')) result = { kind: 'repeat', item: result, min: 0, max: 1 }
      else if (this.take('{')) result = { kind: 'repeat', item: result, ...this.bounds(at, nested) }
      else return result
      this.space(nested)
    }
  }

  private bounds(start: number, nested: boolean): { min: number; max: number } {
    this.space(nested)
    const min = this.count()
    this.space(nested)
    let max = min
    if (this.take(',')) {
      this.space(nested)
      max = this.source[this.at] === '}' ? Infinity : this.count()
      this.space(nested)
    }
    if (!this.take('}')) this.unexpected()
    if (max < min) this.fail(`{${min},${max}} ends below its beginning`, start)
    return { min, max }
  }

  private count(): number {
    const digits = this.match(DIGITS) ?? this.fail('expected a whole number')
    const count = Number(digits)
    return count > MOST_COUNT ? this.fail(`counts go to ${MOST_COUNT}`) : count
  }

  private literal(start: number): Syntax {
    let text = ''
    while (!this.take('"')) text += String.fromCodePoint(this.character(start, 'this string has no end'))
    return { kind: 'literal', text }
  }

  private charClass(start: number): Syntax {
    const negated = this.take('^')
    const ranges: CharRange[] = []
    while (!this.take(']')) {
      const at = this.at
      const first = this.character(start, 'this [ has no ]')
      const isRange = this.source[this.at] === '-' && this.source[this.at + 1] !== ']'
      if (isRange) this.at++
      const last = isRange ? this.character(start, 'this [ has no ]') : first
      if (last < first) this.fail('this range ends below its beginning', at)
      ranges.push([first, last])
    }
    return { kind: 'chars', ranges: negated ? complement(ranges) : ranges }
  }

  private character(start: number, unended: string): number {
    const { at } = this
    const char = this.source.codePointAt(at)
    if (char === undefined || char === 0x0a) this.fail(unended, start)
    this.at += char! > 0xffff ? 2 : 1
    if (char! >= 0xd800 && char! <= 0xdfff) this.fail('half a surrogate pair is no character', at)
    return char === 0x5c ? this.escaped(at) : char!
  }

  private escaped(at: number): number {
    const letter = this.source[this.at++] ?? ''
    if (Object.hasOwn(SHORT, letter)) return SHORT[letter]!.charCodeAt(0)
    const length = Object.hasOwn(HEX, letter) ? HEX[letter]! : 0
    if (length === 0) this.fail(`\\${letter} is no escape`, at)
    const digits = this.source.slice(this.at, this.at + length)
    if (digits.length < length || !/^[0-9a-fA-F]+$/.test(digits))
      this.fail(`\\${letter} needs ${length} hex digits`, at)
    this.at += length
    const value = Number.parseInt(digits, 16)
    if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) this.fail(`\\${letter}${digits} is no character`, at)
    return value
  }

  /** Spaces and comments, and line ends where the rule may go on after one. */
  private space(newlines: boolean): void {
    for (;;) {
      const char = this.source[this.at]
      if (char === '#') {
        const end = this.source.slice(this.at).search(/[\r\n]/)
        this.at = end < 0 ? this.source.length : this.at + end
      } else if (char === ' ' || char === '\t' || (newlines && (char === '\r' || char === '\n'))) this.at++
      else return
    }
  }

  private take(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.source)?.[0]
    this.at += found?.length ?? 0
    return found
  }

  private unexpected(): never {
    if (this.at >= this.source.length) this.fail('the grammar ends here, where more is expected')
    const char = String.fromCodePoint(this.source.codePointAt(this.at)!)
    this.fail(`${JSON.stringify(char)} is not expected here`)
  }

  private fail(fact: string, at = this.at): never {
    throw new GrammarError(this.source, at, fact)
  }
}
