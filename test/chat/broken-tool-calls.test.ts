/** Calls that are cut off or broken, and text that is none. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { control, cut, flat, joined, type Piece, read, TWO, TWO_CALLS } from './support.ts'

/** A text in single characters, with `[NAME]` for control tokens. */
const pieces = (text: string): Piece[] =>
  text
    .split(/(\[[A-Z_]{4,}\])/)
    .flatMap((part): Piece[] => (/^\[[A-Z_]{4,}\]$/.test(part) ? [control(part)] : part.split('')))

describe('an answer that is cut off', () => {
  const STRING_ARGUMENTS =
    '[{"id": "Ab3456789", "arguments": "{\\"caf\\u00e9\\": \\"\\ud83c\\udf2c \\\\n\\"}", "name": "late"}, {"name": "empty", "arguments": ""}]'
  const NAMED = 'get_wind[ARGS]{"place": "Arles", "days": [1, 2]}[TOOL_CALLS]stop[CALL_ID]Ab3456789[ARGS] {"now": true}'
  const OTHERS = 'f[ARGS]""[TOOL_CALLS]g[ARGS]"{}"'
  it.each([
    ['a list', TWO, false],
    ['a list, in a vocabulary with [ARGS]', TWO, true],
    ['a list with space', '[\n  {"name": "f",\n   "arguments": { "a" : [ ] }\n  }\n]', false],
    ['a single object', '{"name": "f", "arguments": {"a": "b"}}', false],
    ['arguments as strings, names after them', STRING_ARGUMENTS, false],
    ['named calls', NAMED, true],
    ['named calls with strings', OTHERS, true],
  ])('%s: deltas join to the calls at every place, and no text comes twice', (_, text, named) => {
    const all = pieces(text)
    const full = read(all, { named })
    expect(full).toMatchObject({ whole: true, rest: '' })
    for (let at = 0; at <= all.length; at++) {
      const end = read(all.slice(0, at), { named })
      const until = `cut at ${at}`
      expect(joined(end.deltas), until).toEqual(flat(end))
      // As far as they go, the calls are those of the whole answer.
      expect(full.calls.length, until).toBeGreaterThanOrEqual(end.calls.length)
      for (const [i, { id, name, arguments: args }] of flat(end).entries()) {
        const expected = flat(full)[i]!
        expect([id, name], until).toEqual([expected.id, expected.name])
        const isWhole = i < end.calls.length - 1 || end.whole
        if (isWhole) expect(args, until).toBe(expected.arguments)
        else expect(expected.arguments.startsWith(args), until).toBe(true)
      }
      // What is in a call is not in the text; nor is the beginning of a further one. What is in no call is.
      if (end.calls.length > 0) expect(end.rest, until).toBe('')
      else expect(end.rest.trim(), until).toBe(text.slice(0, textLength(all, at)).trim())
    }
  })

  const textLength = (all: readonly Piece[], count: number) =>
    all.slice(0, count).reduce((sum, piece) => sum + (typeof piece === 'string' ? piece : piece.control).length, 0)

  it('has the calls as far as they were written', () => {
    expect(read(['[{"name": "f", "arguments": {"a": "cut o'])).toMatchObject({
      calls: [{ function: { name: 'f', arguments: '{"a": "cut o' } }],
      whole: false,
      rest: '',
    })
    expect(read(['[{"name": "f"'])).toMatchObject({ calls: [{ function: { arguments: '' } }], whole: false, rest: '' })
    expect(read(['[{"name": "f", "arguments": {}'])).toMatchObject({ calls: [{}], whole: false, rest: '' })
    expect(read(['[{"name": "f", "arguments": {}}'])).toMatchObject({ calls: [{}], whole: true, rest: '' })
    expect(read(['[{"name": "f"}, {"name": "g", "argu'])).toMatchObject({
      calls: [{ function: { name: 'f', arguments: '{}' } }, { function: { name: 'g', arguments: '' } }],
      whole: false,
      rest: '',
    })
    expect(read(['f', control('[ARGS]'), '{"a'], { named: true })).toMatchObject({
      calls: [{ function: { name: 'f', arguments: '{"a' } }],
      whole: false,
      rest: '',
    })
  })

  it('has what was no call yet as text where there is none before it, and is not whole where there is', () => {
    expect(read(['[{"name": "f"}, {"na'])).toMatchObject({ calls: [{}], whole: false, rest: '' })
    expect(read(['[{"name": "f"}, '])).toMatchObject({ calls: [{}], whole: true, rest: '' })
    const named = ['f', control('[ARGS]'), '{}', control('[TOOL_CALLS]'), 'g']
    expect(read(named, { named: true })).toMatchObject({ calls: [{}], whole: false, rest: '' })
    expect(read([...named, control('[ARGS]')], { named: true })).toMatchObject({
      calls: [{}, {}],
      whole: false,
      rest: '',
    })
    expect(read(['[{"arguments": {"a": 1}, "na'])).toMatchObject({ calls: [], rest: '[{"arguments": {"a": 1}, "na' })
  })
})

