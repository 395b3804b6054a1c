/** Node and Bun: WebGPU from the optional peer package `webgpu` (Dawn), files from the local disk. */
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../async/abort.ts'
import { CheckpointError, DeviceError } from '../errors.ts'
import { calmly } from './calm-looks.ts'
import { endsEarly, notOpened, notRegular, PIECE_BYTES } from './file-facts.ts'
import { diskOf } from './local-disk.ts'
import type { FetchHandler, GpuEntryOptions, HttpServer, Platform, RandomAccessFile, ServeOptions } from './types.ts'

/**
 * Dawn's instances, one per backend, for the life of the process. Dawn's binding does not hold its own instance: when
 * the object that `create()` returned is collected while an adapter, device or buffer of it still lives, the process
 * crashes. An instance that is merely kept costs little and does not hold the process open; a device that is not
 * destroyed can, so whoever opens a device destroys it.
 */
const instances = new Map<string, GPU>()

export const platform: Platform = {
  name: process.versions.bun === undefined ? 'node' : 'bun',

  looksForResults: true,

  mayTellLate: false,

  calmly,

  async openGpu(options: GpuEntryOptions = {}): Promise<GPU> {
    // An entry that the host program installed itself (Electron, a polyfill) is the one it wants used.
    const installed = options.backend === undefined ? globalThis.navigator?.gpu : undefined
    return installed ?? dawnInstance(options.backend)
  },

  // Loaded when asked for: whoever runs a model in process needs no server.
  async serveHttp(fetch: FetchHandler, options: ServeOptions): Promise<HttpServer> {
    const { serveNode } = await import('./serve-node.ts')
    return serveNode(fetch, options)
  },

  ...diskOf((path) => platform.openFile(path)),

  openNotes: async () => (await import('./notes.ts')).notes,

  async pathKind(path: string): Promise<'file' | 'folder' | undefined> {
    try {
      const found = await stat(path)
      if (found.isDirectory()) return 'folder'
      return found.isFile() ? 'file' : undefined
    } catch (error) {
      if (NOTHING_THERE.has(errorCode(error) ?? '')) return undefined
      throw notOpened(path, error)
    }
  },

  async openFile(path: string): Promise<RandomAccessFile> {
    let handle: FileHandle | undefined
    try {
      // Without O_NONBLOCK, opening a named pipe waits for a writer that may never come.
      handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
      const found = await handle.stat()
      if (!found.isFile()) throw notRegular(path)
      return new NodeFile(path, handle, found.size)
    } catch (error) {
      await handle?.close()
      throw error instanceof CheckpointError ? error : notOpened(path, error)
    }
  },

  async listFolder(path: string): Promise<string[]> {
    try {
      return await readdir(path)
    } catch (error) {
      throw notOpened(path, error)
    }
  },

  joinPath: (folder, name) => join(folder, name),
}

const NOTHING_THERE = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE'])

async function dawnInstance(backend: 'null' | undefined): Promise<GPU> {
  const key = backend ?? 'default'
  const known = instances.get(key)
  if (known) return known
  const dawn = await importDawn()
  // Awaiting the import let another caller in; the first instance made is the one that everybody gets.
  const raced = instances.get(key)
  if (raced) return raced
  const gpu = dawn.create(backend === 'null' ? ['backend=null'] : ['enable-dawn-features=vulkan_enable_f16_on_nvidia'])
  instances.set(key, gpu)
  return gpu
}

async function importDawn(): Promise<typeof import('webgpu')> {
  try {
    return await import('webgpu')
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
      throw new DeviceError(
        'this runtime has no WebGPU of its own; install it beside this package: npm install webgpu' +
          ' (with npx: npx -p mistral-webgpu -p webgpu mistral-webgpu …)',
        {
          cause: error,
        },
      )
    }
    const reason = error instanceof Error ? error.message : String(error)
    throw new DeviceError(
      `the package webgpu is installed but does not load on ${process.platform}-${process.arch}: ${reason}`,
      { cause: error },
    )
  }
}

class NodeFile implements RandomAccessFile {
  constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
    readonly size: number,
  ) {}

  async read(
    offset: number,
    length: number,
    signal?: AbortSignal,
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    throwIfAborted(signal)
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size))
      throw endsEarly(this.path, offset, length, this.size)
    const bytes = into ?? new Uint8Array(length)
    for (let done = 0; done < length; ) {
      throwIfAborted(signal)
      const { bytesRead } = await this.handle.read(bytes, done, Math.min(PIECE_BYTES, length - done), offset + done)
      if (bytesRead === 0) throw endsEarly(this.path, offset, length, offset + done)
      done += bytesRead
    }
    return bytes
  }

  close(): Promise<void> {
    return this.handle.close()
  }
}

function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}
