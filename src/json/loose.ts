/** JSON as Python's `json.loads` takes it, for files that Python wrote. */

/** The begin of a string, or one of the words that Python writes for numbers which are not finite. */
const STRING_OR_WORD = /"|-?\b(?:NaN|Infinity)\b/g
/** The end of a string, or an escape in it. */
const IN_STRING = /["\\]/g

/**
 * As `JSON.parse`, but `Infinity` and `-Infinity` are numbers. `NaN` becomes a text, which whoever wants a number refuses
 * by the name of its field.
 * @throws SyntaxError of the text as it stands
 */
export function parseLooseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const finite = withoutWords(text)
    try {
      if (finite !== text) return JSON.parse(finite)
    } catch {
      // The first error tells what is wrong with the text.
    }
    throw error
  }
}

/** Takes each character once: a single expression for whole strings would try a string without an end in every way there is. */
function withoutWords(text: string): string {
  let out = ''
  let done = 0
  STRING_OR_WORD.lastIndex = 0
  for (let found = STRING_OR_WORD.exec(text); found !== null; found = STRING_OR_WORD.exec(text)) {
    const [word] = found
    if (word === '"') {
      STRING_OR_WORD.lastIndex = endOfString(text, found.index + 1)
      continue
    }
    out += text.slice(done, found.index) + (word.endsWith('NaN') ? '"NaN"' : word.replace('Infinity', '1e999'))
    done = STRING_OR_WORD.lastIndex
  }
  return out + text.slice(done)
}

/** Where the string ends whose first character is at `from`: behind its quote, or with the text. */
function endOfString(text: string, from: number): number {
  IN_STRING.lastIndex = from
  for (let found = IN_STRING.exec(text); found !== null; found = IN_STRING.exec(text)) {
    if (found[0] === '"') return IN_STRING.lastIndex
    IN_STRING.lastIndex++
  }
  return text.length
}
