/** JSON as Python's `json.loads` takes it, for files that Python wrote. */

/** A string, or one of the words that Python writes for numbers which are not finite. */
const STRING_OR_WORD = /"(?:[^"\\]+|\\.)*"|-?\b(?:NaN|Infinity)\b/g

/**
 * As `JSON.parse`, but `Infinity` and `-Infinity` are numbers. `NaN` becomes a text, which whoever wants a number refuses
 * by the name of its field.
 * @throws SyntaxError of the text as it stands
 */
export function parseLooseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const finite = text.replace(STRING_OR_WORD, (found) => {
      if (found.startsWith('"')) return found
      return found.endsWith('NaN') ? '"NaN"' : found.replace('Infinity', '1e999')
    })
    try {
      if (finite !== text) return JSON.parse(finite)
    } catch {
      // The first error tells what is wrong with the text.
    }
    throw error
  }
}
