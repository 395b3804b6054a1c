/**
 * The listed names of an object as a tree by their first characters. Where an answer writes a name, it follows one branch, however many
 * names there are.
 */
import type { CharRange, Text } from '../expression.ts'
import { chars, fixedText, sequenceOf, textEither, textSequence } from '../text.ts'

export interface NameTree {
  /** What leads here from the parent, as it is spelled in JSON; a string where it can be spelled in one way only. */
  readonly text: Text | string
  /** A bit for each name that begins like this, by its number. */
  readonly names: bigint
  /** The number of the name that ends here. */
  readonly ends: number | undefined
  readonly branches: readonly NameTree[]
}

interface Numbered {
  readonly chars: readonly string[]
  readonly number: number
}

export function nameTree(names: readonly string[]): NameTree {
  const all = names.map((name, number) => ({ chars: [...name], number }))
  return all.length === 0 ? { text: '', names: 0n, ends: undefined, branches: [] } : grown(all, 0)
}

/** @param names they have the same characters before `from`; one at least */
function grown(names: readonly Numbered[], from: number): NameTree {
  const first = names[0]!.chars
  let at = from
  while (at < first.length && names.every((name) => name.chars[at] === first[at])) at++
  const branches = new Map<string, Numbered[]>()
  let ends: number | undefined
  for (const name of names) {
    const char = name.chars[at]
    const branch = char === undefined ? undefined : branches.get(char)
    if (char === undefined) ends = name.number
    else if (branch === undefined) branches.set(char, [name])
    else branch.push(name)
  }
  const grownBranches = [...branches.values()].map((members) => grown(members, at))
  return {
    text: spelledText(first.slice(from, at)),
    names: grownBranches.reduce((bits, branch) => bits | branch.names, ends === undefined ? 0n : 1n << BigInt(ends)),
    ends,
    branches: grownBranches,
  }
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/** Letters and signs of ASCII that need no escape are written as they are, so that names can be guessed. */
const PLAIN = /^[ !#-.0-[\]-~]*$/

function spelledText(parts: readonly string[]): Text | string {
  const whole = parts.join('')
  return PLAIN.test(whole) ? whole : sequenceOf(parts.map(spelled))
}

/** A character as JSON spells it. */
function spelled(char: string): Text {
  if (PLAIN.test(char)) return fixedText(char)
  const units = textSequence(...char.split('').map((unit) => textSequence(fixedText('\\u'), hex(unit.charCodeAt(0)))))
  const plain = char < ' ' || char === '"' || char === '\\' ? [] : [fixedText(char)]
  return textEither(...plain, units, ...(Object.hasOwn(SHORT, char) ? [fixedText(SHORT[char]!)] : []))
}

/** Four digits in either case. */
function hex(code: number): Text {
  const digits = code.toString(16).padStart(4, '0')
  const both = [...digits].map((digit): CharRange[] =>
    [digit, digit.toUpperCase()].map((one): CharRange => [one.charCodeAt(0), one.charCodeAt(0)]),
  )
  return textSequence(...both.map((ranges) => chars(...ranges)))
}
