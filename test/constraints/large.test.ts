/** Constraints of a size that programs come up with, and of one that only an attacker does. */
import { describe, expect, it } from 'vitest'
import { Engine } from '../../src/constraints/engine.ts'
import { type Expression, utf8 } from '../../src/constraints/expression.ts'
import { compileGrammar, GrammarError } from '../../src/constraints/gbnf.ts'
import { compileSchema, SchemaError } from '../../src/constraints/json-schema.ts'
import { parseRegex } from '../../src/constraints/regex.ts'
import type { TextConstraint } from '../../src/constraints/text-constraint.ts'
import { ConstraintError } from '../../src/errors.ts'
import { bytesOf } from './support.ts'

/** A token for each byte, in their order, and one that ends an answer. */
const BYTES = { size: 257, bytes: (id: number) => (id < 256 ? Uint8Array.of(id) : undefined), endIds: [256] }

function constraintOf(make: () => Expression): TextConstraint {
  return new Engine(BYTES).compile(undefined, make, false)()
}

function masked(mask: Uint32Array): number[] {
  return Array.from({ length: BYTES.size }, (_, id) => id).filter((id) => ((mask[id >>> 5]! >>> (id & 31)) & 1) === 1)
}

/** Takes the whole text, with a mask before each token in which it must be. */
function written(constraint: TextConstraint, text: string): TextConstraint {
  for (const [i, byte] of bytesOf(text).entries()) {
    const mask = constraint.mask()
    if (((mask[byte >>> 5]! >>> (byte & 31)) & 1) === 0) throw new Error(`byte ${i} of the text is not in the mask`)
    constraint.accept(byte)
  }
  return constraint
}

const list = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const properties = (count: number) => Object.fromEntries(list(count, (i) => [`field_${i}`, { type: 'string' }]))
const object = (count: number) => JSON.stringify(Object.fromEntries(list(count, (i) => [`field_${i}`, `v${i}`])))

describe('objects with many members', () => {
  it.each([100, 200, 500])('%i required properties', (count) => {
    const required = Object.keys(properties(count))
    const schema = { type: 'object', properties: properties(count), required, additionalProperties: false }
    const constraint = constraintOf(() => compileSchema(schema, { whitespace: 0 }))
    expect(masked(constraint.mask())).toEqual([...bytesOf('{')])
    const before = object(count - 1).slice(0, -1)
    // The last of them is missing: the object cannot end, and no other name is left.
    const fork = written(constraint.fork(), before)
    expect(masked(fork.mask())).toEqual([...bytesOf(',')])
    expect(written(fork, `,"field_${count - 1}":""}`).complete).toBe(true)
    expect(written(constraint, object(count)).complete).toBe(true)
  })

  it.each([200, 2000])('%i properties of which none is required', (count) => {
    const schema = { type: 'object', properties: properties(count) }
    const constraint = constraintOf(() => compileSchema(schema, { whitespace: 0 }))
    expect(masked(constraint.mask())).toEqual([...bytesOf('{')])
    expect(written(constraint.fork(), '{}').complete).toBe(true)
    expect(written(constraint.fork(), `{"field_${count - 1}":"a","field_0":"b"}`).complete).toBe(true)
    const twice = written(constraint, '{"field_0":"a","field_0')
    expect(masked(twice.mask())).not.toContain(0x22)
  })

  it('many names that each begin with the one before', () => {
    const required = list(200, (i) => 'a'.repeat(i))
    const constraint = constraintOf(() => compileSchema({ type: 'object', required }))
    expect(written(constraint, JSON.stringify(Object.fromEntries(required.map((name) => [name, 1])))).complete).toBe(
      true,
    )
  })

  it('a row of six hundred names of which each needs the next', () => {
    const dependentRequired = Object.fromEntries(list(600, (i) => [`a${i}`, [`a${i + 1}`]]))
    const constraint = constraintOf(() => compileSchema({ type: 'object', dependentRequired }, { whitespace: 0 }))
    expect(written(constraint.fork(), '{"a600":1}').complete).toBe(true)
    expect(written(constraint.fork(), '{"a599":1,"a600":1}').complete).toBe(true)
    expect(masked(written(constraint, '{"a598":{},"a600":{}').mask())).toEqual([...bytesOf(',')])
  })

  it('sixty items of which no two are equal', () => {
    const items = { enum: list(60, (i) => `v${String(i).padStart(2, '0')}`) }
    const schema = { type: 'array', items, uniqueItems: true, minItems: 60 }
    const constraint = constraintOf(() => compileSchema(schema, { whitespace: 0 }))
    const most = written(constraint, JSON.stringify(items.enum.slice(0, 59)).slice(0, -1))
    expect(masked(most.fork().mask())).toEqual([...bytesOf(',')])
    expect(written(most, ',"v59"]').complete).toBe(true)
    const tight = {
      type: 'array',
      prefixItems: [{ enum: [1, 2] }, { enum: [1, 3] }, { enum: [1] }],
      items: false,
      minItems: 3,
    }
    const unique = constraintOf(() => compileSchema({ ...tight, uniqueItems: true }, { whitespace: 0 }))
    // The third item needs the 1, so the others cannot have it.
    expect(masked(written(unique.fork(), '[').mask())).toEqual([...bytesOf('2')])
    expect(written(unique, '[2,3,1]').complete).toBe(true)
  })

  it('hostile numbers of names are refused', () => {
    const required = list(60_000, (i) => `a${i}`)
    expect(() => compileSchema({ type: 'object', required })).toThrow(SchemaError)
    const dependent = Object.fromEntries(list(20_000, (i) => [`a${i}`, [`a${i + 1}`]]))
    expect(() => compileSchema({ type: 'object', dependentRequired: dependent })).toThrow(SchemaError)
  })
})

