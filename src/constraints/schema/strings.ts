/** Sets of strings: listed ones, or a text without some listed ones. */
import { ANY_TEXT, type Text } from '../expression.ts'
import { EMPTY_TEXT, fixedText, isNoText, NO_TEXT, textAll, textEither, textNot, textSequence } from '../text.ts'
import type { TextStates } from '../text-states.ts'

export type StringSet =
  | { readonly values: ReadonlySet<string>; readonly text?: undefined }
  /** The text without the strings in `except`. */
  | { readonly values?: undefined; readonly text: Text; readonly except: ReadonlySet<string> }

const NO_STRINGS: ReadonlySet<string> = new Set()
export const ANY_STRING: StringSet = { text: ANY_TEXT, except: NO_STRINGS }
export const NO_STRING: StringSet = { values: NO_STRINGS }

export function listed(...values: readonly string[]): StringSet {
  return { values: new Set(values) }
}

export function stringsOf(text: Text): StringSet {
  return isNoText(text) ? NO_STRING : { text, except: NO_STRINGS }
}

export function hasString(set: StringSet, value: string, states: TextStates): boolean {
  if (set.values !== undefined) return set.values.has(value)
  return !set.except.has(value) && (set.text === ANY_TEXT || states.has(set.text, value))
}

export function commonStrings(a: StringSet, b: StringSet, states: TextStates): StringSet {
  if (a.values !== undefined) return { values: new Set([...a.values].filter((value) => hasString(b, value, states))) }
  if (b.values !== undefined) return commonStrings(b, a, states)
  if (a === ANY_STRING) return b
  return b === ANY_STRING ? a : { text: textAll(a.text, b.text), except: eitherOf(a.except, b.except) }
}

/** One of the sets itself where the other adds nothing: what is known of it stays known. */
function eitherOf(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  if (b.size === 0) return a
  return a.size === 0 ? b : new Set([...a, ...b])
}

export function unitedStrings(a: StringSet, b: StringSet, states: TextStates): StringSet {
  if (a.values !== undefined && b.values !== undefined) return { values: new Set([...a.values, ...b.values]) }
  if (a.values !== undefined) return unitedStrings(b, a, states)
  const except = [...a.except].filter((value) => !hasString(b, value, states))
  if (b.values !== undefined) {
    const missing = [...b.values].filter((value) => !a.except.has(value) && !hasString(a, value, states))
    return { text: textEither(a.text, listedText(missing)), except: new Set(except) }
  }
  const others = [...b.except].filter((value) => !hasString(a, value, states))
  return { text: textEither(a.text, b.text), except: new Set([...except, ...others]) }
}

export function otherStrings(set: StringSet, states: TextStates): StringSet {
  if (set.values !== undefined) return { text: ANY_TEXT, except: set.values }
  const inside = { values: new Set([...set.except].filter((value) => states.has(set.text, value))) }
  return set.text === ANY_TEXT ? inside : unitedStrings(stringsOf(textNot(set.text)), inside, states)
}

export function isEmptyStrings(set: StringSet, states: TextStates): boolean {
  return set.values !== undefined ? set.values.size === 0 : states.isEmpty(textOf(set))
}

export function textOf(set: StringSet): Text {
  if (set.values !== undefined) return listedText([...set.values])
  return set.except.size === 0 ? set.text : textAll(set.text, othersThan(set.except))
}

const others = new WeakMap<ReadonlySet<string>, Text>()

function othersThan(values: ReadonlySet<string>): Text {
  let text = others.get(values)
  if (text === undefined) {
    text = textNot(listedText([...values]))
    others.set(values, text)
  }
  return text
}

/** The strings as a tree by their first characters, so that a reader follows one branch and not each string. */
export function listedText(values: readonly string[]): Text {
  if (values.length === 1) return fixedText(values[0]!)
  return tree(
    values.map((value) => [...value]),
    0,
  )
}

function tree(values: readonly (readonly string[])[], from: number): Text {
  const [first, ...others] = values
  if (first === undefined) return NO_TEXT
  let at = from
  while (at < first.length && others.every((value) => value[at] === first[at])) at++
  const branches = new Map<string | undefined, (readonly string[])[]>()
  for (const value of values) {
    const branch = branches.get(value[at])
    if (branch === undefined) branches.set(value[at], [value])
    else branch.push(value)
  }
  const options = [...branches].map(([char, members]) => (char === undefined ? EMPTY_TEXT : tree(members, at)))
  return textSequence(fixedText(first.slice(from, at).join('')), textEither(...options))
}
