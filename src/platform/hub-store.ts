/**
 * The Hub's cache on a disk, in the layout of huggingface_hub: `blobs/` holds contents by their hash, `snapshots/COMMIT/` links
 * to them by name, `refs/` says which commit a branch means. Node, Bun, and Deno through its Node layer.
 */
import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { throwIfAborted } from '../async/abort.ts'
import { CheckpointError, StorageError } from '../errors.ts'
import { listSnapshots, removeSnapshots, unlinkFile } from './hub-content.ts'
import { linkBlob, repositoryFolder, walk } from './hub-layout.ts'
import { hubFolder, hubSettings, llamaFolders } from './hub-place.ts'
import { type LockFile, tryLock } from './lock-file.ts'
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
/** What is being written has this in its name; huggingface_hub's own have other names, so that neither touches the other's. */
const OURS = 'mistral-webgpu'
/** Beside what is to come, so much must be free, or a disk is full to its last byte. */
const SPARE_BYTES = 1024 * 1024

export async function openHubStore(options: StoreOptions, openFile: Platform['openFile']): Promise<ModelStore> {
  return new HubStore(options.folder ?? hubFolder(), await hubSettings(), openFile, options.folder === undefined)
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
    return undefined
  }

  async noteCommit(repository: string, revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.commitOf(repository, revision)) === commit) return
    const path = join(this.folderOf(repository), 'refs', ...revision.split('/'))
    const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`
    await writing(path, async () => {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(temporary, commit)
      await rename(temporary, path)
    })
  }

  async filesOf(repository: string, commit: string): Promise<readonly StoredFile[]> {
    for (const folder of [this.label, ...(this.looksElsewhere ? llamaFolders() : [])]) {
      const files = await walk(join(folder, repositoryFolder(repository), 'snapshots', commit))
      if (files.length > 0) return files
    }
    return []
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
      await linkBlob(own, key)
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
      const lock = await writing(lockPath, () => tryLock(lockPath))
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

  remove(repository: string, commit?: string): Promise<number> {
    return removeSnapshots(this.label, repository, commit)
  }

  discard(key: Pick<FileKey, 'repository' | 'commit' | 'path'>): Promise<void> {
    return unlinkFile(this.label, key)
  }
}

/** A file that is being written under a name of this process alone; the lock is held until it ends. */
class Arriving implements Incoming {
  private ended = false
  private at: number

  private constructor(
    private readonly path: string,
    private readonly key: FileKey,
    private readonly lock: LockFile,
    private readonly handle: FileHandle,
    readonly kept: number,
  ) {
    this.at = kept
  }

  static async start(blobs: string, key: FileKey, lock: LockFile): Promise<Arriving> {
    return writing(key.path, async () => {
      await mkdir(blobs, { recursive: true })
      await tagCache(dirname(dirname(blobs)))
      const path = join(blobs, `${key.id}.${OURS}-${randomBytes(4).toString('hex')}.incomplete`)
      await adopt(blobs, key, path)
      const handle = await open(path, constants.O_RDWR | constants.O_CREAT)
      const { size } = await handle.stat()
      const kept = size <= key.size ? size : 0
      if (kept !== size) await handle.truncate(0)
      const arriving = new Arriving(path, key, lock, handle, kept)
      await refuseFull(blobs, key, kept).catch(async (error: unknown) => {
        await arriving.leave()
        throw error
      })
      return arriving
    })
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length)
    let done = 0
    while (done < length) {
      const { bytesRead } = await this.handle.read(bytes, done, length - done, offset + done)
      if (bytesRead === 0) throw new CheckpointError({ file: this.key.path }, 'its unfinished download was cut short')
      done += bytesRead
    }
    return bytes
  }

  async write(bytes: Uint8Array): Promise<void> {
    await writing(
      this.key.path,
      async () => {
        for (let done = 0; done < bytes.byteLength; ) {
          const { bytesWritten } = await this.handle.write(bytes, done, bytes.byteLength - done, this.at)
          done += bytesWritten
          this.at += bytesWritten
        }
      },
      async () => new StorageError(this.key.path, this.key.size - this.at, await freeBytes(dirname(this.path))),
    )
  }

  async restart(): Promise<void> {
    await this.handle.truncate(0)
    this.at = 0
  }

  async finish(): Promise<void> {
    await writing(this.key.path, async () => {
      // What is renamed must be on the disk first, or a crash leaves an empty file under the good name.
      await this.handle.sync()
      const { size } = await this.handle.stat()
      if (size !== this.key.size || !(await this.lock.isHeld())) {
        throw new CheckpointError({ file: this.key.path }, 'another process has written to its download; try again')
      }
      await this.handle.close()
      const blobs = dirname(this.path)
      await rename(this.path, join(blobs, this.key.id))
      this.ended = true
      await linkBlob(dirname(blobs), this.key)
      await this.lock.release()
    })
  }

  async leave(): Promise<void> {
    if (!this.ended) {
      this.ended = true
      await this.handle.close().catch(() => {})
      if (this.at === 0) await rm(this.path, { force: true }).catch(() => {})
    }
    await this.lock.release()
  }
}

/** Goes on with what a process that ended has left of the file; the largest counts and the others go. */
async function adopt(blobs: string, { id }: FileKey, path: string): Promise<void> {
  const left = (await readdir(blobs)).filter((name) => name.startsWith(`${id}.${OURS}-`))
  const sizes = await Promise.all(
    left.map(async (name) => (await stat(join(blobs, name)).catch(() => undefined))?.size),
  )
  const order = left.map((name, i) => ({ name, size: sizes[i] ?? -1 })).sort((a, b) => b.size - a.size)
  for (const [i, { name }] of order.entries()) {
    if (i === 0) await rename(join(blobs, name), path).catch(() => {})
    else await rm(join(blobs, name), { force: true })
  }
}

async function largest(blobs: string, id: string): Promise<number> {
  const names = (await readdir(blobs).catch(() => [])).filter((name) => name.startsWith(`${id}.${OURS}-`))
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(blobs, name)).catch(() => undefined))?.size),
  )
  return Math.max(0, ...sizes.map((size) => size ?? 0))
}

async function refuseFull(folder: string, key: FileKey, kept: number): Promise<void> {
  const free = await freeBytes(folder)
  const needed = key.size - kept
  if (free !== undefined && needed + SPARE_BYTES > free && needed > 0) {
    throw new StorageError(key.path, needed + SPARE_BYTES, free)
  }
}

async function freeBytes(folder: string): Promise<number | undefined> {
  // Bun and Deno may lack it.
  const found = await Promise.resolve(statfs?.(folder)).catch(() => undefined)
  return found === undefined ? undefined : Number(found.bavail) * Number(found.bsize)
}

async function hasSize(path: string, size: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true && found.size === size
}

/** Tells backups that the folder is a cache, as huggingface_hub does. */
async function tagCache(folder: string): Promise<void> {
  const text =
    'Signature: 8a477f597d28d172789f06886806bc55\n# This file is a cache directory tag created by huggingface_hub.\n' +
    '# For information about cache directory tags, see:\n#\thttps://bford.info/cachedir/\n'
  await writeFile(join(folder, 'CACHEDIR.TAG'), text, { flag: 'wx' }).catch(() => {})
}

async function writing<T>(file: string, work: () => Promise<T>, full?: () => Promise<Error>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof CheckpointError) throw error
    const code = (error as { code?: unknown }).code
    if (full !== undefined && (code === 'ENOSPC' || code === 'EDQUOT')) throw await full()
    const reason = error instanceof Error ? error.message : String(error)
    throw new CheckpointError({ file }, `cannot be kept in the cache: ${reason}`, { cause: error })
  }
}
