/** Random JSON schemas, values that are likely to fit them, and texts that an automaton allows. */
import type { Automaton } from '../../src/constraints/automaton.ts'

export type Random = (below: number) => number

const NAMES = ['a', 'b', 'c', 'kind']
const STRINGS = ['', 'a', 'b', 'ab', 'abc', 'é', 'x-y', 'aaaa', '2024-02-29', '127.0.0.1', 'kind', '🐲🐲']
const NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7, 10, 12, 100, -1, -2, -3, -10, 0.5, 1.5, 2.25, -0.75, 0.1, 99.9, 1e-7, 3e21]
const PATTERNS = ['^a', 'b$', '^[a-c]*$', 'a.?b', '^(?!a)', '\\d', '^\\w+$', '^.{1,2}$']

export function randomSchema(random: Random, depth = 3): unknown {
  if (random(20) === 0) return random(5) > 0
  const schema: Record<string, unknown> = {}
  const pieces = 1 + random(3)
  for (let i = 0; i < pieces; i++)
    Object.assign(schema, PIECES[random(depth > 0 ? PIECES.length : LEAVES)]!(random, depth - 1))
  return schema
}

type Piece = (random: Random, depth: number) => Record<string, unknown>
const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)]!
const some = <T>(random: Random, from: readonly T[]): T[] => from.filter(() => random(2) === 0)
const inner = (random: Random, depth: number): unknown => randomSchema(random, depth)
const several = (random: Random, depth: number): unknown[] =>
  Array.from({ length: 1 + random(3) }, () => inner(random, depth))
const map = (random: Random, depth: number, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(names.map((name) => [name, inner(random, depth)]))

const PIECES: readonly Piece[] = [
  (random) => ({ type: pick(random, ['null', 'boolean', 'number', 'integer', 'string', 'array', 'object']) }),
  (random) => ({
    type: [...new Set([0, 1].map(() => pick(random, ['null', 'number', 'integer', 'string', 'array', 'object'])))],
  }),
  (random) => ({ enum: [...new Set(Array.from({ length: 1 + random(4) }, () => randomPlain(random)))] }),
  (random) => ({ const: randomValue(random, 1) }),
  (random) => ({ minimum: pick(random, NUMBERS), maximum: pick(random, NUMBERS) }),
  (random) => ({ exclusiveMinimum: pick(random, NUMBERS) }),
  (random) => ({ exclusiveMaximum: pick(random, NUMBERS) }),
  (random) => ({ multipleOf: pick(random, [1, 2, 3, 0.5, 0.25, 7]) }),
  (random) => ({ minLength: random(3), maxLength: 1 + random(4) }),
  (random) => ({ pattern: pick(random, PATTERNS) }),
  (random) => ({ format: pick(random, ['date', 'ipv4']) }),
  (random) => ({ required: some(random, NAMES) }),
  (random) => ({ minProperties: random(3) }),
  (random) => ({ maxProperties: random(4) }),
  (random) => ({ minItems: random(3) }),
  (random) => ({ maxItems: random(4) }),
  (random) => ({ dependentRequired: { [pick(random, NAMES)]: some(random, NAMES) } }),
  () => ({ type: 'object', required: ['kind'] }),
  // From here on with schemas inside.
  (random, depth) => ({ properties: map(random, depth, some(random, NAMES)) }),
  (random, depth) => ({
    properties: map(random, depth, NAMES.slice(0, 2)),
    required: some(random, NAMES),
    additionalProperties: false,
  }),
  (random, depth) => ({ additionalProperties: inner(random, depth) }),
  (random) => ({ properties: { [pick(random, NAMES)]: { $ref: '#' } } }),
  () => ({ items: { $ref: '#' } }),
  (random, depth) => ({ patternProperties: map(random, depth, [pick(random, PATTERNS)]) }),
  (random, depth) => ({ propertyNames: inner(random, depth) }),
  (random, depth) => ({ items: inner(random, depth) }),
  (random, depth) => ({ prefixItems: several(random, depth) }),
  (random, depth) => ({ contains: inner(random, depth) }),
  (random, depth) => ({ contains: inner(random, depth), minContains: random(2), maxContains: 1 + random(2) }),
  () => ({ items: { enum: [1, 2, 'a'] }, uniqueItems: true }),
  (random, depth) => ({ anyOf: several(random, depth) }),
  (random, depth) => ({ oneOf: several(random, depth) }),
  (random, depth) => ({ allOf: several(random, depth) }),
  (random, depth) => ({ not: inner(random, depth) }),
  (random, depth) => map(random, depth, ['if', 'then', 'else']),
  (random, depth) => ({ dependentSchemas: map(random, depth, [pick(random, NAMES)]) }),
  (random, depth) => ({
    properties: map(random, depth, some(random, NAMES)),
    unevaluatedProperties: inner(random, depth),
  }),
  (random, depth) => ({ prefixItems: several(random, depth), unevaluatedItems: inner(random, depth) }),
]
const LEAVES = 18

function randomPlain(random: Random): unknown {
  return pick(random, [null, true, false, pick(random, NUMBERS), pick(random, STRINGS)])
}

export function randomValue(random: Random, depth = 2): unknown {
  const kind = random(depth > 0 ? 6 : 3)
  if (kind < 3) return randomPlain(random)
  if (kind === 3) return Array.from({ length: random(4) }, () => randomValue(random, depth - 1))
  return Object.fromEntries(some(random, NAMES).map((name) => [name, randomValue(random, depth - 1)]))
}

/**
 * A random walk through an automaton to where the text may end.
 * @returns undefined when it does not end in time
 * @throws Error where nothing can follow and the text may not end
 */
export function randomText(automaton: Automaton, random: Random, most = 400): string | undefined {
  const bytes: number[] = []
  let state = automaton.start
  while (bytes.length < most) {
    if (state.accepting && random(3) > 0) return new TextDecoder().decode(Uint8Array.from(bytes))
    automaton.budget.renew()
    const open = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => automaton.step(state, byte) !== null)
    if (open.length === 0) {
      if (state.accepting) continue
      throw new Error(`nothing can follow ${new TextDecoder().decode(Uint8Array.from(bytes))}`)
    }
    // What brings the text to an end comes often, white space and bytes of other scripts seldom.
    const likely = open.filter((byte) => '"}],:0123456789abc'.includes(String.fromCharCode(byte)))
    const ends = open.filter((byte) => '"}],'.includes(String.fromCharCode(byte)))
    const from = ends.length > 0 && random(3) === 0 ? ends : likely.length > 0 && random(12) > 0 ? likely : open
    const byte = pick(random, from)
    bytes.push(byte)
    state = automaton.step(state, byte)!
  }
  return undefined
}
