/** Added tokens: their flags as Hugging Face's tokenizers follow them, and the files that may list them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TokenizerError } from '../../src/errors.ts'
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { fixture, fixtureBytes } from './support.ts'

interface Listed {
  readonly id: number
  readonly content: string
  readonly special: boolean
}

interface Fixture {
  readonly flags: readonly {
    readonly form: string
    readonly normalizer: unknown
    readonly added_tokens: readonly Listed[]
    readonly texts: readonly string[]
    readonly ids: readonly number[][]
  }[]
  readonly folders: readonly {
    readonly form: string
    readonly name: string
    readonly files: Readonly<Record<string, unknown>>
    readonly texts: readonly string[]
    readonly ids: readonly number[][]
    readonly named: readonly (number | null)[]
  }[]
}

const { flags, folders } = fixture<Fixture>('added.json.gz')
const jsonOf = (form: string) => fixture<Record<string, unknown>>(`${form}.tokenizer.json.gz`)

/** A folder with these files; values other than strings and bytes are written as JSON. */
function folder(files: Readonly<Record<string, unknown>>): Promise<Tokenizer> {
  const open = async (name: string) => {
    const value = files[name]
    const isWhole = value === undefined || typeof value === 'string' || value instanceof Uint8Array
    return isWhole ? (value as string | undefined) : JSON.stringify(value)
  }
  return Tokenizer.load({ open })
}

const vocabularyOf = (form: string) =>
  form === 'own-v3' ? { 'tokenizer.model': fixtureBytes('own-v3.model') } : { 'tokenizer.json': jsonOf(form) }

