/** Where a model comes from: one interface over paths, URLs, dropped files, directory handles and callers' openers. */

import { throwIfAborted } from '../async/abort.ts'
import { CheckpointError } from '../errors.ts'
import type {
  AnyBlob,
  AnyDirectoryHandle,
  AnyEntry,
  AnyFile,
  AnyFileHandle,
  AnyResponse,
  AnyURL,
} from '../platform/globals.ts'
import type { Backend } from './backend.ts'
import type { ByteReader } from './byte-reader.ts'
import { embeddedPocket } from './embedded-pocket.ts'
import { examine } from './examine.ts'
import { Absence } from './examined.ts'
import { checkFileName, isGguf } from './file-names.ts'
import type { FileOpener } from './file-opener.ts'
import type { SourceOptions } from './source-options.ts'

/**
 * `'pocket'` for the embedded model, the name of a model on the Hugging Face Hub (`owner/name`, `owner/name@revision`,
 * `owner/name:Q4_K_M`, `hf.co/owner/name`), a folder or file path, `ollama:NAME`, a URL, a file, a handle or entry of a file or
 * folder, an array of these, a `FileList`, a `Response`, or an object that opens files by name.
 */
export type ModelSource =
  | string
  | AnyURL
  | AnyBlob
  | ArrayLike<AnyFile | AnyFileHandle | AnyEntry>
  | AnyDirectoryHandle
  | AnyFileHandle
  | AnyEntry
  | AnyResponse
  | FileOpener

/** The files of one source. */
export interface SourceFiles {
  /** For messages: the path, the URL, or what kind of source it is. */
  readonly label: string
  /** The file that the source itself named, when it named one and not a folder. */
  readonly fileName: string | undefined
  /** The GGUF to load: the file that was named, or the only one of a source without safetensors. */
  readonly ggufName: string | undefined
  /** The names there are, for sources that can tell. */
  readonly names: readonly string[] | undefined
  /**
   * Opens one file; undefined when it does not exist, or when a server sent something else in its place. The same name
   * gives the same reader.
   * @throws CheckpointError when the name is not a plain file name, or the file cannot be opened or is not what its name
   *   says
   */
  open(name: string, signal?: AbortSignal): Promise<ByteReader | undefined>
  /** Why `open` gave undefined, where a server said more than "404". */
  whyAbsent?(name: string): string | undefined
  /** What the user should know of how the source was understood, one sentence each. */
  readonly notes?: readonly string[] | undefined
  /** Brings the weights that were opened and are not here yet, where the source was opened so. */
  prepare?(signal?: AbortSignal): Promise<void>
  /** What to try instead, when the source turned out to hold no checkpoint. */
  advice?(): Promise<string | undefined>
  /** Closes every file that was opened. */
  close(): Promise<void>
}

/**
 * The error for a file that must be there and is not.
 * @param fact what to say when nobody knows why it is missing
 */
export function missing(files: SourceFiles, name: string, fact: string): CheckpointError {
  return new CheckpointError({ file: name }, files.whyAbsent?.(name) ?? fact)
}

/** Why the first of these files that a server withheld is absent, as the end of a message; empty when nobody knows. */
export function absenceOf(files: SourceFiles, names: readonly string[]): string {
  const name = names.find((name) => files.whyAbsent?.(name) !== undefined)
  return name === undefined ? '' : `; ${name}: ${files.whyAbsent?.(name)}`
}

/**
 * @throws CheckpointError when a path leads nowhere or a URL refuses; ParameterError when `source` is none of the kinds;
 *   AbortError when the signal fired
 */
export async function openSource(source: ModelSource, options: SourceOptions = {}): Promise<SourceFiles> {
  const { signal } = options
  throwIfAborted(signal)
  const backend = await backendOf(source, options)
  const shared = new SharedReaders(backend)
  try {
    const {
      fileName,
      ggufName,
      names = backend.names,
    } = await loadable(backend, (name) => shared.open(name, signal), signal)
    return {
      label: backend.label,
      fileName,
      ggufName,
      names,
      notes: backend.notes,
      ...(backend.prepare && { prepare: async (signal) => backend.prepare?.(signal) }),
      open: (name, signal) => shared.open(name, signal),
      whyAbsent: (name) => shared.absent.get(name),
      advice: async () => backend.advice?.(),
      close: () => shared.close(),
    }
  } catch (error) {
    await shared.close()
    throw error
  }
}

/** What a source means. The search for a GGUF is loaded where neither a name nor a `config.json` says it. */
async function loadable(
  backend: Backend,
  open: (name: string) => Promise<ByteReader | undefined>,
  signal: AbortSignal | undefined,
): Promise<Pick<SourceFiles, 'fileName' | 'ggufName'> & Partial<Pick<SourceFiles, 'names'>>> {
  const { fileName, names } = backend
  if (fileName !== undefined && isGguf(fileName)) return { fileName, ggufName: fileName }
  const hasConfig = fileName === undefined && (await open('config.json')) !== undefined
  if (hasConfig && !names?.some(isGguf)) return { fileName, ggufName: undefined }
  const { findGguf } = await import('./find-gguf.ts')
  return findGguf(backend, hasConfig, open, signal)
}

/** Opens each file once, and looks at what it is. */
class SharedReaders {
  /** Why a name counts as absent. */
  readonly absent = new Map<string, string>()
  private readonly readers = new Map<string, ByteReader>()
  /** Being opened, and by whose signal that ends. */
  private readonly opening = new Map<
    string,
    { readonly signal: unknown; readonly reader: Promise<ByteReader | undefined> }
  >()

  constructor(private readonly backend: Backend) {}

  async open(name: string, signal?: AbortSignal): Promise<ByteReader | undefined> {
    throwIfAborted(signal)
    checkFileName(name, this.backend.label)
    const known = this.readers.get(name)
    if (known !== undefined) return known
    const pending = this.opening.get(name)
    if (pending !== undefined && pending.signal === signal) return pending.reader
    const reader = this.openNew(name, signal)
    this.opening.set(name, { signal, reader })
    return reader.finally(() => this.opening.delete(name))
  }

  private async openNew(name: string, signal: AbortSignal | undefined): Promise<ByteReader | undefined> {
    const found = await this.backend.open(name, signal)
    if (found instanceof Absence) this.absent.set(name, found.fact)
    if (found === undefined || found instanceof Absence) return undefined
    const { reader, origin } = found
    let absence: Absence | undefined
    try {
      absence = await examine(reader, origin, signal)
    } catch (error) {
      await reader.close()
      throw error
    }
    if (absence !== undefined) this.absent.set(name, absence.fact)
    // While it opened, another call may have opened the same file.
    const raced = this.readers.get(name)
    if (absence !== undefined || raced !== undefined) {
      await reader.close()
      return raced
    }
    this.readers.set(name, reader)
    return reader
  }

  async close(): Promise<void> {
    const all = [...this.readers.values()]
    this.readers.clear()
    await Promise.all(all.map((reader) => reader.close()))
  }
}

async function backendOf(source: unknown, options: SourceOptions): Promise<Backend> {
  if (source === EMBEDDED_MODEL) return { ...(await backendOf(await embeddedPocket(), options)), label: source }
  if (typeof source === 'string' || source instanceof URL) {
    const { textBackend } = await import('./source-text.ts')
    return textBackend(source, options)
  }
  const { objectBackend } = await import('./source-object.ts')
  return objectBackend(source, options)
}

/** The model that ships with the package goes by its bare name; a folder of that name is `./pocket`. */
const EMBEDDED_MODEL = 'pocket'
