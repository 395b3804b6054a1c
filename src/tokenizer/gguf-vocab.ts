/** The vocabulary inside a GGUF file's metadata (`tokenizer.ggml.*`). */
import { TokenizerError } from '../errors.ts'
import {
  byteOfToken,
  CONTROL_NAME,
  checkTokens,
  definitionFromPieces,
  engineJson,
  MAX_MERGES,
  MAX_TOKENS,
  type TokenizerDefinition,
  TokenKind,
} from './definition.ts'

export type GgufMetadata = ReadonlyMap<string, unknown>

const TEKKEN =
  '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|' +
  '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|' +
  '\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'
const LLAMA3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" +
  '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'

/** `tokenizer.ggml.pre` → how words are split, as llama.cpp names them; undefined is GPT-2's own pattern. */
const SPLITS = new Map<string, { regex: string | undefined; ignoreMerges: boolean }>([
  ['tekken', { regex: TEKKEN, ignoreMerges: true }],
  ['llama-bpe', { regex: LLAMA3, ignoreMerges: true }],
  ['gpt-2', { regex: undefined, ignoreMerges: false }],
  ['default', { regex: undefined, ignoreMerges: false }],
])

/**
 * The definition of the tokenizer in a GGUF's metadata.
 * @throws TokenizerError when there is none, when arrays disagree, or for another kind than SentencePiece BPE (`llama`)
 *   and byte-level BPE (`gpt2`)
 */
export function definitionFromGguf(metadata: GgufMetadata): TokenizerDefinition {
  const model = metadata.get('tokenizer.ggml.model')
  if (model === undefined) throw new TokenizerError('the GGUF holds no tokenizer (no tokenizer.ggml.model)')
  if (model !== 'llama' && model !== 'gpt2') {
    throw new TokenizerError(`tokenizer.ggml.model is "${String(model)}"; only "llama" and "gpt2" are supported`)
  }
  const tokens = strings(metadata, 'tokenizer.ggml.tokens', MAX_TOKENS)
  checkTokens(tokens)
  const kinds = readKinds(metadata, tokens)
  const ids = {
    bosId: tokenId(metadata, 'bos', tokens.length),
    eosId: tokenId(metadata, 'eos', tokens.length),
    unkId: tokenId(metadata, 'unknown', tokens.length),
    padId: tokenId(metadata, 'padding', tokens.length),
  }
  for (const id of [ids.bosId, ids.eosId]) if (id !== undefined) kinds[id] = TokenKind.control
  if (model === 'gpt2') return byteLevel(metadata, tokens, kinds, ids)
  const scores = numbers(metadata, 'tokenizer.ggml.scores', tokens.length)
  const unknown = kinds.indexOf(TokenKind.unknown)
  return definitionFromPieces(
    { tokens, scores, kinds },
    { ...ids, unkId: ids.unkId ?? (unknown < 0 ? undefined : unknown) },
    {
      addPrefix: flag(metadata, 'tokenizer.ggml.add_space_prefix') ?? true,
      collapseSpaces: flag(metadata, 'tokenizer.ggml.remove_extra_whitespaces') ?? false,
      byteFallback: kinds.includes(TokenKind.byte),
      addsBos: (flag(metadata, 'tokenizer.ggml.add_bos_token') ?? true) && ids.bosId !== undefined,
    },
  )
}

