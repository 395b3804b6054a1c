import { describe, expect, it } from 'vitest'
import { ToolCallStream } from '../../src/chat/tool-calls.ts'
import { planTools } from '../../src/chat/tool-choice.ts'
import { forcedCall, toolCallTokens } from '../../src/chat/tool-tokens.ts'
import { ParameterError } from '../../src/errors.ts'
import type { ChatMessage, Tool } from '../../src/tokenizer/chat-messages.ts'
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { fixtureBytes } from '../tokenizer/support.ts'
import { namedCallsVocabulary as named11 } from './support.ts'

const v1 = await Tokenizer.fromSentencePiece(fixtureBytes('own-v1.model'))
const v3 = await Tokenizer.fromSentencePiece(fixtureBytes('own-v3.model'))
const tool = (name: string): Tool => ({ type: 'function', function: { name, parameters: { type: 'object' } } })
const tools = [tool('speed'), tool('stop')]
const named = (name: string) => ({ type: 'function' as const, function: { name } })

describe('tool_choice', () => {
  it('is auto where there are tools', () => {
    expect(planTools({})).toMatchObject({ tools: undefined, force: undefined })
    expect(planTools({ tools: [] })).toMatchObject({ tools: undefined, force: undefined })
    expect(planTools({ tools })).toEqual({ tools, force: undefined, maxCalls: Number.POSITIVE_INFINITY })
    expect(planTools({ tools, tool_choice: 'auto' })).toEqual(planTools({ tools }))
    expect(planTools({ tools, tool_choice: null, parallel_tool_calls: false })).toMatchObject({ maxCalls: 1 })
  })

  it('none hides the tools, required and a name force a call', () => {
    expect(planTools({ tools, tool_choice: 'none' })).toMatchObject({ tools: undefined, force: undefined })
    expect(planTools({ tools, tool_choice: 'required' })).toMatchObject({ tools, force: 'any' })
    expect(planTools({ tools, tool_choice: named('stop') })).toEqual({ tools, force: { name: 'stop' }, maxCalls: 1 })
  })

  it('a choice and a tool may leave out their type', () => {
    const choice = { function: { name: 'stop' } }
    const plan = planTools({ tools: tools.map(({ function: fn }) => ({ function: fn })), tool_choice: choice })
    expect(plan).toEqual({ tools, force: { name: 'stop' }, maxCalls: 1 })
  })

  it.each<[string, object]>([
    ['tool_choice', { tools, tool_choice: 'maybe' }],
    ['tool_choice', { tools, tool_choice: { type: 'function' } }],
    ['tool_choice', { tools, tool_choice: 7 }],
    ['tool_choice', { tools, tool_choice: named('other') }],
    ['tool_choice', { tool_choice: 'required' }],
    ['tool_choice', { tool_choice: named('stop') }],
    ['parallel_tool_calls', { tools, parallel_tool_calls: 'yes' }],
    ['tools', { tools: 'speed' }],
    ['tools[0].type', { tools: [{ type: 'retrieval' }] }],
  ])('is refused by the name %s: %j', (parameter, request) => {
    expect(() => planTools(request)).toThrow(ParameterError)
    expect(() => planTools(request)).toThrow(`"${parameter}"`)
  })
})

describe('the tokens of calls', () => {
  it('are those that the vocabulary has', () => {
    expect(toolCallTokens(v1)).toBeUndefined()
    expect(toolCallTokens(v3)).toEqual({ begin: 5, named: false, controls: new Map([[5, '[TOOL_CALLS]']]) })
    expect(toolCallTokens(named11)).toEqual({
      begin: 2,
      named: true,
      controls: new Map([
        [2, '[TOOL_CALLS]'],
        [3, '[CALL_ID]'],
        [4, '[ARGS]'],
      ]),
    })
  })
})

describe('a forced call', () => {
  it('begins as the template writes calls, so that the model goes on as it was trained', async () => {
    const call = { id: '123456789', function: { name: 'speed', arguments: '{"place": "Arles"}' } }
    const asked: ChatMessage[] = [{ role: 'user', content: 'How fast?' }]
    const template = await ChatTemplate.builtIn()
    const prompt = template.encode(asked, v3, { tools })
    const whole = template.encode([...asked, { role: 'assistant', tool_calls: [call] }], v3, { tools })
    for (const force of ['any', { name: 'speed' }] as const) {
      const begun = [...prompt, ...forcedCall(v3, force).ids]
      expect(whole.slice(0, begun.length)).toEqual(begun)
      expect(begun.length).toBeGreaterThan(prompt.length)
    }
  })

  it('is read by the stream as if the model had written it', () => {
    const stream = new ToolCallStream({ newId: () => 'aaaaaaaaa', forced: true })
    const forced = forcedCall(v3, { name: 'speed' })
    expect(v3.decode(forced.ids)).toBe('[{"name": "speed", "arguments":')
    expect(forced.feed(stream)).toEqual([
      { index: 0, id: 'aaaaaaaaa', type: 'function', function: { name: 'speed', arguments: '' } },
    ])
    stream.push(' {"place": "Arles"}}]')
    expect(stream.flush()).toMatchObject({ rest: '', calls: [{ function: { arguments: '{"place": "Arles"}' } }] })
  })

  it('of the newer form ends with [ARGS]', () => {
    const forced = forcedCall(named11, { name: 'stop' })
    expect(forced.ids.map((id) => named11.idToToken(id))).toEqual(['[TOOL_CALLS]', 's', 't', 'o', 'p', '[ARGS]'])
    const stream = new ToolCallStream({ named: true, forced: true })
    expect(forced.feed(stream)).toMatchObject([{ function: { name: 'stop' } }])
    stream.push('{}')
    expect(stream.flush()).toMatchObject({ calls: [{ function: { name: 'stop', arguments: '{}' } }] })
  })

  it('of any function gives the stream nothing yet', () => {
    expect(forcedCall(v3, 'any').ids).toEqual([5])
    expect(forcedCall(v3, 'any').feed(new ToolCallStream())).toEqual([])
  })

  it('is refused where the vocabulary has no token for it', () => {
    expect(() => forcedCall(v1, 'any')).toThrow('parameter "tool_choice"')
  })
})
