/** The formats that stand in where a checkpoint has no template. */
import { describe, expect, it } from 'vitest'
import type { ChatMessage } from '../../src/tokenizer/chat-messages.ts'
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import type { Tool } from '../../src/tokenizer/tools.ts'
import { fixture, fixtureBytes } from './support.ts'

const ownV1 = await Tokenizer.fromSentencePiece(fixtureBytes('own-v1.model'))
const ownV3 = await Tokenizer.fromSentencePiece(fixtureBytes('own-v3.model'))
const byteLevel = await Tokenizer.fromJson(fixture('byte-level.tokenizer.json.gz'))
const user = (content: string): ChatMessage => ({ role: 'user', content })
const THREE = [user('What is a mistral?'), { role: 'assistant', content: 'A wind.' }, user('How does it form?')]

describe('built-in formats', async () => {
  const template = await ChatTemplate.builtIn()
  it('v1 puts the system prompt before the first user message, v3 before the last', () => {
    expect(template.origin).toBe('built-in')
    const messages = [{ role: 'system', content: 'Be brief.' }, ...THREE]
    expect(template.render(messages, ownV1)).toBe(
      '<s> [INST] Be brief.\n\nWhat is a mistral? [/INST] A wind.</s> [INST] How does it form? [/INST]',
    )
    expect(template.render(messages, ownV3)).toBe(
      '<s>[INST] What is a mistral?[/INST] A wind.</s>[INST] Be brief.\n\nHow does it form?[/INST]',
    )
  })

  it('v7 has a block for the system prompt, and byte-level vocabularies get no spaces', () => {
    expect(template.render([{ role: 'system', content: 'Be brief.' }, ...THREE], byteLevel)).toBe(
      '<s>[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]What is a mistral?[/INST]A wind.</s>[INST]How does it form?[/INST]',
    )
  })

  it('encodes each content by itself, as mistral-common does', () => {
    const part = (text: string) => ownV3.encode(text)
    expect(template.encode([user(' hi'), { role: 'assistant', content: 'A wind.  ' }, user('')], ownV3)).toEqual([
      1,
      3,
      ...part(' hi'),
      4,
      ...part('A wind.'),
      2,
      3,
      4,
    ])
  })

  it('joins neighbours of one role and refuses other orders', () => {
    expect(template.render([user('a'), user('b')], ownV3)).toBe('<s>[INST] a\n\nb[/INST]')
    expect(template.render([{ role: 'system', content: 'a' }], ownV3)).toBe('<s>[INST] a\n\n[/INST]')
    const after = [user('a'), { role: 'assistant', content: 'b' }, { role: 'system', content: 'c' }]
    expect(() => template.encode(after, ownV3)).toThrow('cannot follow a message of the assistant')
  })

  it('v3 writes tools, calls and results', () => {
    const tools: Tool[] = [{ type: 'function', function: { name: 'speed', parameters: { type: 'object' } } }]
    const call = { id: '123456789', function: { name: 'speed', arguments: '{"place":"Arles"}' } }
    const messages: ChatMessage[] = [
      user('How fast?'),
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', content: '22', tool_call_id: '123456789' },
    ]
    expect(template.render(messages, ownV3, { tools })).toBe(
      '<s>[AVAILABLE_TOOLS] [{"type": "function", "function": {"name": "speed", "description": "", "parameters": {"type": "object"}}}]' +
        '[/AVAILABLE_TOOLS][INST] How fast?[/INST][TOOL_CALLS] [{"name": "speed", "arguments": {"place": "Arles"}, "id": "123456789"}]</s>' +
        '[TOOL_RESULTS] {"content": 22, "call_id": "123456789"}[/TOOL_RESULTS]',
    )
    expect(template.takesTools(ownV3)).toBe(true)
    expect(template.takesTools(ownV1)).toBe(false)
    expect(() => template.encode(messages, ownV1)).toThrow('the built-in v1 chat format has no tools')
  })

  const call = { id: '123456789', function: { name: 'f', arguments: '{}' } }
  const asked = { role: 'assistant', tool_calls: [call] }
  const result = { role: 'tool', content: '1', tool_call_id: '123456789' }
  it.each<[string, ChatMessage[], unknown?]>([
    ['messages[0].role', [{ role: 'assistant', content: 'a' }]],
    ['messages[1].role', [user('a'), { role: 'moderator', content: 'b' }]],
    ['messages[2].role', [{ role: 'system', content: 's' }, user('a'), { role: 'tool', content: 'b' }]],
    ['messages[2].role', [user('a'), asked, { role: 'assistant', content: 'b' }]],
    ['messages[4].role', [user('a'), asked, result, result, { role: 'assistant', content: 'b' }]],
    ['messages[1].content', [user('a'), { role: 'assistant', content: '' }, user('b')]],
    ['messages[1].content', [user('a'), { ...asked, content: 'b' }]],
    ['messages[1].tool_calls[1].id', [user('a'), { ...asked, tool_calls: [call, { ...call, id: 'short' }] }]],
    ['messages[1].tool_calls[0].id', [user('a'), { ...asked, tool_calls: [{ function: call.function }] }]],
    [
      'messages[1].tool_calls[0].function.name',
      [user('a'), { ...asked, tool_calls: [{ ...call, function: { name: 'a b', arguments: '{}' } }] }],
    ],
    ['tools[1].function.name', [user('a')], [{ name: 'f' }, { name: 'a b' }]],
  ])('v3 names %s', (parameter, messages, functions) => {
    const tools = (functions as { name: string }[] | undefined)?.map((fn) => ({
      type: 'function' as const,
      function: fn,
    }))
    const error = expect.objectContaining({ name: 'ParameterError', parameter })
    expect(() => template.encode(messages, ownV3, { tools })).toThrow(error)
  })

  it.each<[string, ChatMessage[], Tool[]?]>([
    ['tools', [user('a')], [{ type: 'function', function: { name: 'f' } }]],
    ['messages[1].tool_calls', [user('a'), asked, result]],
    ['messages[1].role', [user('a'), { role: 'tool', content: '1' }]],
  ])('v1 has no tools, and names %s', (parameter, messages, tools) => {
    const error = expect.objectContaining({ name: 'ParameterError', parameter })
    expect(() => template.encode(messages, ownV1, { tools })).toThrow(error)
  })

  it('a call without arguments has none', () => {
    const bare = { role: 'assistant', tool_calls: [{ id: '123456789', function: { name: 'f' } }] }
    expect(template.render([user('a'), bare], ownV3)).toContain('[{"name": "f", "arguments": {}, "id": "123456789"}]')
  })
})

