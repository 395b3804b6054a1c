/** The tokenizer that comes with a model: from the files of its checkpoint, or from its GGUF. */
import { TokenizerError } from '../errors.ts'
import { hasTokenizerBeside } from '../formats/gguf-beside.ts'
import { absenceOf } from '../formats/source.ts'
import type { Checkpoint } from '../model/checkpoint.ts'
import { Tokenizer } from '../tokenizer/tokenizer.ts'

/** Whether no other file is asked for it: then it can be made when the GPU has something to do beside it. */
export function isInCheckpoint({ gguf }: Checkpoint): boolean {
  return gguf !== undefined && !hasTokenizerBeside(gguf)
}

/** How many ids it will have, where that is known before it is made. */
export function idsInCheckpoint(checkpoint: Checkpoint): number | undefined {
  const tokens = isInCheckpoint(checkpoint) ? checkpoint.gguf?.get('tokenizer.ggml.tokens') : undefined
  return Array.isArray(tokens) && checkpoint.gguf?.has('tokenizer.ggml.model') ? tokens.length : undefined
}

/**
 * Begins to read it where it lies in files of its own. What this gives is asked for the tokenizer: undefined when the checkpoint has none,
 * which is a `TokenizerError` where it is needed.
 */
export function beginTokenizer(
  checkpoint: Checkpoint,
  signal?: AbortSignal,
): (needed: boolean) => Promise<Tokenizer | undefined> {
  const early = isInCheckpoint(checkpoint) ? undefined : tokenizerOf(checkpoint, signal)
  early?.catch(() => {})
  return async (needed) => {
    const tokenizer = await (early ?? tokenizerOf(checkpoint, signal))
    if (tokenizer !== undefined || !needed) return tokenizer
    const { files } = checkpoint
    const why = absenceOf(files, ['tokenizer.json', 'tokenizer.model'])
    throw new TokenizerError(`${files.label}: no tokenizer.json or tokenizer.model, which a chat needs${why}`)
  }
}

/** undefined when the checkpoint has none. */
async function tokenizerOf({ files, gguf }: Checkpoint, signal?: AbortSignal): Promise<Tokenizer | undefined> {
  const beside =
    gguf === undefined || hasTokenizerBeside(gguf) ? await Tokenizer.fromSourceFiles(files, signal) : undefined
  if (beside !== undefined || gguf === undefined) return beside
  return gguf.has('tokenizer.ggml.model') ? Tokenizer.fromGguf(gguf) : undefined
}
