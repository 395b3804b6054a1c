/** Reads a `tokenizer.model`: SentencePiece's `ModelProto` (sentencepiece_model.proto). */
import { PbfReader } from 'pbf'
import { messageOf, TokenizerError } from '../errors.ts'
import type { AddedToken } from './added-tokens.ts'
import { type TokenizerDefinition, TokenKind } from './definition.ts'
import { type FolderFiles, type FolderVocabulary, withFolder } from './hf-added.ts'
import { CONTROL_NAME, definitionFromPieces, MAX_TOKENS } from './vocabulary.ts'

const VARINT = 0
const BYTES = 2
const FLOAT = 5
const MODEL_TYPES: Record<number, string> = { 1: 'unigram', 2: 'BPE', 3: 'word', 4: 'char' }

interface ModelProto {
  tokens: string[]
  scores: number[]
  kinds: number[]
  modelType: number
  byteFallback: boolean
  whitespaceAsSuffix: boolean
  unkText: string
  bosPiece: string
  eosPiece: string
  padPiece: string
  charsmapBytes: number
  normalizer: string
  addDummyPrefix: boolean
  removeExtraWhitespaces: boolean
  escapeWhitespaces: boolean
}

/**
 * The definition of the tokenizer in a `tokenizer.model`.
 * @param files what lies beside it
 * @throws TokenizerError when the bytes are no such model, are damaged, or ask for something that Mistral's models do
 *   not use (another model type than BPE, a character-mapping normalizer)
 */
export function definitionFromSentencePiece(bytes: Uint8Array, files: FolderFiles = {}): TokenizerDefinition {
  const proto = readModelProto(bytes)
  checkSupported(proto)
  const folder = withFolder({ file: 'tokenizer.model', tokens: proto.tokens, added: [], mayRename: true }, files)
  const { roles, settings, spareIds } = folder
  const kinds = readKinds(proto, folder)
  const find = (piece: string): number | undefined => {
    const id = proto.tokens.indexOf(piece)
    return id >= 0 && proto.kinds[id] === TokenKind.control ? id : undefined
  }
  const unkId = proto.kinds.indexOf(TokenKind.unknown)
  if (unkId < 0) throw new TokenizerError('tokenizer.model: no piece is marked as the unknown one')
  const bosId = roles.bos === undefined ? find(proto.bosPiece) : (roles.bos ?? undefined)
  const eosId = roles.eos === undefined ? find(proto.eosPiece) : (roles.eos ?? undefined)
  return definitionFromPieces(
    { tokens: folder.tokens, scores: proto.scores, kinds },
    {
      bosId,
      eosId,
      padId: roles.pad === undefined ? find(proto.padPiece) : (roles.pad ?? undefined),
      unkId,
      added: addedOf(proto, folder, kinds),
      addedOrder: 'leftmost',
      endIds: eosId === undefined ? [] : [eosId],
      spareIds,
    },
    {
      addPrefix: proto.addDummyPrefix,
      collapseSpaces: proto.removeExtraWhitespaces,
      byteFallback: proto.byteFallback,
      addsBos: bosId !== undefined && settings.add_bos_token !== false,
      unkText: proto.unkText,
    },
  )
}

/** The kinds of the file's pieces, and of what the files beside it add to them or make of their placeholders. */
function readKinds(proto: ModelProto, { tokens, added }: FolderVocabulary): Uint8Array {
  const kinds = Uint8Array.from(tokens, (token, id) => {
    return proto.kinds[id] ?? (token === undefined ? TokenKind.unused : TokenKind.normal)
  })
  for (const { id, content, special } of added.values()) {
    if (kinds[id] === TokenKind.unknown || kinds[id] === TokenKind.byte) continue
    kinds[id] = special || CONTROL_NAME.test(content) ? TokenKind.control : TokenKind.userDefined
  }
  return kinds
}

function addedOf(proto: ModelProto, { added }: FolderVocabulary, kinds: Uint8Array): AddedToken[] {
  return [...added.values()].map(({ id, content, lstrip, rstrip, singleWord, normalized }) => {
    const control = kinds[id] !== TokenKind.userDefined
    const kind = proto.tokens[id] === content ? proto.kinds[id] : undefined
    const isOwn = kind === TokenKind.control || kind === TokenKind.unknown
    const next = isOwn ? 'after-control' : 'after-added'
    return { id, content, lstrip, rstrip, singleWord, normalized, control, next }
  })
}

function checkSupported(proto: ModelProto): void {
  if (proto.modelType !== 2) {
    const type = MODEL_TYPES[proto.modelType] ?? proto.modelType
    throw new TokenizerError(`tokenizer.model: trainer_spec.model_type is ${type}; only BPE is supported`)
  }
  if (proto.charsmapBytes > 0) {
    throw new TokenizerError(
      `tokenizer.model: normalizer_spec has a character map ("${proto.normalizer}"); only identity is supported`,
    )
  }
  if (!proto.escapeWhitespaces) {
    throw new TokenizerError('tokenizer.model: normalizer_spec.escape_whitespaces is false, which is not supported')
  }
  if (proto.whitespaceAsSuffix) {
    throw new TokenizerError('tokenizer.model: trainer_spec.treat_whitespace_as_suffix is not supported')
  }
}