describe('results of tools in v3', async () => {
  const template = await ChatTemplate.builtIn()
  const result = (content: string, id = '123456789'): ChatMessage => ({ role: 'tool', content, tool_call_id: id })
  const rendered = (...results: ChatMessage[]) => {
    const calls = results.map((message) => ({
      id: message.tool_call_id as string,
      function: { name: 'f', arguments: '{"n":1.50}' },
    }))
    const text = template.render([user('x'), { role: 'assistant', tool_calls: calls }, ...results], ownV3)
    return text.slice(text.indexOf('</s>') + 4)
  }

  it.each([
    ['22', '22'],
    ['"22"', '"22"'],
    ['text', '"text"'],
    [
      '{"a":[1,2.0,-3e5,{"b":null,"c":true}],"é":"\\u00e9 \\"1\\""}',
      '{"a": [1, 2.0, -300000.0, {"b": null, "c": true}], "é": "é \\"1\\""}',
    ],
    ['12345678901234567890', '12345678901234567890'],
    ['{"7": "1.0", "x\ufdd0": "\ufdd05"}', '{"7": "1.0", "x\ufdd0": "\ufdd05"}'],
    ['["\\ufdd0", 1]', '["\ufdd0", 1]'],
    ['01', '"01"'],
    ['', '{}'],
    ['null', 'null'],
  ])('%j is embedded as %s', (content, expected) => {
    expect(rendered(result(content))).toBe(
      `[TOOL_RESULTS] {"content": ${expected}, "call_id": "123456789"}[/TOOL_RESULTS]`,
    )
  })

  it('of parallel calls stand one after the other', () => {
    expect(rendered(result('1', 'aaaaaaaaa'), result('2', 'bbbbbbbbb'))).toBe(
      '[TOOL_RESULTS] {"content": 1, "call_id": "aaaaaaaaa"}[/TOOL_RESULTS]' +
        '[TOOL_RESULTS] {"content": 2, "call_id": "bbbbbbbbb"}[/TOOL_RESULTS]',
    )
  })
})
