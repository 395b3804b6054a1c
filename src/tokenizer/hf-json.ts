/** Reads a `tokenizer.json` (Hugging Face tokenizers), with the facts that only `tokenizer_config.json` has. */
import { TokenizerError } from '../errors.ts'
import type { AddedToken } from './added-tokens.ts'
import { byteOfToken, type Prefix, type TokenizerDefinition, TokenKind } from './definition.ts'
import { type FolderFiles, type FolderVocabulary, type ListedToken, tokenOf, withFolder } from './hf-added.ts'
import { array, boolean, type Json, object, optionalString, show, tokenId } from './json-fields.ts'
import { type Merges, mergesOf, type Pair } from './merges.ts'
import { REPAIR_NOTE, repairedPreTokenizer } from './tekken-repair.ts'
import { CONTROL_NAME, checkTokens, ENGINE_UNK, engineJson, MAX_MERGES, MAX_TOKENS } from './vocabulary.ts'
import { engineSteps } from './word-steps.ts'

/**
 * The definition of the tokenizer in a parsed `tokenizer.json`.
 * @param files what lies beside it
 * @throws TokenizerError when a field has the wrong type, is out of bounds, or names a model other than BPE
 */
export function definitionFromJson(tokenizer: unknown, files: FolderFiles = {}): TokenizerDefinition {
  const root = object(tokenizer, '')
  const model = object(root.model, 'model')
  if (model.type !== undefined && model.type !== 'BPE') {
    throw new TokenizerError(`tokenizer.json: model.type is ${show(model.type)}; only "BPE" is supported`)
  }
  refuseWordAffixes(model)
  const vocab = readVocab(model.vocab)
  const added = readAdded(root.added_tokens)
  const bare = { file: 'tokenizer.json', tokens: tokensById(vocab, added), added, mayRename: false }
  const folder = withFolder(bare, files)
  const { tokens } = folder
  checkTokens(tokens)
  const form = readForm(root)
  const byteFallback = boolean(model.byte_fallback, 'model.byte_fallback')
  const unkToken = optionalString(model.unk_token, 'model.unk_token')
  const named = namedTokens(folder, unkToken)
  const kinds = readKinds(folder, byteFallback, named)
  const unkId = unkToken === undefined ? undefined : vocab.get(unkToken)
  const repaired = repairedPreTokenizer(form.preTokenizer, vocab)
  return {
    tokens,
    kinds,
    ...named,
    notes: repaired === undefined ? [] : [REPAIR_NOTE],
    added: addedOf(folder, kinds, form.text),
    addedOrder: 'leftmost',
    endIds: named.eosId === undefined ? [] : [named.eosId],
    spareIds: folder.spareIds,
    addsBos: named.bosId !== undefined && addsBos(root, folder.settings, tokens[named.bosId] as string),
    ...form.text,
    collapseSpaces: false,
    unkText: '',
    encoder: engineJson({
      vocab: plainVocab(vocab, kinds, unkId),
      merges: plainMerges(model.merges, vocab, kinds),
      unkToken: unkId === undefined ? null : ENGINE_UNK,
      byteFallback,
      fuseUnk: boolean(model.fuse_unk, 'model.fuse_unk'),
      ignoreMerges: boolean(model.ignore_merges, 'model.ignore_merges'),
      normalizer: form.normalizer,
      preTokenizer: repaired ?? form.preTokenizer,
    }),
    joins: undefined,
  }
}

/** `add_bos_token` when it is said, else whether the post-processor puts the token before a text. */
function addsBos(root: Json, settings: Json, bos: string): boolean {
  if (typeof settings.add_bos_token === 'boolean') return settings.add_bos_token
  return steps(root.post_processor, 'post_processor', 'processors').some((step) => {
    const single = step.type === 'TemplateProcessing' && Array.isArray(step.single) ? step.single[0] : undefined
    return (single as { SpecialToken?: { id?: unknown } } | undefined)?.SpecialToken?.id === bos
  })
}

function refuseWordAffixes(model: Json): void {
  for (const field of ['continuing_subword_prefix', 'end_of_word_suffix', 'dropout']) {
    const value = model[field]
    if (value !== undefined && value !== null && value !== '' && value !== 0) {
      throw new TokenizerError(`tokenizer.json: model.${field} (${show(value)}) is not supported`)
    }
  }
}

function readVocab(value: unknown): Map<string, number> {
  const entries = Object.entries(object(value, 'model.vocab'))
  if (entries.length > MAX_TOKENS) {
    throw new TokenizerError(`tokenizer.json: model.vocab has ${entries.length} tokens, the limit is ${MAX_TOKENS}`)
  }
  return new Map(entries.map(([token, id]) => [token, tokenId(id, () => `model.vocab[${show(token)}]`)]))
}

