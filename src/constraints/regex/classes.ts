/** The sets of characters that patterns name: `\d`, `\w`, `\s`, `.`, Unicode properties, and both cases of letters. */
import type { CharRange } from '../expression.ts'
import { joined } from '../text.ts'

export const DIGIT: readonly CharRange[] = [[0x30, 0x39]]
export const WORD: readonly CharRange[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]
/** ECMA-262's WhiteSpace and LineTerminator. */
export const SPACE: readonly CharRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]
export const LINE_END: readonly CharRange[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]

const PLANE = 0x10000
/** Planes whose characters differ; within the others all are alike, but for the last two. */
const MIXED_PLANES = [0, 1, 2, 3, 14]
const known = new Map<string, readonly CharRange[]>()

/**
 * The characters of a property as the runtime's own regular expressions know it, so that no tables are needed.
 * @param body what stands in the braces of `\p{…}`
 * @returns undefined when there is no such property
 */
export function propertyRanges(body: string): readonly CharRange[] | undefined {
  const before = known.get(body)
  if (before !== undefined) return before
  if (!/^\w+(=\w+)?$/.test(body)) return undefined
  let one: RegExp
  let runs: RegExp
  try {
    one = new RegExp(`^\\p{${body}}$`, 'u')
    runs = new RegExp(`\\p{${body}}+`, 'gu')
  } catch {
    return undefined
  }
  const found: CharRange[] = []
  for (let plane = 0; plane <= 16; plane++) {
    const base = plane * PLANE
    if (MIXED_PLANES.includes(plane)) found.push(...runsIn(plane, runs))
    else {
      if (one.test(String.fromCodePoint(base))) found.push([base, base + 0xfffd])
      if (one.test(String.fromCodePoint(base + 0xfffe))) found.push([base + 0xfffe, base + 0xffff])
    }
  }
  const ranges = joined(found)
  known.set(body, ranges)
  return ranges
}

function runsIn(plane: number, runs: RegExp): CharRange[] {
  const found: CharRange[] = []
  // Surrogates would join to other characters: the first plane is read around them.
  const spans: CharRange[] =
    plane === 0
      ? [
          [0, 0xd7ff],
          [0xe000, 0xffff],
        ]
      : [[plane * PLANE, plane * PLANE + 0xffff]]
  for (const [first, last] of spans) {
    let text = ''
    for (let code = first; code <= last; code += 0x1000) {
      const end = Math.min(last + 1, code + 0x1000)
      text += String.fromCodePoint(...Array.from({ length: end - code }, (_, i) => code + i))
    }
    const units = plane === 0 ? 1 : 2
    for (const { 0: run, index } of text.matchAll(runs)) {
      found.push([first + index / units, first + (index + run.length) / units - 1])
    }
  }
  return found
}

/** The ranges with the other cases of their letters, as the flags `iu` compare them. */
export function withBothCases(ranges: readonly CharRange[]): CharRange[] {
  const out: CharRange[] = [...ranges]
  for (const [first, last] of ranges) {
    for (const [char, others] of caseFamilies()) if (char >= first && char <= last) out.push(...others)
  }
  return joined(out)
}

let families: Map<number, CharRange[]> | undefined

/** For each character with other cases, those that `iu` takes for it. */
function caseFamilies(): Map<number, CharRange[]> {
  if (families !== undefined) return families
  families = new Map()
  const cased = propertyRanges('Changes_When_Casemapped')!
  const byFold = new Map<string, number[]>()
  for (const [first, last] of cased) {
    for (let code = first; code <= last; code++) {
      const char = String.fromCodePoint(code)
      const [upper] = [char.toUpperCase()]
      const fold = [...upper].length === 1 ? upper.toLowerCase() : char.toLowerCase()
      const family = byFold.get(fold)
      if (family === undefined) byFold.set(fold, [code])
      else family.push(code)
    }
  }
  for (const family of byFold.values()) {
    const same = (a: number, b: number) => new RegExp(`^\\u{${a.toString(16)}}$`, 'iu').test(String.fromCodePoint(b))
    for (const code of family) {
      const others = family
        .filter((other) => other !== code && same(code, other))
        .map((other): CharRange => [other, other])
      if (others.length > 0) families.set(code, others)
    }
  }
  return families
}
