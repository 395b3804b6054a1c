/**
 * A page's private file system as the store of models. Each blob is a folder of parts, of which every one is safe once it is
 * closed, and counts when a mark says that all were verified. In a worker parts are written in place; where no worker can be had,
 * in copies that the browser puts into place when they are closed.
 */
import { throwIfAborted } from '../async/abort.ts'
import { CheckpointError } from '../errors.ts'
import { Arriving, freeBytes, MARK, partsOf } from './opfs-arriving.ts'
import { type Fields, lockedBy, OpfsFolder, readFields, writeFields } from './opfs-files.ts'
import type {
  FileKey,
  Hasher,
  HubSettings,
  Incoming,
  ModelStore,
  ReceiveOptions,
  StoredFile,
  StoredSnapshot,
} from './store-types.ts'

const ROOT = 'mistral-webgpu'
const LOOK_MS = 300

export async function openOpfsStore(): Promise<ModelStore> {
  const { storage } = navigator as { storage?: StorageManager }
  if (typeof storage?.getDirectory !== 'function') {
    const fact = 'this page has no private file system to keep models in; serve it over https, or pass a URL or a File'
    throw new CheckpointError({ file: 'the cache' }, fact)
  }
  try {
    const top = new OpfsFolder(await storage.getDirectory())
    return new OpfsStore((await top.folder(ROOT, true))!)
  } catch (error) {
    throw new CheckpointError({ file: 'the cache' }, `this page may keep no files: ${String(error)}`, { cause: error })
  }
}

class OpfsStore implements ModelStore {
  readonly label = "this site's storage"
  readonly settings: HubSettings

  constructor(private readonly root: OpfsFolder) {
    const { deviceMemory } = navigator as { deviceMemory?: number }
    this.settings = { memoryBytes: deviceMemory === undefined ? undefined : deviceMemory * 2 ** 30 }
  }

  private repository(name: string, create = false): Promise<OpfsFolder | undefined> {
    return this.root.folder(folderOf(name), create)
  }

  /** What the repository's commits hold, and which of them a branch means. */
  private async index(name: string): Promise<Index> {
    const fields = await readFields(await this.repository(name), 'index.json')
    return { refs: {}, commits: {}, ...(fields as Partial<Index>) }
  }

  private async change(name: string, edit: (index: Index) => void): Promise<void> {
    await lockedBy(`${ROOT}:${name}`, async () => {
      const index = await this.index(name)
      edit(index)
      await writeFields((await this.repository(name, true))!, 'index.json', index as unknown as Fields)
    })
  }

  async commitOf(name: string, revision: string): Promise<string | undefined> {
    return (await this.index(name)).refs[revision]
  }

  async noteCommit(name: string, revision: string, commit: string): Promise<void> {
    const index = await this.index(name)
    if (revision === commit || index.refs[revision] === commit) return
    await this.change(name, ({ refs }) => {
      refs[revision] = commit
    })
  }

  async filesOf(name: string, commit: string): Promise<readonly StoredFile[]> {
    const files = Object.entries((await this.index(name)).commits[commit] ?? {})
    const whole: StoredFile[] = []
    for (const [path, { size, id }] of files) {
      if ((await this.blob({ repository: name, id, size })) !== undefined) whole.push({ path, size, id })
    }
    return whole
  }

  async open(key: FileKey): Promise<Blob | undefined> {
    const { repository, commit, path, size } = key
    const known = (await this.index(repository)).commits[commit]?.[path]
    const blob = await this.blob({ repository, size, id: key.id === '' ? (known?.id ?? '') : key.id })
    if (blob !== undefined && known === undefined) await this.note(key)
    return blob
  }

  note({ repository, commit, path, size, id }: FileKey): Promise<void> {
    return this.change(repository, ({ commits }) => {
      commits[commit] = { ...commits[commit], [path]: { size, id } }
    })
  }

  /** All parts as one; undefined where the blob is not complete. */
  private async blob({ repository, id, size }: Pick<FileKey, 'repository' | 'id' | 'size'>): Promise<Blob | undefined> {
    const folder = id === '' ? undefined : await (await this.repository(repository))?.folder(id)
    if (folder === undefined || (await readFields(folder, MARK)).size !== size) return undefined
    const parts = await partsOf(folder)
    return parts.reduce((sum, part) => sum + part.size, 0) === size ? new Blob(parts) : undefined
  }

