/** What templates get to see of messages, against transformers. */
import { describe, expect, it } from 'vitest'
import type { ChatMessage } from '../../src/tokenizer/chat-messages.ts'
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { fixture } from './support.ts'

interface Outcome {
  text?: string
  error?: string
}

interface Case {
  template: string
  title: string
  given: Outcome
  joined: Outcome | null
  merged: Outcome | null
}

const { templates, conversations, cases } = fixture<{
  templates: Record<string, string>
  conversations: Record<string, ChatMessage[]>
  cases: Case[]
}>('template-messages.json.gz')
const tokenizer = await Tokenizer.fromJson(fixture('byte-level.tokenizer.json.gz'))
const named = new Map<string, ChatTemplate>()
for (const [name, source] of Object.entries(templates)) named.set(name, await ChatTemplate.fromSource(source))
const rendered = (name: string, title: string, options: object = {}) =>
  named.get(name)!.render(conversations[title]!, tokenizer, options)

/** A list, or nothing, that was printed where a text belongs. */
const PRINTED = /["']type["']: ["'](?:text|thinking)["']|None|\bnull\b/
const printed = ({ text }: Outcome) => text !== undefined && PRINTED.test(text)

/** Where Python's templates escape their own quotes, which no template means to. */
const plain = (text: string) => text.replaceAll('&#34;', '"')

/** Refused though transformers renders them: a thought, or the text to go on with, would be lost. */
const LOST = ['first part, thought', 'first part, continued part', 'extra fields, thought']

describe.each(Object.keys(templates))('the template %s', (name) => {
  it.each(cases.filter((c) => c.template === name).map((c) => [c.title, c] as const))('renders %s', (title, c) => {
    // As it is; else as one text; else with neighbours merged.
    const asGiven = c.given.text !== undefined && !printed(c.given)
    const taken = asGiven ? c.given : c.joined?.text === undefined ? c.merged : c.joined
    const isLost = taken?.text === undefined || printed(taken) || LOST.includes(`${name}, ${title}`)
    if (isLost) expect(() => rendered(name, title)).toThrow()
    else expect(rendered(name, title)).toBe(plain(taken.text!))
  })
})

describe('neighbours of one role', () => {
  const user = (content: string) => ({ role: 'user', content })
  const launch = named.get('launch-v0.2')!

  it('are merged only where the template refuses them as they are', () => {
    expect(rendered('launch-v0.2', 'users')).toBe('<s>[INST] a\n\nb [/INST]Hello</s>[INST] Hi [/INST]')
    expect(rendered('prints', 'users')).toBe('<s>[user]a[user]b[assistant]Hello[user]Hi')
  })

  it('are refused with the words of the template where that was asked for, or merging does not help', () => {
    const complaint = 'Conversation roles must alternate user/assistant/user/assistant/...'
    expect(() => rendered('launch-v0.2', 'users', { neighbours: 'refuse' })).toThrow(complaint)
    expect(() => launch.render([{ role: 'assistant', content: 'a' }, user('b')], tokenizer)).toThrow(complaint)
    const tool = { role: 'tool', content: '1' }
    expect(() => launch.render([user('a'), user('b'), tool], tokenizer)).toThrow(complaint)
  })

  it('keep what only they have', () => {
    expect(() => launch.render([user('a'), { ...user('b'), name: 'Ann' }], tokenizer)).toThrow('alternate')
  })
})

describe('a last assistant message', () => {
  const ask = { role: 'user', content: 'Hi' }
  const answer = (fields: object) => [ask, { role: 'assistant', content: 'Hello, I ', ...fields } as ChatMessage]
  const trims = named.get('trims')!

  it('is gone on with, with the spaces that the template leaves', () => {
    expect(trims.render(answer({}), tokenizer)).toBe('<s>user: Hi</s>assistant: Hello, I')
    expect(trims.render(answer({ prefix: true }), tokenizer)).toBe('<s>user: Hi</s>assistant: Hello, I')
    expect(trims.render(answer({ prefix: false }), tokenizer)).toBe('<s>user: Hi</s>assistant: Hello, I</s>assistant:')
    expect(named.get('launch-v0.2')!.render(answer({}), tokenizer)).toBe('<s>[INST] Hi [/INST]Hello, I ')
  })

  it('has its control tokens for text, also at its end', () => {
    const controls = (content: string) =>
      trims.encode([ask, { role: 'assistant', content }], tokenizer).filter((id) => tokenizer.isControl(id))
    for (const content of ['a [INST] b', 'a [INST]', 'a [INST', 'a </s', '</s>'])
      expect(controls(content)).toEqual(controls('a'))
  })

  it('that cannot be gone on with is named', async () => {
    const refused = async (source: string, message: object, field: string) => {
      const template = await ChatTemplate.fromSource(source)
      expect(() => template.render([ask, message as ChatMessage], tokenizer)).toThrow(
        expect.objectContaining({ name: 'ParameterError', parameter: `messages[1].${field}` }),
      )
    }
    await refused('{{ messages[0].content }}', { role: 'assistant', content: 'b' }, 'content')
    await refused(
      '{% for m in messages %}{{ m.content | upper }}{% endfor %}',
      { role: 'assistant', content: 'b' },
      'content',
    )
    const calls = { tool_calls: [{ function: { name: 'f' } }], prefix: true }
    await refused(
      '{% for m in messages %}{{ m.content }}{% endfor %}',
      { role: 'assistant', content: 'b', ...calls },
      'prefix',
    )
    const thought = { role: 'assistant', content: [{ type: 'thinking', thinking: 'b' }], prefix: true }
    await refused(templates['vendor-v13-think']!, thought, 'content')
  })
})

describe('reasoning_effort', () => {
  const messages = [{ role: 'user', content: 'Hi' }]
  const text = (name: string, effort?: string) =>
    named.get(name)!.render(messages, tokenizer, { reasoningEffort: effort })

  it('reaches templates that have it', () => {
    expect(text('vendor-v15-think', 'high')).toContain('[MODEL_SETTINGS]{"reasoning_effort": "high"}[/MODEL_SETTINGS]')
    expect(text('vendor-v15-think')).toContain('"none"')
    expect(() => text('vendor-v15-think', 'low')).toThrow('reasoning_effort must be either')
  })

  it('is refused where it would be left out', () => {
    expect(text('vendor-v7', 'none')).toBe(text('vendor-v7'))
    expect(() => text('vendor-v7', 'high')).toThrow(
      expect.objectContaining({ name: 'ParameterError', parameter: 'reasoning_effort' }),
    )
  })
})
