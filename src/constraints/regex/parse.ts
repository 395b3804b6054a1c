/**
 * Reads a regular expression of ECMA-262 with the flag `u`. A backslash before ASCII punctuation means that character, also where
 * the standard has no such escape, since schemas of other languages are full of `\_` and `\@`.
 */
import type { CharRange } from '../expression.ts'
import { joined, outside } from '../text.ts'
import { DIGIT, LINE_END, propertyRanges, SPACE, WORD, withBothCases } from './classes.ts'
import { PatternError, type RegexFlags, type RegexNode } from './syntax.ts'

const MAX_LENGTH = 10_000
const MAX_DEPTH = 100
const MAX_COUNT = 65_536
const EMPTY_NODE: RegexNode = { kind: 'sequence', items: [] }
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 }
const CLASSES: Readonly<Record<string, readonly CharRange[]>> = { d: DIGIT, w: WORD, s: SPACE }
const PUNCTUATION = /^[!-/:-@[-`{-~ ]$/
/** What opens a group, the longest first. */
const OPENINGS = ['(?:', '(?=', '(?!', '(?<=', '(?<!'] as const

/** @throws PatternError */
export function parsePattern(pattern: string, flags: RegexFlags): RegexNode {
  if (pattern.length > MAX_LENGTH) {
    throw new PatternError(pattern, 0, `has ${pattern.length} characters, the limit is ${MAX_LENGTH}`)
  }
  return new PatternParser(pattern, flags).whole()
}

class PatternParser {
  readonly #pattern: string
  readonly #flags: RegexFlags
  #at = 0
  #depth = 0

  constructor(pattern: string, flags: RegexFlags) {
    this.#pattern = pattern
    this.#flags = flags
  }

  whole(): RegexNode {
    const node = this.#choice()
    if (this.#at < this.#pattern.length) throw this.#error('this ")" closes no group')
    return node
  }

  #error(fact: string, at = this.#at): PatternError {
    return new PatternError(this.#pattern, at, fact)
  }

  #peek(text: string): boolean {
    return this.#pattern.startsWith(text, this.#at)
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false
    this.#at += text.length
    return true
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#pattern)
    if (found === null) return undefined
    this.#at += found[0].length
    return found
  }

  #choice(): RegexNode {
    if (++this.#depth > MAX_DEPTH) throw this.#error(`groups are nested deeper than ${MAX_DEPTH}`)
    const options = [this.#sequence()]
    while (this.#take('|')) options.push(this.#sequence())
    this.#depth--
    return options.length === 1 ? options[0]! : { kind: 'either', options }
  }

  #sequence(): RegexNode {
    const items: RegexNode[] = []
    while (this.#at < this.#pattern.length && !this.#peek('|') && !this.#peek(')')) items.push(this.#term())
    return items.length === 1 ? items[0]! : items.length === 0 ? EMPTY_NODE : { kind: 'sequence', items }
  }

  #term(): RegexNode {
    const at = this.#at
    const item = this.#atom()
    const count = this.#quantifier()
    if (count === undefined) return item
    if (['start', 'end', 'boundary', 'ahead', 'behind'].includes(item.kind)) {
      throw this.#error('an assertion cannot be repeated', at)
    }
    return { kind: 'repeat', item, ...count, at }
  }

  #quantifier(): { min: number; max: number } | undefined {
    const at = this.#at
    const found = this.#match(/(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})\??/y)
    if (found === undefined) return undefined
    const [text, first, comma, second] = found
    if (first === undefined) {
      return { min: text[0] === '+' ? 1 : 0, max: text[0] === '?' ? 1 : Number.POSITIVE_INFINITY }
    }
    const min = Number(first)
    const max = comma === undefined ? min : second === '' ? Number.POSITIVE_INFINITY : Number(second)
    if (max < min) throw this.#error('the counts are out of order', at)
    if (min > MAX_COUNT || (max > MAX_COUNT && second !== '')) throw this.#error(`counts end at ${MAX_COUNT}`, at)
    return { min, max }
  }

  #atom(): RegexNode {
    const at = this.#at
    if (this.#take('^')) return { kind: 'start', at }
    if (this.#take('$')) return { kind: 'end', at }
    if (this.#take('.')) return this.#chars(this.#flags.dotAll ? outside([]) : outside(LINE_END), at)
    if (this.#peek('(')) return this.#group()
    if (this.#peek('[')) return this.#chars(this.#class(), at)
    if (this.#take('\\b')) return { kind: 'boundary', negated: false, at }
    if (this.#take('\\B')) return { kind: 'boundary', negated: true, at }
    if (this.#match(/[*+?]|\{\d+(?:,\d*)?\}/y)) throw this.#error('there is nothing to repeat', at)
    // Other dialects' `{,3}` would be these characters themselves.
    if (this.#match(/\{,\d+\}/y)) throw this.#error('a count begins with a number, as in {0,3}', at)
    const ranges = this.#peek('\\') ? this.#escape(false) : this.#plain()
    return this.#chars(ranges, at)
  }

  #chars(ranges: readonly CharRange[], at: number): RegexNode {
    return { kind: 'chars', ranges, at }
  }

  #group(): RegexNode {
    const at = this.#at
    const opening = OPENINGS.find((text) => this.#take(text))
    if (opening === undefined) {
      this.#take('(')
      if (this.#peek('?') && this.#match(/\?<[\p{ID_Start}$_][\p{ID_Continue}$]*>/uy) === undefined) {
        throw this.#error('groups that begin like this are not supported', at)
      }
    }
    const item = this.#choice()
    if (!this.#take(')')) throw this.#error('this group is not closed', at)
    if (opening === undefined || opening === '(?:') return item
    const negated = opening.endsWith('!')
    return { kind: opening.includes('<') ? 'behind' : 'ahead', item, negated, at }
  }

  #class(): readonly CharRange[] {
    const at = this.#at
    this.#take('[')
    const negated = this.#take('^')
    const ranges: CharRange[] = []
    while (!this.#take(']')) {
      if (this.#at >= this.#pattern.length) throw this.#error('this class is not closed', at)
      const begin = this.#at
      // A POSIX class would be its letters, one by one.
      if (this.#match(/\[([:.=])[^\]:.=]+\1\]/y)) throw this.#error('POSIX classes are not supported', begin)
      const first = this.#classItem()
      if (!this.#peek('-') || this.#pattern[this.#at + 1] === ']') {
        ranges.push(...first)
        continue
      }
      this.#take('-')
      if (this.#at >= this.#pattern.length) throw this.#error('this class is not closed', at)
      ranges.push(this.#range(first, this.#classItem(), begin))
    }
    const whole = this.#flags.ignoreCase ? withBothCases(joined(ranges)) : joined(ranges)
    return negated ? outside(whole) : whole
  }

  #range(from: readonly CharRange[], to: readonly CharRange[], at: number): CharRange {
    const [first, last] = [from[0], to[0]]
    const single = [from, to].every((ranges) => ranges.length === 1 && ranges[0]![0] === ranges[0]![1])
    if (!single || first === undefined || last === undefined)
      throw this.#error('a range goes from one character to one', at)
    if (first[0] > last[0]) throw this.#error('this range is out of order', at)
    return [first[0], last[0]]
  }

  #classItem(): readonly CharRange[] {
    return this.#peek('\\') ? this.#escape(true) : single(this.#codePoint())
  }

  #plain(): readonly CharRange[] {
    return this.#cased(single(this.#codePoint()))
  }

  #cased(ranges: readonly CharRange[]): readonly CharRange[] {
    return this.#flags.ignoreCase ? withBothCases(ranges) : ranges
  }

  #codePoint(): number {
    const code = this.#pattern.codePointAt(this.#at)!
    this.#at += code > 0xffff ? 2 : 1
    return code
  }

  #escape(inClass: boolean): readonly CharRange[] {
    const at = this.#at
    this.#take('\\')
    const letter = this.#pattern[this.#at]
    if (letter === undefined) throw this.#error('a backslash stands at the end', at)
    const named = CLASSES[letter.toLowerCase()]
    if (named !== undefined) {
      this.#at++
      return letter === letter.toLowerCase() ? named : outside(named)
    }
    if (letter === 'p' || letter === 'P') return this.#property(letter === 'P', at)
    if (!inClass && (/[1-9]/.test(letter) || letter === 'k')) throw this.#error('backreferences are not supported', at)
    const code = this.#escapedChar(letter, inClass)
    if (code === undefined) throw this.#error(`there is no escape "\\${letter}"`, at)
    return inClass ? single(code) : this.#cased(single(code))
  }

  #property(negated: boolean, at: number): readonly CharRange[] {
    this.#at++
    const body = this.#match(/\{([^{}]*)\}/y)?.[1]
    const ranges = body === undefined ? undefined : propertyRanges(body)
    if (ranges === undefined) throw this.#error('there is no such Unicode property', at)
    return this.#cased(negated ? outside(ranges) : ranges)
  }

  #escapedChar(letter: string, inClass: boolean): number | undefined {
    const hex = this.#match(
      /x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,8})\}|u([dD][89abAB]..)\\u([dD][c-fC-F]..)|u([0-9a-fA-F]{4})/y,
    )
    if (hex !== undefined) return hexCode(hex)
    const control = this.#match(/c([A-Za-z])/y)?.[1]
    if (control !== undefined) return control.charCodeAt(0) % 32
    if (this.#match(/0(?!\d)/y) !== undefined) return 0
    if (inClass && this.#take('b')) return 8
    if (CONTROLS[letter] === undefined && !PUNCTUATION.test(letter)) return undefined
    this.#at++
    return CONTROLS[letter] ?? letter.charCodeAt(0)
  }
}

function hexCode([, byte, braced, high, low, unit]: RegExpExecArray): number | undefined {
  if (high !== undefined && low !== undefined) {
    const pair = String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16))
    return pair.codePointAt(0)
  }
  const code = Number.parseInt((byte ?? braced ?? unit)!, 16)
  return code <= 0x10ffff ? code : undefined
}

function single(code: number): readonly CharRange[] {
  return [[code, code]]
}
