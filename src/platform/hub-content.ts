/** What the Hub's cache holds, and taking something out of it. */
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { OURS } from './hub-arriving.ts'
import { blobOf, exists, repositoryFolder, walk } from './hub-layout.ts'
import { dropShared, sharedBy, sharedContent, sweepShared } from './shared-blobs.ts'
import type { FileKey, StoredSnapshot } from './store-types.ts'

const MODELS = 'models--'

export async function listSnapshots(root: string): Promise<StoredSnapshot[]> {
  const found: StoredSnapshot[] = []
  for (const folder of (await readdir(root).catch(() => [])).sort()) {
    if (!folder.startsWith(MODELS)) continue
    const repository = repositoryOf(folder)
    const refs = await refsOf(join(root, folder, 'refs'))
    for (const commit of await readdir(join(root, folder, 'snapshots')).catch(() => [])) {
      const files = await walk(join(root, folder, 'snapshots', commit))
      const revisions = [...refs].filter(([, target]) => target === commit).map(([name]) => name)
      if (files.length > 0) found.push({ repository, commit, revisions, files })
    }
  }
  return found
}

/** Bytes of what this program has begun and not finished, by repository. */
export async function unfinishedIn(root: string): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const folder of (await readdir(root).catch(() => [])).filter((name) => name.startsWith(MODELS))) {
    const blobs = join(root, folder, 'blobs')
    for (const name of await readdir(blobs).catch(() => [])) {
      if (!name.includes(`.${OURS}-`)) continue
      const repository = repositoryOf(folder)
      const { size } = await stat(join(blobs, name)).catch(() => ({ size: 0 }))
      if (size > 0) found.set(repository, (found.get(repository) ?? 0) + size)
    }
  }
  return found
}

function repositoryOf(folder: string): string {
  return folder.slice(MODELS.length).replaceAll('--', '/')
}

async function refsOf(folder: string): Promise<Map<string, string>> {
  const refs = new Map<string, string>()
  for (const { path } of await walk(folder)) {
    refs.set(path, (await readFile(join(folder, ...path.split('/')), 'utf8').catch(() => '')).trim())
  }
  return refs
}

/** Removes one commit, or the whole repository. Returns the bytes that got free. */
export async function removeSnapshots(root: string, repository: string, commit?: string): Promise<number> {
  const folder = join(root, repositoryFolder(repository))
  if (!(await exists(folder))) return 0
  return freedBy(root, folder, async () => {
    const commits = await readdir(join(folder, 'snapshots')).catch(() => [])
    if (commit === undefined || commits.every((one) => one === commit)) {
      await rm(folder, { recursive: true, force: true })
      await rm(join(root, '.locks', repositoryFolder(repository)), { recursive: true, force: true })
      return
    }
    await rm(join(folder, 'snapshots', commit), { recursive: true, force: true })
    for (const [name, target] of await refsOf(join(folder, 'refs'))) {
      if (target === commit) await rm(join(folder, 'refs', ...name.split('/')), { force: true })
    }
    await dropUnused(folder)
  })
}

/** Removes files of one commit, and their blobs where no other commit has them. Returns the bytes that got free. */
export async function removeFiles(
  root: string,
  repository: string,
  commit: string,
  paths: readonly string[],
): Promise<number> {
  const folder = join(root, repositoryFolder(repository))
  return freedBy(root, folder, async () => {
    for (const path of paths) await rm(join(folder, 'snapshots', commit, ...path.split('/')), { force: true })
    await dropUnused(folder)
  })
}

async function freedBy(root: string, folder: string, work: () => Promise<void>): Promise<number> {
  const before = await bytesIn(folder)
  const shared = await sharedBy(root, [join(folder, 'blobs')])
  await work()
  return before - (await bytesIn(folder)) + (await sweepShared(root, shared))
}

/** Removes a file of a snapshot and its blob, which is wrong for whoever links to it. */
export async function unlinkFile(root: string, key: Pick<FileKey, 'repository' | 'commit' | 'path'>): Promise<void> {
  const folder = join(root, repositoryFolder(key.repository))
  const path = join(folder, 'snapshots', key.commit, ...key.path.split('/'))
  const name = await blobOf(path)
  await rm(path, { force: true })
  if (name === undefined) return
  const blob = join(folder, 'blobs', name)
  const content = await sharedContent(root, blob)
  await rm(blob, { force: true })
  if (content !== undefined) await dropShared(content)
}

async function dropUnused(folder: string): Promise<void> {
  const used = new Set<string>()
  for (const commit of await readdir(join(folder, 'snapshots')).catch(() => [])) {
    for (const { id } of await walk(join(folder, 'snapshots', commit))) if (id !== undefined) used.add(id)
  }
  for (const name of await readdir(join(folder, 'blobs')).catch(() => [])) {
    if (!used.has(name) && !name.endsWith('.incomplete')) await rm(join(folder, 'blobs', name), { force: true })
  }
}

/** Bytes of the files themselves: links count nothing. */
async function bytesIn(folder: string): Promise<number> {
  let sum = 0
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of names) {
    if (!entry.isFile()) continue
    const at = (entry as { parentPath?: string; path?: string }).parentPath ?? (entry as { path?: string }).path ?? ''
    sum += (await stat(`${at}${sep}${entry.name}`).catch(() => undefined))?.size ?? 0
  }
  return sum
}
