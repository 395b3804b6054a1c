/** Every version of Mistral's chat format against mistral_common: the same ids, and the same conversations refused. */
import { describe, expect, it } from 'vitest'
import { ChatTemplateError, ParameterError } from '../../src/errors.ts'
import { formatsOf } from '../../src/tokenizer/chat-format.ts'
import { type ChatMessage, checkMessages } from '../../src/tokenizer/chat-messages.ts'
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { formatHintOfName, formatHintOfTekken } from '../../src/tokenizer/format-hint.ts'
import { FORMAT_RULES } from '../../src/tokenizer/format-rules.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import type { Tool } from '../../src/tokenizer/tools.ts'
import { arrange } from '../../src/tokenizer/turns.ts'
import { tekken, tekkenJson, versionOf, vocabulary } from './formats.ts'
import { fixture, fixtureBytes, losslessFixture } from './support.ts'

interface Given {
  messages: ChatMessage[]
  tools?: Tool[]
  reasoning_effort?: string
}

interface Fixture {
  titles: string[]
  conversations: Given[]
  expected: Record<string, { ids?: number[]; error?: string }[]>
}

const { titles, conversations, expected } = losslessFixture<Fixture>('chat-formats.json.gz')
const NAMES = Object.keys(expected)

const encoded = (template: ChatTemplate, tokenizer: Tokenizer, { messages, tools, reasoning_effort: effort }: Given) =>
  template.encode(messages, tokenizer, { tools, reasoningEffort: effort })

/** Where this differs from mistral_common, and why. */
function deliberate(
  version: string,
  { messages, tools, reasoning_effort: effort }: Given,
): 'refused' | 'taken' | undefined {
  // They would be left out without a word.
  const hasTools = (tools ?? []).length > 0
  if (hasTools && version === 'v1') return 'refused'
  if (hasTools && Number(version.slice(1)) >= 7 && !messages.some(({ role }) => role === 'user')) return 'refused'
  // It says what is so.
  return effort === 'none' && version !== 'v15' ? 'taken' : undefined
}

/** What came of one conversation: equal, or a line that says what is wrong. */
async function verdict(
  name: string,
  given: Given,
  { ids, error }: { ids?: number[]; error?: string },
): Promise<string> {
  const tokenizer = await vocabulary(name)
  const version = versionOf(name)
  const shown = (some: readonly number[]) => tokenizer.decode(some, { skipSpecial: false })
  const exception = deliberate(version, given)
  try {
    const got = encoded(await ChatTemplate.builtIn(version), tokenizer, given)
    if (exception === 'taken' && ids === undefined) return 'taken on purpose'
    return JSON.stringify(got) === JSON.stringify(ids) ? 'equal' : `${shown(got)} | ${error ?? shown(ids!)}`
  } catch (refusal) {
    if (!(refusal instanceof ParameterError)) return `no ParameterError: ${refusal}`
    if (error !== undefined) return 'both refuse'
    return exception === 'refused' ? 'refused on purpose' : String(refusal)
  }
}

describe.each(NAMES)('%s', (name) => {
  it('gives the ids of mistral_common, and refuses what that refuses', async () => {
    const verdicts: (readonly [string | undefined, string])[] = []
    for (const [i, one] of expected[name]!.entries()) {
      verdicts.push([titles[i], await verdict(name, conversations[i]!, one)])
    }
    const fine = ['equal', 'both refuse', 'taken on purpose', 'refused on purpose']
    expect(verdicts.filter(([, text]) => !fine.includes(text))).toEqual([])
    expect(verdicts.filter(([, text]) => text === 'equal').length).toBeGreaterThan(50)
  })
})

