/** Vocabularies in GGUFs: words, ends of answers and added tokens as llama.cpp takes them. */
import { describe, expect, it } from 'vitest'
import { TokenizerError } from '../../src/errors.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { type EncodeVectors, expectEncodes, fixture } from './support.ts'

interface Fixture {
  readonly splits: {
    readonly texts: readonly string[]
    readonly found: readonly (EncodeVectors & { readonly pre: string | null; readonly addsBos: boolean })[]
  }
  readonly ends: readonly {
    readonly model: 'llama' | 'gpt2'
    readonly tokens: readonly string[]
    readonly types: readonly number[]
    readonly keys: Readonly<Record<string, unknown>>
    readonly count: number
    readonly bos: number | null
    readonly ends: readonly number[]
    readonly addsBos: boolean
  }[]
  readonly userDefined: {
    readonly tokens: readonly string[]
    readonly texts: readonly string[]
    readonly pieces: { readonly tokens: string[]; readonly types: number[]; readonly scores: number[] }
    readonly found: readonly {
      readonly model: 'llama' | 'gpt2'
      readonly prefix: boolean
      readonly plain: readonly number[][]
      readonly special: readonly number[][]
    }[]
  }
}

const { splits, ends, userDefined } = fixture<Fixture>('gguf.json.gz')

interface Vocabulary {
  readonly tokens: readonly string[]
  readonly types: readonly number[]
  readonly scores?: readonly number[]
  readonly merges?: readonly string[]
}

function byteLevel(): Vocabulary {
  const { model, added_tokens } = fixture<{
    model: { vocab: Record<string, number>; merges: [string, string][] }
    added_tokens: { content: string }[]
  }>('byte-level.tokenizer.json.gz')
  const tokens = Object.keys(model.vocab).sort((a, b) => model.vocab[a]! - model.vocab[b]!)
  const special = new Set(added_tokens.map(({ content }) => content))
  return {
    tokens,
    types: tokens.map((token) => (special.has(token) ? 3 : 1)),
    merges: model.merges.map((pair) => pair.join(' ')),
  }
}

function metadataOf(
  model: 'llama' | 'gpt2',
  { tokens, types, scores, merges }: Vocabulary,
  keys: Readonly<Record<string, unknown>>,
): Map<string, unknown> {
  const all = { model, tokens, token_type: types, ...(model === 'llama' ? { scores } : { merges }), ...keys }
  return new Map(Object.entries(all).map(([key, value]) => [`tokenizer.ggml.${key}`, value]))
}

/** The vocabulary with tokens at its end. */
function extended(base: Vocabulary, tokens: readonly string[], types: readonly number[]): Vocabulary {
  return {
    ...base,
    tokens: [...base.tokens, ...tokens],
    types: [...base.types, ...types],
    scores: [...(base.scores ?? []), ...tokens.map(() => 0)],
  }
}

const bytes = byteLevel()

describe('tokenizer.ggml.pre', () => {
  it.each(splits.found.map((each) => [each.pre === null ? 'none' : `"${each.pre}"`, each] as const))(
    '%s',
    async (_, { pre, addsBos, ...vectors }) => {
      const keys = { bos_token_id: 1, eos_token_id: 2, ...(pre === null ? {} : { pre }) }
      const tokenizer = await Tokenizer.fromGguf(metadataOf('gpt2', bytes, keys))
      expectEncodes(tokenizer, splits.texts, vectors)
      expect(tokenizer.addsBos).toBe(addsBos)
    },
  )

  it.each(['kimi-k2', 'gemma4', 'whitespace', 'llama-4', 'toString', '__proto__'])(
    '%s is refused by name',
    async (pre) => {
      const load = () => Tokenizer.fromGguf(metadataOf('gpt2', bytes, { pre }))
      await expect(load()).rejects.toThrow(TokenizerError)
      await expect(load()).rejects.toThrow(`tokenizer.ggml.pre is "${pre}"`)
    },
  )
})

