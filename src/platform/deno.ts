/** Deno: its own WebGPU (wgpu), files through `Deno.open`. */
import { throwIfAborted } from '../async/abort.ts'
import { CheckpointError, DeviceError, ParameterError } from '../errors.ts'
import { endsEarly, notOpened, notRegular, PIECE_BYTES } from './file-facts.ts'
import { diskOf } from './local-disk.ts'
import type { FetchHandler, GpuEntryOptions, HttpServer, Platform, RandomAccessFile, ServeOptions } from './types.ts'

/** The part of Deno that is used here; its own types cannot stand beside those of Node in one compilation. */
interface DenoRuntime {
  readonly permissions: { query(what: { name: string }): Promise<{ readonly state: string }> }
  stat(path: string): Promise<DenoFileInfo>
  open(path: string, options: { read: true }): Promise<DenoFile>
  readDir(path: string): AsyncIterable<{ readonly name: string }>
  readonly build: { readonly os: string }
  readonly SeekMode: { readonly Start: number }
  readonly errors: Record<'NotFound' | 'NotADirectory', new () => Error>
}

interface DenoFileInfo {
  readonly isFile: boolean
  readonly isDirectory: boolean
  readonly size: number
}

interface DenoFile {
  stat(): Promise<DenoFileInfo>
  seek(offset: number, whence: number): Promise<number>
  read(into: Uint8Array): Promise<number | null>
  close(): void
}

declare const Deno: DenoRuntime

export const platform: Platform = {
  name: 'deno',

  looksForResults: false,

  mayTellLate: false,

  calmly: (ask) => ask(),

  async openGpu(options: GpuEntryOptions = {}): Promise<GPU> {
    if (options.backend !== undefined) throw new ParameterError('backend', options.backend, 'exists in Node only')
    const gpu = globalThis.navigator?.gpu as GPU | undefined
    if (!gpu)
      throw new DeviceError('this Deno shows no WebGPU: Deno 2 has it, Deno 1 only with the flag --unstable-webgpu')
    return gpu
  },

  // Loaded when asked for: whoever runs a model in process needs no server.
  async serveHttp(fetch: FetchHandler, options: ServeOptions): Promise<HttpServer> {
    const { serveDeno } = await import('./serve-deno.ts')
    return serveDeno(fetch, options)
  },

  ...diskOf((path) => platform.openFile(path)),

  async openNotes() {
    // Without these permissions Deno would ask the user, who did not come for this.
    for (const name of ['env', 'read', 'write', 'sys']) {
      if ((await Deno.permissions.query({ name })).state !== 'granted') return undefined
    }
    return (await import('./notes.ts')).notes
  },

  async pathKind(path: string): Promise<'file' | 'folder' | undefined> {
    if (path.includes('\0')) return undefined
    try {
      const found = await Deno.stat(path)
      if (found.isDirectory) return 'folder'
      return found.isFile ? 'file' : undefined
    } catch (error) {
      if (isNothingThere(error)) return undefined
      throw notOpened(path, error)
    }
  },

  async openFile(path: string): Promise<RandomAccessFile> {
    let file: DenoFile | undefined
    try {
      // Looked at before it is opened: opening a named pipe would wait for a writer.
      if (!(await Deno.stat(path)).isFile) throw notRegular(path)
      file = await Deno.open(path, { read: true })
      return new SeekingFile(path, file, (await file.stat()).size)
    } catch (error) {
      file?.close()
      throw error instanceof CheckpointError ? error : notOpened(path, error)
    }
  },

  async listFolder(path: string): Promise<string[]> {
    const names: string[] = []
    try {
      for await (const entry of Deno.readDir(path)) names.push(entry.name)
    } catch (error) {
      throw notOpened(path, error)
    }
    return names
  },

  joinPath(folder, name) {
    const end = Deno.build.os === 'windows' ? /[\\/]+$/ : /\/+$/
    return folder === '' ? name : `${folder.replace(end, '')}/${name}`
  },
}

function isNothingThere(error: unknown): boolean {
  const { NotFound, NotADirectory } = Deno.errors
  if (error instanceof NotFound || error instanceof NotADirectory) return true
  return ['ENOTDIR', 'ENAMETOOLONG'].includes(String((error as { code?: unknown } | null)?.code))
}

/** Deno has no read at a position, only a cursor: reads stand in a queue, so that none moves another's cursor. */
class SeekingFile implements RandomAccessFile {
  private last: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly path: string,
    private readonly file: DenoFile,
    readonly size: number,
  ) {}

  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const result = this.last.then(() => this.readNow(offset, length, signal))
    this.last = result.catch(() => undefined)
    return result
  }

  private async readNow(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    throwIfAborted(signal)
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size))
      throw endsEarly(this.path, offset, length, this.size)
    const bytes = new Uint8Array(length)
    await this.file.seek(offset, Deno.SeekMode.Start)
    for (let done = 0; done < length; ) {
      throwIfAborted(signal)
      const count = await this.file.read(bytes.subarray(done, Math.min(length, done + PIECE_BYTES)))
      if (count === null || count === 0) throw endsEarly(this.path, offset, length, offset + done)
      done += count
    }
    return bytes
  }

  async close(): Promise<void> {
    await this.last
    this.file.close()
  }
}
