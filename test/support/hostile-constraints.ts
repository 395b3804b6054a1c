/** Schemas, patterns and grammars that multiply, recur, or are large without an end: what an attacker sends, or a program by mistake. */
import { GRAMMARS, list } from './hostile-grammars.ts'

const record = <T>(count: number, make: (i: number) => [string, T]): Record<string, T> =>
  Object.fromEntries(list(count, make))

function nested(count: number, wrap: (inner: unknown, i: number) => unknown, innermost: unknown = true): unknown {
  let schema = innermost
  for (let i = 0; i < count; i++) schema = wrap(schema, i)
  return schema
}

/** Each definition is made from a reference to the next. */
function row(count: number, make: (next: object, i: number) => unknown, last: unknown = { type: 'string' }): unknown {
  const defs = record(count, (i) => [`d${i}`, make({ $ref: `#/$defs/d${i + 1}` }, i)])
  return { $defs: { ...defs, [`d${count}`]: last }, $ref: '#/$defs/d0' }
}

const kind = (i: number, j: number) => ({ properties: { [`p${i}_${j}`]: { const: j } }, required: [`p${i}_${j}`] })
/** `if`, `then` and `else`. */
const condition = (...parts: readonly unknown[]) =>
  Object.fromEntries(['if', 'then', 'else'].map((name, i) => [name, parts[i]]))
const primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71]
const formats = ['date', 'time', 'date-time', 'uuid', 'email', 'ipv4', 'ipv6', 'uri']

const PATTERNS: Readonly<Record<string, string>> = {
  'nested bounds': '((((a{0,30}){0,30}){0,30}){0,30}){0,30}',
  'nested large bounds': '((a{0,1000}){0,1000}){0,1000}',
  'nested exact bounds': '((a{1000}){1000}){1000}',
  'one huge bound': 'a{1000000000}',
  'huge bounds in a row': 'a{0,100000}b{0,100000}a{0,100000}'.repeat(20),
  'overlapping counters': '(a|b)*a(a|b){60}',
  'overlapping counters twice': '((a|b)*a(a|b){40}){2}',
  'counters that overlap everywhere': '(.{0,50}a){50}',
  'counters of unlike things': '(a{2,40}|b{3,50}|(ab){4,60}|(ba){5,70}){10,80}',
  'exponential alternatives': '(a|a|aa|aaa)*(a|aa)*(a|aaa)*b',
  'a star of stars': `${'('.repeat(100)}a*${')*'.repeat(100)}b`,
  'many optional': 'a?'.repeat(4900),
  'many optional, different': `${list(2000, (i) => `(${i})?`).join('')}`,
  'many stars': list(400, (i) => `[a-${String.fromCharCode(98 + (i % 24))}]*`).join(''),
  'alternatives in a row': '(a|ab|abc|b|bc|c)'.repeat(800),
  'all of six letters somewhere': `${list(6, (i) => `(?=.*${String.fromCharCode(97 + i)})`).join('')}.*`,
  'all of twenty-six letters somewhere': `${list(26, (i) => `(?=.*${String.fromCharCode(97 + i)})`).join('')}.*`,
  'none of many': `${list(60, (i) => `(?!.*a.{${i}}b)`).join('')}.*`,
  'look-aheads in look-aheads': `${'(?=a*'.repeat(60)}b${')'.repeat(60)}.*`,
  'negative look-aheads in each other': `${'(?!.*a'.repeat(40)}b${')'.repeat(40)}.*`,
  'look-aheads with counters': '(?=.*a.{20}b)(?=.*b.{21}a)(?=.*c.{22}d).*',
  'unlike periods': `${[3, 5, 7, 11, 13, 17, 19].map((n) => `(?=(a{${n}})*$)`).join('')}a+`,
  'no text, found late': '(?=(a{97})*$)(?=(a{89})*b$)a+',
  'classes of every letter': '\\p{L}{0,500}\\p{N}{0,500}[\\p{L}\\p{N}]{0,500}',
  'long classes': `[${list(5000, (i) => String.fromCodePoint(0x4e00 + 2 * i)).join('')}]`.repeat(20),
  'long classes without case': `(?i:[${list(3000, (i) => String.fromCodePoint(0x400 + 2 * i)).join('')}])*`,
  words: `(${list(1500, (i) => `w${i * 7919}`).join('|')}){3}`,
  'words, each begun anywhere': `.*(${list(300, (i) => `word${i * 7919}`).join('|')}).*`,
  'deep groups': `${'('.repeat(5000)}a${')'.repeat(5000)}`,
  'an open group a thousand times': '('.repeat(10_000),
  'open classes': '['.repeat(10_000),
  long: 'a'.repeat(9999),
  'too long': 'ab'.repeat(500_000),
  'word boundaries': '(\\b\\w+\\b ?){50}',
  'ends in the middle': '(a|$)(b|^)'.repeat(1000),
}

