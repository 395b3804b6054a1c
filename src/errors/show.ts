/** Values and errors as the messages of errors show them. */

/** A text of any length as a message shows it: at most `most` characters, of which the last tell that it goes on. */
export function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 3)}...` : text
}

/** Longest text of an error in the message of another: that of a regular expression holds the whole of it. */
const MOST_CAUSE = 1000

/** The message of an error of any kind. */
export function messageOf(error: unknown): string {
  return shortened(error instanceof Error ? error.message : String(error), MOST_CAUSE)
}

/** Longest text of a value in a message. */
const MOST_SHOWN = 80

export function show(value: unknown): string {
  let text: string | undefined
  try {
    // JSON has no NaN, no Infinity and no bigint.
    if (typeof value === 'number' || typeof value === 'bigint') text = String(value)
    else text = JSON.stringify(beginning(value, { left: MOST_SHOWN + 2 }))?.replaceAll(MARKED, '$1')
  } catch {
    text = undefined
  }
  text ??= typeof value === 'object' ? Object.prototype.toString.call(value) : String(value)
  return shortened(text, MOST_SHOWN)
}

/** Whole numbers that JSON.stringify refuses travel as texts between these characters, which Unicode gives no meaning. */
const MARK = '\u{f0000}'
const MARKED = new RegExp(`"${MARK}(-?\\d+)${MARK}"`, 'gu')

/** As much of a value as a message can show: the whole may be millions of ids, nested without end, or a cycle. */
function beginning(value: unknown, parts: { left: number }): unknown {
  parts.left--
  if (typeof value === 'string') return value.slice(0, MOST_SHOWN + 2)
  if (typeof value === 'bigint') return `${MARK}${value}${MARK}`
  if (Array.isArray(value)) {
    const items: unknown[] = []
    for (let i = 0; i < value.length && parts.left > 0; i++) items.push(beginning(value[i], parts))
    return items
  }
  if (value instanceof Number) return value.valueOf()
  if (typeof value !== 'object' || value === null) return value
  if ('toJSON' in value && !(value instanceof Map)) return value
  const fields: [string, unknown][] = []
  for (const [key, inner] of fieldsOf(value)) {
    if (parts.left <= 0) break
    fields.push([key, beginning(inner, parts)])
  }
  return Object.fromEntries(fields)
}

/** One after the other: an object may have millions. */
function* fieldsOf(value: object): Generator<[string, unknown]> {
  if (value instanceof Map) yield* value
  else for (const key in value) if (Object.hasOwn(value, key)) yield [key, (value as Record<string, unknown>)[key]]
}