function byteLevel(
  metadata: GgufMetadata,
  tokens: string[],
  kinds: Uint8Array,
  ids: Pick<TokenizerDefinition, 'bosId' | 'eosId' | 'unkId' | 'padId'>,
): TokenizerDefinition {
  const pre = metadata.get('tokenizer.ggml.pre') ?? 'default'
  const split = SPLITS.get(String(pre))
  if (split === undefined) {
    throw new TokenizerError(
      `tokenizer.ggml.pre is "${String(pre)}"; supported are ${[...SPLITS.keys()].map((k) => `"${k}"`).join(', ')}`,
    )
  }
  const merges = strings(metadata, 'tokenizer.ggml.merges', MAX_MERGES).map((merge, i): [string, string] => {
    const cut = merge.indexOf(' ', 1)
    if (cut < 0) throw new TokenizerError(`tokenizer.ggml.merges[${i}] ("${merge}") is not two tokens`)
    return [merge.slice(0, cut), merge.slice(cut + 1)]
  })
  const plain = [...tokens.entries()].filter(([id]) => kinds[id] === TokenKind.normal)
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: split.regex === undefined }
  const words = { type: 'Split', pattern: { Regex: split.regex }, behavior: 'Isolated', invert: false }
  return {
    tokens,
    kinds,
    ...ids,
    addsBos: (flag(metadata, 'tokenizer.ggml.add_bos_token') ?? split.ignoreMerges) && ids.bosId !== undefined,
    alphabet: 'bytes',
    prefix: 'never',
    stripPrefix: false,
    collapseSpaces: false,
    splitWords: false,
    unkText: '',
    engine: engineJson({
      vocab: Object.fromEntries(plain.map(([id, token]) => [token, id])),
      merges,
      ignoreMerges: split.ignoreMerges,
      preTokenizer: split.regex === undefined ? bytes : { type: 'Sequence', pretokenizers: [words, bytes] },
    }),
    ranks: undefined,
  }
}

function readKinds(metadata: GgufMetadata, tokens: readonly string[]): Uint8Array {
  if (metadata.has('tokenizer.ggml.token_type')) {
    const kinds = numbers(metadata, 'tokenizer.ggml.token_type', tokens.length)
    return Uint8Array.from(tokens, (token, id) => {
      const kind = kinds[id] as number
      // 0 is "undefined" in ggml; writers that know nothing about a token use it for ordinary ones.
      if (kind === 0) return TokenKind.normal
      if (kind < 1 || kind > 6) throw new TokenizerError(`tokenizer.ggml.token_type[${id}] is ${kind}, not 1 to 6`)
      // Converters mark added tokens as user-defined when they do not know them; text must not reach these.
      return kind === TokenKind.userDefined && CONTROL_NAME.test(token) ? TokenKind.control : kind
    })
  }
  return Uint8Array.from(tokens, (token) => {
    if (token === '<unk>') return TokenKind.unknown
    if (token === '<s>' || token === '</s>') return TokenKind.control
    return byteOfToken(token) === undefined ? TokenKind.normal : TokenKind.byte
  })
}

/** Absent ids are stored as −1, which reads as 2^32 − 1. */
function tokenId(metadata: GgufMetadata, name: string, count: number): number | undefined {
  const key = `tokenizer.ggml.${name}_token_id`
  const value = metadata.get(key)
  if (value === undefined) return undefined
  const id = Number(value)
  if (id === 0xffffffff || id === -1) return undefined
  if (!Number.isInteger(id) || id < 0 || id >= count) {
    throw new TokenizerError(`${key} is ${String(value)}; the vocabulary has ${count} tokens`)
  }
  return id
}

function flag(metadata: GgufMetadata, key: string): boolean | undefined {
  const value = metadata.get(key)
  if (value === undefined || typeof value === 'boolean') return value
  throw new TokenizerError(`${key} is ${String(value)}, not true or false`)
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
  return Array.from(values, (value, i) => {
    if (typeof value !== 'string') throw new TokenizerError(`${key}[${i}] is not a string`)
    return value
  })
}

function numbers(metadata: GgufMetadata, key: string, count: number): ArrayLike<number> {
  const values = list(metadata, key)
  if (values.length !== count) {
    throw new TokenizerError(`${key} has ${values.length} entries, but there are ${count} tokens`)
  }
  return Array.from(values, (value, i) => {
    const number = typeof value === 'bigint' ? Number(value) : value
    if (typeof number !== 'number') throw new TokenizerError(`${key}[${i}] is not a number`)
    return number
  })
}
