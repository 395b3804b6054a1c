/** Folders and files of a page's private file system, in the few ways in which the store of models needs them. */

/** JSON of the store's own. */
export type Fields = Readonly<Record<string, unknown>>

/** Bytes on their way into one file, behind those that it has. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>
  /** From now on the bytes stay. */
  close(): Promise<void>
}

/** Only workers have them. */
interface SyncHandle {
  write(bytes: Uint8Array, options: { at: number }): number
  truncate(size: number): void
  flush(): void
  close(): void
}

export class OpfsFolder {
  constructor(private readonly handle: FileSystemDirectoryHandle) {}

  /** undefined where there is none and none is made. */
  async folder(name: string, create = false): Promise<OpfsFolder | undefined> {
    const found = await orMissing(this.handle.getDirectoryHandle(name, { create }))
    return found === undefined ? undefined : new OpfsFolder(found)
  }

  async file(name: string): Promise<File | undefined> {
    const handle = await orMissing(this.handle.getFileHandle(name))
    return handle === undefined ? undefined : orMissing(handle.getFile())
  }

  async names(): Promise<string[]> {
    const names: string[] = []
    for await (const name of this.handle.keys()) names.push(name)
    return names
  }

  /** With everything in it. */
  async remove(name: string): Promise<void> {
    await orMissing(this.handle.removeEntry(name, { recursive: true }))
  }

  async bytes(): Promise<number> {
    let sum = 0
    for await (const entry of this.handle.values()) {
      if (entry.kind === 'file') sum += (await orMissing((entry as FileSystemFileHandle).getFile()))?.size ?? 0
      else sum += await new OpfsFolder(entry as FileSystemDirectoryHandle).bytes()
    }
    return sum
  }

  /** Opens a file for writing behind its first `at` bytes, which stay. */
  async sink(name: string, at: number): Promise<Sink> {
    const handle = await this.handle.getFileHandle(name, { create: true })
    const { createSyncAccessHandle } = handle as { createSyncAccessHandle?: () => Promise<SyncHandle> }
    if (createSyncAccessHandle === undefined) return copySink(handle, at)
    const sync = await createSyncAccessHandle.call(handle)
    sync.truncate(at)
    let end = at
    return {
      async write(bytes) {
        for (let done = 0; done < bytes.byteLength; ) {
          const written = sync.write(bytes.subarray(done), { at: end })
          if (written === 0) throw new DOMException('no byte could be written', 'QuotaExceededError')
          done += written
          end += written
        }
      },
      async close() {
        try {
          sync.flush()
        } finally {
          sync.close()
        }
      },
    }
  }
}

/** Writes into a copy that takes the file's place when it is closed. */
async function copySink(handle: FileSystemFileHandle, at: number): Promise<Sink> {
  const stream = await handle.createWritable({ keepExistingData: at > 0 })
  if (at > 0) await stream.seek(at)
  return {
    write: (bytes) => stream.write(bytes as Uint8Array<ArrayBuffer>),
    close: () => stream.close(),
  }
}

/** Empty where there is no such file, or one that was never finished. */
export async function readFields(folder: OpfsFolder | undefined, name: string): Promise<Fields> {
  const file = await folder?.file(name)
  if (file === undefined) return {}
  try {
    const value: unknown = JSON.parse(await file.text())
    return typeof value === 'object' && value !== null ? (value as Fields) : {}
  } catch {
    return {}
  }
}

export async function writeFields(folder: OpfsFolder, name: string, fields: Fields): Promise<void> {
  const sink = await folder.sink(name, 0)
  try {
    await sink.write(new TextEncoder().encode(JSON.stringify(fields)))
  } finally {
    await sink.close()
  }
}

/** Runs `work` while no other tab or worker of the site runs any under the same name. */
export async function lockedBy<T>(name: string, work: () => Promise<T>): Promise<T> {
  const { locks } = navigator as { locks?: LockManager }
  return locks === undefined ? work() : ((await locks.request(name, work)) as T)
}

async function orMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if ((error as { name?: unknown }).name === 'NotFoundError') return undefined
    throw error
  }
}
