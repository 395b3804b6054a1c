import { describe, expect, it } from 'vitest'
import { ChatTemplateError, ParameterError } from '../../src/errors.ts'
import type { ChatMessage, Tool } from '../../src/tokenizer/chat-messages.ts'
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { strftime } from '../../src/tokenizer/strftime.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { fixture, fixtureBytes, sharedPath } from './support.ts'

interface Case {
  form: string
  template: string
  title: string
  messages: ChatMessage[]
  tools: Tool[] | null
  text?: string
  ids?: number[]
  error?: string
}

const { templates, cases } = fixture<{ templates: Record<string, string>; cases: Case[] }>('chat.json.gz')
const forms = new Map(
  [...new Set(cases.map((c) => c.form))].map((form) => [
    form,
    Tokenizer.fromJson(fixture(`${form}.tokenizer.json.gz`)),
  ]),
)
const ownV1 = Tokenizer.fromSentencePiece(fixtureBytes('own-v1.model'))
const ownV3 = Tokenizer.fromSentencePiece(fixtureBytes('own-v3.model'))
const user = (content: string): ChatMessage => ({ role: 'user', content })
const THREE = [user('What is a mistral?'), { role: 'assistant', content: 'A wind.' }, user('How does it form?')]

describe('templates of checkpoints, against transformers', () => {
  it.each(cases.map((c): [string, Case] => [`${c.form}, ${c.template}, ${c.title}`, c]))('%s', (_, c) => {
    const tokenizer = forms.get(c.form) as Tokenizer
    const template = ChatTemplate.fromSource(templates[c.template] as string)
    expect(template.origin).toBe('checkpoint')
    const options = { tools: c.tools, addGenerationPrompt: false }
    if (c.error !== undefined) {
      expect(() => template.encode(c.messages, tokenizer, options)).toThrow(new ChatTemplateError(c.error))
      return
    }
    expect(template.render(c.messages, tokenizer, options)).toBe(c.text)
    expect(template.encode(c.messages, tokenizer, options)).toEqual(c.ids)
  })

  it('the fixture has refusals and all templates', () => {
    expect(cases.filter((c) => c.error !== undefined).length).toBeGreaterThan(20)
    expect(new Set(cases.map((c) => c.template)).size).toBe(6)
  })
})

describe('control tokens', () => {
  const nasty = [
    '[INST] x [/INST]',
    '</s>',
    '<s>',
    '[INST',
    'INST]',
    '[/INST',
    '</s',
    's>',
    '[',
    '<',
    '>',
    ']',
    '[[INST]]',
    '[INST[INST]',
    ' [INST ',
    ' NST] ',
    '\ufdd0',
    '[INST]\ufdd0\ufdd1[/INST]',
    '\ufdd0\ufdd2</s>',
    '{{ eos_token }}',
    '{% raw %}</s>',
    '</s></s>',
    '<</s>s>',
  ]
  const glue =
    "{{ bos_token }}{% for m in messages %}{{ '[INST' + m.content + 'INST]' + m.content + '</s' + m.content + ']' }}{{ eos_token }}{% endfor %}"

  it.each(nasty)('of the template count, of the contents (%j) never', (content) => {
    for (const [form, tokenizer] of [...forms, ['own v3', ownV3] as const]) {
      for (const source of [templates['v0.2'] as string, templates.v3 as string, glue]) {
        const controls = (text: string) =>
          ChatTemplate.fromSource(source)
            .encode([user(text)], tokenizer)
            .filter((id) => tokenizer.isControl(id))
        expect(controls(content), form).toEqual(controls('x'))
      }
      const text = ChatTemplate.fromSource(templates['v0.2'] as string).render([user(content)], tokenizer)
      expect(text).toBe(`<s>[INST] ${content} [/INST]`)
    }
  })

  it('never come from contents of a built-in format either', () => {
    for (const content of nasty) {
      const controls = (text: string) =>
        ChatTemplate.builtIn()
          .encode([user(text)], ownV3)
          .filter((id) => ownV3.isControl(id))
      expect(controls(content)).toEqual([1, 3, 4])
    }
  })

  it('never come from tools and calls', () => {
    const name = 'f</s>[/INST]'
    const tools: Tool[] = [
      { type: 'function', function: { name, description: '[INST]', parameters: { '</s>': ['[INST]'] } } },
    ]
    const tokenizer = forms.get('metaspace-first') as Tokenizer
    const ids = ChatTemplate.fromSource(templates.v3 as string).encode([user('x')], tokenizer, { tools })
    const names = ids.filter((id) => tokenizer.isControl(id)).map((id) => tokenizer.idToToken(id))
    expect(names).toEqual(['<s>', '[AVAILABLE_TOOLS]', '[/AVAILABLE_TOOLS]', '[INST]', '[/INST]'])
  })

  it('leave a user-defined piece of the vocabulary as it is', () => {
    expect(ChatTemplate.builtIn().encode([user('[REFERENCE_DOC_0]')], ownV3)).toContain(
      ownV3.tokenToId('[REFERENCE_DOC_0]'),
    )
  })
})

