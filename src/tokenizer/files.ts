/** Which files of a folder hold the tokenizer and the chat template. */
import { TokenizerError } from '../errors.ts'

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

type Found =
  | { kind: 'json'; tokenizer: unknown; config: unknown }
  | { kind: 'sentencepiece'; bytes: Uint8Array; name: string }

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

export async function tokenizerFiles(
  open: OpenFile,
  at: { fileName?: string | undefined; names?: readonly string[] | undefined },
): Promise<Found | undefined> {
  const { fileName } = at
  if (fileName !== undefined && SENTENCEPIECE.test(fileName)) {
    const bytes = await open(fileName)
    return bytes === undefined ? undefined : { kind: 'sentencepiece', bytes, name: fileName }
  }
  const isOwnJson =
    fileName?.endsWith('.json') === true && !/^(?:config|tokenizer_config|.*\.index)\.json$/.test(fileName)
  const jsonName = isOwnJson ? fileName : 'tokenizer.json'
  const json = await open(jsonName)
  if (json !== undefined) {
    const config = await open('tokenizer_config.json')
    return {
      kind: 'json',
      tokenizer: parseJson(utf8(json, jsonName), jsonName),
      config:
        config === undefined ? undefined : parseJson(utf8(config, 'tokenizer_config.json'), 'tokenizer_config.json'),
    }
  }
  const others = (at.names ?? []).filter((name) => SENTENCEPIECE.test(name))
  for (const name of new Set([...SENTENCEPIECE_NAMES, ...others])) {
    const bytes = await open(name)
    if (bytes !== undefined) return { kind: 'sentencepiece', bytes, name }
  }
  if ((await open('tekken.json')) !== undefined) {
    throw new TokenizerError('tekken.json: this form is not supported; use the tokenizer.json of the same model')
  }
  return undefined
}

/** @throws TokenizerError naming the file when it is not JSON */
export function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TokenizerError(`${name}: is not JSON: ${reason}`, { cause: error })
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
