/** A model on the local disk: a folder, a file, the Hugging Face cache, or a model of Ollama's. */
import { platform } from '#platform'
import { CheckpointError } from '../errors.ts'
import type { Backend } from './backend.ts'
import { fileReader } from './byte-reader.ts'
import { isPlainFileName } from './file-names.ts'
import { chooseSnapshot } from './hub-cache.ts'

/** Of the folders inside, so many are looked into for advice. */
const MOST_LOOKED_INTO = 50
/** Ollama's manifests have some hundred bytes. */
const MAX_SMALL_FILE_BYTES = 64 * 1024

/** @throws CheckpointError when nothing is there, saying what such a text could mean */
export async function pathBackend(path: string): Promise<Backend> {
  const kind = await platform.pathKind(path)
  // Shells expand it only where it begins a word: not in quotes, and not in --model=~/x.
  const { home } = kind === undefined && /^~[\\/]/.test(path) ? await platform.environment() : {}
  if (home !== undefined) return pathBackend(platform.joinPath(home, path.slice(2)))
  if (kind === undefined) throw new CheckpointError({ file: path }, nothingThere(path))
  return kind === 'folder' ? folderBackend(path) : fileBackend(path)
}

async function folderBackend(path: string): Promise<Backend> {
  const names = await platform.listFolder(path)
  if (names.includes('snapshots') && !names.includes('config.json')) return snapshotBackend(path)
  const listed = new Set(names)
  return {
    label: path,
    names,
    async open(name) {
      const reader = await openIn(path, name)
      // A listed name that is no file is a folder, or a link whose file is gone: the Hub's cache consists of links.
      if (reader === undefined && listed.has(name) && (await kindIn(path, name)) === undefined) {
        throw new CheckpointError(
          { file: name },
          'is a link to a file that is not there: its download did not finish, or its blob was deleted',
        )
      }
      return reader === undefined ? undefined : { reader }
    },
    advice: () => folderAdvice(path, names),
  }
}

async function fileBackend(path: string): Promise<Backend> {
  const cut = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1
  const folder = cut === 0 ? '.' : path.slice(0, cut)
  const fileName = path.slice(cut)
  const found = await ollamaBlobs(path)
  if (found !== undefined) return { ...(await pathBackend(found.model)), notes: found.adapters.map(unloaded) }
  return {
    label: path,
    fileName,
    async open(name) {
      const reader = await openIn(folder, name)
      return reader === undefined ? undefined : { reader }
    },
  }
}

function kindIn(folder: string, name: string): Promise<'file' | 'folder' | undefined> {
  return platform.pathKind(platform.joinPath(folder, name))
}

async function openIn(folder: string, name: string) {
  if ((await kindIn(folder, name)) !== 'file') return undefined
  return fileReader(name, await platform.openFile(platform.joinPath(folder, name)))
}

/** A repository in the Hugging Face cache: `snapshots/REVISION/` holds links, `refs/main` the revision. */
async function snapshotBackend(path: string): Promise<Backend> {
  const snapshots = platform.joinPath(path, 'snapshots')
  const main = await smallText(platform.joinPath(platform.joinPath(path, 'refs'), 'main'))
  const revision = chooseSnapshot(path, await platform.listFolder(snapshots), main)
  return folderBackend(platform.joinPath(snapshots, revision))
}

function unloaded(adapter: string): string {
  return `Ollama answers with an adapter of this model's; here it is loaded beside it: loadAdapter, or --adapter ${adapter}`
}

/**
 * The blobs that a manifest of Ollama's names as its model and its adapters: `models/manifests/…` lies beside `models/blobs/`.
 */
async function ollamaBlobs(path: string): Promise<{ model: string; adapters: string[] } | undefined> {
  const root = /^(.*[\\/])manifests[\\/]/.exec(path)?.[1]
  const text = root === undefined ? undefined : await smallText(path)
  const layers = root === undefined || text === undefined ? undefined : layersOf(text)
  if (root === undefined || layers === undefined) return undefined
  const blobsOf = (kind: string) =>
    layers
      .filter(({ mediaType }) => mediaType === `application/vnd.ollama.image.${kind}`)
      .map(({ digest }) => /^sha256:([0-9a-f]{64})$/.exec(String(digest))?.[1])
      .filter((hash) => hash !== undefined)
      .map((hash) => platform.joinPath(platform.joinPath(root, 'blobs'), `sha256-${hash}`))
  const [model] = blobsOf('model')
  if (model === undefined) {
    throw new CheckpointError(
      { file: path },
      'is a manifest of Ollama that names no GGUF; pass another tag, or a .gguf',
    )
  }
  if ((await platform.pathKind(model)) === 'file') return { model, adapters: blobsOf('adapter') }
  throw new CheckpointError(
    { file: path },
    `is a manifest of Ollama, but its model ${model} is not there; pull it again`,
  )
}

/** undefined for what is no manifest of Ollama's. */
function layersOf(text: string): { readonly mediaType?: unknown; readonly digest?: unknown }[] | undefined {
  if (!text.includes('application/vnd.ollama.image.')) return undefined
  try {
    const { layers } = JSON.parse(text) as { layers?: unknown }
    return Array.isArray(layers) ? layers.filter((layer) => typeof layer === 'object' && layer !== null) : undefined
  } catch {
    return undefined
  }
}

async function smallText(path: string): Promise<string | undefined> {
  if ((await platform.pathKind(path)) !== 'file') return undefined
  const file = await platform.openFile(path)
  try {
    if (file.size > MAX_SMALL_FILE_BYTES) return undefined
    return new TextDecoder().decode(await file.read(0, file.size))
  } finally {
    await file.close()
  }
}

async function folderAdvice(path: string, names: readonly string[]): Promise<string | undefined> {
  const cached = names.filter((name) => name.startsWith('models--'))
  if (cached.length > 0) return `it is a cache of the Hugging Face Hub; pass one of its folders: ${some(cached)}`
  if (names.includes('hub')) {
    const hub = platform.joinPath(path, 'hub')
    const inHub = (await platform.pathKind(hub)) === 'folder' ? await platform.listFolder(hub) : []
    const repositories = inHub.filter((name) => name.startsWith('models--'))
    if (repositories.length > 0) {
      const paths = repositories.map((name) => platform.joinPath(hub, name))
      return `it is the home of the Hugging Face Hub's cache; pass one of its folders: ${some(paths)}`
    }
  }
  if (names.includes('manifests') && names.includes('blobs')) {
    return 'it is the store of Ollama; name one of its models, as "ollama list" does: ollama:NAME'
  }
  const inside: string[] = []
  for (const name of names.filter(isPlainFileName).slice(0, MOST_LOOKED_INTO)) {
    const folder = platform.joinPath(path, name)
    if ((await platform.pathKind(folder)) !== 'folder') continue
    const holds = (await platform.listFolder(folder)).some((file) => file === 'config.json' || file.endsWith('.gguf'))
    if (holds) inside.push(folder)
  }
  return inside.length === 0 ? undefined : `did you mean ${some(inside)}?`
}

function some(names: readonly string[]): string {
  return `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`
}

/** What a text that leads nowhere most likely is. */
function nothingThere(path: string): string {
  const fact = 'there is no such file or folder'
  if (path.startsWith('~')) return `${fact}; of "~" only the own home is known: write the path out`
  if (/^[\w.-]+:[\w.-]+$/.test(path)) {
    return `${fact}; a model of Ollama's is ollama:${path}, one of the Hugging Face Hub owner/name`
  }
  return fact
}