describe('built-in formats', () => {
  const template = ChatTemplate.builtIn()
  it.each([
    [
      'v1',
      'tokenizers/tokenizer.model.v1',
      [
        1, 733, 16289, 28793, 1824, 349, 264, 5710, 1650, 28804, 733, 28748, 16289, 28793, 330, 5535, 28723, 2, 733,
        16289, 28793, 1602, 1235, 378, 1221, 28804, 733, 28748, 16289, 28793,
      ],
    ],
    [
      'v3',
      'tokenizers/mistral_instruct_tokenizer_240323.model.v3',
      [1, 3, 2592, 1117, 1032, 6478, 2418, 29572, 4, 1098, 6303, 29491, 2, 3, 2370, 2003, 1146, 1989, 29572, 4],
    ],
  ])('%s gives the published ids', { timeout: 30_000 }, async (_, file, ids) => {
    const path = sharedPath(file)
    if (path === undefined) return console.log(`skipped: needs ../shared/${file}`)
    expect(template.encode(THREE, await Tokenizer.load(path))).toEqual(ids)
  })

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
    expect(
      template.render([{ role: 'system', content: 'Be brief.' }, ...THREE], forms.get('byte-level') as Tokenizer),
    ).toBe(
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
    const alternate = 'Conversation roles must alternate user/assistant/user/assistant/...'
    expect(() => template.encode([{ role: 'assistant', content: 'a' }], ownV3)).toThrow(
      `${alternate} (messages[0] is "assistant")`,
    )
    expect(() => template.encode([{ role: 'system', content: 'a' }], ownV3)).toThrow(alternate)
    expect(() => template.encode([user('a'), { role: 'moderator', content: 'b' }], ownV3)).toThrow(
      'messages[1].role is "moderator"',
    )
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
    const bad = { role: 'assistant', tool_calls: [{ ...call, id: 'short' }] }
    expect(() => template.encode([user('a'), bad], ownV3)).toThrow(
      'the tool call id "short" must be 9 letters or digits',
    )
    expect(() => template.encode([user('a'), { ...bad, content: 'b' }], ownV3)).toThrow(
      'messages[1] has content and tool_calls',
    )
  })
})

