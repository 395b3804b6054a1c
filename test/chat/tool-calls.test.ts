import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { randomCallId } from '../../src/chat/tool-arguments.ts'
import { ToolCallStream } from '../../src/chat/tool-calls.ts'
import { control, cut, flat, ids, joined, read, TWO, TWO_CALLS } from './support.ts'

describe('a list of calls', () => {
  it('is read at every split point, and in single characters', () => {
    for (let at = 0; at <= TWO.length; at++) {
      const end = read([TWO.slice(0, at), TWO.slice(at)])
      expect(flat(end), `split at ${at}`).toEqual(TWO_CALLS)
      expect(joined(end.deltas)).toEqual(TWO_CALLS)
      expect(end.rest).toBe('')
    }
    expect(joined(read(TWO.split('')).deltas)).toEqual(TWO_CALLS)
  })

  it('gives the name when the arguments begin, and these as they come', () => {
    const stream = new ToolCallStream({ newId: ids() })
    expect(stream.push(' [{"name": "f"')).toEqual([])
    expect(stream.push(', "arguments": ')).toEqual([])
    expect(stream.push('{"a')).toEqual([
      { index: 0, id: 'id0000000', type: 'function', function: { name: 'f', arguments: '' } },
      { index: 0, function: { arguments: '{"a' } },
    ])
    expect(stream.push('": 1')).toEqual([{ index: 0, function: { arguments: '": 1' } }])
    expect(stream.push('}}')).toEqual([{ index: 0, function: { arguments: '}' } }])
    expect(stream.push(']')).toEqual([])
  })

  it('holds arguments back until there is a name', () => {
    const end = read([...'[{"arguments": {"a": 1}, "name": "f"}]'])
    expect(end.deltas).toEqual([
      { index: 0, id: 'id0000000', type: 'function', function: { name: 'f', arguments: '' } },
      { index: 0, function: { arguments: '{"a": 1}' } },
    ])
  })

  it.each([
    ['a string of JSON', '"arguments": "{\\"a\\": \\"\\\\u00e9 \\ud83c\\udf2c\\\\n\\"}"', '{"a": "\\u00e9 🌬\\n"}'],
    ['an empty string', '"arguments": ""', '{}'],
    ['space in a string', '"arguments": " \\n {} "', '{} '],
    ['no arguments', '"id": "short", "type": "function"', '{}'],
    ['another key beside them', '"other": [1, {"name": "x"}, "]}"], "arguments": {}', '{}'],
    ['space of its own', '"arguments" :\n\t{ "a" :1 }', '{ "a" :1 }'],
    ['a key with escapes, an empty key', '"": 1, "\\u0061rguments": {"a": true}', '{"a": true}'],
  ])('with %s', (_, field, expected) => {
    const text = `[{"name":"f",${field}}]`
    for (let at = 0; at <= text.length; at++) {
      const end = read([text.slice(0, at), text.slice(at)])
      expect(flat(end)).toEqual([{ id: 'id0000000', name: 'f', arguments: expected }])
      expect(joined(end.deltas)).toEqual(flat(end))
    }
  })

  it('may be a single object, an empty list, or lack its end', () => {
    expect(flat(read(['{"name": "f"}']))).toEqual([{ id: 'id0000000', name: 'f', arguments: '{}' }])
    expect(read([' [] '])).toMatchObject({ calls: [], deltas: [] })
    expect(read(['[{"name": "f"}'])).toMatchObject({ rest: '', calls: [{ function: { name: 'f' } }] })
  })

  it('stops after the calls that were allowed', () => {
    const stream = new ToolCallStream({ maxCalls: 1, newId: ids() })
    const deltas = stream.push(TWO)
    expect(stream.full).toBe(true)
    expect(joined(deltas)).toEqual(TWO_CALLS.slice(0, 1))
    expect(stream.push('more')).toEqual([])
    expect(stream.flush()).toMatchObject({ deltas: [], rest: '', calls: [{ id: 'id0000000' }] })
  })

  it('takes an id of the wrong form for none', () => {
    expect(flat(read(['[{"id": "call_1", "name": "f"}, {"id": 7, "name": "g"}]'])).map(({ id }) => id)).toEqual([
      'id0000000',
      'id0000001',
    ])
  })
})

describe('named calls', () => {
  const named = { named: true }

  it('are read from name[ARGS]{…}, one after the other', () => {
    const pieces = [
      'get_',
      'wind',
      control('[ARGS]'),
      '{"a"',
      ': 1}',
      control('[TOOL_CALLS]'),
      'stop',
      control('[ARGS]'),
    ]
    const end = read([...pieces, '{}'], named)
    expect(flat(end)).toEqual([
      { id: 'id0000000', name: 'get_wind', arguments: '{"a": 1}' },
      { id: 'id0000001', name: 'stop', arguments: '{}' },
    ])
    expect(joined(end.deltas)).toEqual(flat(end))
    expect(end.rest).toBe('')
  })

  it('take the id before [ARGS]', () => {
    const end = read([' f', control('[CALL_ID]'), 'Ab3456789', control('[ARGS]'), ' {"a": 1}'], named)
    expect(flat(end)).toEqual([{ id: 'Ab3456789', name: 'f', arguments: '{"a": 1}' }])
  })

  it('may be written as a list in a vocabulary that has [ARGS]', () => {
    expect(flat(read([TWO], named))).toEqual(TWO_CALLS)
  })

  it('are not looked for in older vocabularies', () => {
    expect(read(['f', control('[ARGS]'), '{}'])).toMatchObject({ calls: [], rest: 'f[ARGS]{}' })
  })
})

describe('any calls', () => {
  const call = fc.record({
    name: fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/),
    args: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 4 }),
    asText: fc.boolean(),
    indent: fc.constantFrom(0, 1, 2),
    idFirst: fc.boolean(),
  })

  it('come out as they went in, whatever the chunks', () => {
    const cases = fc.array(call, { minLength: 1, maxLength: 4 }).chain((calls) => {
      const items = calls.map(({ name, args, asText, idFirst }) => {
        const fields = { name, arguments: asText ? JSON.stringify(args) : args }
        return idFirst ? { id: 'abcdefghi', ...fields } : { ...fields, id: 'abcdefghi' }
      })
      const text = JSON.stringify(items, null, calls[0]!.indent)
      return fc.record({ calls: fc.constant(calls), text: fc.constant(text), pieces: cut(text) })
    })
    fc.assert(
      fc.property(cases, ({ calls, text, pieces }) => {
        const end = read(pieces)
        expect(end.rest).toBe('')
        expect(end.calls.map(({ function: fn }) => [fn.name, JSON.parse(fn.arguments)])).toEqual(
          JSON.parse(JSON.stringify(calls.map(({ name, args }) => [name, args]))),
        )
        expect(joined(end.deltas)).toEqual(flat(end))
        expect(flat(read([text]))).toEqual(flat(end))
        for (const fragment of end.calls.filter((_, i) => !calls[i]!.asText)) {
          expect(text).toContain(fragment.function.arguments)
        }
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

it('random ids are of the form that the formats ask for, and differ', () => {
  const many = Array.from({ length: 200 }, randomCallId)
  for (const id of many) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/)
  expect(new Set(many).size).toBe(200)
})
