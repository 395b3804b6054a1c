/** Names and links of the Hub's cache: folders of repositories, links from snapshots to blobs. */
import { copyFile, lstat, mkdir, readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import type { FileKey, StoredFile } from './store-types.ts'

export function repositoryFolder(repository: string): string {
  return `models--${repository.replaceAll('/', '--')}`
}

/** Links a blob into its snapshot; where links are not allowed (Windows without developer mode), the blob moves there. */
export async function linkBlob(folder: string, { commit, path, id }: Pick<FileKey, 'commit' | 'path' | 'id'>) {
  const blob = join(folder, 'blobs', id)
  const link = join(folder, 'snapshots', commit, ...path.split('/'))
  await mkdir(dirname(link), { recursive: true })
  const target = relative(dirname(link), blob)
  // The snapshot may have a link whose blob was deleted, or a file of the wrong size.
  if ((await readlink(link).catch(() => undefined)) === target) return
  await rm(link, { force: true })
  try {
    await symlink(target, link)
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code === 'EEXIST') return
    await rename(blob, link).catch(() => copyFile(blob, link))
  }
}

/** The complete files below a folder: links whose blob is there, and files. */
export async function walk(folder: string, inside = ''): Promise<StoredFile[]> {
  const files: StoredFile[] = []
  for (const entry of await readdir(join(folder, inside), { withFileTypes: true }).catch(() => [])) {
    const path = inside === '' ? entry.name : `${inside}/${entry.name}`
    if (entry.isDirectory()) {
      files.push(...(await walk(folder, path)))
      continue
    }
    const full = join(folder, ...path.split('/'))
    const found = await stat(full).catch(() => undefined)
    if (found?.isFile()) files.push({ path, size: found.size, id: await blobOf(full) })
  }
  return files
}

/** The name of the blob that a file of a snapshot leads to; undefined where it is none. */
export async function blobOf(path: string): Promise<string | undefined> {
  const target = await readlink(path).catch(() => undefined)
  const name = target === undefined ? undefined : basename(target)
  return target?.split(sep).includes('blobs') && /^[0-9a-f]{40,64}$/.test(name ?? '') ? name : undefined
}

export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
