import { describe, expect, it } from 'vitest'
import { compileSchema, SchemaError, type SchemaOptions } from '../../src/constraints/json-schema.ts'
import { automatonOf } from './support.ts'

function refusal(schema: unknown, options?: SchemaOptions): SchemaError {
  try {
    compileSchema(schema, options)
  } catch (error) {
    expect(error).toBeInstanceOf(SchemaError)
    return error as SchemaError
  }
  throw new Error('the schema was not refused')
}

describe('refused schemas', () => {
  it.each([
    [{ properties: { a: { pattern: '(a)\\1' } } }, '#/properties/a/pattern', 'backreferences'],
    [{ patternProperties: { '[': true } }, '#/patternProperties/[', 'not closed'],
    [{ items: { format: 'regex' } }, '#/items/format', 'format "regex" is not supported'],
    [
      { anyOf: [{ type: 'null' }, { uniqueItems: true, items: { type: 'string' } }] },
      '#/anyOf/1/uniqueItems',
      'a few values',
    ],
    [{ $ref: 'other.json' }, '#/$ref', 'nothing is fetched'],
    [{ $ref: '#/$defs/a' }, '#/$ref', 'leads nowhere'],
    [{ $ref: 'http://[' }, '#/$ref', 'is no address'],
    [{ type: 'text' }, '#/type', 'must be of null, boolean'],
    [{ properties: { 'a/b': { minLength: -1 } } }, '#/properties/a~1b/minLength', 'whole number'],
    [{ multipleOf: 0 }, '#/multipleOf', 'more than 0'],
    [{ required: 'a' }, '#/required', 'array of strings'],
    [{ properties: [] }, '#/properties', 'must be an object'],
    [{ allOf: [] }, '#/allOf', 'must have an item'],
    [{ items: 5 }, '#/items', 'an object or a boolean'],
    [{ minimum: '1' }, '#/minimum', 'must be a number'],
    [{ minimum: Number.NaN }, '#/minimum', 'finite'],
    [{ const: 'half \ud800' }, '#/const', 'half a character'],
    [{ enum: [undefined] }, '#/enum/0', 'no JSON'],
    [{ $schema: 'http://json-schema.org/draft-04/schema#' }, '#/$schema', 'no dialect'],
    [{ contains: {}, maxContains: 3, minItems: 100_000 }, '#', 'counts over 500'],
    ['text', '#', 'an object or a boolean'],
    [null, '#', 'an object or a boolean'],
  ])('%j at %s: %s', (schema, path, fact) => {
    expect(refusal(schema)).toMatchObject({ path, message: expect.stringContaining(fact) })
  })

  it.each([
    false,
    { type: 'string', enum: [1] },
    { type: 'number', minimum: 3, exclusiveMaximum: 3 },
    { type: 'array', items: false, minItems: 1 },
    { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] },
    { type: 'integer', multipleOf: 4, not: { multipleOf: 2 } },
    { type: 'string', pattern: '^a', allOf: [{ pattern: 'b$' }, { maxLength: 1 }] },
    { type: 'array', uniqueItems: true, items: { enum: [1, 2] }, minItems: 3 },
  ])('no value is valid: %j', (schema) => {
    expect(refusal(schema).fact).toBe('no value is valid')
  })

  const list = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
  const nested = (count: number, wrap: (inner: unknown) => unknown): unknown => {
    let schema: unknown = { type: 'string' }
    for (let i = 0; i < count; i++) schema = wrap(schema)
    return schema
  }
  const cyclic: { properties: Record<string, unknown> } = { properties: {} }
  cyclic.properties.a = cyclic

  it.each([
    [
      'a product of alternatives',
      { allOf: list(20, (i) => ({ anyOf: list(6, (j) => ({ properties: { [`p${i}${j}`]: { const: 1 } } })) })) },
    ],
    [
      'conditions upon conditions',
      {
        allOf: list(24, (i) =>
          Object.fromEntries(['if', 'then', 'else'].map((keyword) => [keyword, { required: [`${keyword}${i}`] }])),
        ),
      },
    ],
    [
      'patterns that all overlap',
      { patternProperties: Object.fromEntries(list(30, (i) => [`a.{${i}}b`, { type: 'string' }])) },
    ],
    ['a reference to itself', { $ref: '#' }],
    [
      'a row of references to each other',
      { $defs: { a: { allOf: [{ $ref: '#/$defs/b' }] }, b: { anyOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' },
    ],
    ['depth', nested(5000, (inner) => ({ properties: { a: inner } }))],
    ['a cycle of objects', cyclic],
    ['many branches of oneOf that overlap', { oneOf: list(300, (i) => ({ required: [`p${i}`] })) }],
    ['very many values', { enum: list(200_000, (i) => i) }],
    ['a number of a million digits', { minimum: 10n ** 100_000n }],
    ['multiples of a large prime', { multipleOf: 1_000_003 }],
    ['a long pattern', { pattern: 'a'.repeat(20_000) }],
  ])('hostile: %s', (_, schema) => {
    expect(refusal(schema).message.length).toBeLessThan(1000)
  })

  it.each([
    ['large bounds', { type: 'array', minItems: 1e9, items: { type: 'string', maxLength: 1e9 } }],
    [
      'doubling references',
      {
        $defs: Object.fromEntries([
          ['d40', { type: 'string' }],
          ...list(40, (i) => [`d${i}`, { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] }]),
        ]),
        $ref: '#/$defs/d0',
      },
    ],
    [
      'a thousand properties',
      { properties: Object.fromEntries(list(1000, (i) => [`p${i}`, { type: 'string' }])), additionalProperties: false },
    ],
    ['many values', { enum: list(10_000, (i) => `value ${i}`) }],
    [
      'a union of a hundred kinds',
      { oneOf: list(100, (i) => ({ type: 'object', properties: { kind: { const: `k${i}` } }, required: ['kind'] })) },
    ],
    ['not of not', nested(60, (inner) => ({ not: { properties: { a: inner } } }))],
  ])('large, and fine: %s', (_, schema) => {
    expect(automatonOf(compileSchema(schema)).start.accepting).toBe(false)
  })
})