describe('the format of a vocabulary', () => {
  it.each([
    ['spm-v1', ['v1']],
    ['spm-v2', ['v2']],
    ['spm-v3', ['v3']],
    ['spm-v7', ['v7']],
    // transformers gives it the names of v7.
    ['tekken-v3', ['v3']],
    ['tekken-v11', ['v11', 'v13']],
    ['tekken-v13-think', ['v11', 'v13']],
    ['tekken-v15', ['v15']],
    ['tekken-v15-think', ['v15']],
  ])('%s is told', async (name, formats) => {
    expect(formatsOf(await vocabulary(name))).toEqual(formats)
  })

  it('is v7 with its names where older conversions changed the pattern for words, or it comes from elsewhere', async () => {
    const json = tekkenJson('v7') as ReturnType<typeof tekkenJson> & { pre_tokenizer: unknown }
    const { pre_tokenizer: _, ...rest } = json
    const older = { ...rest, pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true } }
    expect(formatsOf(await Tokenizer.fromJson(older))).toEqual(['v7'])
    expect(formatsOf(await Tokenizer.fromJson(fixture('byte-level.tokenizer.json.gz')))).toEqual(['v7'])
  })

  it('is not what a name says where the vocabulary says otherwise', async () => {
    const named = (file: string, name: string) => Tokenizer.fromSentencePiece(fixtureBytes(file), name)
    expect(formatsOf(await named('own-v1.model', 'tokenizer.model.v3'))).toEqual(['v1'])
    expect(formatsOf(await named('own-v7.model', 'tokenizer.model.v2'))).toEqual(['v7'])
    expect(formatsOf(await named('own-v3.model', 'tokenizer.model.v7'))).toEqual(['v3'])
    expect(formatsOf(await Tokenizer.fromSentencePiece(fixtureBytes('own-v3.model')))).toEqual(['v3'])
  })

  it('comes from the name of the file in a folder', async () => {
    const open = async (name: string) => (name === 'tokenizer.model.v2' ? fixtureBytes('own-v3.model') : undefined)
    expect(formatsOf((await Tokenizer.fromFiles(open))!)).toEqual(['v2'])
    const fileName = 'mistral_instruct_tokenizer_240216.model.v2'
    const openNamed = async (name: string) => (name === fileName ? fixtureBytes('own-v3.model') : undefined)
    expect(formatsOf((await Tokenizer.fromFiles(openNamed, { fileName }))!)).toEqual(['v2'])
    expect(formatHintOfName('mistral_instruct_tokenizer_241114.model.v7m1')).toBe('v7')
    expect(formatHintOfName('tokenizer.model')).toBeUndefined()
  })

  it('comes from the beginning of a tekken.json', () => {
    expect(formatHintOfTekken(tekken.heads.v3!)).toBe('v3')
    expect(formatHintOfTekken(tekken.heads.v15!)).toBe('v15')
    expect(formatHintOfTekken('{"version": 1, "vocab": [{"version": "v3"}]}')).toBeUndefined()
    expect(formatHintOfTekken('<!doctype html>')).toBeUndefined()
  })
})

describe.each(['tekken-v11', 'tekken-v13', 'tekken-v13-think'])('%s without a word of its version', async (name) => {
  const tokenizer = await vocabulary(name)

  it('is written in both formats that it can be, and refused where they differ', async () => {
    const counts = { equal: 0, refused: 0 }
    for (const [i, { ids }] of expected[name]!.entries()) {
      const given = conversations[i]!
      if (ids === undefined || deliberate('v13', given)) continue
      try {
        expect(encoded(await ChatTemplate.builtIn(), tokenizer, given), titles[i]).toEqual(ids)
        counts.equal++
      } catch (error) {
        if (!(error instanceof ChatTemplateError)) throw error
        expect(error.message).toContain('v11 and v13')
        expect(error.message).toContain('chatFormat')
        const withTools = JSON.stringify(given).match(/"tools":|"tool_calls":/)
        expect(withTools, titles[i]).not.toBeNull()
        counts.refused++
      }
    }
    expect(counts.equal).toBeGreaterThan(50)
    expect(counts.refused).toBeGreaterThan(20)
  })
})