function readModelProto(bytes: Uint8Array): ModelProto {
  const proto: ModelProto = {
    tokens: [],
    scores: [],
    kinds: [],
    modelType: 1,
    byteFallback: false,
    whitespaceAsSuffix: false,
    unkText: ' \u2047 ',
    bosPiece: '<s>',
    eosPiece: '</s>',
    padPiece: '<pad>',
    charsmapBytes: 0,
    normalizer: '',
    addDummyPrefix: true,
    removeExtraWhitespaces: true,
    escapeWhitespaces: true,
  }
  try {
    readFields(new PbfReader(bytes), bytes.length, (field, pbf, end) => {
      if (field === 1) readPiece(proto, pbf, message(pbf, end))
      else if (field === 2) readFields(pbf, message(pbf, end), (f, p, e) => readTrainerField(proto, f, p, e))
      else if (field === 3) readFields(pbf, message(pbf, end), (f, p, e) => readNormalizerField(proto, f, p, e))
    })
  } catch (error) {
    if (error instanceof TokenizerError) throw error
    throw new TokenizerError(`tokenizer.model: not a SentencePiece model, or damaged: ${messageOf(error)}`, {
      cause: error,
    })
  }
  if (proto.tokens.length === 0)
    throw new TokenizerError('tokenizer.model: holds no pieces; is it a SentencePiece model?')
  return proto
}

function readPiece(proto: ModelProto, pbf: PbfReader, end: number): void {
  const id = proto.tokens.length
  if (id >= MAX_TOKENS) throw new TokenizerError(`tokenizer.model: more than ${MAX_TOKENS} pieces`)
  let token = ''
  let score = 0
  let kind = 1
  readFields(pbf, end, (field, p, e) => {
    if (field === 1) token = text(p, e)
    else if (field === 2) score = float(p)
    else if (field === 3) kind = varint(p)
  })
  if (token === '') throw new TokenizerError(`tokenizer.model: piece ${id} is empty`)
  if (kind < 1 || kind > 6) throw new TokenizerError(`tokenizer.model: piece ${id} ("${token}") has the type ${kind}`)
  proto.tokens.push(token)
  proto.scores.push(score)
  proto.kinds.push(kind)
}

function readTrainerField(proto: ModelProto, field: number, pbf: PbfReader, end: number): void {
  if (field === 3) proto.modelType = varint(pbf)
  else if (field === 24) proto.whitespaceAsSuffix = varint(pbf) !== 0
  else if (field === 35) proto.byteFallback = varint(pbf) !== 0
  else if (field === 44) proto.unkText = text(pbf, end)
  else if (field === 46) proto.bosPiece = text(pbf, end)
  else if (field === 47) proto.eosPiece = text(pbf, end)
  else if (field === 48) proto.padPiece = text(pbf, end)
}

function readNormalizerField(proto: ModelProto, field: number, pbf: PbfReader, end: number): void {
  if (field === 1) proto.normalizer = text(pbf, end)
  else if (field === 2) proto.charsmapBytes = skipBytes(pbf, end)
  else if (field === 3) proto.addDummyPrefix = varint(pbf) !== 0
  else if (field === 4) proto.removeExtraWhitespaces = varint(pbf) !== 0
  else if (field === 5) proto.escapeWhitespaces = varint(pbf) !== 0
}

/** Like `PbfReader.readFields`, but a field that runs past `end` is an error instead of an empty value. */
function readFields(pbf: PbfReader, end: number, each: (field: number, pbf: PbfReader, end: number) => void): void {
  while (pbf.pos < end) {
    const field = pbf.nextField(end)
    if (field === 0) break
    const start = pbf.pos
    each(field, pbf, end)
    if (pbf.pos === start) pbf.skip(pbf.type)
    if (pbf.pos > end) throw new Error(`field ${field} at byte ${start} runs past its end at ${end}`)
  }
  if (pbf.pos !== end) throw new Error(`a message that ends at byte ${end} runs to ${pbf.pos}`)
}

/** Reads the length of a length-delimited field and answers where it ends; the position is at its first byte. */
function message(pbf: PbfReader, end: number): number {
  expect(pbf, BYTES)
  const length = pbf.readVarint()
  if (length < 0 || length > end - pbf.pos) throw new Error(`${length} bytes at byte ${pbf.pos} run past ${end}`)
  return pbf.pos + length
}

function skipBytes(pbf: PbfReader, end: number): number {
  const stop = message(pbf, end)
  const length = stop - pbf.pos
  pbf.pos = stop
  return length
}

function text(pbf: PbfReader, end: number): string {
  const stop = message(pbf, end)
  const value = utf8.decode(pbf.buf.subarray(pbf.pos, stop))
  pbf.pos = stop
  return value
}

function varint(pbf: PbfReader): number {
  expect(pbf, VARINT)
  return pbf.readVarint()
}

function float(pbf: PbfReader): number {
  expect(pbf, FLOAT)
  return pbf.readFloat()
}

function expect(pbf: PbfReader, wireType: number): void {
  if (pbf.type !== wireType) throw new Error(`wire type ${pbf.type} instead of ${wireType} at byte ${pbf.pos}`)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
