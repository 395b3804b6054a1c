import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonScanner } from '../../src/chat/json-scanner.ts'
import { randomCallId } from '../../src/chat/tool-arguments.ts'
import {
  type ToolCallDelta,
  type ToolCallEnd,
  ToolCallStream,
  type ToolCallStreamOptions,
} from '../../src/chat/tool-calls.ts'

/** A text, or a control token. */
type Piece = string | { control: string }

const ids = () => {
  let n = 0
  return () => `id${String(n++).padStart(7, '0')}`
}

function read(pieces: readonly Piece[], options: ToolCallStreamOptions = {}): ToolCallEnd {
  const stream = new ToolCallStream({ newId: ids(), ...options })
  const deltas = pieces.flatMap((piece) =>
    typeof piece === 'string' ? stream.push(piece) : stream.pushControl(piece.control),
  )
  const end = stream.flush()
  return { ...end, deltas: [...deltas, ...end.deltas] }
}

/** What a client makes of the deltas. */
function joined(deltas: readonly ToolCallDelta[]) {
  const calls: { id: string; name: string; arguments: string }[] = []
  for (const { index, id, type, function: fn } of deltas) {
    const call = calls[index]
    if (call === undefined) {
      expect(index).toBe(calls.length)
      expect(type).toBe('function')
      expect(id).toMatch(/^[a-zA-Z0-9]{9}$/)
      calls.push({ id: id!, name: fn.name!, arguments: fn.arguments ?? '' })
    } else {
      expect([id, type, fn.name]).toEqual([undefined, undefined, undefined])
      call.arguments += fn.arguments
    }
  }
  return calls
}

const flat = ({ calls }: ToolCallEnd) => calls.map(({ id, function: fn }) => ({ id, ...fn }))

const TWO =
  ' [{"name": "wind_speed", "arguments": {"place": "Arles \\"\\u00e9\\" 🌬", "days": [1, -2.5e3, {}], "x": null}, "id": "Ab3456789"},' +
  ' {"id": "000000001", "name": "stop", "arguments": {}}]'
