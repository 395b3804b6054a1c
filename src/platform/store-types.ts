/** Where downloaded models are kept: the Hugging Face Hub's own cache on a disk, or a page's private file system. */
import type { RandomAccessFile } from './random-access-file.ts'

/** One file of one commit of a repository. */
export interface FileKey {
  /** `owner/name` */
  readonly repository: string
  readonly commit: string
  /** With slashes between folders. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** The hash of the content, in hexadecimal: SHA-256, or git's SHA-1 of a blob for small files. It names the blob. */
  readonly id: string
  /** Nobody said the hash of the content: `id` stands for its address and version. */
  readonly isUnhashed?: boolean | undefined
}

/** The bytes of one file on their way in. They come in order; what was written stays when the process dies. */
export interface Incoming {
  /** Bytes that an earlier attempt left; writing goes on behind them. */
  readonly kept: number
  /** Reads what is kept, to hash it. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>
  /** @throws StorageError when there is no room */
  write(bytes: Uint8Array): Promise<void>
  /** Drops all bytes and begins again. */
  restart(): Promise<void>
  /** Makes the file count, all at once. Its bytes were verified. */
  finish(): Promise<void>
  /** Stops here; what was written is kept for the next attempt. Safe to call after `finish`. */
  leave(): Promise<void>
}

export interface ReceiveOptions {
  readonly signal?: AbortSignal | undefined
  /** Called again and again while somebody else brings the file: the bytes that have come so far. */
  readonly onWait?: ((bytes: number) => void) | undefined
}

/** A file that is complete. */
export interface StoredFile {
  readonly path: string
  readonly size: number
  /** The hash that its blob is called by; undefined where the store does not say. */
  readonly id: string | undefined
}

/** One commit of a repository in the store. */
export interface StoredSnapshot {
  readonly repository: string
  readonly commit: string
  /** Branches and tags that point to it. */
  readonly revisions: readonly string[]
  readonly files: readonly StoredFile[]
}

export interface Hasher {
  update(bytes: Uint8Array): void
  /** The hash in hexadecimal. */
  digest(): string
}

/** What the environment says about the Hub; the options of a call come before it. */
export interface HubSettings {
  readonly endpoint?: string | undefined
  readonly token?: string | undefined
  readonly offline?: boolean | undefined
  /** Of the machine, as far as it tells. */
  readonly memoryBytes?: number | undefined
}

export interface ModelStore {
  /** For messages: the folder, or what else it is. */
  readonly label: string
  readonly settings: HubSettings
  /** The commit that a branch or tag meant when it was last asked for. */
  commitOf(repository: string, revision: string): Promise<string | undefined>
  noteCommit(repository: string, revision: string, commit: string): Promise<void>
  /** The complete files of a commit. */
  filesOf(repository: string, commit: string): Promise<readonly StoredFile[]>
  /** Opens a file that is complete and has the right size, whoever brought it; undefined when there is none. */
  open(key: FileKey): Promise<RandomAccessFile | Blob | undefined>
  /** Takes the place of the one who brings the file. Waits for others; undefined when one of them brought it. */
  receive(key: FileKey, options: ReceiveOptions): Promise<Incoming | undefined>
  /** Bytes of an unfinished file that need not come again. */
  keptBytes(key: FileKey): Promise<number>
  /** Room for more; undefined where nobody tells. */
  freeBytes(): Promise<number | undefined>
  hasher(algorithm: 'sha256' | 'sha1'): Promise<Hasher>
  snapshots(): Promise<readonly StoredSnapshot[]>
  /** Bytes of unfinished files, by their repositories. */
  unfinished(): Promise<ReadonlyMap<string, number>>
  /** Removes one commit, or all of a repository, with the blobs that nothing else uses. Returns the bytes that got free. */
  remove(repository: string, commit?: string): Promise<number>
  /** Removes some files of a commit, with the blobs that nothing else uses. Returns the bytes that got free. */
  removeFiles(repository: string, commit: string, paths: readonly string[]): Promise<number>
  /** Removes one file of a commit and its blob. */
  discard(key: Omit<FileKey, 'size' | 'id'>): Promise<void>
}

export interface StoreOptions {
  /** What is kept: models of the Hub (default), or files of plain addresses, which are no business of huggingface_hub's. */
  readonly of?: 'urls' | undefined
  /** The folder of the cache in place of the usual one; a page has none to choose. */
  readonly folder?: string | undefined
}
