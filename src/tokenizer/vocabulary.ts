/** The rules that the readers of tokenizer files share. It is loaded with them. */
import { TokenizerError } from '../errors.ts'
import { byteOfToken, type EngineJson, type SpecialTokens, type TokenizerDefinition, TokenKind } from './definition.ts'
import { type Merges, NO_MERGES } from './merges.ts'

/** Names that Mistral's and its finetunes' control tokens go by; some files forget to mark them as special. */
export const CONTROL_NAME = /^(?:<\/?s>|<unk>|<pad>|<\|.*\|>|\[(?:control_\d+|\/?[A-Z]+(?:_[A-Z]+)*)\])$/su

/** More tokens than any published vocabulary has by a factor of four; a file that claims more is refused. */
export const MAX_TOKENS = 1 << 20
/** Longest token in UTF-16 units. The longest in use are runs of some hundred spaces. */
export const MAX_TOKEN_LENGTH = 1024
export const MAX_MERGES = 1 << 22

/** The name of the unknown token inside the encoder, which no text can spell: its text has no noncharacters. */
export const ENGINE_UNK = '\uFDD3unk'

/** A piece table as SentencePiece and GGUF store it. Tokens without a score are no pieces: files beside added them. */
export interface ScoredPieces {
  readonly tokens: readonly (string | undefined)[]
  readonly scores: ArrayLike<number>
  readonly kinds: Uint8Array
}

/**
 * What SentencePiece's BPE joins: any two neighbours whose join is a piece, the best score first, the leftmost of equals. A
 * neighbour is itself a piece or a single character (known or not).
 *
 * SentencePiece also merges through `unused` pieces and takes them apart afterwards; that is not copied, since no
 * published Mistral vocabulary has one.
 */
export function joinsByScore(pieces: ScoredPieces): Map<string, number> {
  const ranks = denseRanks(pieces)
  const joins = new Map<string, number>()
  for (let id = 0; id < ranks.length; id++) {
    if (isMergeable(pieces.kinds[id])) joins.set(pieces.tokens[id]!, ranks[id]!)
  }
  return joins
}

function isMergeable(kind: number | undefined): boolean {
  return kind === TokenKind.normal || kind === TokenKind.userDefined
}

/** Of each score, 0 for the best; equal scores share a rank. */
function denseRanks({ scores }: ScoredPieces): Uint32Array {
  const ranks = new Uint32Array(scores.length)
  let isSorted = true
  for (let id = 0; id < ranks.length; id++) {
    const score = scores[id]!
    if (!Number.isFinite(score)) throw new TokenizerError(`the score of token ${id} is ${score}, not a number`)
    if (id === 0) continue
    const before = scores[id - 1]!
    if (score > before) isSorted = false
    ranks[id] = ranks[id - 1]! + (score < before ? 1 : 0)
  }
  // Most vocabularies have the best first.
  if (isSorted) return ranks
  const best = [...new Set(Array.from(scores))].sort((a, b) => b - a)
  const rankOf = new Map(best.map((score, rank) => [score, rank]))
  return ranks.map((_, id) => rankOf.get(scores[id]!)!)
}

/**
 * The definition of a SentencePiece BPE vocabulary, from its own file or from a GGUF.
 * @throws TokenizerError for vocabularies that are empty, too large, or hold impossible tokens
 */
export function definitionFromPieces(
  pieces: ScoredPieces,
  special: SpecialTokens,
  options: { addPrefix: boolean; collapseSpaces: boolean; byteFallback: boolean; addsBos: boolean; unkText?: string },
): TokenizerDefinition {
  checkTokens(pieces.tokens)
  const vocab = new Map<string, number>()
  for (let id = 0; id < pieces.tokens.length; id++) {
    const [token, kind] = [pieces.tokens[id], pieces.kinds[id]]
    if (token === undefined || id >= pieces.scores.length) continue
    if (kind === TokenKind.byte) {
      const byte = byteOfToken(token)
      if (byte === undefined) throw new TokenizerError(`token ${id} ("${token}") is marked as a byte, but is none`)
      vocab.set(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, id)
    } else if (isMergeable(kind)) {
      vocab.set(token, id)
    }
  }
  const { unkId } = special
  if (unkId !== undefined) vocab.set(ENGINE_UNK, unkId)
  return {
    tokens: pieces.tokens,
    kinds: pieces.kinds,
    ...special,
    addsBos: options.addsBos,
    alphabet: 'pieces',
    prefix: options.addPrefix ? 'sentencepiece' : 'never',
    stripPrefix: options.addPrefix,
    collapseSpaces: options.collapseSpaces,
    marksFirst: false,
    splitWords: false,
    unkText: options.unkText ?? ' \u2047 ',
    encoder: engineJson({
      vocab,
      merges: NO_MERGES,
      unkToken: unkId === undefined ? null : ENGINE_UNK,
      byteFallback: options.byteFallback,
    }),
    joins: joinsByScore(pieces),
  }
}

export function engineJson(parts: {
  vocab: ReadonlyMap<string, number>
  merges: Merges
  unkToken?: string | null
  byteFallback?: boolean
  fuseUnk?: boolean
  ignoreMerges?: boolean
  normalizer?: unknown
  preTokenizer?: unknown
}): EngineJson {
  return {
    model: {
      type: 'BPE',
      vocab: parts.vocab,
      merges: parts.merges,
      unk_token: parts.unkToken ?? null,
      byte_fallback: parts.byteFallback ?? false,
      fuse_unk: parts.fuseUnk ?? true,
      ignore_merges: parts.ignoreMerges ?? false,
    },
    normalizer: parts.normalizer ?? null,
    pre_tokenizer: parts.preTokenizer ?? null,
    post_processor: null,
    decoder: null,
    added_tokens: [],
  }
}

/** @throws TokenizerError when there are no tokens, too many, or one that is too long */
export function checkTokens(tokens: readonly (string | undefined)[]): void {
  if (tokens.length === 0) throw new TokenizerError('the vocabulary is empty')
  if (tokens.length > MAX_TOKENS) {
    throw new TokenizerError(`the vocabulary has ${tokens.length} tokens, the limit is ${MAX_TOKENS}`)
  }
  for (let id = 0; id < tokens.length; id++) {
    const token = tokens[id]
    if (token !== undefined && token.length > MAX_TOKEN_LENGTH) {
      throw new TokenizerError(`token ${id} has ${token.length} characters, the limit is ${MAX_TOKEN_LENGTH}`)
    }
  }
}
