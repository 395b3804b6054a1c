/** Regular expressions as ECMA-262 and JSON Schema have them, as texts. */
import type { Text } from './expression.ts'
import { convertPattern } from './regex/convert.ts'
import { parsePattern } from './regex/parse.ts'
import { PatternError, type RegexFlags } from './regex/syntax.ts'

export { PatternError } from './regex/syntax.ts'

/**
 * The texts that a pattern matches from their first character to their last.
 * @param flags of `i`, `s` and `u`; `u` is always on
 * @throws PatternError with the position of what does not parse, or is not supported: backreferences, a look-behind over more
 *   than one character, assertions inside unbounded repetitions
 */
export function parseRegex(pattern: string, flags = 'u'): Text {
  return convertPattern(pattern, parsePattern(pattern, flagsOf(pattern, flags)), false)
}

/**
 * The texts in which a pattern matches somewhere: what `pattern` of JSON Schema says.
 * @throws PatternError as `parseRegex` does
 */
export function parseSearch(pattern: string, flags = 'u'): Text {
  return convertPattern(pattern, parsePattern(pattern, flagsOf(pattern, flags)), true)
}

function flagsOf(pattern: string, flags: string): RegexFlags {
  for (const flag of flags) {
    if (!'isu'.includes(flag)) throw new PatternError(pattern, 0, `the flag "${flag}" is not supported`)
  }
  return { dotAll: flags.includes('s'), ignoreCase: flags.includes('i') }
}
