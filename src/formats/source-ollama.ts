/** Models that Ollama has pulled, by the names that its users type: `ollama:mistral`, `ollama:mistral:7b-instruct`. */
import { platform } from '#platform'
import { CheckpointError } from '../errors.ts'
import type { Backend } from './backend.ts'
import { pathBackend } from './source-path.ts'

const REGISTRY = 'registry.ollama.ai'
const NAME = /^(?:[\w.-]+\/){0,3}[\w.-]+(?::[\w.-]+)?$/

/**
 * @param name with or without host, namespace and tag
 * @throws CheckpointError when Ollama has no such model here
 */
export async function ollamaBackend(name: string): Promise<Backend> {
  const at = { file: `ollama:${name}` }
  if (!NAME.test(name) || /(?:^|\/)\.+(?:\/|$|:)/.test(name)) {
    throw new CheckpointError(at, 'is no name of a model of Ollama: NAME or NAME:TAG')
  }
  const [path = '', tag = 'latest'] = name.split(':')
  const parts = path.split('/')
  const full = parts.length === 1 ? [REGISTRY, 'library', ...parts] : parts.length === 2 ? [REGISTRY, ...parts] : parts
  const folders = await platform.ollamaFolders()
  for (const folder of folders) {
    const manifest = ['manifests', ...full, tag].reduce((at, part) => platform.joinPath(at, part), folder)
    if ((await platform.pathKind(manifest)) === 'file') return { ...(await pathBackend(manifest)), label: at.file }
  }
  const known = await pulled(folders)
  const has = known.length === 0 ? 'it has none' : `it has ${known.slice(0, 8).join(', ')}`
  throw new CheckpointError(at, `Ollama has pulled no such model into ${folders.join(' or ') || 'any folder'}; ${has}`)
}

/** The names of what Ollama's own library gave. */
async function pulled(folders: readonly string[]): Promise<string[]> {
  const names: string[] = []
  for (const folder of folders) {
    const library = ['manifests', REGISTRY, 'library'].reduce((at, part) => platform.joinPath(at, part), folder)
    for (const model of await namesIn(library)) {
      for (const tag of await namesIn(platform.joinPath(library, model))) names.push(`${model}:${tag}`)
    }
  }
  return names
}

async function namesIn(folder: string): Promise<string[]> {
  if ((await platform.pathKind(folder).catch(() => undefined)) !== 'folder') return []
  return platform.listFolder(folder).catch(() => [])
}
