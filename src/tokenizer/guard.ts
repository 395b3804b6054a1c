/**
 * Keeps a user's text from becoming control tokens on its way through a chat template. A template writes control tokens
 * as text ("[INST]"), so its output must be searched for their names; names inside the messages must not be found.
 *
 * Before rendering, `protect` puts a mark into each name, and into each beginning or end of one at the edges of a string
 * (which the template could complete). Marks are noncharacters, never white space, so `trim` works as before. `restore`
 * takes them out again, after the split.
 */

const MARK = '\ufdd0'
/** After {@link MARK}: the text itself had a `MARK` here. */
const OWN = '\ufdd1'
/** After {@link MARK}: nothing was here. */
const BREAK = '\ufdd2'

export class ControlGuard {
  readonly #occurrences: RegExp | undefined
  readonly #heads = new Set<string>()
  readonly #tails = new Set<string>()
  #longest = 0

  constructor(names: Iterable<string>, pattern: RegExp | undefined) {
    this.#occurrences = pattern === undefined ? undefined : new RegExp(`(?=${pattern.source})`, 'gu')
    for (const name of names) {
      for (let cut = 1; cut < name.length; cut++) {
        this.#heads.add(name.slice(0, cut))
        this.#tails.add(name.slice(cut))
      }
      this.#longest = Math.max(this.#longest, name.length)
    }
  }

  protect = (text: string): string => {
    const breaks = new Set<number>()
    if (this.#occurrences !== undefined) {
      for (const { index } of text.matchAll(this.#occurrences)) breaks.add(index + firstLength(text, index))
    }
    const end = text.trimEnd().length
    const start = text.length - text.trimStart().length
    for (let length = 1; length < this.#longest && length <= end - start; length++) {
      if (this.#heads.has(text.slice(end - length, end))) breaks.add(end - length + firstLength(text, end - length))
      if (this.#tails.has(text.slice(start, start + length)))
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

  restore(text: string): string {
    return text.replace(/\ufdd0([\ufdd1\ufdd2])/gu, (_, kind) => (kind === OWN ? MARK : ''))
  }
}

function escapeMarks(text: string): string {
  return text.replaceAll(MARK, MARK + OWN)
}

/** UTF-16 units of the character at `at`. */
function firstLength(text: string, at: number): number {
  return (text.codePointAt(at) as number) > 0xffff ? 2 : 1
}

/** UTF-16 units of the character that ends at `end`. */
function lastLength(text: string, end: number): number {
  return end >= 2 && (text.codePointAt(end - 2) as number) > 0xffff ? 2 : 1
}
