/** The tokenizer that users see: text to ids and back, whichever file the vocabulary came from. */
import { show } from '../errors/show.ts'
import { ParameterError, TokenizerError } from '../errors.ts'
import { hasTokenizerBeside } from '../formats/gguf-beside.ts'
import { absenceOf, type ModelSource, openSource } from '../formats/source.ts'
import type { AnyAbortSignal } from '../platform/globals.ts'
import type { Place } from './added-tokens.ts'
import type { BpeEncoder } from './bpe-encoder.ts'
import { type TokenizerDefinition, TokenKind, withoutTables } from './definition.ts'
import { type Found, type OpenFile, type OpenFiles, parseJson, readAll, tokenizerFiles } from './files.ts'
import { formatHintOfJson, formatHintOfName } from './format-hint.ts'
import type { GgufMetadata } from './gguf-vocab.ts'
import type { FolderFiles } from './hf-added.ts'
import { isTekken } from './tekken-file.ts'
import { type StreamOptions, TextStream, tokenBytes } from './text-stream.ts'

export interface EncodeOptions {
  /** Put BOS before the text. False by default. */
  bos?: boolean | undefined
  /** Put EOS after the text. False by default. */
  eos?: boolean | undefined
}

/**
 * Text ↔ token ids, the same from a `tekken.json`, a `tokenizer.json`, a `tokenizer.model` or a GGUF.
 *
 * Text never becomes a control token: `encode('</s>')` gives the pieces that spell it. Control tokens come from
 * `bos`/`eos` and from chat templates only.
 */
export class Tokenizer {
  /** Number of ids: the largest id plus one. */
  readonly vocabSize: number
  readonly bosId: number | undefined
  readonly eosId: number | undefined
  readonly unkId: number | undefined
  readonly padId: number | undefined
  /** Ids that end an answer: EOS, and in a GGUF whatever llama.cpp takes for an end of turn too. */
  readonly endIds: readonly number[]
  /** The model was trained to see BOS before each text (raw completion should pass `bos: addsBos`). */
  readonly addsBos: boolean
  /** Control tokens (and the unknown token) by name. */
  readonly specialTokens: ReadonlyMap<string, number>
  /** The form of token strings: SentencePiece pieces, or GPT-2's byte alphabet (tekken). */
  readonly alphabet: 'pieces' | 'bytes'
  /** The version of Mistral's chat format that the file speaks of, such as `v2`; a vocabulary alone may fit several. */
  readonly formatHint: string | undefined
  /** Oddities of the file that do not keep the tokenizer from working. */
  readonly notes: readonly string[]
  readonly #definition: TokenizerDefinition
  readonly #encoder: BpeEncoder
  #ids: Map<string, number> | undefined

  private constructor(definition: TokenizerDefinition, encoder: BpeEncoder) {
    this.#definition = definition
    this.#encoder = encoder
    this.vocabSize = definition.tokens.length
    this.bosId = definition.bosId
    this.eosId = definition.eosId
    this.unkId = definition.unkId
    this.padId = definition.padId
    this.endIds = definition.endIds
    this.addsBos = definition.addsBos
    this.alphabet = definition.alphabet
    this.formatHint = definition.formatHint
    this.notes = definition.notes ?? []
    const special = new Map<string, number>()
    for (const [id, token] of definition.tokens.entries()) {
      const kind = definition.kinds[id]
      if (token && (kind === TokenKind.control || kind === TokenKind.unknown)) special.set(token, id)
    }
    this.specialTokens = special
  }

  /**
   * Opens a `tekken.json`, `tokenizer.json`, `tokenizer.model`, `.gguf`, or the folder that holds one; from a path, URL, `File`s, a
   * directory handle or an object with `open(name)`.
   * @throws TokenizerError when there is no tokenizer or it is damaged; CheckpointError when the file cannot be read
   */
  static async load(source: ModelSource, options: { signal?: AnyAbortSignal | undefined } = {}): Promise<Tokenizer> {
    // Of a GGUF on the Hub the header is enough.
    const files = await openSource(source, { ...options, defer: true })
    const { signal } = options
    try {
      if (files.ggufName !== undefined) {
        const { ggufMetadata } = await import('../formats/gguf-parts.ts')
        const metadata = await ggufMetadata(files, files.ggufName, signal)
        const beside = hasTokenizerBeside(metadata) ? await Tokenizer.fromSourceFiles(files, signal) : undefined
        return beside ?? (await Tokenizer.fromGguf(metadata))
      }
      const tokenizer = await Tokenizer.fromSourceFiles(files, signal)
      if (tokenizer !== undefined) return tokenizer
      const why = absenceOf(files, [files.fileName ?? 'tokenizer.json', 'tokenizer.model'])
      throw new TokenizerError(`${files.label}: holds no tekken.json, tokenizer.json, tokenizer.model or .gguf${why}`)
    } finally {
      await files.close()
    }
  }

