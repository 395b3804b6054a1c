/** Finds the file with the weights of a folder of Hugging Face's layout. */
import type { SourceFiles } from './source.ts'

/**
 * The file with the weights of a folder with `config.json`: the one that was named, unless an index says that it is one
 * part of several; `model.safetensors`; or the only one of any name.
 */
export function weightsName(files: SourceFiles): string {
  const { fileName, names } = files
  if (fileName?.endsWith('.safetensors') === true && !isShard(fileName)) return fileName
  const own = (names ?? []).filter((name) => /\.safetensors$/i.test(name) && !FOREIGN_WEIGHTS.test(name))
  const only = own.length === 1 && !own.includes('model.safetensors') ? own[0] : undefined
  return only !== undefined && !isShard(only) ? only : 'model.safetensors'
}

/** Adapters, and Mistral's own layout, whose tensors have other names. */
const FOREIGN_WEIGHTS = /^(?:adapter_model|consolidated)/

function isShard(name: string): boolean {
  return /-\d{5}-of-\d{5}\.safetensors$/.test(name)
}