function readAdded(value: unknown): ListedToken[] {
  return array(value ?? [], 'added_tokens', MAX_TOKENS).map((entry, i) => {
    const field = `added_tokens[${i}]`
    const token = tokenOf(entry, 0, field, 'tokenizer.json')
    return { ...token, id: tokenId((entry as Json).id, () => `${field}.id`) }
  })
}

function tokensById(vocab: ReadonlyMap<string, number>, added: readonly ListedToken[]): (string | undefined)[] {
  const tokens: (string | undefined)[] = []
  let size = 0
  for (const id of vocab.values()) size = Math.max(size, id + 1)
  for (const { id } of added) size = Math.max(size, id + 1)
  for (let id = 0; id < size; id++) tokens.push(undefined)
  for (const [token, id] of vocab) tokens[id] = token
  for (const { id, content } of added) tokens[id] = content
  return tokens
}

type Named = Pick<TokenizerDefinition, 'bosId' | 'eosId' | 'unkId' | 'padId'>

/** bos, eos, pad, unk: what the files say, else the usual names. */
function namedTokens({ roles, tokens }: FolderVocabulary, unkToken: string | undefined): Named {
  const usual = (...names: string[]) => names.map((name) => tokens.indexOf(name)).find((id) => id >= 0)
  return {
    bosId: orElse(roles.bos, () => usual('<s>', '<|begin_of_text|>')),
    eosId: orElse(roles.eos, () => usual('</s>', '<|end_of_text|>')),
    padId: orElse(roles.pad, () => usual('<pad>')),
    unkId: roles.unk ?? usual(unkToken ?? '<unk>'),
  }
}

/** A file may also say that there is no such token. */
function orElse(id: number | null | undefined, other: () => number | undefined): number | undefined {
  return id === undefined ? other() : (id ?? undefined)
}

function readKinds({ tokens, added }: FolderVocabulary, byteFallback: boolean, named: Named): Uint8Array {
  const kinds = Uint8Array.from(tokens, (token): TokenKind => {
    if (token === undefined) return TokenKind.unused
    return byteFallback && byteOfToken(token) !== undefined ? TokenKind.byte : TokenKind.normal
  })
  for (const { id, special, content } of added.values()) {
    kinds[id] = special || CONTROL_NAME.test(content) ? TokenKind.control : TokenKind.userDefined
  }
  const control = [named.bosId, named.eosId, named.padId].filter((id) => id !== undefined)
  for (const id of control) kinds[id] = TokenKind.control
  if (named.unkId !== undefined && !control.includes(named.unkId)) kinds[named.unkId] = TokenKind.unknown
  return kinds
}

function addedOf({ added }: FolderVocabulary, kinds: Uint8Array, { alphabet }: TextForm['text']): AddedToken[] {
  return [...added.values()].map(({ id, content, lstrip, rstrip, singleWord, normalized }) => {
    const control = kinds[id] !== TokenKind.userDefined
    // Normalization of byte-level text moves places, and could make a control token of what a person wrote. Names of
    // control tokens are the same before and after it.
    const isNormalized = normalized && !(control && alphabet === 'bytes')
    return { id, content, lstrip, rstrip, singleWord, normalized: isNormalized, control, next: 'after-control' }
  })
}

/** The vocabulary that text can reach: without control tokens, the unknown one under a name that no text has. */
function plainVocab(
  vocab: ReadonlyMap<string, number>,
  kinds: Uint8Array,
  unkId: number | undefined,
): Map<string, number> {
  const plain = new Map<string, number>()
  for (const [token, id] of vocab) if (isPlain(kinds[id]) || kinds[id] === TokenKind.byte) plain.set(token, id)
  if (unkId !== undefined) plain.set(ENGINE_UNK, unkId)
  return plain
}

function isPlain(kind: number | undefined): boolean {
  return kind === TokenKind.normal || kind === TokenKind.userDefined
}

/**
 * Converters write merges that end in a control or byte token when its parts happen to be pieces ("</s" + ">"). Those
 * would let a user's text become a control token, so they are left out.
 */
function plainMerges(value: unknown, vocab: ReadonlyMap<string, number>, kinds: Uint8Array): Merges {
  const merges: (string | Pair)[] = []
  for (const [i, entry] of array(value, 'model.merges', MAX_MERGES).entries()) {
    const made = madeBy(entry)
    if (made === undefined) {
      throw new TokenizerError(`tokenizer.json: model.merges[${i}] (${show(entry)}) is not two tokens`)
    }
    const id = vocab.get(made)
    if (id === undefined) {
      throw new TokenizerError(`tokenizer.json: model.merges[${i}] (${show(entry)}) makes no token of the vocabulary`)
    }
    if (isPlain(kinds[id])) merges.push(entry as string | Pair)
  }
  return mergesOf(merges, 'last')
}