  /** @internal The tokenizer among the files of an opened source (not a GGUF's); undefined when it has none. */
  static fromSourceFiles(files: OpenFiles, signal?: AbortSignal): Promise<Tokenizer | undefined> {
    const open: OpenFile = async (name) => {
      const reader = await files.open(name, signal)
      return reader === undefined ? undefined : readAll(reader, signal)
    }
    return Tokenizer.fromFiles(open, files)
  }

  /**
   * @internal
   * The tokenizer of a folder: `tekken.json`, else `tokenizer.json` with `tokenizer_config.json`, else a SentencePiece
   * `tokenizer.model`.
   * @param open gives a file's bytes by name, undefined when there is no such file
   * @param at the file to use (`fileName`) and the names that there are, where known
   * @returns undefined when the folder has no tokenizer
   * @throws TokenizerError when a file is damaged
   */
  static async fromFiles(
    open: OpenFile,
    at: { fileName?: string | undefined; names?: readonly string[] | undefined } = {},
  ): Promise<Tokenizer | undefined> {
    const found = await tokenizerFiles(open, at)
    if (found === undefined) return undefined
    try {
      return await Tokenizer.#of(await definitionOf(found))
    } catch (error) {
      throw naming(error, found.name)
    }
  }

  /**
   * From a `tokenizer.json` or `tekken.json` (text or parsed), and of the former `tokenizer_config.json` where there is one. Throws TokenizerError.
   * Where the folder has an `added_tokens.json` or `special_tokens_map.json`, use {@link load}.
   */
  static async fromJson(tokenizerJson: unknown, tokenizerConfig?: unknown): Promise<Tokenizer> {
    const json = typeof tokenizerJson === 'string' ? parseJson(tokenizerJson, 'tokenizer.json') : tokenizerJson
    const config =
      typeof tokenizerConfig === 'string' ? parseJson(tokenizerConfig, 'tokenizer_config.json') : tokenizerConfig
    return Tokenizer.#of(await (isTekken(json) ? fromTekken(json) : fromJson(json, { config })))
  }

  /** From the bytes of a SentencePiece `tokenizer.model`, and its name, which may end in a version. Throws TokenizerError. */
  static async fromSentencePiece(bytes: Uint8Array, name = 'tokenizer.model'): Promise<Tokenizer> {
    return Tokenizer.#of(await fromSentencePiece(bytes, name))
  }

  /** From the metadata of a GGUF (`tokenizer.ggml.*`), a map by key. Throws TokenizerError. */
  static async fromGguf(metadata: GgufMetadata): Promise<Tokenizer> {
    if (!((metadata as unknown) instanceof Map)) throw new TokenizerError('the metadata of a GGUF must be a Map')
    const { definitionFromGguf } = await import('./gguf-vocab.ts')
    return Tokenizer.#of(definitionFromGguf(metadata))
  }

