/** The vocabulary inside a GGUF file's metadata (`tokenizer.ggml.*`). */
import { show } from '../errors/show.ts'
import { TokenizerError } from '../errors.ts'
import { type AddedToken, NO_FLAGS } from './added-tokens.ts'
import { BYTE_LEVEL, byteOfToken, type SpecialTokens, type TokenizerDefinition, TokenKind } from './definition.ts'
import { type GgufMetadata, readRoles } from './gguf-special.ts'
import { type WordSplit, wordSplit } from './gguf-splits.ts'
import { type Merges, mergesOf } from './merges.ts'
import { CONTROL_NAME, checkTokens, definitionFromPieces, engineJson, MAX_MERGES, MAX_TOKENS } from './vocabulary.ts'

export type { GgufMetadata } from './gguf-special.ts'

const NO_SPLIT =
  "tokenizer.ggml.pre is missing: words are split by llama.cpp's default, which is hardly that of the model; " +
  'a newer conversion of it says how'

/**
 * The definition of the tokenizer in a GGUF's metadata.
 * @throws TokenizerError when there is none, when arrays disagree, or for another kind than SentencePiece BPE (`llama`)
 *   and byte-level BPE (`gpt2`)
 */
export function definitionFromGguf(metadata: GgufMetadata): TokenizerDefinition {
  const model = metadata.get('tokenizer.ggml.model')
  if (model === undefined) throw new TokenizerError('the GGUF holds no tokenizer (no tokenizer.ggml.model)')
  if (model !== 'llama' && model !== 'gpt2') {
    throw new TokenizerError(`tokenizer.ggml.model is ${show(model)}; only "llama" and "gpt2" are supported`)
  }
  const tokens = strings(metadata, 'tokenizer.ggml.tokens', MAX_TOKENS)
  checkTokens(tokens)
  const kinds = readKinds(metadata, tokens)
  return model === 'gpt2' ? byteLevel(metadata, tokens, kinds) : pieces(metadata, tokens, kinds)
}

function pieces(metadata: GgufMetadata, tokens: string[], kinds: Uint8Array): TokenizerDefinition {
  const scores = numbers(metadata, 'tokenizer.ggml.scores', tokens.length)
  const unknown = kinds.indexOf(TokenKind.unknown)
  const special = specialOf(metadata, tokens, kinds, { bos: 1, eos: 2, unk: Math.max(unknown, 0) })
  return definitionFromPieces({ tokens, scores, kinds }, special, {
    addPrefix: flag(metadata, 'tokenizer.ggml.add_space_prefix') ?? true,
    collapseSpaces: flag(metadata, 'tokenizer.ggml.remove_extra_whitespaces') ?? false,
    byteFallback: kinds.includes(TokenKind.byte),
    addsBos: (flag(metadata, 'tokenizer.ggml.add_bos_token') ?? true) && special.bosId !== undefined,
  })
}

function byteLevel(metadata: GgufMetadata, tokens: string[], kinds: Uint8Array): TokenizerDefinition {
  const split = splitOf(metadata)
  const special = specialOf(metadata, tokens, kinds, { bos: split.noBos ? undefined : 11, eos: 11, unk: undefined })
  const plain = new Map<string, number>()
  tokens.forEach((token, id) => {
    if (kinds[id] === TokenKind.normal || kinds[id] === TokenKind.userDefined) plain.set(token, id)
  })
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
  const words = split.regexes.map((regex) => ({
    type: 'Split',
    pattern: { Regex: regex },
    behavior: 'Isolated',
    invert: false,
  }))
  return {
    tokens,
    kinds,
    ...special,
    notes: [...(special.notes ?? []), ...(hasSplit(metadata) ? [] : [NO_SPLIT])],
    addsBos: (flag(metadata, 'tokenizer.ggml.add_bos_token') ?? split.addsBos) && special.bosId !== undefined,
    ...BYTE_LEVEL,
    encoder: engineJson({
      vocab: plain,
      merges: readMerges(metadata, plain),
      ignoreMerges: split.ignoreMerges,
      preTokenizer: { type: 'Sequence', pretokenizers: [...words, bytes] },
    }),
    joins: undefined,
  }
}

/** Old files do not say how words are split, and some converters write an empty name. */
function hasSplit(metadata: GgufMetadata): boolean {
  return (metadata.get('tokenizer.ggml.pre') ?? '') !== ''
}

function splitOf(metadata: GgufMetadata): WordSplit {
  const pre = hasSplit(metadata) ? metadata.get('tokenizer.ggml.pre') : 'default'
  const split = wordSplit(String(pre))
  if (split === undefined) {
    throw new TokenizerError(`tokenizer.ggml.pre is ${show(pre)}, a way to split words that is not supported`)
  }
  return split
}