describe('ends of answers', () => {
  const { pieces } = userDefined
  it.each(
    ends.map((each) => [`${each.tokens.join(' ')} ${JSON.stringify(each.keys)} ${each.types[0] ?? ''}`, each] as const),
  )('%s', async (_, each) => {
    const base = each.model === 'llama' ? pieces : bytes
    const cut = { ...base, tokens: base.tokens.slice(0, each.count), types: base.types.slice(0, each.count) }
    const whole = extended(cut, each.tokens, each.types)
    const tokenizer = await Tokenizer.fromGguf(metadataOf(each.model, whole, each.keys))
    expect(tokenizer.endIds).toEqual(each.ends)
    expect(tokenizer.addsBos).toBe(each.addsBos)
    if (each.bos !== null) expect(tokenizer.bosId).toBe(each.bos)
    for (const id of tokenizer.endIds.filter((end) => end >= each.count)) {
      expect(tokenizer.isControl(id)).toBe(true)
      expect(tokenizer.encode(`a ${tokenizer.idToToken(id)} b`)).not.toContain(id)
    }
  })

  it.each(['bos', 'eos', 'eot', 'eom', 'unknown', 'padding', 'fim_pad'])(
    '%s beyond the vocabulary is refused',
    async (role) => {
      const load = () => Tokenizer.fromGguf(metadataOf('gpt2', bytes, { [`${role}_token_id`]: 1000 }))
      await expect(load()).rejects.toThrow(TokenizerError)
      await expect(load()).rejects.toThrow(`tokenizer.ggml.${role}_token_id is 1000; the vocabulary has 1000 tokens`)
    },
  )
})

describe('notes', () => {
  const notesOf = async (keys: Readonly<Record<string, unknown>>) =>
    (await Tokenizer.fromGguf(metadataOf('gpt2', bytes, keys))).notes

  it('say what a file leaves open', async () => {
    expect(await notesOf({ pre: 'gpt-2', eos_token_id: 2 })).toEqual([])
    expect(await notesOf({ pre: 'gpt-2' })).toEqual([
      'tokenizer.ggml.eos_token_id is missing: token 11 ("[/SYSTEM_PROMPT]") ends answers, as in llama.cpp',
    ])
    expect(await notesOf({ eos_token_id: 2 })).toEqual([expect.stringContaining('tokenizer.ggml.pre is missing')])
    expect(await notesOf({ pre: '', eos_token_id: 2 })).toHaveLength(1)
  })
})

describe('user-defined tokens', () => {
  const { tokens, texts, pieces, found } = userDefined
  const types = tokens.map(() => 4)

  it.each(found.map((each) => [`${each.model}, prefix ${each.prefix}`, each] as const))('%s', async (_, each) => {
    const base = extended(each.model === 'llama' ? pieces : bytes, tokens, types)
    const keys = { pre: 'tekken', bos_token_id: 1, eos_token_id: 2, add_space_prefix: each.prefix }
    const tokenizer = await Tokenizer.fromGguf(metadataOf(each.model, base, keys))
    const wrong = texts.flatMap((text, i) => {
      const got = tokenizer.encode(text)
      return got.join() === each.plain[i]!.join() ? [] : [{ text, got, expected: each.plain[i] }]
    })
    expect(wrong.slice(0, 5), `${wrong.length} of ${texts.length}`).toEqual([])
    // After a control token llama.cpp also marks text that begins with a space; only without marks are the ids the same.
    if (each.model === 'llama' && each.prefix) return
    expect(texts.map((text) => tokenizer.encodeRendered(text, []))).toEqual(each.special)
  })

  it('marked spaces in them are spaces of the text', async () => {
    const base = extended(pieces, ['\u2581\u2581\u2581'], [4])
    const tokenizer = await Tokenizer.fromGguf(metadataOf('llama', base, {}))
    expect(tokenizer.encode('a   b')).toContain(tokenizer.tokenToId('\u2581\u2581\u2581'))
  })
})