describe('what a format cannot write', () => {
  const user = { role: 'user', content: 'a' }
  const refused = async (name: string, messages: unknown[], parameter: string, options: object = {}) => {
    const template = await ChatTemplate.builtIn(versionOf(name))
    const tokenizer = await vocabulary(name)
    expect(() => template.encode(messages as ChatMessage[], tokenizer, options)).toThrow(
      expect.objectContaining({ name: 'ParameterError', parameter }),
    )
  }

  it.each([
    [
      'spm-v3',
      'messages[1].reasoning_content',
      [user, { role: 'assistant', content: 'b', reasoning_content: 'c' }, user],
    ],
    ['tekken-v13', 'messages[1].reasoning', [user, { role: 'assistant', content: 'b', reasoning: 'c' }, user]],
    [
      'tekken-v15-think',
      'messages[0].content[0].type',
      [{ role: 'system', content: [{ type: 'thinking', thinking: 'c' }] }, user],
    ],
    [
      'tekken-v13-think',
      'messages[0].content[0].type',
      [{ role: 'user', content: [{ type: 'thinking', thinking: 'c' }] }],
    ],
    ['spm-v3', 'messages[0].name', [{ ...user, name: 'Ann' }]],
    ['spm-v3', 'messages[0].weight', [{ ...user, weight: 0 }]],
    [
      'spm-v3',
      'messages[0].content[0].cache_control',
      [{ role: 'user', content: [{ type: 'text', text: 'a', cache_control: {} }] }],
    ],
    ['spm-v3', 'messages[0].prefix', [{ ...user, prefix: true }]],
    ['spm-v3', 'messages[1].prefix', [user, { role: 'assistant', content: 'b', prefix: true }, user]],
    ['spm-v3', 'messages[1].prefix', [user, { role: 'assistant', content: 'b', prefix: 'yes' }]],
    ['spm-v3', 'messages[2].role', [user, { role: 'assistant', content: 'b' }, { role: 'system', content: 'c' }]],
  ])('%s names %s', (name, parameter, messages) => refused(name, messages, parameter))

  it('is named among the parameters, too', async () => {
    await refused('spm-v7', [user], 'reasoning_effort', { reasoningEffort: 'high' })
    await refused('tekken-v15', [user], 'reasoning_effort', { reasoningEffort: 'low' })
    await refused('tekken-v15', [{ role: 'system', content: 'a' }], 'tools', {
      tools: [{ type: 'function', function: { name: 'f' } }],
    })
  })

  it('is not what says nothing: null and empty lists, as clients echo them', async () => {
    const echoed = {
      role: 'assistant',
      content: 'b',
      refusal: null,
      annotations: [],
      audio: null,
      tool_calls: null,
      prefix: null,
    }
    const template = await ChatTemplate.builtIn()
    const v3 = await vocabulary('spm-v3')
    const encode = (answer: object) => template.encode([user, answer as ChatMessage, user], v3)
    expect(encode(echoed)).toEqual(encode({ role: 'assistant', content: 'b' }))
  })

  it('is neighbours of one role, where they shall not be merged', async () => {
    await refused('spm-v3', [user, user], 'messages[1].role', { neighbours: 'refuse' })
    const answer = { role: 'assistant', content: 'b' }
    await refused('spm-v7', [user, answer, answer], 'messages[2].role', { neighbours: 'refuse' })
    const call = (id: string) => ({ id, function: { name: 'f', arguments: '' } })
    const result = (id: string) => ({ role: 'tool', content: '1', tool_call_id: id })
    const parallel = [
      user,
      { role: 'assistant', tool_calls: [call('aaaaaaaaa'), call('bbbbbbbbb')] },
      result('aaaaaaaaa'),
      result('bbbbbbbbb'),
    ]
    const template = await ChatTemplate.builtIn()
    const v3 = await vocabulary('spm-v3')
    expect(template.encode(parallel, v3, { neighbours: 'refuse' })).toEqual(template.encode(parallel, v3))
  })
})

describe('long conversations', () => {
  const spaces = ' '.repeat(500_000)
  // Anything that looks at a run from each of its places, or at each pair, would not come to its end.
  it('cost what they are long', () => {
    const [part] = FORMAT_RULES.v3.answer(`a${spaces}b${spaces}`)
    expect((part as { text: string }).text).toHaveLength(spaces.length + 2)
    const many = Array.from({ length: 20_000 }, (_, i) => String(i).padStart(9, '0'))
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', tool_calls: many.map((id) => ({ id, function: { name: 'f' } })) },
      ...many.toReversed().map((id) => ({ role: 'tool', content: id, tool_call_id: id })),
    ]
    const { turns } = arrange(checkMessages(messages), FORMAT_RULES.v13, true)
    const results = turns.flatMap((turn) => (turn.role === 'tool' ? [turn.result.content] : []))
    expect(results).toEqual(many)
    const users = arrange(checkMessages(many.map((content) => ({ role: 'user', content }))), FORMAT_RULES.v3, true)
    expect(users.turns).toEqual([{ role: 'user', content: many.join('\n\n') }])
  })
})

describe('a last assistant message', async () => {
  const template = await ChatTemplate.builtIn()
  const v3 = await vocabulary('spm-v3')
  const user = { role: 'user', content: 'Hi' }
  const rendered = (answer: object) => template.render([user, { role: 'assistant', ...answer } as ChatMessage], v3)

  it('is gone on with, unless it says that it is whole', () => {
    expect(rendered({ content: 'Hello, I ', prefix: true })).toBe('<s>[INST] Hi[/INST] Hello, I')
    expect(rendered({ content: 'Hello, I ' })).toBe('<s>[INST] Hi[/INST] Hello, I')
    expect(rendered({ content: 'Hello.', prefix: false })).toBe('<s>[INST] Hi[/INST] Hello.</s>')
  })

  it('with calls is whole, unless it says that it is not', () => {
    const calls = { tool_calls: [{ id: '123456789', function: { name: 'f' } }] }
    const text = '<s>[INST] Hi[/INST][TOOL_CALLS] [{"name": "f", "arguments": {}, "id": "123456789"}]'
    expect(rendered(calls)).toBe(`${text}</s>`)
    expect(rendered({ ...calls, prefix: true })).toBe(text)
  })
})
