/** The metadata of a GGUF that is written from a checkpoint of any format. */
import { ChatTemplateError } from '../errors.ts'
import { TOKENIZER_FILES } from '../formats/gguf-beside.ts'
import { openGgufParts } from '../formats/gguf-parts.ts'
import { encodePair, type GgufPair } from '../formats/gguf-writer.ts'
import type { Checkpoint } from '../model/checkpoint.ts'
import { checkGgufKeys, ggufKeys } from '../model/gguf-keys.ts'
import type { PlannedTensor } from '../model/gguf-tensors.ts'
import { ChatTemplate } from '../tokenizer/chat-template.ts'
import { readAll, tokenizerFiles } from '../tokenizer/files.ts'
import { ggufVocabulary } from '../tokenizer/to-gguf.ts'
import { definitionOf } from '../tokenizer/tokenizer.ts'

/** The files that hold tokenizers and chat templates, besides those with versions or dates in their names. */
export const TOKENIZER_NAMES = [
  'tekken.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'tokenizer.model',
  'tokenizer.model.v1',
  'tokenizer.model.v2',
  'tokenizer.model.v3',
  'tokenizer.model.v7',
  'chat_template.jinja',
  'chat_template.json',
  'additional_chat_templates/tool_use.jinja',
] as const

/** `llama_ftype` of llama.cpp. */
const FILE_TYPES = { q4: 2, q8: 7 } as const
/** Keys that do not hold for the new file. */
const REPLACED = /^(?:general\.(?:alignment|file_type|quantization_version|quantized_by)|split\..*)$/

/** The pairs as they lie in the file. @throws ConfigError, CheckpointError, TokenizerError, AbortError */
export async function ggufPairs(
  checkpoint: Checkpoint,
  tensors: readonly PlannedTensor[],
  weights: 'q8' | 'q4',
  signal: AbortSignal | undefined,
): Promise<Uint8Array[]> {
  const { files, gguf } = checkpoint
  const made: GgufPair[] = [
    { key: 'general.file_type', type: 'u32', value: FILE_TYPES[weights] },
    { key: 'general.quantization_version', type: 'u32', value: 2 },
    { key: 'general.quantized_by', type: 'string', value: 'mistral-webgpu' },
  ]
  if (gguf === undefined) {
    const keys = await keysOfFolder(checkpoint, tensors, signal)
    return [...keys, ...made].map(encodePair)
  }
  const container = await openGgufParts(files, files.ggufName!, signal)
  const pairs: Uint8Array[] = []
  for (const key of gguf.keys()) if (!REPLACED.test(key)) pairs.push(await container.readPair(key, signal))
  return [...pairs, ...made.map(encodePair)]
}

async function keysOfFolder(
  { config, files }: Checkpoint,
  tensors: readonly PlannedTensor[],
  signal: AbortSignal | undefined,
): Promise<GgufPair[]> {
  const keys = ggufKeys(config)
  const isTied = !tensors.some(({ from }) => from === 'output')
  checkGgufKeys({ ...config, tiedEmbeddings: isTied }, keys, new Map(tensors.map((tensor) => [tensor.name, tensor])))
  const name = files.label.split(/[\\/]/).findLast((part) => part !== '')
  const general: GgufPair[] = [
    { key: 'general.type', type: 'string', value: 'model' },
    ...(name === undefined ? [] : [{ key: 'general.name', type: 'string', value: name } as const]),
  ]
  const found = await tokenizerFiles(async (file) => {
    const reader = await files.open(file, signal)
    return reader === undefined ? undefined : readAll(reader, signal)
  }, files)
  if (found === undefined) return [...keys, ...general]
  const vocabulary = ggufVocabulary(await definitionOf(found), config.vocabSize)
  const template = await templateOf(files, signal)
  return [
    ...keys,
    ...general,
    ...vocabulary,
    ...(template === undefined ? [] : [{ key: 'tokenizer.chat_template', type: 'string', value: template } as const]),
    { key: TOKENIZER_FILES, type: 'bool', value: true },
  ]
}

/** A template that this library cannot run is no reason not to quantize: its files are copied all the same. */
async function templateOf(files: Checkpoint['files'], signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    return (await ChatTemplate.fromSourceFiles(files, signal))?.source
  } catch (error) {
    if (error instanceof ChatTemplateError) return undefined
    throw error
  }
}
