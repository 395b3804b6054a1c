/** Which files of a folder hold the tokenizer and the chat template. */
import { TokenizerError } from '../errors.ts'
import { jsonFault } from '../formats/byte-reader.ts'
import type { FolderFiles } from './hf-added.ts'

/** A file's bytes by name; undefined when there is no such file. */
export type OpenFile = (name: string) => Promise<Uint8Array | undefined>

interface Reader {
  readonly name: string
  readonly size: number
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>
}

/** What this folder needs of an opened source. */
export interface OpenFiles {
  readonly fileName?: string | undefined
  readonly names?: readonly string[] | undefined
  open(name: string, signal?: AbortSignal): Promise<Reader | undefined>
}

type Found = { readonly name: string; readonly files: FolderFiles } & (
  | { readonly kind: 'json'; readonly tokenizer: unknown }
  | { readonly kind: 'sentencepiece'; readonly bytes: Uint8Array }
)

/** The largest published tokenizer.json has 17 MB. */
const MAX_FILE_BYTES = 128 * 1024 * 1024
const SENTENCEPIECE = /\.model(?:\.v\d+m?\d*)?$/
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
  const isOwnJson =
    fileName?.endsWith('.json') === true && !/^(?:config|tokenizer_config|.*\.index)\.json$/.test(fileName)
  const name = isOwnJson ? fileName : 'tokenizer.json'
  const tokenizer = await openJson(open, name)
  if (tokenizer !== undefined) {
    refuseTekken(tokenizer, name)
    return { kind: 'json', name, tokenizer, files: await filesBeside(open) }
  }
  const others = (at.names ?? []).filter((other) => SENTENCEPIECE.test(other))
  for (const other of new Set([...SENTENCEPIECE_NAMES, ...others])) {
    const found = await sentencePiece(open, other)
    if (found !== undefined) return found
  }
  const tekken = await openJson(open, 'tekken.json')
  if (tekken !== undefined) throw tekkenError('tekken.json')
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

/** Mistral's own form has a list of byte strings where Hugging Face's has a model. */
function refuseTekken(value: unknown, name: string): void {
  const file = value as { model?: unknown; vocab?: unknown; config?: unknown } | null
  if (typeof file !== 'object' || file === null || file.model !== undefined) return
  if (/tekken/i.test(name) || (Array.isArray(file.vocab) && file.config !== undefined)) throw tekkenError(name)
}

function tekkenError(name: string): TokenizerError {
  return new TokenizerError(
    `${name}: Mistral's tekken form is not supported; load the tokenizer.json of the same model, or its GGUF`,
  )
}

/** @throws TokenizerError naming the file when it is not JSON */
export function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
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
