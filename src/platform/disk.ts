/** Writing files on the local disk: Node, Bun, and Deno through its Node layer. It is loaded by what writes. */
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CheckpointError } from '../errors.ts'
import type { Disk, FileWriter } from './types.ts'

export const disk: Disk = {
  async makeFolder(path) {
    // Of several that are made, the first is named.
    return writing(path, async () => (await mkdir(path, { recursive: true })) !== undefined)
  },

  async createFile(path): Promise<FileWriter> {
    return writing(path, async () => {
      await mkdir(dirname(path), { recursive: true })
      const handle = await open(path, 'w')
      return {
        async write(bytes) {
          await writing(path, async () => {
            for (let done = 0; done < bytes.byteLength; ) {
              done += (await handle.write(bytes, done, bytes.byteLength - done)).bytesWritten
            }
          })
        },
        async close({ keep }) {
          await writing(path, async () => {
            // What is renamed must be on the disk first, or a crash leaves an empty file under the good name.
            if (keep) await handle.sync()
          }).finally(() => handle.close())
        },
      }
    })
  },

  async rename(from, to) {
    await writing(to, () => rename(from, to))
  },

  async removeFile(path) {
    await rm(path, { force: true })
  },

  async removeEmptyFolder(path) {
    await rmdir(path).catch(() => undefined)
  },

  async namesIn(path) {
    try {
      return await readdir(path)
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOENT') return undefined
      throw notWritten(path, error)
    }
  },

  join,
}

async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof CheckpointError ? error : notWritten(path, error)
  }
}

function notWritten(path: string, cause: unknown): CheckpointError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new CheckpointError({ file: path }, `cannot be written: ${reason}`, { cause })
}
