/** Python's `textwrap.wrap`, without its expansion of tabs and replacement of white space. */
import { characters } from '../marks.ts'
import { limitError, valueError } from './errors.ts'
import { textLength } from './values.ts'

const SPACE = '[\\t\\n\\x0b\\x0c\\r ]'
const WORD = '[\\p{L}\\p{N}_!"\'&.,?]'
const LETTER = '[\\p{L}_]'
/** White space; a dash between words; or a word up to its end, to a hyphen inside of it, or to a dash. */
const CHUNK = new RegExp(
  `${SPACE}+|(?<=${WORD})-{2,}(?=[\\p{L}\\p{N}_])|[^\\t\\n\\x0b\\x0c\\r ]+?(?:-(?:(?<=${LETTER}{2}-)|(?<=${LETTER}-${LETTER}-))(?=${LETTER}-?${LETTER})|(?=${SPACE}|$)|(?<=${WORD})(?=-{2,}[\\p{L}\\p{N}_]))`,
  'gu',
)
const SIMPLE_CHUNK = new RegExp(`${SPACE}+|[^\\t\\n\\x0b\\x0c\\r ]+`, 'g')

/** A word is copied for each line that it fills. */
const MAX_LINE = 1 << 14

/** The lines of a text. */
export function wrap(text: string, width: number, breakLongWords: boolean, breakOnHyphens: boolean): string[] {
  if (width <= 0) throw valueError(`invalid width ${width} (must be > 0)`)
  if (text.length > MAX_LINE) throw limitError(`a line with more than ${MAX_LINE} characters is not wrapped`)
  const chunks: string[] = (text.match(breakOnHyphens ? CHUNK : SIMPLE_CHUNK) ?? []).reverse()
  const result: string[] = []
  while (chunks.length > 0) {
    const line: string[] = []
    let size = 0
    if (isSpace(chunks.at(-1)) && result.length > 0) chunks.pop()
    while (chunks.length > 0 && size + textLength(chunks.at(-1) as string) <= width) {
      size += textLength(chunks.at(-1) as string)
      line.push(chunks.pop() as string)
    }
    const next = chunks.at(-1)
    if (next !== undefined && textLength(next) > width) {
      if (breakLongWords) breakWord(chunks, line, width - size, breakOnHyphens)
      else if (line.length === 0) line.push(chunks.pop() as string)
    }
    if (isSpace(line.at(-1))) line.pop()
    if (line.length > 0) result.push(line.join(''))
  }
  return result
}

/** Takes as much of a word that is longer than a line as there is room for, to its last hyphen if it has one. */
function breakWord(chunks: string[], line: string[], room: number, breakOnHyphens: boolean): void {
  const word = characters(chunks.pop() as string)
  let end = room
  if (breakOnHyphens && word.length > end) {
    const hyphen = word.slice(0, end).lastIndexOf('-')
    if (hyphen > 0 && word.slice(0, hyphen).some((char) => char !== '-')) end = hyphen + 1
  }
  line.push(word.slice(0, end).join(''))
  chunks.push(word.slice(end).join(''))
}

function isSpace(chunk: string | undefined): boolean {
  return chunk !== undefined && chunk.trim() === ''
}
