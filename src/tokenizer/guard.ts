/**
 * Keeps a user's text from becoming control tokens on its way through a chat template. A template writes control tokens
 * as text ("[INST]"), so its output must be searched for their names; names inside the messages must not be found.
 *
 * Before rendering, `protect` puts a mark into each name, and into each beginning or end of one at the edges of a string
 * (which the template could complete). Marks are noncharacters, never white space, so `trim` works as before. `restore`
 * takes them out again and says where they were: no control token may cover such a place.
 */
import { anyOf, firstLength } from './added-tokens.ts'
import { BREAK, MARK, OWN } from './marks.ts'

/**
 * A rendered template, and the sorted places in it that no control token may cover, nor one of one character begin at.
 */
export interface Rendered {
  readonly text: string
  readonly breaks: readonly number[]
}

export class ControlGuard {
  readonly #occurrences: RegExp | undefined
  readonly #heads = new Set<string>()
  readonly #tails = new Set<string>()
  /** Names of one character. */
  readonly #single = new Set<string>()
  #longest = 0

  constructor(names: Iterable<string>) {
    const folded = [...new Set([...names].map(fold))]
    const pattern = anyOf(folded)
    this.#occurrences = pattern === undefined ? undefined : new RegExp(`(?=${pattern.source})`, 'g')
    for (const name of folded) {
      for (let cut = 1; cut < name.length; cut++) {
        this.#heads.add(name.slice(0, cut))
        this.#tails.add(name.slice(cut))
      }
      if (name.length === firstLength(name, 0)) this.#single.add(name)
      this.#longest = Math.max(this.#longest, name.length)
    }
  }

  protect = (text: string): string => {
    const breaks = new Set<number>()
    const folded = fold(text)
    if (this.#occurrences !== undefined) {
      for (const { index } of folded.matchAll(this.#occurrences)) {
        const length = firstLength(text, index)
        breaks.add(index + length)
        // No place is inside a name of one character; the place before it keeps that one away.
        if (this.#single.has(folded.slice(index, index + length))) breaks.add(index)
      }
    }
    const end = text.trimEnd().length
    const start = text.length - text.trimStart().length
    for (let length = 1; length < this.#longest && length <= end - start; length++) {
      if (this.#heads.has(folded.slice(end - length, end))) breaks.add(end - length + firstLength(text, end - length))
      if (this.#tails.has(folded.slice(start, start + length)))
        breaks.add(start + length - lastLength(text, start + length))
    }
    if (breaks.size === 0 && !text.includes(MARK)) return text
    let out = ''
    let from = 0
    for (const at of [...breaks].sort((a, b) => a - b)) {
      out += escapeMarks(text.slice(from, at)) + MARK + BREAK
      from = at
    }
    return out + escapeMarks(text.slice(from))
  }

  /** The text without marks, and the places in it where they kept control tokens apart, in order. */
  restore(text: string): Rendered {
    const breaks: number[] = []
    let restored = ''
    let from = 0
    for (const match of text.matchAll(/\ufdd0([\ufdd1\ufdd2])/g)) {
      restored += text.slice(from, match.index)
      if (match[1] === OWN) restored += MARK
      else if (breaks.at(-1) !== restored.length) breaks.push(restored.length)
      from = match.index + match[0].length
    }
    return { text: restored + text.slice(from), breaks }
  }
}

/** Normalized names hold `▁` where people type a space; the two count as one. Lengths stay. */
function fold(text: string): string {
  return text.replaceAll('\u2581', ' ')
}

function escapeMarks(text: string): string {
  return text.replaceAll(MARK, MARK + OWN)
}

/** UTF-16 units of the character that ends at `end`. */
function lastLength(text: string, end: number): number {
  return end >= 2 && (text.codePointAt(end - 2) as number) > 0xffff ? 2 : 1
}
