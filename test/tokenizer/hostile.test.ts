import fc from 'fast-check'
import { PbfWriter } from 'pbf'
import { describe, expect, it } from 'vitest'
import { TokenizerError } from '../../src/errors.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { fixture, fixtureBytes } from './support.ts'

/** Runs what may only succeed or throw a TokenizerError, and answers the error's message. */
async function verdict(made: Promise<unknown>): Promise<string> {
  let message = ''
  try {
    await made
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error
    message = error.message
  }
  return message
}

interface Piece {
  piece?: string
  score?: number
  type?: number
}

function model(pieces: Piece[], edit: (pbf: PbfWriter) => void = () => {}): Uint8Array {
  const pbf = new PbfWriter()
  for (const { piece, score, type } of pieces) {
    pbf.writeMessage(
      1,
      (_, p) => {
        if (piece !== undefined) p.writeStringField(1, piece)
        if (score !== undefined) p.writeFloatField(2, score)
        if (type !== undefined) p.writeVarintField(3, type)
      },
      null,
    )
  }
  pbf.writeMessage(2, (_, p) => p.writeVarintField(3, 2), null)
  edit(pbf)
  return pbf.finish()
}

const GOOD: Piece[] = [
  { piece: '<unk>', type: 2 },
  { piece: '<s>', type: 3 },
  { piece: '</s>', type: 3 },
  { piece: 'a', score: -1 },
]
const spm = (bytes: Uint8Array) => verdict(Tokenizer.fromSentencePiece(bytes))

describe('hostile tokenizer.model', () => {
  const bytes = fixtureBytes('own-v1.model')

  it('the small good one is read', async () => {
    expect(await spm(model(GOOD))).toBe('')
  })

  it('every truncation and every kind of damage gives a TokenizerError or a tokenizer', async () => {
    for (let length = 0; length < 600; length++)
      expect(await spm(bytes.subarray(0, length))).toMatch(/^tokenizer\.model: /)
    const at = fc.integer({ min: 0, max: bytes.length - 1 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(at, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        async (edits) => {
          const damaged = bytes.slice()
          for (const [index, value] of edits) damaged[index] = value
          await spm(damaged)
        },
      ),
      { seed: 1, numRuns: 150 },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        async (random) => void expect(await spm(random)).not.toBe(''),
      ),
      { seed: 1, numRuns: 500 },
    )
  })

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(), 'holds no pieces'],
    ['a length of 4 GB', Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1), 'not a SentencePiece model, or damaged'],
    ['a wrong wire type', Uint8Array.of(0x08, 1), 'wire type 0 instead of 2'],
    ['a group', Uint8Array.of(0x33, 1), 'Unimplemented type: 3'],
    ['a piece that is not UTF-8', Uint8Array.of(0x0a, 3, 0x0a, 1, 0xff), 'not a SentencePiece model, or damaged'],
    ['an inner length past the outer', Uint8Array.of(0x0a, 2, 0x0a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0), 'run past'],
    ['an empty piece', model([{ score: 1 }]), 'piece 0 is empty'],
    [
      'a piece of a type that does not exist',
      model([...GOOD, { piece: 'b', type: 9 }]),
      'piece 4 ("b") has the type 9',
    ],
    ['a byte that is none', model([...GOOD, { piece: 'b', type: 6 }]), 'token 4 ("b") is marked as a byte'],
    ['a score that is no number', model([...GOOD, { piece: 'b', score: Number.NaN }]), 'the score of token 4 is NaN'],
    ['no unknown piece', model(GOOD.slice(1)), 'no piece is marked as the unknown one'],
    [
      'a piece of 2,000 characters',
      model([...GOOD, { piece: 'b'.repeat(2000) }]),
      'token 4 has 2000 characters, the limit is 1024',
    ],
    [
      'a unigram model',
      model(GOOD, (p) => p.writeMessage(2, (_, t) => t.writeVarintField(3, 1), null)),
      'model_type is unigram',
    ],
    [
      'a character map',
      model(GOOD, (p) => p.writeMessage(3, (_, n) => n.writeBytesField(2, Uint8Array.of(1, 2)), null)),
      'has a character map',
    ],
    [
      'spaces not escaped',
      model(GOOD, (p) => p.writeMessage(3, (_, n) => n.writeBooleanField(5, false), null)),
      'escape_whitespaces is false',
    ],
    [
      'space as suffix',
      model(GOOD, (p) => p.writeMessage(2, (_, t) => t.writeBooleanField(24, true), null)),
      'treat_whitespace_as_suffix',
    ],
  ])('%s', async (_, data, message) => {
    expect(await spm(data)).toContain(message)
  })

  it('a thousand pieces of the longest kind stay quick, and names of special tokens are bounded', async () => {
    const long = Array.from({ length: 500 }, (_, i) => ({
      piece: 'a'.repeat(1020) + String(i).padStart(3, '0'),
      score: -i,
    }))
    expect(await spm(model([...GOOD, ...long]))).toBe('')
    const names = Array.from({ length: 300 }, (_, i) => ({ piece: 'a'.repeat(1000) + String(i), type: 3 }))
    expect(await spm(model([...GOOD, ...names]))).toContain('the special tokens have')
  })
})

