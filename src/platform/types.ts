/** What the library needs from the runtime it stands in, and what the parts of that are. */
import type { RandomAccessFile } from './random-access-file.ts'
import type { ModelStore, StoreOptions } from './store-types.ts'

export type { RandomAccessFile }

/**
 * What the library needs from the runtime it stands in. The twin files `browser.ts`, `node.ts` and `deno.ts` implement
 * it; the package's import map (`#platform`) picks one, so that a bundle carries only its own.
 */
export interface Platform {
  readonly name: 'browser' | 'node' | 'bun' | 'deno'
  /** Whether it looks for the GPU's results itself, again and again, as long as a promise of theirs is pending. */
  readonly looksForResults: boolean
  /** Whether the GPU's results may be told late, because the runtime looks for them by a slow timer only. */
  readonly mayTellLate: boolean
  /** Calls what makes a promise of the GPU, so that looking for its result leaves the CPU to others. */
  calmly<T>(ask: () => T, looks: Looks): T
  /** The runtime's WebGPU entry. Throws `DeviceError` that says what to install when there is none. */
  openGpu(options?: GpuEntryOptions): Promise<GPU>
  /** What stands at a path of the local file system; undefined when nothing does, or when there is no file system. */
  pathKind(path: string): Promise<'file' | 'folder' | undefined>
  /** Opens a local file for reading by range. Throws `CheckpointError` when it cannot be opened. */
  openFile(path: string): Promise<RandomAccessFile>
  /** Names in a local folder. Throws `CheckpointError` when it cannot be read. */
  listFolder(path: string): Promise<string[]>
  joinPath(folder: string, name: string): string
  /** Where downloaded models are kept. Throws `CheckpointError` where they cannot be. */
  openStore(options: StoreOptions): Promise<ModelStore>
  /** A download begins: asks the browser to keep files, and gives the worker that does it; undefined where there is none. */
  beginDownload(): Promise<DownloadThread | undefined>
  /** What the user's environment says of names; empty where there is none. */
  environment(): Promise<Environment>
  /** The folders in which Ollama may keep its models; empty where there is no file system. */
  ollamaFolders(): Promise<string[]>
  /** Writes files. Throws `CheckpointError` where there is no file system. */
  openDisk(): Promise<Disk>
  /** What is kept on the user's machine from run to run; undefined where nothing can be. */
  openNotes(): Promise<Notes | undefined>
  /**
   * Answers HTTP requests on a socket. Resolves when it listens; throws `ListenError` when it cannot, or when the runtime
   * has no sockets to listen on.
   */
  serveHttp(fetch: FetchHandler, options: ServeOptions): Promise<HttpServer>
}

export interface Environment {
  /** The Hub in place of Hugging Face's. */
  readonly hubEndpoint?: string | undefined
  /** The folder that `~` stands for. */
  readonly home?: string | undefined
}

/** How the result of a promise of the GPU is looked for. */
export interface Looks {
  /** The GPU is the CPU. */
  readonly onCpu?: boolean
  /** Hearing of the result a millisecond later is no loss. */
  readonly patient?: boolean | undefined
  /** The work is that of one row, whose dispatches do not fill the cores of a CPU. */
  readonly small?: boolean | undefined
}

/** A worker, as far as it is used. */
export type DownloadThread = Pick<Worker, 'postMessage' | 'terminate' | 'onmessage' | 'onerror'>

/** `request.signal` fires when the client goes away. */
export type FetchHandler = (request: Request) => Response | Promise<Response>

export interface ServeOptions {
  /** A name or an address of this machine; `127.0.0.1` is for programs on it alone. */
  readonly host: string
  /** 0 takes any that is free. */
  readonly port: number
  /** The head of a request must have come within this time. Default 10 s. Deno has limits of its own. */
  readonly headersTimeoutMs?: number | undefined
  /** So must the whole request. Default 60 s. Deno leaves it to the handler. */
  readonly requestTimeoutMs?: number | undefined
  /** A connection without a request is kept this long. Default 65 s: proxies keep theirs for a minute. */
  readonly idleTimeoutMs?: number | undefined
  /** Connections beyond this are closed at once. Default 1024. */
  readonly maxConnections?: number | undefined
}

export interface HttpServer {
  /** With brackets where it is an IPv6 address. */
  readonly url: string
  readonly port: number
  /**
   * Stops listening at once, lets requests that run come to their end, and cuts those that take longer than `drainMs`.
   * @returns how many were cut
   */
  close(drainMs: number): Promise<number>
}

export interface GpuEntryOptions {
  /** `'null'` is Dawn's backend that executes nothing: it measures JavaScript's own cost. Node only. */
  backend?: 'null' | undefined
}

/** Small texts that are kept from run to run, for what can be found out again. No method throws. */
export interface Notes {
  /** Runtime, version and system in one line. */
  readonly runtime: string
  read(name: string): Promise<string | undefined>
  write(name: string, text: string): Promise<void>
}

/** Writing on the local disk. What fails throws `CheckpointError` that names the path. */
export interface Disk {
  /** Makes a folder and those around it. Returns whether it was missing. */
  makeFolder(path: string): Promise<boolean>
  /** Opens an empty file, in a folder that is made when it is missing; a file that is there is emptied. */
  createFile(path: string): Promise<FileWriter>
  /** Puts a file in the place of another at once. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file if it is there. */
  removeFile(path: string): Promise<void>
  /** Removes a folder if there is nothing in it. */
  removeEmptyFolder(path: string): Promise<void>
  /** undefined when there is no such folder. */
  namesIn(path: string): Promise<string[] | undefined>
  join(folder: string, name: string): string
}

export interface FileWriter {
  write(bytes: Uint8Array): Promise<void>
  /** Closes the file; to `keep` it waits until the disk has it. */
  close(options: { keep: boolean }): Promise<void>
}
