/**
 * A model that a page or a program hands over: dropped files, a directory handle, or a caller's own opener. It is loaded
 * for such sources.
 */
import { throwIfAborted, unlessAborted } from '../async/abort.ts'
import { AbortError, CheckpointError, ParameterError } from '../errors.ts'
import type { Backend, Found } from './backend.ts'
import {
  type ByteReader,
  blobReader,
  bytesReader,
  type CustomReader,
  customReader,
  isBlob,
  messageOf,
} from './byte-reader.ts'
import { isInTemplateFolder, TEMPLATE_FOLDER } from './file-names.ts'
import type { FileOpener } from './file-opener.ts'
import { chooseSnapshot } from './hub-cache.ts'

/** A folder with one of these is a checkpoint, or holds a tokenizer. */
const CHECKPOINT_FILE = /^(?:config\.json|tokenizer\.(?:json|model.*)|.*\.(?:gguf|safetensors))$/i

/** One file with the folder that it was picked in, relative to the pick. */
interface Picked {
  readonly folder: string
  readonly name: string
  readonly file: Blob
}

/**
 * @param nameless what a Blob without a name is called; undefined refuses it
 * @throws ParameterError when an item is no File; CheckpointError when the files are of several checkpoints
 */
export async function filesBackend(files: readonly unknown[], nameless?: string): Promise<Backend> {
  const picked = files.map((file) => pick(file, nameless))
  if (picked.length === 0) throw new ParameterError('source', files, 'holds no files')
  const root = await rootOf(picked)
  const byName = new Map(picked.filter(({ folder }) => folder === root).map(({ name, file }) => [name, file]))
  const inside = root === '' ? TEMPLATE_FOLDER : `${root}/${TEMPLATE_FOLDER}`
  for (const { folder, name, file } of picked) if (folder === inside) byName.set(`${TEMPLATE_FOLDER}/${name}`, file)
  const names = [...byName.keys()]
  const only = picked.length === 1 ? names[0] : undefined
  return {
    label: only ?? `${names.length} files`,
    fileName: only,
    names,
    async open(name) {
      const file = byName.get(name)
      return file === undefined ? undefined : { reader: blobReader(name, file) }
    },
  }
}

function pick(file: unknown, nameless: string | undefined): Picked {
  const name = isBlob(file) ? (nameOf(file) ?? nameless) : undefined
  if (!isBlob(file) || name === undefined) throw new ParameterError('source', file, 'every item must be a File')
  const path: unknown = (file as { webkitRelativePath?: unknown }).webkitRelativePath
  const cut = typeof path === 'string' ? path.lastIndexOf('/') : -1
  return { folder: cut < 0 ? '' : (path as string).slice(0, cut), name, file }
}

/** A picked folder may hold subfolders with files of the same names: the outermost that holds a checkpoint counts. */
async function rootOf(picked: readonly Picked[]): Promise<string> {
  const depth = (folder: string) => (folder === '' ? 0 : folder.split('/').length)
  const outermost = (some: readonly Picked[]) => {
    const least = Math.min(...some.map(({ folder }) => depth(folder)))
    return [...new Set(some.map(({ folder }) => folder))].filter((folder) => depth(folder) === least)
  }
  const holding = picked.filter(({ name }) => CHECKPOINT_FILE.test(name))
  const [root, ...others] = outermost(holding.length > 0 ? holding : picked)
  if (root === undefined || others.length === 0) return root ?? ''
  const all = [root, ...others]
  const cache = /^(.*)snapshots\/[^/]+$/.exec(root)?.[1]
  if (cache === undefined) {
    throw new CheckpointError(
      { file: `${picked.length} files` },
      `are of several checkpoints (${all.slice(0, 5).join(', ')}); pick one of these folders`,
    )
  }
  const main = picked.find(({ folder, name }) => folder === `${cache}refs` && name === 'main')
  const revisions = all.map((folder) => folder.slice(folder.lastIndexOf('/') + 1))
  return `${cache}snapshots/${chooseSnapshot(cache || '.', revisions, await main?.file.text())}`
}

/** A folder that the user picked, or one of a page's own file system. */
export async function handleBackend(handle: FileSystemDirectoryHandle): Promise<Backend> {
  const names: string[] = []
  for await (const name of handle.keys()) names.push(name)
  if (names.includes('snapshots') && !names.includes('config.json')) return snapshotBackend(handle)
  return {
    label: handle.name,
    names,
    open: (name, signal) =>
      orMissing(name, signal, async () => ({
        reader: blobReader(name, await (await fileIn(handle, name)).getFile()),
      })),
  }
}

async function fileIn(handle: FileSystemDirectoryHandle, name: string): Promise<FileSystemFileHandle> {
  if (!isInTemplateFolder(name)) return handle.getFileHandle(name)
  return (await handle.getDirectoryHandle(TEMPLATE_FOLDER)).getFileHandle(name.slice(TEMPLATE_FOLDER.length + 1))
}

/** A repository in the Hugging Face cache. */
async function snapshotBackend(handle: FileSystemDirectoryHandle): Promise<Backend> {
  const snapshots = await handle.getDirectoryHandle('snapshots')
  const revisions: string[] = []
  for await (const name of snapshots.keys()) revisions.push(name)
  const main = await mainRevision(handle).catch(() => undefined)
  return handleBackend(await snapshots.getDirectoryHandle(chooseSnapshot(handle.name, revisions, main)))
}

async function mainRevision(handle: FileSystemDirectoryHandle): Promise<string> {
  const refs = await handle.getDirectoryHandle('refs')
  return (await (await refs.getFileHandle('main')).getFile()).text()
}

/** What an opener opens often comes from a server, so that something else may stand in a file's place. */
export async function openerBackend(opener: FileOpener, signal: AbortSignal | undefined): Promise<Backend> {
  const list = async () => [...(await (opener.list?.() ?? []))]
  const names = opener.list === undefined ? undefined : await unlessAborted(list(), signal)
  return {
    label: 'opener',
    names,
    open: (name, signal) =>
      orMissing(name, signal, async () => {
        const opened: unknown = await unlessAborted(
          call(() => opener.open(name, signal)),
          signal,
        )
        const reader = readerOf(name, opened)
        const type = isBlob(opened) ? opened.type.split(';')[0]!.trim().toLowerCase() : ''
        return reader === undefined ? undefined : { reader, origin: { url: name, status: undefined, type } }
      }),
  }
}

/** A callback's answer as a promise, also when it throws at once. */
async function call<T>(callback: () => T | Promise<T>): Promise<T> {
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
  open: () => Promise<Found | undefined>,
): Promise<Found | undefined> {
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

function nameOf(blob: Blob): string | undefined {
  const { name } = blob as { name?: unknown }
  return typeof name === 'string' && name !== '' ? name : undefined
}