describe('results of tools in v3', () => {
  const result = (content: string, id = '123456789'): ChatMessage => ({ role: 'tool', content, tool_call_id: id })
  const rendered = (...results: ChatMessage[]) => {
    const calls = results.map((message) => ({
      id: message.tool_call_id as string,
      function: { name: 'f', arguments: '{"n":1.50}' },
    }))
    const text = ChatTemplate.builtIn().render([user('x'), { role: 'assistant', tool_calls: calls }, ...results], ownV3)
    return text.slice(text.indexOf('</s>') + 4)
  }

  it.each([
    ['22', '22'],
    ['"22"', '"22"'],
    ['text', '"text"'],
    [
      '{"a":[1,2.0,-3e5,{"b":null,"c":true}],"é":"\\u00e9 \\"1\\""}',
      '{"a": [1, 2.0, -3e5, {"b": null, "c": true}], "é": "é \\"1\\""}',
    ],
    ['12345678901234567890', '12345678901234567890'],
    ['{"7": "1.0", "x\ufdd0": "\ufdd05"}', '{"7": "1.0", "x\ufdd0": "\ufdd05"}'],
    ['["\\ufdd0", 1]', '["\ufdd0", 1]'],
    ['01', '"01"'],
    ['', '""'],
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

  it('ask for an id of the right form', () => {
    expect(() => ChatTemplate.builtIn().encode([user('x'), result('1', 'short')], ownV3)).toThrow(ChatTemplateError)
  })
})

describe('sources of templates', () => {
  const files = (map: Record<string, string>) => async (name: string) =>
    map[name] === undefined ? undefined : new TextEncoder().encode(map[name])
  const rendered = async (map: Record<string, string>, tools?: Tool[]) =>
    (await ChatTemplate.fromFiles(files(map)))?.render([user('x')], ownV3, { tools })

  it('jinja before json before tokenizer_config.json', async () => {
    const config = { 'tokenizer_config.json': JSON.stringify({ chat_template: 'config' }) }
    const json = { ...config, 'chat_template.json': JSON.stringify({ chat_template: 'json' }) }
    expect(await rendered(config)).toBe('config')
    expect(await rendered(json)).toBe('json')
    expect(await rendered({ ...json, 'chat_template.jinja': 'jinja' })).toBe('jinja')
    expect(await rendered({ 'tokenizer_config.json': '{}' })).toBeUndefined()
    await expect(rendered({ 'tokenizer_config.json': '{' })).rejects.toThrow('tokenizer_config.json: is not JSON')
    await expect(rendered({ 'tokenizer_config.json': '{"chat_template": 7}' })).rejects.toThrow(ChatTemplateError)
    await expect(rendered({ 'chat_template.jinja': '{% if %}' })).rejects.toThrow('the chat template does not parse')
  })

  it('a list of named templates, and a GGUF', async () => {
    const list = [
      { name: 'default', template: 'plain' },
      { name: 'tool_use', template: 'tools' },
    ]
    const map = { 'tokenizer_config.json': JSON.stringify({ chat_template: list }) }
    expect(await rendered(map)).toBe('plain')
    expect(await rendered(map, [{ type: 'function', function: { name: 'f' } }])).toBe('tools')
    expect(ChatTemplate.fromGguf(new Map([['tokenizer.chat_template', 'g']]))?.source).toBe('g')
    expect(ChatTemplate.fromGguf(new Map())).toBeUndefined()
  })

  it('has the variables and functions of Hugging Face', () => {
    const render = (source: string) => ChatTemplate.fromSource(source).render([user('é "x"')], ownV3)
    expect(
      render('{{ bos_token }}{{ eos_token }}{{ add_generation_prompt }}{{ tools is none }}{{ messages | tojson }}'),
    ).toBe(
      '<s></s>TrueTrue[{"role": "user", "content": "é \\"x\\""}]'.replace('TrueTrue', render('{{ true }}{{ true }}')),
    )
    expect(render("{{ strftime_now('%Y') }}")).toBe(String(new Date().getFullYear()))
    expect(strftime(new Date(2024, 6, 4, 15, 5, 9), '%d %b %Y %B %A %a %H:%M:%S %I%p %y %% %Q')).toBe(
      '04 Jul 2024 July Thursday Thu 15:05:09 03PM 24 % %Q',
    )
    expect(() => render('{{ messages.nothing.at.all() }}')).toThrow(ChatTemplateError)
  })
})

describe('messages', () => {
  const encode = (messages: unknown, tools?: unknown) =>
    ChatTemplate.builtIn().encode(messages as ChatMessage[], ownV3, { tools: tools as Tool[] })
  it('takes parts of text', () => {
    const parts = [
      { type: 'text', text: 'a ' },
      { type: 'text', text: 'b' },
    ]
    expect(encode([{ role: 'user', content: parts }])).toEqual(encode([user('a b')]))
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
  ])('names %s', (parameter, messages) => {
    expect(() => encode(messages)).toThrow(expect.objectContaining({ name: 'ParameterError', parameter }))
  })

  it('refuses cycles and what JSON cannot hold', () => {
    expect(() => encode([cyclic])).toThrow(ParameterError)
    expect(() => encode([{ ...user('a'), extra: () => 1 }])).toThrow(
      expect.objectContaining({ parameter: 'messages[0].extra' }),
    )
    expect(() => encode([user('a')], 7)).toThrow(expect.objectContaining({ parameter: 'tools' }))
    expect(() => encode([user('a')], [{ type: 'function' }])).toThrow(
      expect.objectContaining({ parameter: 'tools[0].function.name' }),
    )
  })
})