describe('text that is no call', () => {
  it.each([
    'I cannot call anything.',
    '[{"name": "", "arguments": {}}]',
    '[{"name": 7, "arguments": {}}]',
    '[{"arguments": {}}]',
    "[{'name': 'f'}]",
    '[[{"name": "f"}]]',
    '["f"]',
    '[{"name": "f", "argumentsarguments": {"a": 1}}]',
    '[{"name": "f", "other": 1}]',
    '[{"name": "f", "arguments": null}]',
    '[{"name": "f", "arguments": 12}]',
    '[{"name": "f", "arguments": [1]}]',
    '[{"name": "f", "arguments": "no JSON"}]',
    '[{"name": "f", "arguments": "12"}]',
    '[{"name": "f", "arguments": " [1]"}]',
    '{"name": "f", "id": "Ab3456789", "arguments": true}',
  ])('comes back as it stands: %s', (text) => {
    for (const parts of [[text], text.split('')]) {
      expect(read(parts)).toMatchObject({ calls: [], deltas: [], whole: true, rest: text })
    }
  })

  const DEEP = `${'['.repeat(100)}${']'.repeat(100)}`
  it.each([
    ['{"a": 1,}}]', '{"a": 1,', '}}]'],
    ['{"a": 01}}]', '{"a": 0', '1}}]'],
    ['"{}x"}]', '{}', 'x"}]'],
    ['"{\\"a\\""}]', '{"a"', '"}]'],
    ['{}, "arguments": {}}]', '{}', ': {}}]'],
    ['{}, "name": "g"}]', '{}', ': "g"}]'],
    ['{"a": "line\nbreak"}}]', '{"a": "line', '\nbreak"}}]'],
    [`{"a": ${DEEP}}}]`, `{"a": ${'['.repeat(63)}`, `${DEEP.slice(63)}}}]`],
    ['{}] That is all.', '{}', '] That is all.'],
  ])('comes back from where the JSON of a call broke: %s', (tail, args, rest) => {
    const text = `[{"name": "f", "arguments": ${tail}`
    for (let at = 0; at <= text.length; at++) {
      const end = read([text.slice(0, at), text.slice(at)])
      expect(flat(end)).toEqual([{ id: 'id0000000', name: 'f', arguments: args }])
      expect(joined(end.deltas)).toEqual(flat(end))
      expect(end).toMatchObject({ whole: false, rest })
    }
  })

  it('comes back behind complete calls, too', () => {
    expect(read(['[{"name": "f"}] That is all.'])).toMatchObject({ calls: [{}], whole: true, rest: 'That is all.' })
    const broken = read(['[{"name": "f"}, {"name": 7}]'])
    expect(broken).toMatchObject({ calls: [{}], whole: false, rest: '{"name": 7}]' })
  })

  it.each<[string, Piece[], string]>([
    ['no [ARGS]', ['just text'], 'just text'],
    ['no name', [control('[ARGS]'), '{}'], '[ARGS]{}'],
    ['an id without arguments', ['f', control('[CALL_ID]'), 'Ab34'], 'f[CALL_ID]Ab34'],
    ['a number for arguments', ['f', control('[ARGS]'), '0'], 'f[ARGS]0'],
    ['null for arguments', ['f', control('[ARGS]'), 'null'], 'f[ARGS]null'],
    ['a list for arguments', ['f', control('[ARGS]'), ' [', '{}]'], 'f[ARGS] [{}]'],
    ['a name without end', ['x'.repeat(300), control('[ARGS]'), '{}'], `${'x'.repeat(300)}[ARGS]{}`],
  ])('in the newer form: %s', (_, parts, rest) => {
    expect(read(parts, { named: true })).toMatchObject({ calls: [], rest })
  })

  it('begins with the control token that broke a call off', () => {
    const end = read(['f', control('[ARGS]'), '{"a', control('[TOOL_CALLS]'), 'g'], { named: true })
    expect(end).toMatchObject({ calls: [{ function: { arguments: '{"a' } }], whole: false, rest: '[TOOL_CALLS]g' })
  })
})

it('cut anywhere or spoilt anywhere, calls never fail, agree over all chunkings, and join to what was streamed', () => {
  const spoilt = fc
    .tuple(fc.nat({ max: TWO.length }), fc.string({ maxLength: 3 }), fc.boolean())
    .map(([at, junk, drop]) => TWO.slice(0, at) + junk + (drop ? '' : TWO.slice(at)))
  const cases = spoilt.chain((text) => fc.record({ text: fc.constant(text), parts: cut(text), named: fc.boolean() }))
  fc.assert(
    fc.property(cases, ({ text, parts, named }) => {
      const [whole, end] = [read([text], { named }), read(parts, { named })]
      expect([end.calls, end.whole, end.rest]).toEqual([whole.calls, whole.whole, whole.rest])
      expect(joined(end.deltas)).toEqual(flat(end))
      expect(text.endsWith(end.rest)).toBe(true)
      for (const { function: fn } of end.whole ? end.calls : end.calls.slice(0, -1)) JSON.parse(fn.arguments)
      if (end.calls.length === 0 && end.rest !== '') expect(end.rest).toBe(text)
      if (text === TWO) expect(flat(end)).toEqual(TWO_CALLS)
    }),
    { seed: 1, numRuns: 1000 },
  )
})
