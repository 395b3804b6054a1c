/**
 * Marks inside of users' texts on their way through a template (`guard.ts`): noncharacters, which are no part of the text.
 * Code that compares, counts or cuts such texts must look through them.
 */

export const MARK = '\ufdd0'
/** After {@link MARK}: the text itself had a `MARK` here. */
export const OWN = '\ufdd1'
/** After {@link MARK}: nothing was here. */
export const BREAK = '\ufdd2'

const EITHER = /\ufdd0([\ufdd1\ufdd2])/g
/** A character with the breaks before it; the last one also with those behind it. */
const CHARACTER = /(?:\ufdd0\ufdd2)*(?:\ufdd0\ufdd1|[^\ufdd0]|\ufdd0(?![\ufdd1\ufdd2]))(?:(?:\ufdd0\ufdd2)+$)?/gsu
const SPECIAL = /[\ud800-\udfff\ufdd0]/

/** Whether every UTF-16 unit is a character, and no mark among them. */
export function isSimple(text: string): boolean {
  return !SPECIAL.test(text)
}

/** The text without marks. */
export function bare(text: string): string {
  return text.includes(MARK) ? text.replace(EITHER, (_, kind) => (kind === OWN ? MARK : '')) : text
}

/** The characters of a text, each with the marks beside it. */
export function characters(text: string): string[] {
  if (!text.includes(MARK)) return Array.from(text)
  return bare(text) === '' ? [] : (text.match(CHARACTER) ?? [])
}

/** Finds `text`, which is not empty and has no marks, where there may be breaks between its characters. */
export function patternOf(text: string): RegExp {
  const parts = Array.from(text, (char) => (char === MARK ? MARK + OWN : char.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')))
  return new RegExp(parts.map((part) => `(?:${MARK}${BREAK})*${part}`).join(''), 'gu')
}
