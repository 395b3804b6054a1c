/** A key of GGUFs that this library writes: the tokenizer is that of the files beside, of which the GGUF has a likeness. */
import type { GgufMetadata } from './gguf-metadata.ts'

export const TOKENIZER_FILES = 'mistral_webgpu.tokenizer_files'

/** Whether the files beside the GGUF, where they are there, say more exactly how text becomes tokens. */
export function hasTokenizerBeside(gguf: GgufMetadata): boolean {
  return gguf.get(TOKENIZER_FILES) === true
}
