/** Python's classes of characters, where JavaScript's differ. */

/** `str.isspace`, for a class of a regular expression. JavaScript's `\s` has U+FEFF too, and lacks the separators. */
export const WHITE_SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
/** The line breaks of `str.splitlines`. */
export const LINE_BREAK = '\\r\\n|[\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029]'

/** The tests of the `is…` methods of `str` for each character. */
const CLASSES = {
  alnum: /^[\p{L}\p{Nd}\p{Nl}\p{No}]+$/u,
  alpha: /^\p{L}+$/u,
  decimal: /^\p{Nd}+$/u,
  digit: /^[\p{Nd}²³¹⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒]+$/u,
  numeric: /^[\p{Nd}\p{Nl}\p{No}]+$/u,
  printable: /^(?:[^\p{C}\p{Z}]| )+$/u,
  space: new RegExp(`^[${WHITE_SPACE}]+$`),
  // Characters without case may stand between those that have it.
  lower: /^(?=.*\p{Lowercase})[^\p{Uppercase}\p{Lt}]+$/su,
  upper: /^(?=.*\p{Uppercase})[^\p{Lowercase}\p{Lt}]+$/su,
  title: /^(?=.*[\p{Uppercase}\p{Lt}])(?:[\p{Uppercase}\p{Lt}]\p{Lowercase}*(?!\p{Cased})|\P{Cased})+$/su,
}

/** Whether a text is not empty and all of one class. */
export function classOf(text: string, name: keyof typeof CLASSES): boolean {
  return CLASSES[name].test(text)
}

/** `text` with its first character, which is given, as in a title, and the rest in lower case. */
export function titled(first: string, text: string): string {
  return titleCase(first) + text.slice(first.length).toLowerCase()
}

function titleCase(char: string): string {
  const upper = char.toUpperCase()
  // "ß" becomes "Ss" and "ŉ" "ʼN": of several capital letters only the first stays one.
  // The capitals of "ǆ", "ǉ", "ǌ" and "ǳ" stand just before their forms for titles.
  if (/[ǄǇǊǱ]/.test(upper)) return String.fromCharCode(upper.charCodeAt(0) + 1)
  return upper.length > char.length ? upper.replace(/(?<=\p{Lu})\p{L}+$/u, (rest) => rest.toLowerCase()) : upper
}