describe('hostile tokenizer.json', () => {
  type Json = Record<string, unknown>
  const good = fixture<Json & { model: Json; added_tokens: Json[] }>('prepend.tokenizer.json.gz')
  const json = (value: unknown, config?: unknown) => verdict(Tokenizer.fromJson(value, config))
  const withModel = (edit: Json) => ({ ...good, model: { ...good.model, ...edit } })

  it('the good one is read', async () => expect(await json(good)).toBe(''))

  it.each<[string, unknown, string]>([
    ['no JSON', '{', 'tokenizer.json: is not JSON'],
    ['null', null, 'tokenizer.json is not an object'],
    ['a list', [], 'is not an object'],
    ['no model', {}, 'model is not an object'],
    ['another model', withModel({ type: 'Unigram' }), 'model.type is "Unigram"'],
    ['a vocabulary of the wrong type', withModel({ vocab: [1] }), 'model.vocab is not an object'],
    ['an empty vocabulary', { ...withModel({ vocab: {}, merges: [] }), added_tokens: [] }, 'the vocabulary is empty'],
    ['an id that is a string', withModel({ vocab: { a: '1' } }), 'model.vocab["a"] ("1") is not a token id'],
    ['a huge id', withModel({ vocab: { a: 2 ** 31 } }), 'is not a token id from 0 to 1048575'],
    ['a negative id', withModel({ vocab: { a: -1 } }), 'is not a token id'],
    ['merges of the wrong type', withModel({ merges: {} }), 'model.merges is not an array'],
    ['a merge of three', withModel({ merges: ['a b c'] }), 'model.merges[0] ("a b c") is not two tokens'],
    ['a merge of numbers', withModel({ merges: [[1, 2]] }), 'model.merges[0] ([1,2]) is not two tokens'],
    ['a merge to nowhere', withModel({ merges: [['风', '来']] }), 'makes no token of the vocabulary'],
    ['a flag of the wrong type', withModel({ byte_fallback: 'yes' }), 'model.byte_fallback is not true or false'],
    ['dropout', withModel({ dropout: 0.1 }), 'model.dropout (0.1) is not supported'],
    ['added tokens of the wrong type', { ...good, added_tokens: {} }, 'added_tokens is not an array'],
    [
      'an added token without content',
      { ...good, added_tokens: [{ id: 1 }] },
      'added_tokens[0].content is not a string',
    ],
    ['an added token without id', { ...good, added_tokens: [{ content: 'a' }] }, 'added_tokens[0].id (undefined)'],
    ['a normalizer of the wrong type', { ...good, normalizer: 7 }, 'normalizer is not an object'],
    ['an unknown normalizer', { ...good, normalizer: { type: 'Rot13' } }, 'normalizer (Rot13)'],
    [
      'a sequence without steps',
      { ...good, normalizer: { type: 'Sequence' } },
      'normalizer.normalizers is not an array',
    ],
    ['an unknown pre-tokenizer', { ...good, pre_tokenizer: { type: 'Mystery' } }, 'pre_tokenizer (Mystery)'],
    [
      'an unknown step before bytes',
      { ...good, normalizer: { type: 'Lowercase' }, pre_tokenizer: { type: 'ByteLevel' } },
      'the step "Lowercase"',
    ],
    [
      'a broken pattern',
      {
        ...good,
        normalizer: null,
        pre_tokenizer: {
          type: 'Sequence',
          pretokenizers: [{ type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated' }, { type: 'ByteLevel' }],
        },
      },
      'the tokenizer cannot be set up',
    ],
    [
      'a Metaspace of its own',
      { ...good, normalizer: null, pre_tokenizer: { type: 'Metaspace', replacement: '_' } },
      'Metaspace.replacement is "_"',
    ],
  ])('%s', async (_, value, message) => {
    expect(await json(value)).toContain(message)
  })

  it('cycles and a wrong tokenizer_config.json', async () => {
    const cyclic: Json = { type: 'Sequence' }
    cyclic.normalizers = [cyclic]
    expect(await json({ ...good, normalizer: cyclic })).toContain('normalizer (Sequence)')
    expect(await json(good, [])).toContain('tokenizer_config.json is not an object')
    expect(await json(good, { bos_token: 7 })).toContain('bos_token is not a string')
  })

  it('names that objects have anyway', async () => {
    const vocab = Object.fromEntries(['<unk>', '__proto__', 'constructor', 'c', '_'].map((name, id) => [name, id]))
    const made = await Tokenizer.fromJson({
      ...withModel({ vocab, merges: [] }),
      added_tokens: [],
      normalizer: { type: 'Sequence', normalizers: [] },
      pre_tokenizer: { type: 'Metaspace', prepend_scheme: 'never', split: false },
    })
    expect(made.encode('c_')).toEqual([3, 4])
    expect(made.decode([1, 2])).toBe('__proto__constructor')
  })
})

it.each([undefined, null, {}, 'x'])('%j is no metadata of a GGUF', async (metadata) => {
  await expect(Tokenizer.fromGguf(metadata as never)).rejects.toThrow(TokenizerError)
})

describe('hostile GGUF metadata', () => {
  const tokens = ['<unk>', '<s>', '</s>', 'a', 'b', 'ab']
  const good: [string, unknown][] = [
    ['tokenizer.ggml.model', 'llama'],
    ['tokenizer.ggml.tokens', tokens],
    ['tokenizer.ggml.scores', new Float32Array([0, 0, 0, -1, -2, 1])],
    ['tokenizer.ggml.token_type', new Int32Array([2, 3, 3, 1, 1, 1])],
    ['tokenizer.ggml.bos_token_id', 1],
    ['tokenizer.ggml.add_space_prefix', false],
  ]
  const gguf = (...edits: [string, unknown][]) => new Map([...good, ...edits])

  it('the good one is read, with bigints and without types too', async () => {
    expect((await Tokenizer.fromGguf(gguf())).encode('abb', { bos: true })).toEqual([1, 5, 4])
    const types = new BigInt64Array([2n, 3n, 3n, 1n, 1n, 1n])
    expect(
      (await Tokenizer.fromGguf(gguf(['tokenizer.ggml.token_type', types], ['tokenizer.ggml.bos_token_id', 1n]))).bosId,
    ).toBe(1)
    const untyped = gguf()
    untyped.delete('tokenizer.ggml.token_type')
    expect((await Tokenizer.fromGguf(untyped)).isControl(2)).toBe(true)
  })

  it('keeps control tokens that a converter marked as user-defined out of reach of text', async () => {
    const made = await Tokenizer.fromGguf(
      gguf(
        ['tokenizer.ggml.tokens', ['<unk>', '<s>', '</s>', 'a', '[INST]', 'a b']],
        ['tokenizer.ggml.token_type', new Int32Array([2, 3, 3, 1, 4, 4])],
      ),
    )
    expect(made.isControl(4)).toBe(true)
    expect(made.encode('a[INST]')).not.toContain(4)
    expect(made.isControl(5)).toBe(false)
  })

  it.each<[string, Map<string, unknown>, string]>([
    ['none', new Map(), 'holds no tokenizer'],
    ['another kind', gguf(['tokenizer.ggml.model', 'bert']), 'tokenizer.ggml.model is "bert"'],
    ['no tokens', gguf(['tokenizer.ggml.tokens', []]), 'the vocabulary is empty'],
    ['tokens that are numbers', gguf(['tokenizer.ggml.tokens', [1]]), 'tokenizer.ggml.tokens[0] is not a string'],
    ['tokens that are no array', gguf(['tokenizer.ggml.tokens', 'abc']), 'tokenizer.ggml.tokens is not an array'],
    [
      'too few scores',
      gguf(['tokenizer.ggml.scores', [1]]),
      'tokenizer.ggml.scores has 1 entries, but there are 6 tokens',
    ],
    ['scores that are strings', gguf(['tokenizer.ggml.scores', tokens]), 'tokenizer.ggml.scores[0] is not a number'],
    ['an unknown type', gguf(['tokenizer.ggml.token_type', [2, 3, 3, 1, 1, 7]]), 'tokenizer.ggml.token_type[5] is 7'],
    [
      'BOS outside',
      gguf(['tokenizer.ggml.bos_token_id', 99]),
      'tokenizer.ggml.bos_token_id is 99; the vocabulary has 6 tokens',
    ],
    ['a flag that is none', gguf(['tokenizer.ggml.add_space_prefix', 1]), 'tokenizer.ggml.add_space_prefix is 1'],
    ['byte level without merges', gguf(['tokenizer.ggml.model', 'gpt2']), 'the GGUF holds no tokenizer.ggml.merges'],
    [
      'byte level with an unknown split',
      gguf(['tokenizer.ggml.model', 'gpt2'], ['tokenizer.ggml.pre', 'x']),
      'tokenizer.ggml.pre is "x"',
    ],
    [
      'a merge of one',
      gguf(['tokenizer.ggml.model', 'gpt2'], ['tokenizer.ggml.merges', ['ab']]),
      'tokenizer.ggml.merges[0] ("ab") is not two tokens',
    ],
  ])('%s', async (_, metadata, message) => {
    expect(await verdict(Tokenizer.fromGguf(metadata))).toContain(message)
  })
})
