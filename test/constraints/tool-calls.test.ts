/** Tool calls in the syntax of each version: what the constraint lets through, the reader of calls takes, and schemas accept. */
import { describe, expect, it } from 'vitest'
import { ToolCallStream } from '../../src/chat/tool-calls.ts'
import { ANY_TEXT, type Expression, literal, utf8 } from '../../src/constraints/expression.ts'
import { SchemaError } from '../../src/constraints/json-schema.ts'
import { type CallableTool, type CallSyntax, compileToolCalls } from '../../src/constraints/tool-calls.ts'
import { randomText } from '../support/random-schemas.ts'
import { automatonOf, bytesOf, randomOf, run } from './support.ts'

/** Control tokens are fixed texts here, between characters that no text below has. */
const BEGIN = literal('\u0001')
const CALL_ID = literal('\u0002')
const ARGS = literal('\u0003')
const ARRAY: CallSyntax = { begin: BEGIN }
const NAMED: CallSyntax = { begin: BEGIN, named: { args: ARGS } }
const WITH_ID: CallSyntax = { begin: BEGIN, named: { args: ARGS, callId: CALL_ID } }
const TOOLS: readonly CallableTool[] = [
  {
    name: 'get_weather',
    parameters: {
      properties: { city: { type: 'string', pattern: '^[A-Z][a-z]{1,8}$' }, days: { $ref: '#/$defs/days' } },
      required: ['city'],
      additionalProperties: false,
      $defs: { days: { type: 'integer', minimum: 1, maximum: 14 } },
    },
  },
  { name: 'now', parameters: { type: 'object', additionalProperties: false } },
  { name: 'save-2' },
]

function takes(expression: Expression, text: string): boolean {
  return run(automatonOf(expression), bytesOf(text)).accepting
}

