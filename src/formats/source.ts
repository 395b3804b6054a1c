/** Where a model comes from: one interface over paths, URLs, dropped files, directory handles and callers' openers. */
import { platform } from '#platform'
import { AbortError, CheckpointError, ParameterError, throwIfAborted, unlessAborted } from '../errors.ts'
import { type ByteReader, blobReader, bytesReader, type CustomReader, customReader, messageOf } from './byte-reader.ts'
import { checkFileName, decodeName, isGguf } from './file-names.ts'
import { openHttp } from './http-reader.ts'

/**
 * `'pocket'` for the embedded model, a folder or file path, a URL of either, one file, the files of a drop or of
 * `<input webkitdirectory>`, a directory handle, or an object that opens files by name.
 */
export type ModelSource = string | URL | Blob | readonly File[] | FileSystemDirectoryHandle | FileOpener

type MaybePromise<T> = T | Promise<T>

/** What an opener may answer. Undefined, null, or an error named `NotFoundError` or with code `ENOENT`: no such file. */
export type OpenedFile = Blob | ArrayBuffer | Uint8Array | string | CustomReader | undefined | null

/** A caller's own way to open the files of a checkpoint, for example from a zip or a cache. */
export interface FileOpener {
  open(name: string, signal?: AbortSignal): MaybePromise<OpenedFile>
  /** The names it has; only needed to find a `.gguf` that is not called `model.gguf`. */
  list?(): MaybePromise<Iterable<string>>
}

/** The files of one source. */
export interface SourceFiles {
  /** For messages: the path, the URL, or what kind of source it is. */
  readonly label: string
  /** The file that the source itself named, when it named one and not a folder. */
  readonly fileName: string | undefined
  /** The GGUF to load: the file that was named, or the only one of a source without `config.json`. */
  readonly ggufName: string | undefined
  /** The names there are, for sources that can tell. */
  readonly names: readonly string[] | undefined
  /**
   * Opens one file; undefined when it does not exist. The same name gives the same reader.
   * @throws CheckpointError when the name is not a plain file name or the file cannot be opened
   */
  open(name: string, signal?: AbortSignal): Promise<ByteReader | undefined>
  /** Closes every file that was opened. */
  close(): Promise<void>
}

/** One kind of source, before the search for a GGUF and the sharing of readers. */
interface Backend {
  label: string
  fileName?: string | undefined
  names?: readonly string[] | undefined
  open(name: string, signal?: AbortSignal): Promise<ByteReader | undefined>
}

/**
 * @throws CheckpointError when a path leads nowhere or a URL refuses; ParameterError when `source` is none of the kinds;
 *   AbortError when the signal fired
 */
