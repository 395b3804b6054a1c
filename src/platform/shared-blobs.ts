/**
 * The blobs that huggingface_hub shares among repositories: `blobs/` of a repository then holds a link into `blobs/` of the whole
 * cache, and a list beside the content says who links to it. Content that nobody links to any more is taken away with its list.
 */
import { lstat, readdir, readFile, readlink, rename, rm } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'

const HASH = /^[0-9a-f]{64}$/
/** Its presence says that the folder is such a store; the number is that of its layout. */
const MARKER = '.huggingface-shared-blobs'
const LAYOUT = '1\n'

/** The shared contents that blobs in these folders lead to. */
export async function sharedBy(root: string, blobFolders: readonly string[]): Promise<string[]> {
  if ((await readFile(join(root, 'blobs', MARKER), 'utf8').catch(() => '')) !== LAYOUT) return []
  const found = new Set<string>()
  for (const folder of blobFolders) {
    for (const name of await readdir(folder).catch(() => [])) {
      const content = await sharedContent(root, join(folder, name))
      if (content !== undefined) found.add(content)
    }
  }
  return [...found]
}

/** Where a blob leads to, when that is a place of the shared store. */
export async function sharedContent(root: string, blob: string): Promise<string | undefined> {
  const target = await readlink(blob).catch(() => undefined)
  if (target === undefined) return undefined
  const content = resolve(dirname(blob), target)
  const [prefix, hash = '', ...more] = relative(resolve(root, 'blobs'), content).split(sep)
  return more.length === 0 && HASH.test(hash) && prefix === hash.slice(0, 2) ? content : undefined
}

/** Takes away those to which no blob leads any more. Returns the bytes that got free. */
export async function sweepShared(root: string, contents: readonly string[]): Promise<number> {
  let freed = 0
  for (const content of contents) {
    if ((await isLinked(root, content)) !== false) continue
    // Who links to it meanwhile notes that first: it is looked once more when the content cannot be linked to.
    const leaving = `${content}.leaving`
    const { size } = await lstat(content).catch(() => ({ size: 0 }))
    if (!(await moved(content, leaving))) continue
    if ((await isLinked(root, content)) === false) {
      await rm(leaving, { force: true })
      await rm(`${content}.refs`, { force: true })
      freed += size
    } else await moved(leaving, content)
  }
  return freed
}

/** Takes away content that is wrong, for all who link to it. */
export async function dropShared(content: string): Promise<void> {
  await rm(content, { force: true })
  await rm(`${content}.refs`, { force: true })
}

/** undefined where no list says it: then it stays. */
async function isLinked(root: string, content: string): Promise<boolean | undefined> {
  const list = await readFile(`${content}.refs`, 'utf8').catch(() => undefined)
  if (list === undefined) return undefined
  for (const line of list.split('\n')) {
    const isBlob = /^(?:models|datasets|spaces|kernels)--[^/]+\/blobs\/[^/]+$/.test(line)
    if (isBlob && (await sharedContent(root, join(root, ...line.split('/')))) === resolve(content)) return true
  }
  return false
}

async function moved(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    () => false,
  )
}