describe('compileToolCalls', () => {
  it('a JSON array of calls, with ids or without', () => {
    const calls = compileToolCalls(TOOLS, ARRAY)
    for (const text of [
      '\u0001[{"name": "get_weather", "arguments": {"city": "Paris"}}]',
      '\u0001 [{"name":"get_weather","arguments":{"days":3,"city":"Rome"},"id":"aB3456789"},{"name": "now", "arguments": {}}]',
      '\u0001[\n  {"name": "save-2", "arguments": {"any": [1, {"x": null}]}}\n]',
    ]) {
      expect([text, takes(calls, text)]).toEqual([text, true])
    }
    for (const text of [
      '\u0001[]',
      '[{"name": "now", "arguments": {}}]',
      '\u0001[{"name": "later", "arguments": {}}]',
      '\u0001[{"name": "now", "arguments": {"x": 1}}]',
      '\u0001[{"name": "get_weather", "arguments": {}}]',
      '\u0001[{"name": "get_weather", "arguments": {"city": "paris"}}]',
      '\u0001[{"name": "get_weather", "arguments": {"city": "Paris", "days": 15}}]',
      '\u0001[{"name": "save-2", "arguments": "text"}]',
      '\u0001[{"name": "save-2", "arguments": []}]',
      '\u0001[{"name": "now", "arguments": {}, "id": "12345678"}]',
      '\u0001[{"name": "now", "arguments": {}}] and more',
      'Hello',
    ]) {
      expect([text, takes(calls, text)]).toEqual([text, false])
    }
  })

  it('names before arguments, with control tokens between', () => {
    const calls = compileToolCalls(TOOLS, WITH_ID)
    for (const text of [
      '\u0001now\u0003{}',
      '\u0001now\u0002aB3456789\u0003{}',
      '\u0001get_weather\u0003{"city": "Paris"}\u0001save-2\u0003{"a": 1}',
    ]) {
      expect([text, takes(calls, text)]).toEqual([text, true])
    }
    for (const text of [
      '\u0001now{}',
      '\u0001now\u0002short\u0003{}',
      '\u0001now\u0003{}now\u0003{}',
      '\u0001now\u0003[]',
      '\u0001nowhere\u0003{}',
    ]) {
      expect([text, takes(calls, text)]).toEqual([text, false])
    }
    expect(takes(compileToolCalls(TOOLS, NAMED), '\u0001now\u0002aB3456789\u0003{}')).toBe(false)
  })

  it('one call where no more are allowed, and what has been written already', () => {
    const [weather] = TOOLS
    const one = { maxCalls: 1 } as const
    expect(takes(compileToolCalls(TOOLS, ARRAY, one), '\u0001[{"name":"now","arguments":{}}]')).toBe(true)
    expect(
      takes(compileToolCalls(TOOLS, ARRAY, one), '\u0001[{"name":"now","arguments":{}},{"name":"now","arguments":{}}]'),
    ).toBe(false)
    expect(takes(compileToolCalls(TOOLS, NAMED, one), '\u0001now\u0003{}\u0001now\u0003{}')).toBe(false)
    expect(takes(compileToolCalls(TOOLS, ARRAY, { begun: 'calls' }), ' [{"name":"now","arguments":{}}]')).toBe(true)
    expect(takes(compileToolCalls(TOOLS, NAMED, { begun: 'calls' }), 'now\u0003{}')).toBe(true)
    const begun = { begun: 'arguments', maxCalls: 1 } as const
    expect(takes(compileToolCalls([weather!], ARRAY, begun), ' {"city": "Oslo"}}]')).toBe(true)
    expect(takes(compileToolCalls([weather!], ARRAY, begun), ' {"city": "oslo"}}]')).toBe(false)
    expect(takes(compileToolCalls([weather!], NAMED, begun), '{"city": "Oslo"}')).toBe(true)
  })

  it('text before the calls, or instead of them', () => {
    const auto = compileToolCalls(TOOLS, NAMED, { text: utf8(ANY_TEXT) })
    for (const text of ['', 'Hello!', 'I look.\u0001now\u0003{}'])
      expect([text, takes(auto, text)]).toEqual([text, true])
  })

  it('a schema that is not supported is an error where the tool is strict, and any object where it is not', () => {
    const parameters = { properties: { list: { uniqueItems: true } } }
    expect(takes(compileToolCalls([{ name: 'f', parameters }], NAMED), '\u0001f\u0003{"list": 1, "x": 2}')).toBe(true)
    const strict = () => compileToolCalls([TOOLS[1]!, { name: 'f', parameters, strict: true }], NAMED)
    expect(strict).toThrow(SchemaError)
    expect(strict).toThrow('tools[1].parameters#/properties/list/uniqueItems')
  })

  it.each([
    ['array', ARRAY],
    ['named', NAMED],
    ['named with ids', WITH_ID],
  ] as const)('the reader of calls takes what is written at random: %s', (_, syntax) => {
    const automaton = automatonOf(compileToolCalls(TOOLS, syntax, { maxCalls: 3 }, { whitespace: 2 }))
    const random = randomOf(5)
    let read = 0
    for (let i = 0; i < 40; i++) {
      const text = randomText(automaton, random)
      if (text === undefined) continue
      const stream = new ToolCallStream({ named: syntax.named !== undefined })
      for (const char of text) {
        const control = { '\u0001': '[TOOL_CALLS]', '\u0002': '[CALL_ID]', '\u0003': '[ARGS]' }[char]
        if (control === undefined) stream.push(char)
        else stream.pushControl(control)
      }
      const { calls, whole, rest } = stream.flush()
      expect([text, whole, rest]).toEqual([text, true, ''])
      expect(calls.length).toBeGreaterThan(0)
      for (const call of calls) {
        expect(TOOLS.map(({ name }) => name)).toContain(call.function.name)
        const args = JSON.parse(call.function.arguments)
        if (call.function.name === 'get_weather') expect(args.city).toMatch(/^[A-Z][a-z]{1,8}$/)
        read++
      }
    }
    expect(read).toBeGreaterThan(20)
  })
})
