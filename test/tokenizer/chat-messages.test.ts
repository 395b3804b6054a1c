import { describe, expect, it } from 'vitest'
import { ParameterError } from '../../src/errors.ts'
import type { ChatMessage } from '../../src/tokenizer/chat-messages.ts'
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import type { Tool } from '../../src/tokenizer/tools.ts'
import { fixtureBytes } from './support.ts'

const ownV3 = await Tokenizer.fromSentencePiece(fixtureBytes('own-v3.model'))
const user = (content: string): ChatMessage => ({ role: 'user', content })

describe('messages', async () => {
  const builtIn = await ChatTemplate.builtIn()
  const encode = (messages: unknown, tools?: unknown) =>
    builtIn.encode(messages as ChatMessage[], ownV3, { tools: tools as Tool[] })
  it('takes parts of text', () => {
    const parts = [
      { type: 'text', text: 'a ' },
      { type: 'text', text: 'b' },
    ]
    expect(encode([{ role: 'user', content: parts }])).toEqual(encode([user('a \n\nb')]))
  })

  const call = { id: '123456789', function: { name: 'f', arguments: '{}' } }
  const calling = (fn: object) => ({
    role: 'assistant',
    tool_calls: [{ ...call, function: { ...call.function, ...fn } }],
  })
  const result = (tool_call_id: unknown) => ({ role: 'tool', content: '1', tool_call_id })

  it("takes the developer, OpenAI's newer name, for the system", async () => {
    for (const template of [
      builtIn,
      await ChatTemplate.fromSource('{{ messages[0].role }}: {{ messages[0].content }}'),
    ]) {
      const [old, newer] = ['system', 'developer'].map((role) =>
        template.render([{ role, content: 'Be brief.' }, user('a')], ownV3),
      )
      expect(old).toContain('Be brief.')
      expect(newer).toBe(old)
    }
  })

  it('takes results of any call before them, and null for a field that is not there', async () => {
    const other = { ...call, id: '987654321' }
    const messages = [
      { ...user('a'), tool_calls: null, tool_call_id: null },
      { role: 'assistant', content: null, tool_calls: [call, other] },
      result('987654321'),
      result('123456789'),
    ]
    expect(builtIn.render(messages as ChatMessage[], ownV3)).toMatch(/"call_id": "123456789"}\[\/TOOL_RESULTS\]$/)
  })

  it('leaves calls and results without ids to the template', async () => {
    const template = await ChatTemplate.fromSource('{% for m in messages %}{{ m.role }} {% endfor %}')
    const bare = { role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: {} } }] }
    expect(template.render([user('a'), bare, { role: 'tool', content: '1' }], ownV3)).toBe('user assistant tool ')
  })

  const cyclic: Record<string, unknown> = { role: 'user', content: 'a' }
  cyclic.self = cyclic
  it.each([
    ['messages', 'text'],
    ['messages', []],
    ['messages[0]', [null]],
    ['messages[0].role', [{ content: 'a' }]],
    ['messages[1].role', [user('a'), { role: 7, content: 'a' }]],
    ['messages[0].content', [{ role: 'user' }]],
    ['messages[0].content', [{ role: 'user', content: 7 }]],
    ['messages[0].content[0].type', [{ role: 'user', content: [{ type: 'image_url' }] }]],
    ['messages[0].content[0].text', [{ role: 'user', content: [{ type: 'text' }] }]],
    ['messages[0].tool_calls', [{ role: 'assistant', tool_calls: 7 }]],
    ['messages[0].tool_calls[0].function', [{ role: 'assistant', tool_calls: [{}] }]],
    ['messages[0].tool_calls[0].function', [{ role: 'assistant', tool_calls: [null] }]],
    ['messages[0].tool_calls[0].function.name', [calling({ name: 7 })]],
    ['messages[0].tool_calls[0].id', [{ role: 'assistant', tool_calls: [{ ...call, id: 7 }] }]],
    ['messages[0].tool_calls', [{ ...user('a'), tool_calls: [call] }]],
    ['messages[0].tool_calls[0].function.arguments', [calling({ arguments: '{bad' })]],
    ['messages[0].tool_calls[0].function.arguments', [calling({ arguments: '[1]' })]],
    ['messages[0].tool_calls[0].function.arguments', [calling({ arguments: 7 })]],
    ['messages[0].tool_calls[0].function.arguments', [calling({ arguments: '['.repeat(100_000) })]],
    ['messages[0].tool_call_id', [{ role: 'tool', content: '1', tool_call_id: 7 }]],
    ['messages[1].role', [user('a'), result('123456789')]],
    ['messages[2].tool_call_id', [user('a'), { role: 'assistant', tool_calls: [call] }, result('987654321')]],
    ['messages[2].tool_call_id', [user('a'), { role: 'assistant', tool_calls: [call] }, result(undefined)]],
    ['messages[2].tool_call_id', [user('a'), { role: 'assistant', tool_calls: [call] }, result(null)]],
    ['messages[1].role', [user('a'), result('123456789'), { role: 'assistant', tool_calls: [call] }]],
  ])('names %s', (parameter, messages) => {
    expect(() => encode(messages)).toThrow(expect.objectContaining({ name: 'ParameterError', parameter }))
  })

  it('refuses cycles and what JSON cannot hold', () => {
    expect(() => encode([cyclic])).toThrow(ParameterError)
    expect(() => encode([{ ...user('a'), extra: () => 1 }])).toThrow(
      expect.objectContaining({ parameter: 'messages[0].extra' }),
    )
    expect(() => encode([user('a')], 7)).toThrow(expect.objectContaining({ parameter: 'tools' }))
    for (const name of [undefined, '', 'a b', 'f'.repeat(65)]) {
      expect(() => encode([user('a')], [{ type: 'function', function: { name } }])).toThrow(
        expect.objectContaining({ parameter: 'tools[0].function.name' }),
      )
    }
    for (const [field, value] of Object.entries({ parameters: 'x', description: 7 })) {
      expect(() => encode([user('a')], [{ type: 'function', function: { name: 'f', [field]: value } }])).toThrow(
        expect.objectContaining({ parameter: `tools[0].function.${field}` }),
      )
    }
  })

  it('takes a tool without its type, as in Mistral’s API', () => {
    const fn = { name: 'f', description: 'd', parameters: { type: 'object' } }
    expect(encode([user('a')], [{ function: fn }])).toEqual(encode([user('a')], [{ type: 'function', function: fn }]))
  })

  it.each(['', ' \n', 'null', ' null ', null, undefined])('takes the arguments %j for none', (given) => {
    const told = (args: unknown) => [
      user('a'),
      { role: 'assistant', tool_calls: [{ ...call, function: { name: 'f', arguments: args } }] },
      result(call.id),
    ]
    expect(encode(told(given))).toEqual(encode(told('{}')))
  })
})