export async function openSource(
  source: ModelSource,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<SourceFiles> {
  const { signal } = options
  throwIfAborted(signal)
  const backend = await backendOf(source, signal)
  const readers = new Map<string, ByteReader>()
  const open = async (name: string, signal?: AbortSignal) => {
    throwIfAborted(signal)
    checkFileName(name, backend.label)
    const known = readers.get(name)
    if (known !== undefined) return known
    const reader = await backend.open(name, signal)
    if (reader === undefined) return undefined
    // While it opened, another call may have opened the same file.
    const raced = readers.get(name)
    if (raced === undefined) readers.set(name, reader)
    else await reader.close()
    return raced ?? reader
  }
  const close = async () => {
    const all = [...readers.values()]
    readers.clear()
    await Promise.all(all.map((reader) => reader.close()))
  }
  try {
    const ggufName = await findGguf(backend, open, signal)
    const { label, fileName, names } = backend
    return { label, fileName, ggufName, names, open, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function findGguf(backend: Backend, open: Backend['open'], signal?: AbortSignal): Promise<string | undefined> {
  const { fileName, names } = backend
  if (fileName !== undefined) return isGguf(fileName) ? fileName : undefined
  if ((await open('config.json', signal)) !== undefined) return undefined
  if (names === undefined) return (await open('model.gguf', signal)) === undefined ? undefined : 'model.gguf'
  const found = names.filter(isGguf)
  return found.length === 1 ? found[0] : undefined
}

async function backendOf(source: unknown, signal: AbortSignal | undefined): Promise<Backend> {
  if (typeof source === 'string') return stringBackend(source)
  if (source instanceof URL) return urlBackend(source)
  if (Array.isArray(source)) return filesBackend(source)
  if (isBlob(source)) {
    const name = nameOf(source) ?? 'model.gguf'
    return {
      label: name,
      fileName: name,
      open: async (wanted) => (wanted === name ? blobReader(name, source) : undefined),
    }
  }
  if (isObject(source) && source.kind === 'directory' && typeof source.getFileHandle === 'function') {
    return handleBackend(source as unknown as FileSystemDirectoryHandle)
  }
  if (isObject(source) && typeof source.open === 'function')
    return openerBackend(source as unknown as FileOpener, signal)
  throw new ParameterError(
    'source',
    source,
    'must be a path, a URL, a File, an array of Files, a directory handle or an object with open(name)',
  )
}

/** Models that ship with the package go by their bare name; a folder of that name is `./pocket`. */
const EMBEDDED_MODELS: readonly string[] = ['pocket']

async function stringBackend(source: string): Promise<Backend> {
  if (source === '') throw new ParameterError('source', source, 'must not be empty')
  if (EMBEDDED_MODELS.includes(source)) return stringBackend(platform.embeddedModel(source))
  // Two letters at least, so that `C:\models` stays a path.
  if (/^[a-z][a-z0-9+.-]+:/i.test(source) && URL.canParse(source)) return urlBackend(new URL(source))
  // In a browser there are no paths; a `Request` resolves against the address of the page or worker.
  if (platform.name === 'browser') return urlBackend(new URL(new Request(source).url))
  return pathBackend(source)
}

async function pathBackend(path: string): Promise<Backend> {
  const kind = await platform.pathKind(path)
  if (kind === undefined) throw new CheckpointError({ file: path }, 'there is no such file or folder')
  const cut = kind === 'file' ? Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1 : 0
  const folder = kind === 'folder' ? path : cut === 0 ? '.' : path.slice(0, cut)
  return {
    label: path,
    fileName: kind === 'file' ? path.slice(cut) : undefined,
    names: kind === 'folder' ? await platform.listFolder(path) : undefined,
    async open(name) {
      const full = platform.joinPath(folder, name)
      if ((await platform.pathKind(full)) !== 'file') return undefined
      return customReader(name, await platform.openFile(full))
    },
  }
}

async function urlBackend(url: URL): Promise<Backend> {
  if (url.protocol === 'file:') {
    const path = decodeURIComponent(url.pathname)
    return pathBackend(/^\/[a-z]:/i.test(path) ? path.slice(1) : path)
  }
  if (url.protocol === 'blob:') {
    const name = 'model.gguf'
    return {
      label: url.href,
      fileName: name,
      open: async (wanted, signal) => (wanted === name ? openHttp(url.href, name, signal) : undefined),
    }
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new ParameterError('source', url.href, `URLs of ${url.protocol} cannot be read; use http:, https: or file:`)
  }
  const last = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)
  const isFile = /\.(gguf|safetensors|json|model)$/i.test(last)
  const folder = isFile ? url.pathname.slice(0, -last.length) : url.pathname.replace(/\/*$/, '/')
  return {
    label: `${url.origin}${url.pathname}`,
    fileName: isFile ? decodeName(last) : undefined,
    open(name, signal) {
      const target = new URL(url)
      // The query stays: it may hold the signature that opens the whole folder.
      target.pathname = folder + encodeURIComponent(name)
      target.hash = ''
      return openHttp(target.href, name, signal)
    },
  }
}

async function filesBackend(files: readonly unknown[]): Promise<Backend> {
  const byName = new Map<string, { file: Blob; depth: number }>()
  for (const file of files) {
    const name = isBlob(file) ? nameOf(file) : undefined
    if (!isBlob(file) || name === undefined) throw new ParameterError('source', file, 'every item must be a File')
    // A picked folder may hold subfolders with files of the same name; the outermost is the checkpoint's.
    const path: unknown = (file as { webkitRelativePath?: unknown }).webkitRelativePath
    const depth = typeof path === 'string' ? path.split('/').length : 1
    const known = byName.get(name)
    if (known === undefined || depth < known.depth) byName.set(name, { file, depth })
  }
  if (byName.size === 0) throw new ParameterError('source', files, 'holds no files')
  const names = [...byName.keys()]
  const only = names.length === 1 ? names[0] : undefined
  return {
    label: only ?? `${names.length} files`,
    fileName: only,
    names,
    async open(name) {
      const entry = byName.get(name)
      return entry === undefined ? undefined : blobReader(name, entry.file)
    },
  }
}

async function handleBackend(handle: FileSystemDirectoryHandle): Promise<Backend> {
  const names: string[] = []
  for await (const name of handle.keys()) names.push(name)
  return {
    label: handle.name,
    names,
    open: (name, signal) =>
      orMissing(name, signal, async () => blobReader(name, await (await handle.getFileHandle(name)).getFile())),
  }
}

async function openerBackend(opener: FileOpener, signal: AbortSignal | undefined): Promise<Backend> {
  const names =
    opener.list === undefined
      ? undefined
      : [
          ...(await unlessAborted(
            call(() => opener.list?.() ?? []),
            signal,
          )),
        ]
  return {
    label: 'opener',
    names,
    open: (name, signal) =>
      orMissing(name, signal, async () =>
        readerOf(
          name,
          await unlessAborted(
            call(() => opener.open(name, signal)),
            signal,
          ),
        ),
      ),
  }
}

/** A callback's answer as a promise, also when it throws at once. */
async function call<T>(callback: () => MaybePromise<T>): Promise<T> {
  return callback()
}

function readerOf(name: string, opened: unknown): ByteReader | undefined {
  if (opened === undefined || opened === null) return undefined
  if (typeof opened === 'string') return bytesReader(name, new TextEncoder().encode(opened))
  if (opened instanceof ArrayBuffer) return bytesReader(name, new Uint8Array(opened))
  if (ArrayBuffer.isView(opened)) {
    return bytesReader(name, new Uint8Array(opened.buffer, opened.byteOffset, opened.byteLength))
  }
  if (isBlob(opened)) return blobReader(name, opened)
  if (isObject(opened) && typeof opened.read === 'function')
    return customReader(name, opened as unknown as CustomReader)
  throw new CheckpointError({ file: name }, 'open(name) gave neither a Blob, bytes, a string, nor { size, read }')
}

/** Turns the ways to say "no such file" into undefined, and other failures into ours. */
async function orMissing(
  name: string,
  signal: AbortSignal | undefined,
  open: () => Promise<ByteReader | undefined>,
): Promise<ByteReader | undefined> {
  try {
    return await open()
  } catch (error) {
    throwIfAborted(signal)
    if (isObject(error) && (error.name === 'NotFoundError' || error.code === 'ENOENT')) return undefined
    if (error instanceof CheckpointError || error instanceof AbortError) throw error
    throw new CheckpointError({ file: name }, `cannot be opened: ${messageOf(error)}`, { cause: error })
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** By its shape, because a `Blob` of another realm or of a polyfill is no instance of ours. */
function isBlob(value: unknown): value is Blob {
  return (
    isObject(value) &&
    typeof value.size === 'number' &&
    typeof value.slice === 'function' &&
    typeof value.arrayBuffer === 'function'
  )
}

function nameOf(blob: Blob): string | undefined {
  const { name } = blob as { name?: unknown }
  return typeof name === 'string' && name !== '' ? name : undefined
}
