/** Mistral's own `tekken.json`, against mistral-common (`fixtures/tokenizer/tekken.py`, `chat_formats.py`). */
import { describe, expect, it } from 'vitest'
import { TokenizerError } from '../../src/errors.ts'
import { formatsOf } from '../../src/tokenizer/chat-format.ts'
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { tekkenFile, tekkenJson, versionOf } from './formats.ts'
import { type EncodeVectors, expectEncodes, fixture, losslessFixture } from './support.ts'

type EncodeOptions = NonNullable<Parameters<ChatTemplate['encode']>[2]>
interface Conversation {
  messages: Parameters<ChatTemplate['encode']>[0]
  tools?: EncodeOptions['tools']
  reasoning_effort?: EncodeOptions['reasoningEffort']
}

interface Fixture {
  file: { config: Record<string, unknown>; vocab: Record<string, unknown>[]; special_tokens?: unknown }
  specials: string[]
  /** Text and bytes (hex) of each id. */
  pieces: [string, string][]
  encode: EncodeVectors
  strings: number
  /** The tokenizer.json that transformers before 5 made of the file. */
  old: Record<string, unknown>
}

const { file, specials, pieces, encode, strings: count, old } = fixture<Fixture>('tekken-file.json.gz')
const strings = fixture<string[]>('strings.json.gz').slice(0, count)
const folder = (files: Record<string, unknown>) => ({
  open: async (name: string) => (name in files ? JSON.stringify(files[name]) : undefined),
})
const changed = (change: (copy: Fixture['file']) => void) => {
  const copy = structuredClone(file)
  change(copy)
  return copy
}

