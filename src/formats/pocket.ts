/**
 * mistral-webgpu/pocket: the embedded model as a source that lives in the code, and so works in every bundle.
 * @module mistral-webgpu/pocket
 */
import type { FileOpener } from './file-opener.ts'

/** Bundlers follow this import: the model's bytes become a chunk of their own, which is fetched when a file is opened. */
const files = async (): Promise<FileOpener> => (await import('#pocket')).default

/** `MistralChat.load(pocket)` */
const pocket: FileOpener = {
  open: async (name, signal) => (await files()).open(name, signal),
  list: async () => (await files()).list?.() ?? [],
}

export default pocket
