/** Reads a `tekken.json`, Mistral's own form of byte-level vocabularies, as mistral-common does. */
import { TokenizerError } from '../errors.ts'
import { alphabetOfBytes } from './byte-alphabet.ts'
import { BYTE_LEVEL, type TokenizerDefinition, TokenKind } from './definition.ts'
import { array, type Json, object, optionalString, show, string } from './json-fields.ts'
import { NO_MERGES } from './merges.ts'
import { UNNAMED } from './tekken-names.ts'
import { checkTokens, engineJson, MAX_TOKENS } from './vocabulary.ts'

/** The versions of tokenizers that there are, in their order. */
const VERSIONS = ['v1', 'v2', 'v3', 'v7', 'v11', 'v13', 'v15']
/** Files of a later version than this name their own special tokens. */
const LAST_UNNAMED = VERSIONS.indexOf('v7')

/** Files reserve a thousand, and have names for a few of them. */
const MAX_SPECIALS = 65_536

/**
 * The definition of the tokenizer in a parsed `tekken.json`.
 * @param file its name, for messages
 * @throws TokenizerError when a field is missing, has the wrong type or contradicts another
 */
export function definitionFromTekken(json: unknown, file = 'tekken.json'): TokenizerDefinition {
  const root = object(json, '', file)
  const config = object(root.config, 'config', file)
  const pattern = string(config.pattern, 'config.pattern', file)
  const version = optionalString(config.version, 'config.version', file)
  const size = count(config, 'default_vocab_size', file)
  const reserved = count(config, 'default_num_special_tokens', file)
  if (reserved > MAX_SPECIALS) {
    throw new TokenizerError(`${file}: config.default_num_special_tokens is ${reserved}, the limit is ${MAX_SPECIALS}`)
  }
  const specials = readSpecials(root.special_tokens, reserved, version, file)
  const words = readVocab(root.vocab, size - specials.length, file)
  const tokens = [...specials, ...words]
  checkTokens(tokens)
  const idOf = (name: string) => {
    const id = specials.indexOf(name)
    return id < 0 ? undefined : id
  }
  const eosId = idOf('</s>')
  const kinds = new Uint8Array(tokens.length).fill(TokenKind.normal).fill(TokenKind.control, 0, specials.length)
  const unkId = idOf('<unk>')
  if (unkId !== undefined) kinds[unkId] = TokenKind.unknown
  const ids = new Map(words.map((token, i) => [token, specials.length + i]))
  const isKnown = version !== undefined && VERSIONS.includes(version)
  const unknown = `${file}: config.version (${show(version)}) is none of ${VERSIONS.join(', ')}; the vocabulary decides over the chat format`
  return {
    tokens,
    kinds,
    added: [],
    addedOrder: 'leftmost',
    bosId: idOf('<s>'),
    eosId,
    unkId,
    padId: idOf('<pad>'),
    endIds: eosId === undefined ? [] : [eosId],
    spareIds: [],
    addsBos: idOf('<s>') !== undefined,
    ...BYTE_LEVEL,
    encoder: engineJson({
      vocab: ids,
      merges: NO_MERGES,
      ignoreMerges: true,
      preTokenizer: wordsOf(pattern),
    }),
    joins: joinsOf(words, ids, file),
    formatHint: isKnown ? version : undefined,
    notes: isKnown ? [] : [unknown],
  }
}

/** Byte-level words by a pattern: what lies between its matches is a word as well. */
export function wordsOf(pattern: string): object {
  return {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    ],
  }
}

function count(config: Json, field: string, file: string): number {
  const value = config[field]
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_TOKENS) return value
  throw new TokenizerError(`${file}: config.${field} (${show(value)}) is not a whole number from 0 to ${MAX_TOKENS}`)
}

/** Names by id: those that the file lists, or those of its version, and fillers for ids without a name. */
function readSpecials(value: unknown, total: number, version: string | undefined, file: string): string[] {
  const isUnnamed = value === undefined || value === null
  if (isUnnamed && VERSIONS.indexOf(version ?? '') > LAST_UNNAMED) {
    throw new TokenizerError(`${file}: special_tokens is missing, which files of the version ${version} need`)
  }
  const listed = isUnnamed ? UNNAMED.map((name, rank) => ({ rank, token_str: name })) : value
  const names = new Array<string | undefined>(total).fill(undefined)
  for (const [i, entry] of array(listed, 'special_tokens', total, file).entries()) {
    const { rank, token_str: text } = object(entry, `special_tokens[${i}]`, file)
    const name = string(text, `special_tokens[${i}].token_str`, file)
    if (typeof rank !== 'number' || !(rank in names) || names[rank] !== undefined) {
      throw new TokenizerError(
        `${file}: special_tokens[${i}].rank (${show(rank)}) is not one of ${total} ids, or given twice`,
      )
    }
    names[rank] = name
  }
  const all = names.map((name, id) => name ?? `<SPECIAL_${id}>`)
  const twice = firstTwice(all)
  if (twice >= 0) throw new TokenizerError(`${file}: special_tokens names ${show(all[twice])} twice`)
  return all
}

/** Where the first word stands that stood before; -1 when none does. */
function firstTwice(words: readonly string[]): number {
  const seen = new Set<string>()
  return words.findIndex((word) => seen.size === seen.add(word).size)
}

/** The first `size` tokens in GPT-2's alphabet, by rank. A file may hold more, which its models were made without. */
function readVocab(value: unknown, size: number, file: string): string[] {
  const entries = array(value, 'vocab', MAX_TOKENS, file)
  if (size < 256 || entries.length < size) {
    throw new TokenizerError(
      `${file}: config.default_vocab_size leaves ${size} tokens to the vocabulary, which has ${entries.length}; ` +
        '256 or more are needed, and no more than there are',
    )
  }
  return Array.from({ length: size }, (_, rank) => {
    const entry = object(entries[rank], `vocab[${rank}]`, file)
    if (entry.rank !== rank) throw new TokenizerError(`${file}: vocab[${rank}].rank is ${show(entry.rank)}`)
    const base64 = string(entry.token_bytes, `vocab[${rank}].token_bytes`, file)
    const bytes = bytesOf(base64)
    if (bytes === undefined || bytes === '' || (rank < 256 && bytes !== String.fromCharCode(rank))) {
      const wanted = rank < 256 ? `the byte ${rank}` : 'bytes'
      throw new TokenizerError(`${file}: vocab[${rank}].token_bytes (${show(base64)}) is not ${wanted} in base64`)
    }
    return alphabetOfBytes(bytes)
  })
}

/** One character below 256 for each byte. */
function bytesOf(base64: string): string | undefined {
  try {
    return atob(base64)
  } catch {
    return undefined
  }
}

/** Any two neighbours that make a token are joined, those of the lowest rank first, the leftmost of equals. */
function joinsOf(
  words: readonly string[],
  ids: ReadonlyMap<string, number>,
  file: string,
): ReadonlyMap<string, number> {
  if (ids.size !== words.length) {
    throw new TokenizerError(`${file}: vocab[${firstTwice(words)}] has the bytes of an earlier token`)
  }
  // A token's rank is its id less the number of special tokens: the order is the same.
  return ids
}