  async receive(key: FileKey, { signal, onWait }: ReceiveOptions): Promise<Incoming | undefined> {
    for (;;) {
      throwIfAborted(signal)
      const release = await take(`${ROOT}:${key.repository}:${key.id}`)
      if (release !== undefined) {
        try {
          if ((await this.open(key)) !== undefined) {
            release()
            return undefined
          }
          const folder = (await (await this.repository(key.repository, true))!.folder(key.id, true))!
          return await Arriving.start(folder, key, () => this.note(key), release)
        } catch (error) {
          release()
          throw error
        }
      }
      // A part that is just being written may not be looked at in every browser.
      onWait?.(await this.keptBytes(key).catch(() => 0))
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  async keptBytes({ repository, id }: FileKey): Promise<number> {
    const folder = await (await this.repository(repository))?.folder(id)
    return folder === undefined ? 0 : (await partsOf(folder)).reduce((sum, part) => sum + part.size, 0)
  }

  freeBytes(): Promise<number | undefined> {
    return freeBytes()
  }

  async hasher(algorithm: 'sha256' | 'sha1'): Promise<Hasher> {
    const { sha1, sha256 } = await import('./hashes.ts')
    const hash = algorithm === 'sha256' ? sha256.create() : sha1.create()
    return {
      update: (bytes) => void hash.update(bytes),
      digest: () => Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, '0')).join(''),
    }
  }

  async snapshots(): Promise<readonly StoredSnapshot[]> {
    const found: StoredSnapshot[] = []
    for (const folder of (await this.root.names()).sort()) {
      const repository = repositoryOf(folder)
      const { refs, commits } = await this.index(repository)
      for (const commit of Object.keys(commits)) {
        const revisions = Object.keys(refs).filter((name) => refs[name] === commit)
        const files = await this.filesOf(repository, commit)
        if (files.length > 0) found.push({ repository, commit, revisions, files })
      }
    }
    return found
  }

  async unfinished(): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>()
    for (const folder of await this.root.names()) {
      const repository = repositoryOf(folder)
      const files = await this.root.folder(folder)
      for (const id of (await files?.names()) ?? []) {
        const parts = id === 'index.json' ? undefined : await files?.folder(id)
        if (parts === undefined || (await readFields(parts, MARK)).size !== undefined) continue
        found.set(repository, (found.get(repository) ?? 0) + (await parts.bytes()))
      }
    }
    return found
  }

  async remove(name: string, commit?: string): Promise<number> {
    const folder = await this.repository(name)
    if (folder === undefined) return 0
    const { commits } = await this.index(name)
    if (commit === undefined || Object.keys(commits).every((one) => one === commit)) {
      const before = await folder.bytes()
      await this.root.remove(folderOf(name))
      return before
    }
    return this.drop(name, folder, (index) => {
      delete index.commits[commit]
      for (const [ref, target] of Object.entries(index.refs)) if (target === commit) delete index.refs[ref]
    })
  }

  async removeFiles(name: string, commit: string, paths: readonly string[]): Promise<number> {
    const folder = await this.repository(name)
    if (folder === undefined) return 0
    return this.drop(name, folder, ({ commits }) => {
      for (const path of paths) delete commits[commit]?.[path]
    })
  }

  /** Changes the index and removes the blobs that nothing uses then. Returns the bytes that got free. */
  private async drop(name: string, folder: OpfsFolder, edit: (index: Index) => void): Promise<number> {
    const before = await folder.bytes()
    await this.change(name, edit)
    const used = new Set(Object.values((await this.index(name)).commits).flatMap((files) => idsOf(files)))
    for (const id of await folder.names()) if (id !== 'index.json' && !used.has(id)) await folder.remove(id)
    return before - (await folder.bytes())
  }

  async discard({ repository, commit, path }: Pick<FileKey, 'repository' | 'commit' | 'path'>): Promise<void> {
    const id = (await this.index(repository)).commits[commit]?.[path]?.id
    if (id !== undefined) await (await this.repository(repository))?.remove(id)
  }
}

type Files = Record<string, { readonly size: number; readonly id: string }>

interface Index {
  readonly refs: Record<string, string>
  readonly commits: Record<string, Files>
}

function idsOf(files: Files): string[] {
  return Object.values(files).map(({ id }) => id)
}

function folderOf(repository: string): string {
  return `models--${repository.replaceAll('/', '--')}`
}

function repositoryOf(folder: string): string {
  return folder.replace(/^models--/, '').replaceAll('--', '/')
}

/** The lock that all tabs and workers of a site share, or undefined while somebody has it. */
async function take(name: string): Promise<(() => void) | undefined> {
  const { locks } = navigator as { locks?: LockManager }
  // Browsers have had locks for longer than private file systems; without them there is nobody to share with.
  if (locks === undefined) return () => {}
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) return resolve(undefined)
        return new Promise<void>((release) => resolve(release))
      })
      .catch(reject)
  })
}
