/** Which files of a folder hold the tokenizer and the chat template. */

import { show } from '../errors/show.ts'
import { TokenizerError } from '../errors.ts'
import { jsonFault } from '../formats/byte-reader.ts'
import { parseLooseJson } from '../json/loose.ts'
import type { FolderFiles } from './hf-added.ts'
import { isTekken } from './tekken-file.ts'

/** A file's bytes by name; undefined when there is no such file. */
export type OpenFile = (name: string) => Promise<Uint8Array | undefined>

interface Reader {
  readonly name: string
  readonly size: number
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>
}

/** The part of an opened source that this folder needs. */
export interface OpenFiles {
  readonly fileName?: string | undefined
  readonly names?: readonly string[] | undefined
  open(name: string, signal?: AbortSignal): Promise<Reader | undefined>
}

/** A tokenizer's files, before they are read into a definition. */
export type Found = { readonly name: string; readonly files: FolderFiles } & (
  | { readonly kind: 'json'; readonly tokenizer: unknown; readonly notes: readonly string[] }
  | { readonly kind: 'tekken'; readonly tokenizer: unknown }
  | { readonly kind: 'sentencepiece'; readonly bytes: Uint8Array }
)

/** The largest published tokenizer.json has 17 MB. */
const MAX_FILE_BYTES = 128 * 1024 * 1024
const SENTENCEPIECE = /\.model(?:\.v\d+m?\d*)?$/
/** JSON files that may be named in place of a folder and are no tokenizers. */
const NO_TOKENIZER = /^(?:config|params|generation_config|tokenizer_config|.*\.index)\.json$/
const SENTENCEPIECE_NAMES = [
  'tokenizer.model',
  'tokenizer.model.v3',
  'tokenizer.model.v7',
  'tokenizer.model.v2',
  'tokenizer.model.v1',
]

/** A whole small file; throws TokenizerError when it is too large to be part of a tokenizer. */
export function readAll(reader: Reader, signal?: AbortSignal): Promise<Uint8Array> {
  if (reader.size > MAX_FILE_BYTES) {
    throw new TokenizerError(`${reader.name}: has ${reader.size} bytes, the limit is ${MAX_FILE_BYTES}`)
  }
  return reader.read(0, reader.size, signal)
}

/**
 * @returns undefined when there is no tokenizer
 * @throws TokenizerError when a file is no JSON or UTF-8, or is a tokenizer of a kind that is not supported
 */
export async function tokenizerFiles(
  open: OpenFile,
  at: { fileName?: string | undefined; names?: readonly string[] | undefined },
): Promise<Found | undefined> {
  const { fileName } = at
  if (fileName !== undefined && SENTENCEPIECE.test(fileName)) return sentencePiece(open, fileName)
  const isOwnJson = fileName?.endsWith('.json') === true && !NO_TOKENIZER.test(fileName)
  if (isOwnJson) return jsonFile(open, fileName)
  const tekken = await tekkenFile(open, at.names ?? [])
  if (tekken !== undefined) return tekken
  const json = await jsonFile(open, 'tokenizer.json')
  if (json !== undefined) return json
  const others = (at.names ?? []).filter((other) => SENTENCEPIECE.test(other))
  for (const other of new Set([...SENTENCEPIECE_NAMES, ...others])) {
    const found = await sentencePiece(open, other)
    if (found !== undefined) return found
  }
  return undefined
}

/** Goes by the content of a file, not by its name. */
async function jsonFile(open: OpenFile, name: string, notes: readonly string[] = []): Promise<Found | undefined> {
  const tokenizer = await openJson(open, name)
  if (tokenizer === undefined) return undefined
  if (isTekken(tokenizer)) return { kind: 'tekken', name, tokenizer, files: {} }
  return { kind: 'json', name, tokenizer, files: await filesBeside(open), notes }
}

/**
 * Mistral's own file, which is what the model was trained with; conversions of it were wrong for years. Only where a
 * finetune has added tokens to the conversion, its `tekken.json` is left over from the model that it was made of.
 */
async function tekkenFile(open: OpenFile, names: readonly string[]): Promise<Found | undefined> {
  const dated = names.filter((name) => /^tekken.*\.json$/.test(name))
  for (const name of new Set(['tekken.json', ...dated])) {
    const tokenizer = await openJson(open, name)
    if (tokenizer === undefined) continue
    const files = await filesBeside(open)
    const { lackingToken } = await import('./tekken-names.ts')
    const lacking = lackingToken(tokenizer, files.config)
    const why = `tokenizer_config.json names ${show(lacking)}, which ${name} lacks: tokenizer.json is used instead`
    const json = lacking === undefined ? undefined : await jsonFile(open, 'tokenizer.json', [why])
    return json ?? { kind: 'tekken', name, tokenizer, files }
  }
  return undefined
}

async function sentencePiece(open: OpenFile, name: string): Promise<Found | undefined> {
  const bytes = await open(name)
  return bytes === undefined ? undefined : { kind: 'sentencepiece', name, bytes, files: await filesBeside(open) }
}

/** `tokenizer_config.json`, and the older files that it stands in for when it lists the added tokens. */
async function filesBeside(open: OpenFile): Promise<FolderFiles> {
  const config = await openJson(open, 'tokenizer_config.json')
  if ((config as { added_tokens_decoder?: unknown } | null | undefined)?.added_tokens_decoder) return { config }
  const specialTokensMap = await openJson(open, 'special_tokens_map.json')
  return { config, specialTokensMap, addedTokens: await openJson(open, 'added_tokens.json') }
}

async function openJson(open: OpenFile, name: string): Promise<unknown> {
  const bytes = await open(name)
  return bytes === undefined ? undefined : parseJson(utf8(bytes, name), name)
}

/** @throws TokenizerError naming the file when it is not JSON */
export function parseJson(text: string, name: string): unknown {
  try {
    return parseLooseJson(text)
  } catch (error) {
    throw new TokenizerError(`${name}: ${jsonFault(text, error)}`, { cause: error })
  }
}

/** @throws TokenizerError naming the file when it is not UTF-8 */
export function utf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new TokenizerError(`${name}: is not UTF-8 text`, { cause: error })
  }
}