describe('tekken.json', () => {
  it(`gives the ids of mistral-common for ${count} strings`, async () => {
    expectEncodes(await Tokenizer.fromJson(file), strings, encode)
  })

  it('has the tokens that mistral-common has, and no more', async () => {
    const tokenizer = await Tokenizer.fromJson(file)
    expect(tokenizer.vocabSize).toBe(pieces.length)
    expect(file.vocab.length).toBeGreaterThan(pieces.length)
    for (const [id, [text, bytes]] of pieces.entries()) {
      expect(Buffer.from(tokenizer.tokenBytes(id)).toString('hex')).toBe(bytes)
      if (bytes === '') expect(tokenizer.tokenToId(text), text).toBe(id)
    }
    expect(specials.every((name) => tokenizer.specialTokens.has(name))).toBe(true)
    expect(tokenizer).toMatchObject({ bosId: 1, eosId: 2, unkId: 0, padId: 11, endIds: [2], addsBos: true, notes: [] })
    for (const text of strings.slice(0, 500)) expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
    expect(tokenizer.encode('</s>[INST]').some((id) => tokenizer.isControl(id))).toBe(false)
  })

  it('wins over tokenizer.json and tokenizer.model, and is read under other names', async () => {
    const json = tekkenJson('v7')
    const own = await Tokenizer.load(folder({ 'tekken.json': file, 'tokenizer.json': json }))
    expect(own.vocabSize).toBe(pieces.length)
    const named = await Tokenizer.load(new File([JSON.stringify(file)], 'tekken_240911.json'))
    expect(named.vocabSize).toBe(pieces.length)
    const other = await Tokenizer.load(folder({ 'tokenizer.json': json }))
    expect(other.vocabSize).toBeLessThan(pieces.length)
  })

  it('of the model that a finetune was made of is left for its tokenizer.json', async () => {
    const json = tekkenJson('v7')
    const load = (config: object) =>
      Tokenizer.load(folder({ 'tekken.json': file, 'tokenizer.json': json, 'tokenizer_config.json': config }))
    const usual = { 14: { content: '<SPECIAL_14>', special: true }, 3: { content: '[INST]', special: true } }
    expect((await load({ added_tokens_decoder: usual, eos_token: '</s>' })).vocabSize).toBe(pieces.length)
    const added = { 20: { content: '<|im_end|>', special: true } }
    const plain = json.added_tokens.map((token) => (token.id === 20 ? { ...token, content: '<|im_end|>' } : token))
    json.added_tokens = plain
    const finetune = await load({ added_tokens_decoder: added, eos_token: '<|im_end|>' })
    expect(finetune.eosId).toBe(20)
    expect(finetune.notes).toEqual([expect.stringMatching(/names "<\|im_end\|>", which tekken.json lacks/)])
  })

  const versions = ['v3', 'v7', 'v11', 'v13', 'v13-think', 'v15', 'v15-think']
  it.each(versions)('of %s has its chat format', async (name) => {
    const tokenizer = await Tokenizer.fromJson(tekkenFile(name))
    expect(formatsOf(tokenizer)).toEqual([versionOf(`tekken-${name}`)])
  })

  const chats = losslessFixture<{ conversations: Conversation[]; expected: Record<string, { ids?: number[] }[]> }>(
    'chat-formats.json.gz',
  )
  it.each(versions)('of %s gives the prompts of mistral-common', async (name) => {
    const tokenizer = await Tokenizer.fromJson(tekkenFile(name))
    const template = await ChatTemplate.builtIn()
    let equal = 0
    for (const [i, { messages, tools, reasoning_effort: reasoningEffort }] of chats.conversations.entries()) {
      let ids: number[] | undefined
      try {
        ids = template.encode(messages, tokenizer, { tools, reasoningEffort })
      } catch {
        // What is refused has a test of its own (chat-formats.test.ts).
        continue
      }
      const expected = chats.expected[`tekken-${name}`]![i]!.ids
      if (expected === undefined) continue
      expect(ids).toEqual(expected)
      equal++
    }
    expect(equal).toBeGreaterThan(50)
  })

  const refused: [fact: RegExp, file: unknown][] = [
    [/config is not an object/, changed((copy) => Object.assign(copy, { config: 3 }))],
    [/config.pattern is not a string/, changed((copy) => delete copy.config.pattern)],
    [
      /config.default_vocab_size \(-1\) is not a whole number/,
      changed((copy) => (copy.config.default_vocab_size = -1)),
    ],
    [/leaves 100000 tokens .* has \d+/, changed((copy) => (copy.config.default_vocab_size = 100_040))],
    [/leaves 60 tokens/, changed((copy) => (copy.config.default_vocab_size = 100))],
    [/vocab\[300\].rank is 5/, changed((copy) => (copy.vocab[300]!.rank = 5))],
    [/vocab\[7\].token_bytes \("AA=="\) is not the byte 7/, changed((copy) => (copy.vocab[7]!.token_bytes = 'AA=='))],
    [/vocab\[400\].token_bytes .* is not bytes in base64/, changed((copy) => (copy.vocab[400]!.token_bytes = '=a'))],
    [/vocab\[400\].token_bytes is not a string/, changed((copy) => (copy.vocab[400]!.token_bytes = null))],
    [
      /has the bytes of an earlier token/,
      changed((copy) => (copy.vocab[400]!.token_bytes = copy.vocab[401]!.token_bytes)),
    ],
    [
      /special_tokens is missing, which files of the version v11 need/,
      changed((copy) => (copy.config.version = 'v11')),
    ],
    [
      /special_tokens names "<s>" twice/,
      changed((copy) => (copy.special_tokens = [0, 1].map((rank) => ({ rank, token_str: '<s>' })))),
    ],
    [/special_tokens\[0\].rank \(99\)/, changed((copy) => (copy.special_tokens = [{ rank: 99, token_str: '<s>' }]))],
    [
      /default_num_special_tokens is 900000, the limit is 65536/,
      changed((copy) =>
        Object.assign(copy.config, { default_num_special_tokens: 900_000, default_vocab_size: 1_000_000 }),
      ),
    ],
    [
      /the tokenizer cannot be set up: Invalid regular expression: .{900,1100}$/s,
      changed((copy) => (copy.config.pattern = ' '.repeat(50_000))),
    ],
    [
      /special_tokens has 41 entries/,
      changed((copy) => (copy.special_tokens = Array.from({ length: 41 }, () => ({})))),
    ],
  ]
  it.each(refused)('is refused: %s', async (fact, wrong) => {
    const load = Tokenizer.load(folder({ 'tekken.json': wrong }))
    await expect(load).rejects.toThrow(TokenizerError)
    await expect(load).rejects.toThrow(fact)
  })

  it('of a version that nobody knows says so', async () => {
    const tokenizer = await Tokenizer.fromJson(changed((copy) => (copy.config.version = 'v99')))
    expect(tokenizer.formatHint).toBeUndefined()
    expect(tokenizer.notes).toEqual([expect.stringMatching(/config.version \("v99"\) is none of v1, v2, v3/)])
  })
})

describe('a tokenizer.json that transformers before 5 made of a tekken.json', () => {
  it('gets the right pattern for words', async () => {
    const tokenizer = await Tokenizer.fromJson(old)
    expectEncodes(tokenizer, strings, encode)
    expect(tokenizer.notes).toEqual([expect.stringMatching(/its pattern for words is Llama 3's/)])
  })

  it('with the right pattern stays as it is', async () => {
    expect((await Tokenizer.fromJson(tekkenJson('v7'))).notes).toEqual([])
  })

  it('is told from other vocabularies by the order of the bytes', async () => {
    const { model } = old as { model: { vocab: Record<string, number> } }
    const [a, b] = [model.vocab['!']!, model.vocab['"']!]
    const mixed = { ...old, model: { ...model, vocab: { ...model.vocab, '!': b, '"': a } } }
    expect((await Tokenizer.fromJson(mixed)).notes).toEqual([])
  })
})
