/** Models that a page holds in other forms than one file: lists, handles, entries of a drop, the response of a `fetch`. */
import { throwIfAborted, unlessAborted } from '../async/abort.ts'
import { CheckpointError } from '../errors.ts'
import type { Backend } from './backend.ts'
import { messageOf } from './byte-reader.ts'
import { decodeName } from './file-names.ts'
import { filesBackend } from './source-files.ts'

/** A checkpoint lies at most so many folders below what was dropped: the Hub's cache has three. */
const MAX_DEPTH = 5
const MAX_FILES = 10_000

/** A handle of a file, an entry of a drop (`DataTransferItem.webkitGetAsEntry()`), or a list of these and of files. */
type Handed = ArrayLike<unknown> | FileSystemFileHandle | FileSystemEntry

export function isHanded(source: unknown): source is Handed {
  const { item, getFile, isFile } = (source ?? {}) as Record<string, unknown>
  // A `FileList` is no array.
  return (
    Array.isArray(source) || [item, getFile].some((one) => typeof one === 'function') || typeof isFile === 'boolean'
  )
}

/** @throws CheckpointError for an empty folder, and as {@link filesBackend} */
export async function handedBackend(source: Handed): Promise<Backend> {
  if (!('length' in source)) return withName(source, await filesOf(source))
  const all: unknown[] = []
  for (const one of Array.from(source)) all.push(...(await filesOf(one)))
  return filesBackend(all)
}

/** A dropped folder is called by its name; files have names of their own. */
async function withName(source: FileSystemFileHandle | FileSystemEntry, files: readonly unknown[]): Promise<Backend> {
  const backend = await filesBackend(files)
  return 'createReader' in source ? { ...backend, label: source.name, fileName: undefined } : backend
}

/** The files that one thing brings; what is nothing of a kind that is known stays as it is, to be refused as no file. */
async function filesOf(one: unknown): Promise<unknown[]> {
  if (typeof one !== 'object' || one === null) return [one]
  if ('getFile' in one) return [await (one as FileSystemFileHandle).getFile()]
  if ('createReader' in one) {
    const folder = one as FileSystemDirectoryEntry
    const files: File[] = []
    await collect(folder, folder.name, 0, files)
    if (files.length === 0) throw new CheckpointError({ file: folder.name }, 'is an empty folder')
    return files
  }
  return 'isFile' in one ? [await fileOf(one as FileSystemFileEntry, (one as FileSystemFileEntry).name)] : [one]
}

async function collect(folder: FileSystemDirectoryEntry, path: string, depth: number, files: File[]): Promise<void> {
  const reader = folder.createReader()
  for (;;) {
    // Entries come in portions, and an empty one is the end.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (entries.length === 0) return
    for (const entry of entries) {
      if (entry.isFile) files.push(await fileOf(entry as FileSystemFileEntry, `${path}/${entry.name}`))
      else if (depth < MAX_DEPTH) {
        await collect(entry as FileSystemDirectoryEntry, `${path}/${entry.name}`, depth + 1, files)
      }
      if (files.length > MAX_FILES) throw new CheckpointError({ file: path }, `holds more than ${MAX_FILES} files`)
    }
  }
}

/** The file with its place in the drop, which browsers leave out of entries. */
async function fileOf(entry: FileSystemFileEntry, path: string): Promise<File> {
  const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject))
  return Object.defineProperty(file, 'webkitRelativePath', { value: path, configurable: true })
}

/** The body of a response: one file, which is read to its end. */
export async function responseBackend(response: Response, signal: AbortSignal | undefined): Promise<Backend> {
  const name = nameOf(response)
  const at = { file: name }
  if (!response.ok) throw new CheckpointError(at, `the server answered ${response.status}`)
  if (response.bodyUsed) throw new CheckpointError(at, 'its body was read already')
  try {
    return await filesBackend([await unlessAborted(response.blob(), signal)], name)
  } catch (error) {
    throwIfAborted(signal)
    if (error instanceof CheckpointError) throw error
    throw new CheckpointError(at, `cannot be read: ${messageOf(error)}`, { cause: error })
  }
}

/** By the header that names downloads, or by the address. */
function nameOf(response: Response): string {
  const header = response.headers.get('content-disposition') ?? ''
  const named = /filename="?([^";]+)"?/i.exec(header)?.[1]
  const last = /([^/?#]+)(?:[?#].*)?$/.exec(response.url.replace(/^[a-z]+:\/\/[^/]*/i, ''))?.[1]
  const name = named ?? (last === undefined ? undefined : decodeName(last))
  return name !== undefined && /\.(?:gguf|safetensors)$/i.test(name) ? name.replaceAll(/[/\\:]/g, '-') : 'model.gguf'
}
