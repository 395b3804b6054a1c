/** What compiled schemas accept beyond the suite: spellings, order, white space. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyJson, compileSchema, SchemaError, type SchemaOptions } from '../../src/constraints/json-schema.ts'
import { accepts } from '../reference/expression-matcher.ts'
import { automatonOf } from './support.ts'

function decides(schema: unknown, valid: readonly string[], invalid: readonly string[], options?: SchemaOptions): void {
  const expression = compileSchema(schema, options)
  for (const text of valid) expect([text, accepts(expression, text)]).toEqual([text, true])
  for (const text of invalid) expect([text, accepts(expression, text)]).toEqual([text, false])
}

const PERSON = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    age: { type: 'integer', minimum: 0 },
    tags: { type: 'array', items: { type: 'string' } },
  },
  required: ['name', 'age'],
  additionalProperties: false,
}

describe('compileSchema', () => {
  it('members in any order, none twice', () => {
    decides(
      PERSON,
      [
        '{"name":"A","age":3}',
        '{"age":3,"name":"A"}',
        '{"tags":[],"age":3,"name":"A"}',
        '{"age":3,"tags":["x","y"],"name":""}',
      ],
      [
        '{"name":"A"}',
        '{"name":"A","age":3,"name":"B"}',
        '{"name":"A","age":3,}',
        '{"name":"A","age":3,"more":1}',
        '{"name":"A" "age":3}',
        '[]',
      ],
    )
  })

  it('white space where JSON has it, within bounds', () => {
    decides(
      PERSON,
      [' { "name" : "A" ,\r\n\t"age" : 3 }\n', JSON.stringify({ name: 'A', age: 3, tags: ['x'] }, null, 4)],
      ['{"name":"A","ag e":3}', '{  "name":"A","age":3}', '{\n\n"name":"A","age":3}'],
    )
    decides(PERSON, ['{ "name":"A",\n "age":3}'], ['{"name":"A",\n  "age":3}'], { whitespace: 1 })
    decides(PERSON, ['{"name":"A","age":3}'], ['{ "name":"A","age":3}', ' {"name":"A","age":3}'], { whitespace: 0 })
  })

  it('every legal spelling of a string', () => {
    decides(
      { properties: { 'é/"': { const: 'a\n😀' } }, required: ['é/"'] },
      ['{"é/\\"":"a\\n😀"}', '{"\\u00e9\\/\\u0022":"\\u0061\\u000A\\ud83d\\uDE00"}'],
      ['{"é/\\"":"a\n😀"}', '{"é/\\"":"a\\n\\ud83d"}', '{"e/\\"":"a\\n😀"}'],
    )
    decides(
      { type: 'string', maxLength: 1 },
      ['"😀"', '"\\ud83d\\ude00"', '""', '"\\""'],
      ['"ab"', '"\\ud83d"', '"\\x"', '"\n"', '"'],
    )
  })

  it('names that begin alike, end in each other, and need escapes', () => {
    const names = ['a', 'ab', 'abc', 'abd', 'b"\\', '', 'é', '😀', 'é/', 'tab\t']
    const schema = {
      properties: Object.fromEntries(names.map((name) => [name, { const: name }])),
      additionalProperties: false,
    }
    const all = Object.fromEntries(names.map((name) => [name, name]))
    decides(
      schema,
      [
        '{}',
        JSON.stringify(all),
        JSON.stringify(Object.fromEntries(Object.entries(all).reverse())),
        '{"\\u00E9\\/":"é/","tab\\u0009":"tab\\t"}',
        '{"\\ud83d\\uDE00":"😀"}',
      ],
      ['{"abe":"abe"}', '{"ab":"a"}', '{"a":"a","a":"a"}', '{"tab\t":"tab\\t"}', '{"":"a"}', '{"é":"é","\\u00e9":"é"}'],
    )
  })

  it('numbers as JSON spells them', () => {
    const numbers = ['0', '-0', '1.50', '1e5', '1E-7', '-12.5e+10', '123456789012345678901234567890']
    decides({ type: 'number' }, numbers, ['01', '+1', '.5', '1.', '1e', '--1', 'NaN', 'Infinity', '1e999'])
    decides({ type: 'integer' }, ['0', '-7', '12345678901234567890123', '1e+21'], ['1.0', '1.5', '1e2', '01', '1.5e+0'])
    decides(
      { type: 'number', minimum: 0.25 },
      ['0.25', '0.250', '1e1', '2.5e-1', '100'],
      ['0.2499', '1e-1', '-1', '0', '00.3'],
    )
    decides(
      { type: 'number', exclusiveMinimum: 0, maximum: 1e-7 },
      ['1e-7', '0.0000001', '9.9e-8', '1e-300'],
      ['0', '0.0', '1.1e-7', '0.00000011'],
    )
    // What a reader's double makes an excluded bound of is excluded.
    decides(
      { type: 'number', exclusiveMinimum: 0.001, exclusiveMaximum: 0.0025 },
      [
        '0.0010000000000000003',
        '2.4e-3',
        '0.00249999',
        '1.0000000000000003e-3',
        '0.0010000000000000010000000000000001',
      ],
      ['0.001', '0.0010000000000000000000075', '1.00000000000000000001E-03', '0.00249999999999999999999', '2.5e-3'],
    )
    decides(
      { type: 'number', exclusiveMaximum: -1 },
      ['-1.0000000000000002', '-2', '-1e5'],
      ['-1', '-1.00000000000000000001', '-0.99999999', '0'],
    )
    decides({ multipleOf: 0.01, maximum: 2 }, ['1.99', '0.010', '2.00', '-3', '-1.500'], ['1.999', '2.01'])
    decides({ type: 'integer', multipleOf: 7, minimum: 10, maximum: 30 }, ['14', '21', '28'], ['7', '15', '35', '14.0'])
    decides({ type: 'number', not: { type: 'integer' } }, ['1.5', '-0.001', '1e-7'], ['1', '1.0', '2.50e1'])
    decides({ enum: [1, 2.5, 1e21] }, ['1', '2.5', '1e+21', '1000000000000000000000'], ['3', '25', '1e+2'])
    decides({ minimum: 9007199254740993n }, ['9007199254740993', 'null'], ['9007199254740992'])
  })

  it('intervals compare every spelling exactly', () => {
    const bound = fc.oneof(
      fc.integer({ min: -200, max: 200 }),
      fc.integer({ min: -2000, max: 2000 }).map((n) => n / 100),
      fc.constantFrom(0, 1e-7, -1e21, 99, 100, 0.1),
    )
    const digits = (most: number) =>
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: most }).map((list) => list.join(''))
    const spelled = fc
      .tuple(
        fc.constantFrom('', '-'),
        fc.integer({ min: 0, max: 999 }),
        fc.option(digits(4)),
        fc.constantFrom('', '', '', 'e1', 'e-2', 'e+0', 'E21', 'e-08'),
      )
      .map(
        ([sign, whole, fraction, exponent]) =>
          `${sign}${exponent === '' ? whole : whole % 10 || 1}${fraction === null ? '' : `.${fraction}`}${exponent}`,
      )
    const keywords = fc.constantFrom('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum')
    fc.assert(
      fc.property(
        fc.dictionary(keywords, bound, { minKeys: 1, maxKeys: 2 }),
        fc.array(spelled, { minLength: 5, maxLength: 5 }),
        (bounds, texts) => {
          const fits = (value: number) =>
            value >= (bounds.minimum ?? -Infinity) &&
            value <= (bounds.maximum ?? Infinity) &&
            value > (bounds.exclusiveMinimum ?? -Infinity) &&
            value < (bounds.exclusiveMaximum ?? Infinity)
          let expression: ReturnType<typeof compileSchema> | undefined
          try {
            expression = compileSchema({ type: 'number', ...bounds })
          } catch (error) {
            if (!(error instanceof SchemaError)) throw error
          }
          for (const text of texts) {
            const accepted = expression !== undefined && accepts(expression, text)
            expect([bounds, text, accepted]).toEqual([bounds, text, fits(Number(text))])
          }
        },
      ),
      { seed: 3, numRuns: 300 },
    )
  })

  it('unions by a kind, and recursion', () => {
    const tree = {
      $defs: {
        node: {
          oneOf: [
            {
              type: 'object',
              properties: { kind: { const: 'leaf' }, value: { type: 'number' } },
              required: ['kind', 'value'],
            },
            {
              type: 'object',
              properties: { kind: { const: 'pair' }, left: { $ref: '#/$defs/node' }, right: { $ref: '#/$defs/node' } },
              required: ['kind', 'left', 'right'],
            },
          ],
        },
      },
      $ref: '#/$defs/node',
    }
    const leaf = '{"value":1,"kind":"leaf"}'
    decides(
      tree,
      [leaf, `{"kind":"pair","left":${leaf},"right":{"right":${leaf},"kind":"pair","left":${leaf}}}`],
      ['{"kind":"leaf"}', `{"kind":"pair","left":${leaf}}`, `{"kind":"pair","left":${leaf},"right":{"kind":"x"}}`],
    )
  })

  it('members that could not be finished do not begin', () => {
    // `a` would need a `b` that nothing fits, and `next` would never end.
    const schema = {
      type: 'object',
      properties: {
        a: { properties: { b: false }, required: ['b'], type: 'object' },
        next: { $ref: '#/$defs/endless' },
      },
      $defs: { endless: { type: 'object', properties: { next: { $ref: '#/$defs/endless' } }, required: ['next'] } },
      additionalProperties: { type: 'null' },
    }
    const automaton = automatonOf(compileSchema(schema))
    const alive = (text: string) => {
      let state: typeof automaton.start | null = automaton.start
      for (const byte of new TextEncoder().encode(text)) {
        automaton.budget.renew()
        state = state && automaton.step(state, byte)
      }
      return state !== null
    }
    expect(['{"ax', '{"nexx', '{"z":null'].map(alive)).toEqual([true, true, true])
    expect(['{"a"', '{"next"'].map(alive)).toEqual([false, false])
  })

  it('anyJson', () => {
    const values = ['null', 'true', '-1.5e3', '"x"', '[1,[],{"a":{}}]', '{"a":[null],"b":"c"}']
    for (const text of values) expect(accepts(anyJson(), text)).toBe(true)
    expect(values.map((text) => accepts(anyJson('object'), text))).toEqual([false, false, false, false, false, true])
    for (const text of ['', '{', '[1,]', '{"a":1,}', 'nul', '{a:1}', "{'a':1}"])
      expect(accepts(anyJson(), text)).toBe(false)
  })

  it('documents that references lead to', () => {
    const documents = {
      'https://example.com/item.json': {
        $defs: { id: { type: 'integer' } },
        type: 'object',
        properties: { id: { $ref: '#/$defs/id' } },
      },
    }
    decides({ items: { $ref: 'https://example.com/item.json' } }, ['[{"id":1}]'], ['[{"id":"1"}]', '[1]'], {
      documents,
    })
    decides({ $ref: 'https://example.com/item.json#/$defs/id' }, ['1'], ['"1"'], { documents })
  })

  it('formats are notes where that is asked for', () => {
    decides({ format: 'date' }, ['"2024-02-29"', '1'], ['"2023-02-29"', '"x"'])
    decides({ format: 'date' }, ['"x"'], [], { formats: false })
    decides({ format: 'color' }, ['"x"'], [])
    decides({ format: 'uri' }, ['"a:b"', '"a:/"', '"a://?q#f"', '"mailto:a@b.c"'], ['"a:"', '"a:?q"', '"a"', '""'])
    decides({ format: 'uri-reference' }, ['"a:"', '"?q"', '"#f"', '""', '"../a"'], ['"a b"', '"%z"'])
  })
})
