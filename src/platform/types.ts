/**
 * What the library needs from the runtime it stands in. The twin files `browser.ts`, `node.ts` and `deno.ts` implement
 * it; the package's import map (`#platform`) picks one, so that a bundle carries only its own.
 */
export interface Platform {
  readonly name: 'browser' | 'node' | 'bun' | 'deno'
  /** The runtime's WebGPU entry. Throws `DeviceError` that says what to install when there is none. */
  openGpu(options?: GpuEntryOptions): Promise<GpuEntry>
  /** What stands at a path of the local file system; undefined when nothing does, or when there is no file system. */
  pathKind(path: string): Promise<'file' | 'folder' | undefined>
  /** Opens a local file for reading by range. Throws `CheckpointError` when it cannot be opened. */
  openFile(path: string): Promise<RandomAccessFile>
  /** Names in a local folder. Throws `CheckpointError` when it cannot be read. */
  listFolder(path: string): Promise<string[]>
  joinPath(folder: string, name: string): string
  /** Where a model that ships with this package lies: a path, or a URL in a browser. */
  embeddedModel(name: string): string
}

export interface GpuEntryOptions {
  /** `'null'` is Dawn's backend that executes nothing: it measures JavaScript's own cost. Node only. */
  backend?: 'null' | undefined
}

export interface GpuEntry {
  readonly gpu: GPU
  /** Lets go of the entry, so that the process can end by itself. Safe to call twice. */
  release(): void
}

export interface RandomAccessFile {
  readonly size: number
  /** Exactly `length` bytes from `offset`; throws when the file ends before. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  close(): Promise<void>
}
