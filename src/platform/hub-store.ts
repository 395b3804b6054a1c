/**
 * The Hub's cache on a disk, in the layout of huggingface_hub: `blobs/` holds contents by their hash, `snapshots/COMMIT/` links
 * to them by name, `refs/` says which commit a branch means. Node, Bun, and Deno through its Node layer.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { throwIfAborted } from '../async/abort.ts'
import { CheckpointError, StorageError } from '../errors.ts'
import { Arriving, freeBytes, largest, OURS, writing } from './hub-arriving.ts'
import { listSnapshots, removeFiles, removeSnapshots, unfinishedIn, unlinkFile } from './hub-content.ts'
import { linkBlob, repositoryFolder, walk } from './hub-layout.ts'
import { hubFolder, hubSettings, llamaFolders, urlFolder } from './hub-place.ts'
import { tryLock } from './lock-file.ts'
import type {
  FileKey,
  HubSettings,
  Incoming,
  ModelStore,
  ReceiveOptions,
  StoredFile,
  StoreOptions,
} from './store-types.ts'
import type { Platform, RandomAccessFile } from './types.ts'

/** How often somebody who waits for another process looks. */
const LOOK_MS = 200
/** Stands for the commit of files that nobody knows the commit of. */
const PLAIN = 'llama.cpp'

export async function openHubStore(options: StoreOptions, openFile: Platform['openFile']): Promise<ModelStore> {
  const isOfUrls = options.of === 'urls'
  const folder = isOfUrls ? urlFolder() : (options.folder ?? hubFolder())
  return new HubStore(folder, await hubSettings(), openFile, !isOfUrls && options.folder === undefined)
}

class HubStore implements ModelStore {
  constructor(
    readonly label: string,
    readonly settings: HubSettings,
    private readonly openFile: (path: string) => Promise<RandomAccessFile>,
    private readonly looksElsewhere: boolean,
  ) {}

  private folderOf(repository: string): string {
    return join(this.label, repositoryFolder(repository))
  }

  async commitOf(repository: string, revision: string): Promise<string | undefined> {
    const folders = [this.label, ...(this.looksElsewhere ? llamaFolders() : [])]
    for (const folder of folders) {
      const path = join(folder, repositoryFolder(repository), 'refs', ...revision.split('/'))
      const text = await readFile(path, 'utf8').catch(() => undefined)
      if (text?.trim()) return text.trim()
    }
    return revision === 'main' && (await this.plainFiles(repository)).length > 0 ? PLAIN : undefined
  }

  /** What older versions of llama.cpp keep: files whose names begin with the repository's, of no commit that is known. */
  private async plainFiles(repository: string): Promise<StoredFile[]> {
    const start = `${repository.replaceAll('/', '_')}_`
    const files: StoredFile[] = []
    for (const folder of this.looksElsewhere ? llamaFolders() : []) {
      for (const name of await readdir(folder).catch(() => [])) {
        if (!name.startsWith(start) || !name.endsWith('.gguf')) continue
        const found = await stat(join(folder, name)).catch(() => undefined)
        if (found?.isFile()) files.push({ path: name.slice(start.length), size: found.size, id: undefined })
      }
    }
    return files
  }

  async noteCommit(repository: string, revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.commitOf(repository, revision)) === commit) return
    const path = join(this.folderOf(repository), 'refs', ...revision.split('/'))
    const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`
    try {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(temporary, commit)
      await rename(temporary, path)
    } catch {
      // A cache that cannot be written to can still be read; whoever has to write will hear of it.
      await rm(temporary, { force: true }).catch(() => {})
    }
  }

  async filesOf(repository: string, commit: string): Promise<readonly StoredFile[]> {
    for (const folder of [this.label, ...(this.looksElsewhere ? llamaFolders() : [])]) {
      const files = await walk(join(folder, repositoryFolder(repository), 'snapshots', commit))
      if (files.length > 0) return files
    }
    return this.plainFiles(repository)
  }

  async open(key: FileKey): Promise<RandomAccessFile | undefined> {
    const path = await this.pathOf(key)
    return path === undefined ? undefined : this.openFile(path)
  }

  private async pathOf(key: FileKey): Promise<string | undefined> {
    const own = this.folderOf(key.repository)
    const link = join(own, 'snapshots', key.commit, ...key.path.split('/'))
    if (await hasSize(link, key.size)) return link
    // Another commit has the same content, or the process died between the blob and its link.
    if (await hasSize(join(own, 'blobs', key.id), key.size)) {
      // A cache that cannot be written to can still be read.
      await linkBlob(own, key).catch(() => {})
      return (await hasSize(link, key.size)) ? link : join(own, 'blobs', key.id)
    }
    if (!this.looksElsewhere) return undefined
    for (const folder of llamaFolders()) {
      const plain = join(folder, `${key.repository}/${key.path}`.replaceAll('/', '_'))
      const nested = join(folder, repositoryFolder(key.repository), 'snapshots', key.commit, ...key.path.split('/'))
      for (const path of [plain, nested]) if (await hasSize(path, key.size)) return path
    }
    return undefined
  }

  async receive(key: FileKey, { signal, onWait }: ReceiveOptions): Promise<Incoming | undefined> {
    const blobs = join(this.folderOf(key.repository), 'blobs')
    const lockPath = join(this.label, '.locks', repositoryFolder(key.repository), `${key.id}.${OURS}.lock`)
    for (;;) {
      throwIfAborted(signal)
      const full = async () => new StorageError(key.path, key.size, await freeBytes(this.label))
      const lock = await writing(key.path, () => tryLock(lockPath), full)
      if (lock !== undefined) {
        try {
          if ((await this.pathOf(key)) === undefined) return await Arriving.start(blobs, key, lock)
          await lock.release()
          return undefined
        } catch (error) {
          await lock.release()
          throw error
        }
      }
      onWait?.(await largest(blobs, key.id))
      await sleep(LOOK_MS)
    }
  }

  keptBytes({ repository, id }: FileKey): Promise<number> {
    return largest(join(this.folderOf(repository), 'blobs'), id)
  }

  async freeBytes(): Promise<number | undefined> {
    // The folder may have to be made first.
    return (await freeBytes(this.label)) ?? freeBytes(dirname(this.label))
  }

  async hasher(algorithm: 'sha256' | 'sha1') {
    const hash = createHash(algorithm)
    return {
      update: (bytes: Uint8Array) => void hash.update(bytes),
      digest: () => hash.digest('hex'),
    }
  }

  snapshots() {
    return listSnapshots(this.label)
  }

  unfinished() {
    return unfinishedIn(this.label)
  }

  remove(repository: string, commit?: string): Promise<number> {
    return this.removing(repository, () => removeSnapshots(this.label, repository, commit))
  }

  removeFiles(repository: string, commit: string, paths: readonly string[]): Promise<number> {
    return this.removing(repository, () => removeFiles(this.label, repository, commit, paths))
  }

  discard(key: Pick<FileKey, 'repository' | 'commit' | 'path'>): Promise<void> {
    return this.removing(key.path, () => unlinkFile(this.label, key))
  }

  private async removing<T>(file: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new CheckpointError({ file }, `cannot be removed from the cache (${this.label}): ${reason}`, {
        cause: error,
      })
    }
  }
}

async function hasSize(path: string, size: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true && found.size === size
}
