/** A file on its way into the Hub's cache on a disk. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CheckpointError, StorageError } from '../errors.ts'
import { linkBlob } from './hub-layout.ts'
import type { LockFile } from './lock-file.ts'
import type { FileKey, Incoming } from './store-types.ts'

/** What is being written has this in its name; huggingface_hub's own have other names, so that neither touches the other's. */
export const OURS = 'mistral-webgpu'
/** Beside what is to come, so much must be free, or a disk is full to its last byte. */
const SPARE_BYTES = 1024 * 1024

/** A file that is being written under a name of this process alone; the lock is held until it ends. */
export class Arriving implements Incoming {
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
    const full = async () => new StorageError(key.path, key.size, await freeBytes(blobs))
    const begin = async () => {
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
    }
    return writing(key.path, begin, full)
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
      () => this.full(),
    )
  }

  private async full(): Promise<StorageError> {
    return new StorageError(this.key.path, this.key.size - this.at, await freeBytes(dirname(this.path)))
  }

  async restart(): Promise<void> {
    await this.handle.truncate(0)
    this.at = 0
  }

  async finish(): Promise<void> {
    const end = async () => {
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
    }
    await writing(this.key.path, end, () => this.full())
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

export async function largest(blobs: string, id: string): Promise<number> {
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

export async function freeBytes(folder: string): Promise<number | undefined> {
  // Bun and Deno may lack it.
  const found = await Promise.resolve(statfs?.(folder)).catch(() => undefined)
  return found === undefined ? undefined : Number(found.bavail) * Number(found.bsize)
}

/** Tells backups that the folder is a cache, as huggingface_hub does. */
async function tagCache(folder: string): Promise<void> {
  const text =
    'Signature: 8a477f597d28d172789f06886806bc55\n# This file is a cache directory tag created by huggingface_hub.\n' +
    '# For information about cache directory tags, see:\n#\thttps://bford.info/cachedir/\n'
  await writeFile(join(folder, 'CACHEDIR.TAG'), text, { flag: 'wx' }).catch(() => {})
}

export async function writing<T>(file: string, work: () => Promise<T>, full: () => Promise<Error>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof CheckpointError) throw error
    const code = (error as { code?: unknown }).code
    if (code === 'ENOSPC' || code === 'EDQUOT') throw await full()
    const reason = error instanceof Error ? error.message : String(error)
    throw new CheckpointError({ file }, `cannot be kept in the cache: ${reason}`, { cause: error })
  }
}