/** Merges that make no token that text may reach are left out: they would lose the text, or make a control token. */
function readMerges(metadata: GgufMetadata, plain: ReadonlyMap<string, number>): Merges {
  const merges: string[] = []
  for (const [i, line] of strings(metadata, 'tokenizer.ggml.merges', MAX_MERGES).entries()) {
    const cut = line.indexOf(' ', 1)
    if (cut < 0) throw new TokenizerError(`tokenizer.ggml.merges[${i}] ("${line}") is not two tokens`)
    if (plain.has(line.slice(0, cut) + line.slice(cut + 1))) merges.push(line)
  }
  return mergesOf(merges, 'first')
}

function specialOf(
  metadata: GgufMetadata,
  tokens: readonly string[],
  kinds: Uint8Array,
  defaults: Parameters<typeof readRoles>[3],
): SpecialTokens {
  const roles = readRoles(metadata, tokens, kinds, defaults)
  const added: AddedToken[] = []
  tokens.forEach((token, id) => {
    if (kinds[id] !== TokenKind.userDefined || token === '') return
    // Files hold added tokens as people write them; some hold the spaces marked, as pieces have them.
    const content = metadata.get('tokenizer.ggml.model') === 'llama' ? token.replaceAll('\u2581', ' ') : token
    // To llama.cpp, the text after such a token is a text of its own.
    added.push({ ...NO_FLAGS, id, content, control: false, next: 'start' })
  })
  return { ...roles, added, addedOrder: 'longest', spareIds: [] }
}

function readKinds(metadata: GgufMetadata, tokens: readonly string[]): Uint8Array {
  if (metadata.has('tokenizer.ggml.token_type')) {
    const given = numbers(metadata, 'tokenizer.ggml.token_type', tokens.length)
    const kinds = new Uint8Array(tokens.length)
    tokens.forEach((token, id) => {
      const kind = given[id] as number
      if (kind !== 0 && !(kind >= 1 && kind <= 6))
        throw new TokenizerError(`tokenizer.ggml.token_type[${id}] is ${kind}, not 1 to 6`)
      // Converters mark added tokens as user-defined when they do not know them; text must not reach these.
      const isControl = kind === TokenKind.userDefined && CONTROL_NAME.test(token)
      // 0 is "undefined" in ggml; writers that know nothing about a token use it for ordinary ones.
      kinds[id] = isControl ? TokenKind.control : kind === 0 ? TokenKind.normal : kind
    })
    return kinds
  }
  return Uint8Array.from(tokens, (token) => {
    if (token === '<unk>') return TokenKind.unknown
    if (token === '<s>' || token === '</s>') return TokenKind.control
    return byteOfToken(token) === undefined ? TokenKind.normal : TokenKind.byte
  })
}

function flag(metadata: GgufMetadata, key: string): boolean | undefined {
  const value = metadata.get(key)
  if (value === undefined || typeof value === 'boolean') return value
  throw new TokenizerError(`${key} is ${show(value)}, not true or false`)
}

function list(metadata: GgufMetadata, key: string): ArrayLike<unknown> {
  const value = metadata.get(key)
  if (Array.isArray(value)) return value
  if (ArrayBuffer.isView(value) && 'length' in value) return value as unknown as ArrayLike<unknown>
  throw new TokenizerError(value === undefined ? `the GGUF holds no ${key}` : `${key} is not an array`)
}

function strings(metadata: GgufMetadata, key: string, limit: number): string[] {
  const values = list(metadata, key)
  if (values.length > limit) throw new TokenizerError(`${key} has ${values.length} entries, the limit is ${limit}`)
  const tokens = Array.prototype.slice.call(values) as unknown[]
  const wrong = tokens.findIndex((value) => typeof value !== 'string')
  if (wrong >= 0) throw new TokenizerError(`${key}[${wrong}] is not a string`)
  return tokens as string[]
}

function numbers(metadata: GgufMetadata, key: string, count: number): ArrayLike<number> {
  const values = list(metadata, key)
  if (values.length !== count) {
    throw new TokenizerError(`${key} has ${values.length} entries, but there are ${count} tokens`)
  }
  if (values instanceof Float32Array || values instanceof Int32Array || values instanceof Uint8Array) return values
  return Array.from(values, (value, i) => {
    const number = typeof value === 'bigint' ? Number(value) : value
    if (typeof number !== 'number') throw new TokenizerError(`${key}[${i}] is not a number`)
    return number
  })
}