  static async #of(definition: TokenizerDefinition): Promise<Tokenizer> {
    const { BpeEncoder } = await import('./bpe-encoder.ts')
    return new Tokenizer(withoutTables(definition), new BpeEncoder(definition))
  }

  /** Ids of a text. Lone surrogates count as U+FFFD. Throws TokenizerError when BOS or EOS is asked for and missing. */
  encode(text: string, options: EncodeOptions = {}): number[] {
    const ids = this.encodePart(text, 'start')
    if (options.bos) ids.unshift(required(this.bosId, 'BOS'))
    if (options.eos) ids.push(required(this.eosId, 'EOS'))
    return ids
  }

  /**
   * @internal
   * Ids of a part of a prompt. `place` decides over SentencePiece's word boundary mark before it: `'start'` is the
   * start of the whole text, `'after-control'` follows a control token.
   */
  encodePart(text: string, place: Place): number[] {
    if (typeof text !== 'string') throw new ParameterError('text', text, 'must be a string')
    return this.#encoder.encode(text, place)
  }

  /**
   * @internal Ids of what a template wrote. Names of control tokens become those tokens, except where one would cover a
   * place in `breaks` (sorted): a message stands there.
   */
  encodeRendered(text: string, breaks: readonly number[]): number[] {
    return this.#encoder.encode(text, 'start', breaks)
  }

  /** @internal Throws TokenizerError when a token that may come up in a prompt has no row in an embedding of `rows`. */
  checkRows(rows: number): void {
    const { tokens, spareIds } = this.#definition
    for (let id = rows; id < tokens.length; id++) {
      if (tokens[id] === undefined || spareIds.includes(id)) continue
      throw new TokenizerError(
        `token ${id} (${show(tokens[id])}) is beyond the model's embedding, which has ${rows} rows: ` +
          'the tokenizer is not that of the model, or its files name tokens that the model was not trained with',
      )
    }
  }

  /** The text of ids. Throws TokenizerError for an id outside the vocabulary. */
  decode(ids: Iterable<number>, options: { skipSpecial?: boolean | undefined } = {}): string {
    if (typeof (ids as Iterable<number> | null)?.[Symbol.iterator] !== 'function') {
      throw new TokenizerError('decode takes token ids, an array of numbers')
    }
    const stream = this.stream(options)
    const parts: string[] = []
    for (const id of ids) parts.push(stream.push(id))
    parts.push(stream.flush())
    return parts.join('')
  }

  /** A decoder for ids that come one by one. */
  stream(options: StreamOptions = {}): TextStream {
    return new TextStream(this.#definition, (id) => this.#check(id), options)
  }

  /** A token's name in the vocabulary, for example `▁the`; undefined for a gap or an id outside. */
  idToToken(id: number): string | undefined {
    return this.#definition.tokens[id]
  }

  /** The id of a token's name. Of equal names the first counts. */
  tokenToId(token: string): number | undefined {
    if (this.#ids === undefined) {
      this.#ids = new Map()
      for (const [id, name] of this.#definition.tokens.entries()) {
        if (name !== undefined && !this.#ids.has(name)) this.#ids.set(name, id)
      }
    }
    return this.#ids.get(token)
  }

  /** The token steers the model and has no text: BOS, EOS, [INST]. */
  isControl(id: number): boolean {
    return this.#definition.kinds[id] === TokenKind.control
  }

  /**
   * The UTF-8 bytes that a token adds to a text: none for control tokens, one for a byte token. With `begins` those that
   * it adds as the first: the space before a word may be left out there.
   */
  tokenBytes(id: number, options: { begins?: boolean | undefined } = {}): Uint8Array<ArrayBuffer> {
    this.#check(id)
    return tokenBytes(this.#definition, id, options.begins)
  }

  #check(id: number): void {
    if (!Number.isInteger(id) || id < 0 || id >= this.vocabSize) {
      throw new TokenizerError(`token id ${show(id)} does not exist; the vocabulary has ids 0 to ${this.vocabSize - 1}`)
    }
  }
}

/** @internal Reads a tokenizer's files. Throws TokenizerError. */
export function definitionOf(found: Found): Promise<TokenizerDefinition> {
  switch (found.kind) {
    case 'tekken':
      return fromTekken(found.tokenizer, found.name)
    case 'json':
      return fromJson(found.tokenizer, found.files, found.notes)
    case 'sentencepiece':
      return fromSentencePiece(found.bytes, found.name, found.files)
  }
}

async function fromTekken(json: unknown, name?: string): Promise<TokenizerDefinition> {
  const { definitionFromTekken } = await import('./tekken.ts')
  return definitionFromTekken(json, name)
}

async function fromJson(
  json: unknown,
  files: FolderFiles,
  notes: readonly string[] = [],
): Promise<TokenizerDefinition> {
  const { definitionFromJson } = await import('./hf-json.ts')
  const definition = definitionFromJson(json, files)
  return { ...definition, notes: [...(definition.notes ?? []), ...notes], formatHint: formatHintOfJson(json) }
}

async function fromSentencePiece(bytes: Uint8Array, name: string, files?: FolderFiles): Promise<TokenizerDefinition> {
  const { definitionFromSentencePiece } = await import('./sentencepiece.ts')
  return { ...definitionFromSentencePiece(bytes, files), formatHint: formatHintOfName(name) }
}

/** The error with the name of the file that was read; the readers know only the usual names. */
function naming(error: unknown, name: string): unknown {
  if (!(error instanceof TokenizerError)) return error
  const usual = /^tokenizer\.(?:json|model)(?=:| is)/.exec(error.message)?.[0]
  if (usual === undefined || usual === name) return error
  return new TokenizerError(name + error.message.slice(usual.length), { cause: error.cause })
}

function required(id: number | undefined, name: string): number {
  if (id === undefined) throw new TokenizerError(`the vocabulary has no ${name} token`)
  return id
}