describe('long texts', () => {
  it.each<[string, () => Expression, string]>([
    ['a pattern', () => utf8(parseRegex('x'.repeat(9999))), 'x'.repeat(9999)],
    ['a constant', () => compileSchema({ const: 'x'.repeat(20_000) }), `"${'x'.repeat(20_000)}"`],
    ['one of two constants', () => compileSchema({ enum: ['x'.repeat(20_000), 'y'] }), `"${'x'.repeat(20_000)}"`],
    [
      'one of fifty thousand values',
      () => compileSchema({ enum: list(50_000, (i) => `value ${i}${i % 2 ? '' : ' é'}`) }),
      '"value 4242 \\u00e9"',
    ],
    ['a name', () => compileSchema({ type: 'object', required: ['x'.repeat(4000)] }), `{"${'x'.repeat(4000)}":1}`],
    ['a row of what may be left out', () => utf8(parseRegex('a?'.repeat(200))), 'a'.repeat(200)],
    ['repetitions of a repetition', () => compileGrammar(`root ::= "a"${'?'.repeat(100)}`), 'a'],
  ])('%s', (_, make, text) => {
    const constraint = constraintOf(make)
    written(constraint, text)
    expect(constraint.complete).toBe(true)
    expect(masked(constraint.mask())).not.toContain(text.charCodeAt(1))
  })

  it('hostile, and refused: a name', () => {
    expect(() => compileSchema({ properties: { ['x'.repeat(200_000)]: {} }, type: 'object' })).toThrow(SchemaError)
  })

  it.each<[string, () => Expression]>([
    ['a row of what may be left out', () => utf8(parseRegex('a?'.repeat(4900)))],
    ['repetitions of a repetition', () => compileGrammar(`root ::= "a"${'?'.repeat(400_000)}`)],
    [
      'groups and repetitions in each other',
      () => compileGrammar(`root ::= ${'('.repeat(199)}"a"${`)${'?'.repeat(199)}`.repeat(199)}`),
    ],
  ])('hostile, and refused: %s', (_, make) => {
    expect(() => written(constraintOf(make), '{"x')).toThrow(ConstraintError)
  })

  it('a grammar that nests too deep is called one', () => {
    expect(() => compileGrammar(`root ::= "a"${'?'.repeat(400_000)}`)).toThrow(GrammarError)
  })

  it('a stack that ends anywhere in an automaton is an error of the constraint', () => {
    const endless = (): never => endless()
    const deep: Expression = { kind: 'rule', name: 'deep', expand: endless, ends: true }
    expect(() => constraintOf(() => deep)).toThrow(expect.objectContaining({ name: 'ConstraintError', limit: 'depth' }))
    const later = constraintOf(() => ({ kind: 'sequence', items: [compileGrammar('root ::= "ab"'), deep] }))
    later.accept(0x61)
    const depth = expect.objectContaining({ name: 'ConstraintError', limit: 'depth' })
    expect(() => later.fork().accept(0x62)).toThrow(depth)
    expect(() => later.fork().expected(4)).toThrow(depth)
    const whole = new Engine({ ...BYTES, bytes: (id) => (id === 0 ? bytesOf('bc') : BYTES.bytes(id)) })
    const crossing = whole.compile(
      undefined,
      () => ({ kind: 'sequence', items: [compileGrammar('root ::= "b"'), deep] }),
      false,
    )()
    expect(() => crossing.mask()).toThrow(depth)
  })
})