const searches = Object.values(PATTERNS).map((pattern) => ({ pattern }))

const SCHEMAS: Readonly<Record<string, () => unknown>> = {
  'a product of alternatives': () => ({ allOf: list(20, (i) => ({ anyOf: list(6, (j) => kind(i, j)) })) }),
  'a product of few alternatives': () => ({ allOf: list(12, (i) => ({ anyOf: list(2, (j) => kind(i, j)) })) }),
  'a product of oneOf': () => ({ allOf: list(10, (i) => ({ oneOf: list(4, (j) => kind(i, j)) })) }),
  'alternatives in alternatives': () =>
    nested(12, (inner, i) => ({ anyOf: [inner, { allOf: [inner, kind(i, 1)] }] }), { type: 'object' }),
  'oneOf in oneOf': () => nested(10, (inner, i) => ({ oneOf: [inner, { allOf: [inner, kind(i, 1)] }, kind(i, 2)] })),
  'conditions upon conditions': () => ({
    allOf: list(24, (i) => condition({ required: [`i${i}`] }, { required: [`t${i}`] }, { required: [`e${i}`] })),
  }),
  'conditions in conditions': () =>
    nested(30, (inner, i) => condition({ required: [`i${i}`] }, inner, { allOf: [inner, kind(i, 0)] })),
  'nots of alternatives': () =>
    nested(12, (inner, i) => ({ not: { anyOf: [inner, { properties: { [`a${i}`]: inner }, required: [`a${i}`] }] } })),
  'nots of products': () => ({ not: { allOf: list(14, (i) => ({ not: { allOf: [kind(i, 0), kind(i, 1)] } })) } }),
  'not of every alternative': () => ({ allOf: list(200, (i) => ({ not: kind(i, i) })) }),
  'oneOf of many that overlap': () => ({ oneOf: list(300, (i) => ({ required: [`p${i}`] })) }),
  'oneOf of a few that overlap': () => ({ oneOf: list(14, (i) => ({ required: [`p${i}`], minProperties: i })) }),
  'anyOf of many objects': () => ({ anyOf: list(3000, (i) => ({ type: 'object', ...kind(i, i) })) }),
  'anyOf of objects alike': () => ({
    anyOf: list(150, (i) => ({
      type: 'object',
      properties: { a: { maxLength: i }, b: { minimum: i } },
      minProperties: 1,
    })),
  }),
  'anyOf of arrays alike': () => ({ anyOf: list(150, (i) => ({ type: 'array', items: { minimum: i }, minItems: i })) }),
  'patterns of names that overlap': () => ({
    patternProperties: record(30, (i) => [`a.{${i}}b`, { type: 'string' }]),
  }),
  'patterns of names with counters': () => ({
    type: 'object',
    patternProperties: record(6, (i) => [`^(a|b)*a(a|b){${5 + i}}$`, { minLength: i }]),
    additionalProperties: false,
  }),
  'names that must match and must not': () => ({
    propertyNames: { allOf: list(12, (i) => ({ pattern: `a.{${i}}b` })), not: { pattern: 'c.{10}d' } },
    minProperties: 3,
  }),
  'a thousand names beside a pattern': () => ({
    properties: record(1000, (i) => [`name${i}`, true]),
    patternProperties: { '^n': { type: 'string' }, '9$': { maxLength: 4 }, '^[a-z]+[0-9]{2}$': { minLength: 1 } },
  }),
  'a reference to itself': () => ({ $ref: '#' }),
  'references in a circle': () => ({
    $defs: record(500, (i) => [`d${i}`, { allOf: [{ $ref: `#/$defs/d${(i + 1) % 500}` }] }]),
    $ref: '#/$defs/d0',
  }),
  'references that double': () => row(40, (next) => ({ allOf: [next, next] })),
  'references that double in either': () =>
    row(40, (next, i) => ({ anyOf: [next, { properties: { [`a${i}`]: next } }] })),
  'references that double with parts': () =>
    row(40, (next, i) => ({ allOf: [next, { anyOf: [next, { required: [`r${i}`] }] }] }), { type: 'object' }),
  'references that double in members': () =>
    row(200, (next) => ({ type: 'object', properties: { a: next, b: next }, required: ['a', 'b'] })),
  'a row of references': () => row(20_000, (next) => next),
  'references to everything': () => ({
    $defs: record(60, (i) => [
      `d${i}`,
      { properties: record(60, (j) => [`p${j}`, { $ref: `#/$defs/d${j}` }]), required: [`p${i}`] },
    ]),
    anyOf: list(60, (i) => ({ $ref: `#/$defs/d${i}` })),
  }),
  'dynamic references': () => ({
    $dynamicAnchor: 'node',
    $defs: record(50, (i) => [`d${i}`, { $id: `http://x/${i}`, $dynamicAnchor: 'node', $dynamicRef: '#node' }]),
    allOf: list(50, (i) => ({ $ref: `#/$defs/d${i}` })),
  }),
  'an object that needs itself': () => ({ properties: { a: { $ref: '#' } }, required: ['a'] }),
  'objects that need each other': () => ({
    $defs: record(300, (i) => [
      `d${i}`,
      { type: 'object', properties: { a: { $ref: `#/$defs/d${(i + 1) % 300}` } }, required: ['a'] },
    ]),
    $ref: '#/$defs/d0',
  }),
  depth: () => nested(5000, (inner) => ({ properties: { a: inner } })),
  'depth of arrays': () => nested(50_000, (inner) => ({ items: inner })),
  'depth of nots': () => nested(5000, (inner) => ({ not: inner })),
  'depth of alternatives': () => nested(3000, (inner, i) => ({ anyOf: [{ const: i }, inner] })),
  'depth of a value': () => ({ const: nested(5000, (inner) => [inner], 1) }),
  'very many values': () => ({ enum: list(200_000, (i) => i) }),
  'very many texts': () => ({ enum: list(100_000, (i) => `value ${i}`) }),
  'very many objects as values': () => ({ enum: list(20_000, (i) => ({ a: i, b: [i, `${i}`] })) }),
  'objects as values with many members': () => ({ enum: list(20, (i) => record(200, (j) => [`m${j}`, i * j])) }),
  'values without order': () => ({ const: record(2000, (i) => [`m${i}`, i]) }),
  'a long value': () => ({ const: 'x'.repeat(500_000) }),
  'values that all patterns must let in': () => ({
    enum: list(5000, (i) => `value ${i}`),
    allOf: list(20, (i) => ({ pattern: `[${i % 10}-9]` })),
  }),
  'values and not values': () => ({ enum: list(3000, (i) => i), not: { enum: list(3000, (i) => 2 * i) } }),
  'a number of a million digits': () => ({ minimum: 10n ** 100_000n }),
  'bounds of three hundred digits': () => ({ type: 'integer', minimum: -1.7e308, maximum: 1.7e308 }),
  'small and large bounds': () => ({ type: 'number', exclusiveMinimum: 5e-324, exclusiveMaximum: 1.797e308 }),
  'many bounds': () => ({ allOf: list(2000, (i) => ({ minimum: i / 7, maximum: 1e9 + i })) }),
  'multiples of a large prime': () => ({ multipleOf: 1_000_003 }),
  'multiples of many primes': () => ({ allOf: primes.map((multipleOf) => ({ multipleOf })) }),
  'multiples of none of many primes': () => ({
    type: 'integer',
    allOf: primes.map((multipleOf) => ({ not: { multipleOf } })),
  }),
  'multiples of one of many primes': () => ({ type: 'integer', anyOf: primes.map((multipleOf) => ({ multipleOf })) }),
  'small multiples': () => ({ multipleOf: 1e-300, minimum: 1e-299, maximum: 1e300 }),
  'multiples between bounds': () => ({ multipleOf: 997, minimum: 123_456_789, maximum: 987_654_321_987 }),
  'a long text': () => ({ type: 'string', minLength: 1e9 }),
  'a longer text': () => ({ type: 'string', minLength: 50_000, maxLength: 1e15 }),
  'a text with every bound': () => ({ minLength: 5000, maxLength: 6000, pattern: '^(a|b)*a(a|b){20}$' }),
  'a long array': () => ({ type: 'array', minItems: 1e9 }),
  'long arrays in long arrays': () => nested(60, (items) => ({ type: 'array', items, minItems: 1000, maxItems: 1001 })),
  'many members': () => ({ type: 'object', minProperties: 1e9 }),
  'between many members': () => ({ type: 'object', minProperties: 400, maxProperties: 500 }),
  'between many members of many': () => ({
    type: 'object',
    properties: record(400, (i) => [`p${i}`, { type: 'string' }]),
    minProperties: 200,
    maxProperties: 300,
  }),
  'a hundred thousand properties': () => ({ properties: record(100_000, (i) => [`p${i}`, { type: 'string' }]) }),
  'three thousand properties, all required': () => ({
    properties: record(3000, (i) => [`p${i}`, { type: 'string' }]),
    required: list(3000, (i) => `p${i}`),
    additionalProperties: false,
  }),
  'a wide and deep object': () =>
    nested(40, (inner) => ({ properties: record(40, (i) => [`p${i}`, inner]), required: ['p0', 'p1'] })),
  'required by each other': () => ({
    dependentRequired: record(2000, (i) => [`a${i}`, list(20, (j) => `a${(i * 31 + j * 17) % 2000}`)]),
  }),
  'schemas that depend': () => ({
    type: 'object',
    dependentSchemas: record(20, (i) => [`a${i}`, { required: [`b${i}`], maxProperties: 20 - (i % 5) }]),
  }),
  'many contains': () => ({
    type: 'array',
    allOf: list(12, (i) => ({ contains: { const: i }, minContains: 2, maxContains: 9 })),
  }),
  'contains up to a large number': () => ({ contains: { type: 'string' }, minContains: 400, maxContains: 499 }),
  'contains, bounded and of alternatives': () => ({
    contains: { anyOf: list(100, (i) => ({ const: i })) },
    minContains: 100,
    maxContains: 400,
    minItems: 300,
    maxItems: 450,
  }),
  'unlike items of a large choice': () => ({ uniqueItems: true, items: { enum: list(400, (i) => i) }, minItems: 200 }),
  'unlike items in order': () => ({
    type: 'array',
    uniqueItems: true,
    prefixItems: list(24, (i) => ({ enum: list(24 - (i % 7), (j) => j) })),
    items: false,
    minItems: 18,
  }),
  'ten thousand items': () => ({ prefixItems: list(10_000, (i) => ({ const: i })), minItems: 10_000 }),
  'unevaluated beside alternatives': () => ({
    anyOf: list(14, (i) => kind(i, i)),
    unevaluatedProperties: false,
  }),
  'unevaluated items beside alternatives': () => ({
    anyOf: list(14, (i) => ({ prefixItems: list(i, () => ({ type: 'string' })), contains: { const: i } })),
    unevaluatedItems: false,
  }),
  'all patterns at once': () => ({ allOf: searches }),
  'any pattern': () => ({ anyOf: searches }),
  'all formats but one': () => ({ not: { anyOf: formats.map((format) => ({ format })) }, type: 'string' }),
  'two formats': () => ({ allOf: [{ format: 'uri' }, { format: 'email' }, { pattern: 'a.{20}b' }] }),
  'formats with lengths': () => ({
    anyOf: formats.map((format, i) => ({ format, minLength: 20 + i, maxLength: 2000 })),
  }),
  'names of many characters': () => ({ required: list(100, (i) => `${i}`.repeat(1000)) }),
  'types of every kind': () =>
    nested(200, (inner) => ({
      type: ['object', 'array', 'string', 'number'],
      items: inner,
      additionalProperties: inner,
    })),
  'unknown keywords with large values': () => ({
    type: 'string',
    'x-data': nested(1000, (inner) => [inner, list(100, () => 1)]),
  }),
}

/** What is asked for, as a request has it. */
export interface HostileConstraint {
  readonly name: string
  readonly kind: 'schema' | 'regex' | 'grammar'
  readonly make: () => unknown
}

export function hostileConstraints(): HostileConstraint[] {
  const all = (kind: HostileConstraint['kind'], inputs: Readonly<Record<string, () => unknown>>) =>
    Object.entries(inputs).map(([name, make]) => ({ name, kind, make }))
  const searched = Object.entries(PATTERNS).map(([name, pattern]) => {
    return { name: `searched for: ${name}`, kind: 'schema' as const, make: () => ({ type: 'string', pattern }) }
  })
  const patterns = Object.entries(PATTERNS).map(([name, pattern]) => {
    return { name, kind: 'regex' as const, make: () => pattern }
  })
  return [...all('schema', SCHEMAS), ...patterns, ...searched, ...all('grammar', GRAMMARS)]
}