/** The token that a merge makes: a line of two with a space between them, or a pair. undefined for anything else. */
function madeBy(merge: unknown): string | undefined {
  if (typeof merge === 'string') {
    const cut = merge.indexOf(' ')
    return cut < 0 || merge.includes(' ', cut + 1) ? undefined : merge.slice(0, cut) + merge.slice(cut + 1)
  }
  if (!Array.isArray(merge) || merge.length !== 2) return undefined
  const [left, right] = merge as readonly unknown[]
  return typeof left === 'string' && typeof right === 'string' ? left + right : undefined
}

interface TextForm {
  text: Pick<TokenizerDefinition, 'alphabet' | 'prefix' | 'stripPrefix' | 'splitWords' | 'marksFirst'>
  normalizer: unknown
  preTokenizer: unknown
}

/** Tells the forms of Mistral's files apart: Prepend + Replace, Metaspace, byte level. */
function readForm(root: Json): TextForm {
  const normalizers = steps(root.normalizer, 'normalizer', 'normalizers')
  const preTokenizers = steps(root.pre_tokenizer, 'pre_tokenizer', 'pretokenizers')
  const decoders = steps(root.decoder, 'decoder', 'decoders')
  const stripPrefix = decoders.some((d) => (d.type === 'Strip' && d.start === 1) || isPrefixing(d))
  if (preTokenizers.some((p) => p.type === 'ByteLevel')) {
    for (const step of [...normalizers, ...preTokenizers]) requireKnown(step)
    return {
      text: { alphabet: 'bytes', prefix: 'never', stripPrefix: false, splitWords: false, marksFirst: false },
      normalizer: root.normalizer,
      preTokenizer: { type: 'Sequence', pretokenizers: engineSteps(preTokenizers) },
    }
  }
  const metaspace = preTokenizers[0]
  if (metaspace?.type === 'Metaspace' && preTokenizers.length === 1 && normalizers.length === 0) {
    const prefix = prependScheme(metaspace)
    const splitWords = metaspace.split !== false
    const text = { alphabet: 'pieces', prefix, stripPrefix, splitWords, marksFirst: false } as const
    return { text, normalizer: null, preTokenizer: null }
  }
  const [prepend, replace] = normalizers.length === 1 ? [undefined, normalizers[0]] : normalizers
  const replacesSpaces =
    replace?.type === 'Replace' &&
    replace.content === '\u2581' &&
    (replace.pattern as { String?: unknown } | undefined)?.String === ' '
  const prepends = prepend === undefined || (prepend.type === 'Prepend' && prepend.prepend === '\u2581')
  if (preTokenizers.length === 0 && normalizers.length <= 2 && replacesSpaces && prepends) {
    const prefix = prepend === undefined ? 'never' : 'prepend'
    return {
      text: { alphabet: 'pieces', prefix, stripPrefix, splitWords: false, marksFirst: true },
      normalizer: null,
      preTokenizer: null,
    }
  }
  const names = (list: readonly Json[]) =>
    list
      .map((s) => String(s.type).slice(0, 40))
      .slice(0, 8)
      .join(', ') || 'none'
  throw new TokenizerError(
    `tokenizer.json: normalizer (${names(normalizers)}) with pre_tokenizer (${names(preTokenizers)}) is not supported`,
  )
}

const KNOWN_STEPS = new Set(['ByteLevel', 'Split', 'Digits', 'NFC', 'NFKC', 'NFD', 'NFKD'])

function requireKnown(step: Json): void {
  if (!KNOWN_STEPS.has(String(step.type))) {
    throw new TokenizerError(`tokenizer.json: the step ${show(step.type)} is not supported before byte-level BPE`)
  }
}

function isPrefixing(step: Json): boolean {
  return step.type === 'Metaspace' && prependScheme(step) !== 'never'
}

function prependScheme(step: Json): Prefix {
  if (step.replacement !== undefined && step.replacement !== '\u2581') {
    throw new TokenizerError(`tokenizer.json: Metaspace.replacement is ${show(step.replacement)}, not "\u2581"`)
  }
  const scheme = step.prepend_scheme ?? (step.add_prefix_space === false ? 'never' : 'always')
  if (scheme === 'first' || scheme === 'always' || scheme === 'never') return scheme
  throw new TokenizerError(`tokenizer.json: Metaspace.prepend_scheme is ${show(scheme)}`)
}

/** The steps of a normalizer, pre-tokenizer or decoder: none, one, or those of a Sequence. */
function steps(value: unknown, field: string, listField: string): Json[] {
  if (value === null || value === undefined) return []
  const step = object(value, field)
  if (step.type !== 'Sequence') return [step]
  return array(step[listField], `${field}.${listField}`, 64).map((s, i) => object(s, `${field}.${listField}[${i}]`))
}
