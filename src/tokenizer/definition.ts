/** The form that every tokenizer file is read into. */
import type { AddedToken, SearchOrder } from './added-tokens.ts'
import type { Joins } from './merger.ts'
import { type Merges, NO_MERGES } from './merges.ts'

/** Kinds of tokens. The numbers are SentencePiece's and GGUF's own. */
export const TokenKind = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const
export type TokenKind = (typeof TokenKind)[keyof typeof TokenKind]

/**
 * How the word boundary mark `▁` comes to stand before a text.
 * - `sentencepiece`: always before a whole text, as SentencePiece does; after a control token unless a space is there
 * - `prepend`: before each stretch between control tokens (the older tokenizer.json, normalizer Prepend)
 * - `first`: before the stretch that begins the text, unless it begins with a space (Metaspace, `prepend_scheme`)
 * - `always`: before each stretch that does not begin with a space (Metaspace)
 * - `never`
 */
export type Prefix = 'sentencepiece' | 'prepend' | 'first' | 'always' | 'never'

/** A tokenizer, whichever file it came from. */
export interface TokenizerDefinition {
  /** By id. A gap in the numbering is undefined. */
  readonly tokens: readonly (string | undefined)[]
  /** By id, a {@link TokenKind}. */
  readonly kinds: Uint8Array
  /** Tokens that are looked for in the text itself, where the file says how; control tokens need not be among them. */
  readonly added: readonly AddedToken[]
  readonly addedOrder: SearchOrder
  readonly bosId: number | undefined
  readonly eosId: number | undefined
  readonly unkId: number | undefined
  readonly padId: number | undefined
  /** Ids that end an answer, {@link eosId} among them. */
  readonly endIds: readonly number[]
  /** Ids that a model needs no row for: padding, and roles that Mistral's models do not use. */
  readonly spareIds: readonly number[]
  /** The model was trained to see BOS before each text. */
  readonly addsBos: boolean
  /**
   * How token strings hold text: `pieces` has `▁` for a space and `<0xNN>` for a byte (SentencePiece), `bytes` has one
   * character of GPT-2's alphabet per byte.
   */
  readonly alphabet: 'pieces' | 'bytes'
  /** Only for `pieces`. */
  readonly prefix: Prefix
  /** Decoding drops the one space that the prefix had put before the text. */
  readonly stripPrefix: boolean
  /** SentencePiece's `remove_extra_whitespaces`: trim the text and make each run of spaces one. */
  readonly collapseSpaces: boolean
  /** Spaces become `▁` (and the prefix is put before) in a normalizer, so normalized added tokens are looked for after. */
  readonly marksFirst: boolean
  /** Pieces never cross the start of a word (Metaspace with `split`). */
  readonly splitWords: boolean
  /** The text that an unknown token decodes to. */
  readonly unkText: string
  /** The `tokenizer.json` object that the library encodes plain text with: no control token is reachable in it. */
  readonly encoder: EngineJson
  /**
   * The rank of each token to which any two neighbours that make it are joined: the lowest first, the leftmost of equals.
   * Without it the pairs in `encoder.model.merges` are joined.
   */
  readonly joins: Joins | undefined
  /** The version of Mistral's chat format, where the file says more than its vocabulary: `v2`, `v3`. */
  readonly formatHint?: string | undefined
  /** Oddities of the file that do not keep the tokenizer from working. */
  readonly notes?: readonly string[] | undefined
}

/** The tokens with a role, and those that are looked for in the text. */
export type SpecialTokens = Pick<
  TokenizerDefinition,
  'added' | 'addedOrder' | 'bosId' | 'eosId' | 'unkId' | 'padId' | 'endIds' | 'spareIds' | 'notes'
>

/** The parts of a `tokenizer.json` that the library reads. */
export interface EngineJson {
  readonly model: {
    readonly type: 'BPE'
    readonly vocab: ReadonlyMap<string, number>
    readonly merges: Merges
    readonly unk_token: string | null
    readonly byte_fallback: boolean
    readonly fuse_unk: boolean
    readonly ignore_merges: boolean
  }
  readonly normalizer: unknown
  readonly pre_tokenizer: unknown
  readonly post_processor: null
  readonly decoder: null
  readonly added_tokens: readonly never[]
}

/** The part of a definition that is of use once the encoder is made of it: its tables take tens of megabytes. */
export function withoutTables(definition: TokenizerDefinition): TokenizerDefinition {
  const { encoder, joins } = definition
  const model = { ...encoder.model, vocab: new Map(), merges: NO_MERGES }
  return { ...definition, encoder: { ...encoder, model }, joins: joins && new Map() }
}

const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/

/** The byte that a token such as `<0x0A>` stands for. */
export function byteOfToken(token: string): number | undefined {
  const match = token.length === 6 ? BYTE_TOKEN.exec(token) : null
  return match === null ? undefined : Number.parseInt(match[1]!, 16)
}

/** The rules of vocabularies over bytes: spaces are bytes like others, and no byte is unknown. */
export const BYTE_LEVEL = {
  alphabet: 'bytes',
  prefix: 'never',
  stripPrefix: false,
  collapseSpaces: false,
  marksFirst: false,
  splitWords: false,
  unkText: '',
} as const satisfies Partial<TokenizerDefinition>
