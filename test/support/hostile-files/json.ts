/** Changes of JSON that leave most of it as it is: values of other types and sizes, keys twice, gone, or called otherwise. */
import type { Random } from './random.ts'

/** A value that `JSON.stringify` could not write, as text. */
class Raw {
  constructor(readonly text: string) {}
}

type Entry = [key: string, value: Node]
class Fields {
  constructor(readonly entries: Entry[]) {}
}
type Node = Raw | Fields | Node[]

const NUMBERS = (
  '0 -0 -1 1 2 0.5 1.5 -0.0 3 7 64 100 1000 65536 1e6 1e15 1e308 -1e308 1e999 1e-320 2147483647 2147483648 -2147483649 4294967295 4294967296 ' +
  '9007199254740991 9007199254740992 9007199254740993 9223372036854775807 9223372036854775808 18446744073709551615 NaN Infinity -Infinity'
).split(' ')
const WORDS = [
  'null',
  'true',
  'false',
  '""',
  '"a"',
  '"0"',
  '"__proto__"',
  '"constructor"',
  '"\\ud800"',
  '"\\u0000"',
  '" "',
]
const SHAPES = [
  '{}',
  '[]',
  '[[]]',
  '[null]',
  '[0]',
  '{"type":"a"}',
  '{"a":{"b":1}}',
  '[1,2,3]',
  '[-1]',
  '[{}]',
  '["a","b"]',
]
/** What costs much more than it takes, where nothing bounds it. */
const LARGE: readonly (() => string)[] = [
  () => '['.repeat(100) + ']'.repeat(100),
  () => '['.repeat(5000) + ']'.repeat(5000),
  () => '['.repeat(100_000),
  () => `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`,
  () => `"${'a'.repeat(100_000)}"`,
  () => `"${'(a|a)*'.repeat(3000)}"`,
  () => `"${' '.repeat(50_000)}"`,
  () => `"${'\\u2581'.repeat(20_000)}"`,
  () => `[${'0,'.repeat(100_000)}0]`,
  () => `[${'{},'.repeat(30_000)}{}]`,
  () => `{${Array.from({ length: 10_000 }, (_, i) => `"k${i}":${i}`).join()}}`,
  () => '9'.repeat(20_000),
]

/** One to three changes of a JSON text; the text as it is where it is no JSON. */
export function mutateJson(text: string, random: Random): string {
  let root: Node
  try {
    root = nodeOf(JSON.parse(text))
  } catch {
    return text
  }
  for (let i = random.pick([1, 1, 1, 2, 3]); i > 0; i--) root = changed(root, root, random)
  return textOf(root)
}

function nodeOf(value: unknown): Node {
  if (Array.isArray(value)) return value.map(nodeOf)
  if (typeof value !== 'object' || value === null) return new Raw(JSON.stringify(value))
  return new Fields(Object.entries(value).map(([key, item]) => [key, nodeOf(item)]))
}

function textOf(node: Node): string {
  if (node instanceof Raw) return node.text
  if (Array.isArray(node)) return `[${node.map(textOf).join()}]`
  return `{${node.entries.map(([key, value]) => `${JSON.stringify(key)}:${textOf(value)}`).join()}}`
}

/** Goes down by chance, so that few fields of the outermost object are as likely as many entries further in. */
function changed(node: Node, root: Node, random: Random): Node {
  const size = sizeOf(node)
  if (node instanceof Raw || size === 0 || random.chance(0.04)) return odd(node, root, random)
  const at = random.below(size)
  if (random.chance(node === root ? 0.25 : 0.4)) return rearranged(node, at, random)
  return replaced(node, at, changed(childOf(node, at), root, random))
}

function sizeOf(node: Node): number {
  return node instanceof Raw ? 0 : Array.isArray(node) ? node.length : node.entries.length
}

function childOf(node: Fields | Node[], at: number): Node {
  return Array.isArray(node) ? node[at]! : node.entries[at]![1]
}

function replaced(node: Fields | Node[], at: number, value: Node): Node {
  if (Array.isArray(node)) return node.with(at, value)
  return new Fields(node.entries.with(at, [node.entries[at]![0], value]))
}

/** An item gone, twice, at another place, or under another name. */
function rearranged(node: Fields | Node[], at: number, random: Random): Node {
  const other = random.below(sizeOf(node))
  const kind = random.below(5)
  if (Array.isArray(node)) {
    if (kind === 0) return node.toSpliced(at, 1)
    if (kind === 1) return node.toSpliced(other, 0, node[at]!)
    if (kind === 2) return node.with(at, node[other]!)
    return node.with(at, odd(node[at]!, node, random))
  }
  const { entries } = node
  const [key, value] = entries[at]!
  if (kind === 0) return new Fields(entries.toSpliced(at, 1))
  if (kind === 1) return new Fields([...entries, [key, entries[other]![1]]])
  if (kind === 2) return replaced(node, at, entries[other]![1])
  if (kind === 3) return replaced(node, at, odd(value, node, random))
  const name = random.pick([entries[other]![0], '__proto__', 'constructor', '', `${key}x`, 'type', 'a'.repeat(5000)])
  return new Fields(entries.with(at, [name, value]))
}

function odd(node: Node, root: Node, random: Random): Node {
  if (node instanceof Raw && random.chance(0.4)) return near(node, random)
  const kind = random.next()
  if (kind < 0.4) return new Raw(random.pick(NUMBERS))
  if (kind < 0.6) return new Raw(random.pick(WORDS))
  if (kind < 0.8) return new Raw(random.pick(SHAPES))
  if (kind < 0.87) return new Raw(random.pick(LARGE)())
  return anywhere(root, random)
}

/** A value that is off by a little. */
function near({ text }: Raw, random: Random): Raw {
  const value: unknown = safe(text)
  if (typeof value === 'number') {
    const close = [value + 1, value - 1, 2 * value, value / 2, -value, value * 1000, value + 0.5]
    return new Raw(String(random.pick(close)))
  }
  if (typeof value !== 'string') return new Raw(random.pick(WORDS))
  const at = random.below(value.length + 1)
  const letter = random.pick(['/', '\\', '\0', '.', '..', ' ', '\ud800', '*', '(', '[', '0', 'A', '-'])
  const cut = [value.slice(0, at), value.slice(at), value.slice(0, at) + letter + value.slice(at), value + value]
  return new Raw(
    JSON.stringify(random.pick([...cut, value.toUpperCase(), value.slice(0, at) + letter + value.slice(at + 1)])),
  )
}

function safe(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function anywhere(root: Node, random: Random): Node {
  let node = root
  while (!(node instanceof Raw) && sizeOf(node) > 0 && !random.chance(0.2))
    node = childOf(node, random.below(sizeOf(node)))
  return node
}