const TWO_CALLS = [
  {
    id: 'id0000000',
    name: 'wind_speed',
    arguments: '{"place": "Arles \\"\\u00e9\\" 🌬", "days": [1, -2.5e3, {}], "x": null}',
  },
  { id: '000000001', name: 'stop', arguments: '{}' },
]

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

  it('gives the name at once and arguments as they come', () => {
    const stream = new ToolCallStream({ newId: ids() })
    expect(stream.push(' [{"name": "f')).toEqual([])
    expect(stream.push('"')).toEqual([
      { index: 0, id: 'id0000000', type: 'function', function: { name: 'f', arguments: '' } },
    ])
    expect(stream.push(', "arguments": {"a')).toEqual([{ index: 0, function: { arguments: '{"a' } }])
    expect(stream.push('": 1')).toEqual([{ index: 0, function: { arguments: '": 1' } }])
    expect(stream.done).toBe(false)
    expect(stream.push('}}')).toEqual([{ index: 0, function: { arguments: '}' } }])
    expect(stream.push(']')).toEqual([])
    expect(stream.done).toBe(true)
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
    ['no arguments', '"other": [1, {"name": "x"}, "]}"]', '{}'],
    ['null', '"arguments": null', 'null'],
    ['a number', '"arguments": 12', '12'],
    ['space of its own', '"arguments" :\n\t{ "a" :1 }', '{ "a" :1 }'],
    ['a key with escapes, an empty key', '"": 1, "\\u0061rguments": [true, false]', '[true, false]'],
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
    expect(stream.done).toBe(true)
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

describe('text that is no call', () => {
  it.each([
    'I cannot call anything.',
    '[{"name": "f", "arguments": {"a": 1,}}]',
    '[{"name": "f", "arguments": {"a": 01}}]',
    '[{"name": "f", "arguments": "no JSON"}]',
    '[{"name": "f", "arguments": "{}x"}]',
    '[{"name": "f", "arguments": "{\\"a\\""}]',
    '[{"name": "f", "arguments": {}, "arguments": {}}]',
    '[{"name": "f", "name": "g"}]',
    '[{"name": "", "arguments": {}}]',
    '[{"name": 7, "arguments": {}}]',
    '[{"arguments": {}}]',
    '[{"name": "f", "arguments": {"a": "cut off',
    '[{"name": "f", "arguments": {"a": "line\nbreak"}}]',
    "[{'name': 'f'}]",
    '[[{"name": "f"}]]',
    `[{"name": "f", "arguments": ${'['.repeat(100)}${']'.repeat(100)}}]`,
    '["f"]',
  ])('comes back as it stands: %s', (text) => {
    for (const pieces of [[text], text.split('')]) {
      const end = read(pieces)
      expect(end).toMatchObject({ calls: [], rest: text })
    }
  })

  it('comes back behind complete calls, too', () => {
    expect(read(['[{"name": "f"}, {"name": "g", "argu'])).toMatchObject({
      calls: [{ function: { name: 'f' } }],
      rest: '{"name": "g", "argu',
    })
    expect(read(['[{"name": "f"}] That is all.'])).toMatchObject({ calls: [{}], rest: 'That is all.' })
  })

  it('gives out the same part of broken arguments at every chunking', () => {
    const text = '[{"name": "f", "arguments": {"a": 1, b}}]'
    for (let at = 0; at <= text.length; at++) {
      const { deltas } = read([text.slice(0, at), text.slice(at)])
      expect(joined(deltas)).toEqual([{ id: 'id0000000', name: 'f', arguments: '{"a": 1, ' }])
    }
  })
})

describe('named calls', () => {
  const control = (name: string): Piece => ({ control: name })
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

  it('end at the end of the answer when the arguments are a bare number', () => {
    expect(flat(read(['f', control('[ARGS]'), '12'], named))).toMatchObject([{ arguments: '12' }])
    expect(read(['f', control('[ARGS]'), '12 x'], named)).toMatchObject({ calls: [{}], rest: 'x' })
  })

  it.each<[string, Piece[], string]>([
    ['no [ARGS]', ['just text'], 'just text'],
    ['no name', [control('[ARGS]'), '{}'], '[ARGS]{}'],
    ['cut off', ['f', control('[ARGS]'), '{"a'], 'f[ARGS]{"a'],
    ['a token inside', ['f', control('[ARGS]'), '{"a', control('[TOOL_CALLS]'), 'g'], 'f[ARGS]{"a[TOOL_CALLS]g'],
    ['a name without end', ['x'.repeat(300), control('[ARGS]'), '{}'], `${'x'.repeat(300)}[ARGS]{}`],
  ])('come back as text: %s', (_, pieces, rest) => {
    expect(read(pieces, named)).toMatchObject({ calls: [], rest })
  })

  it('are not looked for in older vocabularies', () => {
    expect(read(['f', control('[ARGS]'), '{}'])).toMatchObject({ calls: [], rest: 'f[ARGS]{}' })
  })
})

/** The text cut at random places. */
const cut = (text: string) =>
  fc.array(fc.nat({ max: text.length }), { maxLength: 12 }).map((cuts) => {
    const places = [0, ...cuts.sort((a, b) => a - b), text.length]
    return places.slice(1).map((to, i) => text.slice(places[i], to))
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
      { numRuns: 300 },
    )
  })

  it('cut anywhere or spoilt anywhere, never fail, and agree over all chunkings', () => {
    const spoilt = fc
      .tuple(fc.nat({ max: TWO.length }), fc.string({ maxLength: 3 }), fc.boolean())
      .map(([at, junk, drop]) => TWO.slice(0, at) + junk + (drop ? '' : TWO.slice(at)))
    const cases = spoilt.chain((text) => fc.record({ text: fc.constant(text), pieces: cut(text), named: fc.boolean() }))
    fc.assert(
      fc.property(cases, ({ text, pieces, named }) => {
        const [whole, end] = [read([text], { named }), read(pieces, { named })]
        expect([end.calls, end.rest]).toEqual([whole.calls, whole.rest])
        expect(joined(end.deltas)).toEqual(joined(whole.deltas))
        for (const { function: fn } of end.calls) JSON.parse(fn.arguments)
        if (end.calls.length === 0 && end.rest !== '') expect(end.rest).toBe(text)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('the JSON scanner', () => {
  /** Whether it takes the whole text for one value. */
  const accepts = (text: string) => {
    const scanner = new JsonScanner()
    for (const char of text.split('')) {
      const step = scanner.push(char)
      if (step === 'error' || (step === 'after' && !' \n\r\t'.includes(char))) return false
    }
    return scanner.complete
  }
  const parses = (text: string) => {
    try {
      JSON.parse(text)
      return true
    } catch {
      return false
    }
  }

  it('agrees with JSON.parse', () => {
    const json = fc.json({ maxDepth: 5 })
    const spoilt = fc.tuple(json, fc.nat(), fc.constantFrom(...'{}[],:"\\0-.eE+tfn u', '')).map(([text, n, char]) => {
      const at = n % (text.length + 1)
      return text.slice(0, at) + char + text.slice(at + 1)
    })
    fc.assert(
      fc.property(fc.oneof(json, spoilt, fc.stringMatching(/^[-+0-9.eE]{0,8}$/)), (text) => {
        expect(accepts(text), text).toBe(parses(text))
      }),
      { numRuns: 3000 },
    )
  })
})

it('random ids are of the form that the formats ask for, and differ', () => {
  const many = Array.from({ length: 200 }, randomCallId)
  for (const id of many) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/)
  expect(new Set(many).size).toBe(200)
})
