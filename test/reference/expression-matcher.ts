/**
 * Says whether bytes belong to an expression, in the plainest way: from each place, the set of places where it can end. It shares
 * nothing with the automaton, and is what the automaton is tested against.
 */
import type { Expression, Rule, Text } from '../../src/constraints/expression.ts'

/** Places where a match that began at one place can end. */
type Ends = ReadonlySet<number>

/** @param input text, or bytes that need not be UTF-8 */
export function accepts(expression: Expression, input: string | Uint8Array): boolean {
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input
  return new Matcher(bytes).ends(expression, 0).has(bytes.length)
}

/** Whether a text accepts a whole string. */
export function textAccepts(text: Text, input: string): boolean {
  const chars = [...input].map((char) => char.codePointAt(0)!)
  return new TextMatcher(chars).ends(text, 0).has(chars.length)
}

class Matcher {
  readonly #bytes: Uint8Array
  readonly #known = new Map<Expression, Map<number, Ends>>()
  readonly #expanded = new Map<Rule, Expression>()
  readonly #decoded = new Map<number, Decoded>()
  readonly #strings = new Map<number, Decoded | undefined>()

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  ends(expression: Expression, at: number): Ends {
    const places = remember(this.#known, expression, () => new Map<number, Ends>())
    const known = places.get(at)
    if (known !== undefined) return known
    // A rule that comes to itself without having read anything adds nothing here.
    places.set(at, new Set())
    const ends = this.#ends(expression, at)
    places.set(at, ends)
    return ends
  }

  #ends(expression: Expression, at: number): Ends {
    switch (expression.kind) {
      case 'bytes':
        return expression.bytes.every((byte, i) => this.#bytes[at + i] === byte)
          ? new Set([at + expression.bytes.length])
          : new Set()
      case 'any-bytes':
        return new Set(Array.from({ length: this.#bytes.length - at + 1 }, (_, i) => at + i))
      case 'sequence':
        return expression.items.reduce<Ends>((from, item) => this.#after(item, from), new Set([at]))
      case 'either':
        return new Set(expression.options.flatMap((option) => [...this.ends(option, at)]))
      case 'repeat':
        return repeated(expression, at, (from) => this.#after(expression.item, from))
      case 'rule':
        return this.ends(remember(this.#expanded, expression, expression.expand), at)
      case 'utf8': {
        const { chars, offsets, matcher } = this.#decode(at)
        return new Set([...matcher.ends(expression.text, 0)].filter((i) => i <= chars.length).map((i) => offsets[i]!))
      }
      case 'json-string': {
        const string = this.#string(at)
        if (string === undefined || !string.matcher.ends(expression.text, 0).has(string.chars.length)) return new Set()
        return new Set([string.offsets.at(-1)!])
      }
    }
  }

  #after(item: Expression, from: Ends): Ends {
    return new Set([...from].flatMap((at) => [...this.ends(item, at)]))
  }

  #decode(at: number): Decoded {
    return remember(this.#decoded, at, () => decodeUtf8(this.#bytes, at))
  }

  #string(at: number): Decoded | undefined {
    if (!this.#strings.has(at)) this.#strings.set(at, decodeString(this.#bytes, at))
    return this.#strings.get(at)
  }
}

interface Decoded {
  readonly chars: readonly number[]
  /** Where each character begins, and the place behind the last (or behind the closing quote). */
  readonly offsets: readonly number[]
  readonly matcher: TextMatcher
}

/** As many characters as the bytes from one place on have. */
function decodeUtf8(bytes: Uint8Array, at: number): Decoded {
  const [chars, offsets]: [number[], number[]] = [[], [at]]
  for (let next = at; next < bytes.length; ) {
    const length = utf8Length(bytes[next]!)
    const char = length === 0 ? undefined : strictText(bytes.subarray(next, next + length))
    if (char === undefined) break
    next += length
    chars.push(char.codePointAt(0)!)
    offsets.push(next)
  }
  return { chars, offsets, matcher: new TextMatcher(chars) }
}

function utf8Length(byte: number): number {
  if (byte < 0x80) return 1
  return byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 0
}

function strictText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** The JSON string that begins at one place. */
function decodeString(bytes: Uint8Array, at: number): Decoded | undefined {
  if (bytes[at] !== 0x22) return undefined
  let end = at + 1
  while (end < bytes.length && bytes[end] !== 0x22) end += bytes[end] === 0x5c ? 2 : 1
  const source = end < bytes.length ? strictText(bytes.subarray(at, end + 1)) : undefined
  if (source === undefined) return undefined
  try {
    const value = JSON.parse(source) as string
    // A lone surrogate is no character.
    if (/\p{Surrogate}/u.test(value)) return undefined
    const chars = [...value].map((char) => char.codePointAt(0)!)
    return { chars, offsets: [end + 1], matcher: new TextMatcher(chars) }
  } catch {
    return undefined
  }
}

class TextMatcher {
  readonly #chars: readonly number[]
  readonly #known = new Map<Text, Map<number, Ends>>()

  constructor(chars: readonly number[]) {
    this.#chars = chars
  }

  ends(text: Text, at: number): Ends {
    const places = remember(this.#known, text, () => new Map<number, Ends>())
    return remember(places, at, () => this.#ends(text, at))
  }

  #ends(text: Text, at: number): Ends {
    switch (text.kind) {
      case 'chars': {
        const char = this.#chars[at]
        const found = char !== undefined && text.ranges.some(([first, last]) => char >= first && char <= last)
        return new Set(found ? [at + 1] : [])
      }
      case 'sequence':
        return text.items.reduce<Ends>((from, item) => this.#after(item, from), new Set([at]))
      case 'either':
        return new Set(text.options.flatMap((option) => [...this.ends(option, at)]))
      case 'repeat':
        return repeated(text, at, (from) => this.#after(text.item, from))
      case 'all': {
        const [first, ...others] = text.items.map((item) => this.ends(item, at))
        return new Set([...(first ?? this.#all(at))].filter((end) => others.every((ends) => ends.has(end))))
      }
      case 'not': {
        const inside = this.ends(text.item, at)
        return new Set(this.#all(at).filter((end) => !inside.has(end)))
      }
    }
  }

  #after(item: Text, from: Ends): Ends {
    return new Set([...from].flatMap((at) => [...this.ends(item, at)]))
  }

  #all(at: number): number[] {
    return Array.from({ length: this.#chars.length - at + 1 }, (_, i) => at + i)
  }
}

/** Where a repetition can end; `after` is one time more. */
function repeated({ min, max }: { min: number; max: number }, at: number, after: (from: Ends) => Ends): Ends {
  const ends = new Set<number>()
  const seen = new Set<string>()
  let from: Ends = new Set([at])
  for (let count = 0; ; count++) {
    if (count >= min) {
      const before = ends.size
      for (const end of from) ends.add(end)
      if (count > min && ends.size === before) return ends
    } else {
      // Once the places stand still, going on to the least count changes nothing.
      const key = [...from].sort().join()
      if (seen.has(key)) count = Math.max(count, min - 1)
      seen.add(key)
    }
    if (count >= max || from.size === 0) return ends
    from = after(from)
  }
}

function remember<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  let value = known.get(key)
  if (value === undefined) {
    value = make()
    known.set(key, value)
  }
  return value
}
