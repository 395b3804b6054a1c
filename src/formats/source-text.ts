/** What a text or a URL means: a model of the Hub, an address, a path, a model of Ollama's. It is loaded for such sources. */
import { platform } from '#platform'
import { CheckpointError, ParameterError } from '../errors.ts'
import type { Backend } from './backend.ts'
import type { HubName } from './hub/name.ts'
import type { SourceOptions } from './source-options.ts'

const HUB_HOST = /^(?:www\.)?(?:huggingface\.co|hf\.co)$/i
/** `C:\models` is a path, and `mistral:7b` is what Ollama's users type. */
const ADDRESS = /^(?:[a-z][a-z0-9+.-]+:\/\/|blob:|file:)/i
/** Any of these at an address says that a model lies there. */
const SIGNS = ['config.json', 'params.json', 'model.gguf']

/** @throws CheckpointError, ChoiceError, ParameterError, AbortError */
export async function textBackend(source: string | URL, options: SourceOptions): Promise<Backend> {
  if (source === '') throw new ParameterError('source', source, 'must not be empty')
  if (typeof source !== 'string') return addressBackend(source, options)
  if (/^ollama:/i.test(source)) {
    const { ollamaBackend } = await import('./source-ollama.ts')
    return ollamaBackend(source.replace(/^ollama:(?:\/\/)?/i, ''))
  }
  if (!/^hf:/i.test(source) && ADDRESS.test(source.trim()) && URL.canParse(source)) {
    return addressBackend(new URL(source), options)
  }
  const { parseHubName } = await import('./hub/name.ts')
  if (platform.name === 'browser') return inPage(source, parseHubName(source), options)
  // What is on the disk comes first, so that no name of a repository hides a folder.
  const name = (await platform.pathKind(source)) === undefined ? parseHubName(source) : undefined
  if (name !== undefined) return hub(name, source, options)
  const { pathBackend } = await import('./source-path.ts')
  return pathBackend(source)
}

async function addressBackend(url: URL, options: SourceOptions): Promise<Backend> {
  const name = /^https?:$/.test(url.protocol) ? await hubNameOf(url, options) : undefined
  if (name !== undefined) return hub(name, url.href, options)
  const { urlBackend } = await import('./source-url.ts')
  return urlBackend(url, options)
}

/** A page or a file of the Hub, or of the Hub that the options or the environment name in its place. */
async function hubNameOf(url: URL, { hub }: SourceOptions): Promise<HubName | undefined> {
  if (HUB_HOST.test(url.hostname)) return (await import('./hub/name.ts')).parseHubName(url.href)
  const endpoint = hub?.endpoint ?? (await platform.environment()).hubEndpoint
  return endpoint === undefined ? undefined : (await import('./hub/name.ts')).hubNameAt(url, endpoint)
}

/** In a page there are no paths: a text is an address relative to the page's own, or a name of the Hub. */
async function inPage(source: string, name: HubName | undefined, options: SourceOptions): Promise<Backend> {
  if (name?.isExplicit) return hub(name, source, options)
  const { urlBackend } = await import('./source-url.ts')
  // A `Request` resolves against the address of the page or worker.
  const backend = await urlBackend(new URL(new Request(source).url), options)
  if (name === undefined) return backend
  const { looksHeld } = await import('./looks-held.ts')
  return (await looksHeld(backend, SIGNS, options.signal)) ? backend : hub(name, source, options)
}

async function hub(name: HubName, source: string, options: SourceOptions): Promise<Backend> {
  const { hubBackend } = await import('./hub/backend.ts')
  try {
    return await hubBackend(name, options)
  } catch (error) {
    const isUnknown = error instanceof CheckpointError && error.file === name.repository && !('choices' in error)
    if (!isUnknown || name.isExplicit) throw error
    const here = platform.name === 'browser' ? 'no model at this address' : 'no such file or folder'
    const fact = `there is ${here}; and on the Hugging Face Hub: ${error.fact}`
    throw new CheckpointError({ file: source }, fact, { cause: error })
  }
}
