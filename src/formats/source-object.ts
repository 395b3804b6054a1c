/** What a source means that is neither a text nor a URL. It is loaded for such sources. */
import { ParameterError } from '../errors.ts'
import type { Backend } from './backend.ts'
import { isBlob } from './byte-reader.ts'
import type { FileOpener } from './file-opener.ts'
import { filesBackend, handleBackend, openerBackend } from './source-files.ts'
import type { SourceOptions } from './source-options.ts'

/** @throws ParameterError for what is no source; CheckpointError, AbortError */
export async function objectBackend(source: unknown, options: SourceOptions): Promise<Backend> {
  if (isBlob(source)) return filesBackend([source], 'model.gguf')
  const { kind, getFileHandle, open, ok } = (source ?? {}) as Record<string, unknown>
  if (kind === 'directory' && typeof getFileHandle === 'function') {
    return handleBackend(source as FileSystemDirectoryHandle)
  }
  if (typeof open === 'function') return openerBackend(source as FileOpener, options.signal)
  const { handedBackend, isHanded, responseBackend } = await import('./source-handed.ts')
  if (typeof ok === 'boolean') return responseBackend(source as Response, options.signal)
  if (isHanded(source)) return handedBackend(source)
  throw new ParameterError(
    'source',
    source,
    'must be a name, a path, a URL, a File, an array of Files, a directory handle or an object with open(name)',
  )
}