describe.each(
  flags.map((each) => [`${each.form}${each.normalizer === null ? '' : `, ${typeOf(each.normalizer)}`}`, each] as const),
)('flags of added tokens, %s', async (_, { form, normalizer, added_tokens, texts, ids }) => {
  const tokenizer = await Tokenizer.fromJson({ ...jsonOf(form), normalizer, added_tokens })

  it('what a template wrote gives the ids of tokenizers', () => {
    const wrong = texts.flatMap((text, i) => {
      const got = tokenizer.encodeRendered(text, [])
      return got.join() === ids[i]!.join() ? [] : [{ text, got, expected: ids[i] }]
    })
    expect(wrong.slice(0, 3), `${wrong.length} of ${texts.length}`).toEqual([])
  })

  it('text without control tokens gives the same ids without a template', () => {
    const names = [...tokenizer.specialTokens.keys()]
    const holdsName = (text: string) => names.some((name) => text.replaceAll('\u2581', ' ').includes(name))
    const plain = texts.flatMap((text, i) => (holdsName(text) ? [] : [[text, ids[i]] as const]))
    expect(plain.length).toBeGreaterThan(30)
    for (const [text, expected] of plain) expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(expected)
  })

  it('messages never make a control token, whatever white space and names they hold', async () => {
    const source =
      "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|left|> \\n ' + m.content + '<|both|>' }}" +
      '{% endfor %}'
    const template = await ChatTemplate.fromSource(source)
    const names = [...tokenizer.specialTokens.keys(), '<|a\u2581b|>', ' <|user|>', '\u2581<|user|>']
    const halves = names.flatMap((name) => [name.slice(0, 3), name.slice(3)])
    const piece = fc.constantFrom(...names, ...halves, ' ', '  ', '\n', 'the', '\ufdd0', '\ufdd0\ufdd2', 'my tag')
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), (pieces) => {
        const encoded = template.encode([{ role: 'user', content: pieces.join('') }], tokenizer)
        const found = encoded.filter((id) => tokenizer.isControl(id)).map((id) => tokenizer.idToToken(id))
        expect(found, JSON.stringify(pieces)).toEqual(['<|im_start|>', '<|left|>', '<|both|>'])
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

function typeOf(normalizer: unknown): string {
  return (normalizer as { type: string }).type
}

describe('folders', () => {
  it.each(folders.map((each) => [`${each.form}, ${each.name}`, each] as const))(
    '%s',
    async (_, { form, files, texts, ids, named }) => {
      const tokenizer = await folder({ ...vocabularyOf(form), ...files })
      expect(texts.map((text) => tokenizer.encodeRendered(text, []))).toEqual(ids)
      expect([tokenizer.bosId, tokenizer.eosId, tokenizer.unkId, tokenizer.padId].map((id) => id ?? null)).toEqual(
        named,
      )
      expect(tokenizer.endIds).toEqual([tokenizer.eosId])
    },
  )

  it('a listed token takes the place of a placeholder in a tokenizer.model, and keeps a gap before it', async () => {
    const added_tokens_decoder = {
      5: { content: '<|im_start|>', special: true },
      1200: { content: '<|im_end|>', special: true },
    }
    const files = {
      ...vocabularyOf('own-v3'),
      'tokenizer_config.json': { eos_token: '<|im_end|>', added_tokens_decoder },
    }
    const tokenizer = await folder(files)
    expect([tokenizer.idToToken(5), tokenizer.eosId, tokenizer.idToToken(1100)]).toEqual([
      '<|im_start|>',
      1200,
      undefined,
    ])
    expect(tokenizer.encodeRendered('<|im_start|><|im_end|>', [])).toEqual([5, 1200])
    expect(tokenizer.specialTokens.has('[TOOL_CALLS]')).toBe(false)
  })

  it('add_bos_token: false beside a tokenizer.model', async () => {
    const files = (add_bos_token: boolean) => ({
      ...vocabularyOf('own-v3'),
      'tokenizer_config.json': { add_bos_token },
    })
    expect((await folder(files(false))).addsBos).toBe(false)
    expect((await folder(files(true))).addsBos).toBe(true)
  })

  const token = { content: '<|x|>', special: true }
  it.each<[string, Record<string, unknown>, string]>([
    [
      'an EOS that is no token',
      { 'tokenizer_config.json': { eos_token: '<|im_end|>' } },
      'tokenizer_config.json: eos_token is "<|im_end|>", which is no token of the vocabulary',
    ],
    [
      'a BOS that is no token',
      { 'special_tokens_map.json': { bos_token: { content: '<|begin|>', lstrip: false } } },
      'special_tokens_map.json: bos_token is "<|begin|>", which is no token of the vocabulary',
    ],
    [
      'an id of another token',
      { 'tokenizer_config.json': { added_tokens_decoder: { 500: token } } },
      'tokenizer_config.json: added_tokens_decoder[500] ("<|x|>") has the id 500, which is that of',
    ],
    [
      'an id twice',
      { 'added_tokens.json': { '<|x|>': 2000, '<|y|>': 2000 } },
      'added_tokens.json: "<|y|>" ("<|y|>") has the id 2000, which is that of "<|x|>"',
    ],
    ['a key that is no id', { 'tokenizer_config.json': { added_tokens_decoder: { x: token } } }, 'is not a token id'],
    [
      'an id that is too large',
      { 'added_tokens.json': { '<|x|>': 2 ** 31 } },
      'added_tokens.json: "<|x|>" (2147483648)',
    ],
    ['an id that is a string', { 'added_tokens.json': { '<|x|>': '9' } }, 'added_tokens.json: "<|x|>" ("9")'],
    ['a list', { 'added_tokens.json': [] }, 'added_tokens.json is not an object'],
    ['a map that is none', { 'special_tokens_map.json': 'x' }, 'special_tokens_map.json: is not JSON'],
    [
      'a flag of a wrong type',
      { 'tokenizer_config.json': { added_tokens_decoder: { 2000: { ...token, lstrip: 1 } } } },
      'tokenizer_config.json: added_tokens_decoder["2000"].lstrip is not true or false',
    ],
    [
      'a list of numbers',
      { 'tokenizer_config.json': { additional_special_tokens: [7] } },
      'tokenizer_config.json: additional_special_tokens[0] is not a string',
    ],
  ])('%s is refused', async (_, files, message) => {
    const load = folder({ ...vocabularyOf('prepend'), ...files })
    await expect(load).rejects.toThrow(TokenizerError)
    await expect(load).rejects.toThrow(message)
  })
})

describe('rows of an embedding', () => {
  const files = {
    ...vocabularyOf('prepend'),
    'tokenizer_config.json': { pad_token: '[PAD]', eos_token: '<|im_end|>' },
    'added_tokens.json': { '[PAD]': 1010, '<|im_end|>': 1009 },
  }

  it('are needed for every token but padding', async () => {
    const tokenizer = await folder(files)
    tokenizer.checkRows(1011)
    tokenizer.checkRows(1010)
    expect(() => tokenizer.checkRows(1009)).toThrow(TokenizerError)
    expect(() => tokenizer.checkRows(1009)).toThrow(
      'token 1009 ("<|im_end|>") is beyond the model\'s embedding, which has 1009',
    )
  })

  it('are not needed for padding and roles without a use that have a name only', async () => {
    const tokenizer = await folder({
      ...vocabularyOf('prepend'),
      'tokenizer_config.json': { pad_token: '[PAD]', cls_token: '[CLS]' },
    })
    tokenizer.checkRows(1009)
    const more = await folder({
      ...vocabularyOf('prepend'),
      'tokenizer_config.json': { additional_special_tokens: ['<|new|>'] },
    })
    expect(() => more.checkRows(1009)).toThrow('token 1009 ("<|new|>")')
  })
})
