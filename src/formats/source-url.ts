/** A model at a URL: a folder whose files are fetched by name, or one file. */
import { ParameterError } from '../errors.ts'
import type { Backend } from './backend.ts'
import { Absence } from './examined.ts'
import { decodeName, filePath, isPlainFileName } from './file-names.ts'
import { openHttp } from './http-reader.ts'
import { KeptUrls } from './kept-url.ts'
import type { SourceOptions } from './source-options.ts'

/** Endings of files; an address with another one may be a folder, and is tried as both. */
const FILE =
  /\.(?:gguf|safetensors|json|jinja2?|model(?:\.v\d+m?\d*)?|bin|pt|pth|ckpt|onnx|h5|msgpack|tflite|litertlm|task|npz|zip|7z|tar|gz|tgz|xz|zst|bz2|llamafile)$/i

const WEIGHTS = /\.(?:gguf|safetensors)$/i

export async function urlBackend(url: URL, options: SourceOptions): Promise<Backend> {
  if (url.protocol === 'file:') {
    const { pathBackend } = await import('./source-path.ts')
    return pathBackend(filePath(url))
  }
  if (url.protocol === 'blob:') {
    const name = 'model.gguf'
    return {
      label: url.href,
      fileName: name,
      open: async (wanted, signal) => (wanted === name ? openHttp(url.href, name, signal) : undefined),
    }
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new ParameterError('source', url.href, `URLs of ${url.protocol} cannot be read; use http:, https: or file:`)
  }
  const last = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)
  const isFile = FILE.test(last)
  const folder = isFile ? url.pathname.slice(0, -last.length) : url.pathname.replace(/\/*$/, '/')
  const selfName = isFile || last === '' ? undefined : plainName(decodeName(last))
  // Headers alone are not worth keeping a file for.
  const kept = options.defer ? new KeptUrls(options) : undefined
  return {
    label: `${url.origin}${url.pathname}`,
    fileName: isFile ? decodeName(last) : undefined,
    selfName,
    async open(name, signal) {
      const target = new URL(url)
      // The query stays: it may hold the signature that opens the whole folder.
      if (name !== selfName) target.pathname = folder + name.split('/').map(encodeURIComponent).join('/')
      target.hash = ''
      const found = await openHttp(target.href, name, signal)
      if (kept === undefined || found === undefined || found instanceof Absence) return found
      return name === selfName || WEIGHTS.test(name) ? kept.keep(target, name, found) : found
    },
    prepare: async (signal) => kept?.prepare(signal),
    async list(signal) {
      const { listUrl } = await import('./url-listing.ts')
      const target = new URL(url)
      target.pathname = folder
      return isFile ? [] : listUrl(target, signal)
    },
    advice: async () => advice(url, isFile),
  }
}

/** A file's name from an address, also where it holds what names must not hold, as Ollama's `sha256:…` does. */
function plainName(name: string): string {
  const plain = name.replaceAll(':', '-')
  return isPlainFileName(plain) ? plain : 'model'
}

function advice(url: URL, isFile: boolean): string | undefined {
  const repository = /^\/([^/]+\/[^/]+)(?:\/(?:tree|blob)\/([^/]+).*)?\/?$/.exec(url.pathname)
  if (/(?:^|\.)(?:huggingface\.co|hf\.co)$/.test(url.hostname) && repository !== null) {
    return `the Hub gives out files at ${url.origin}/${repository[1]}/resolve/${repository[2] ?? 'main'}`
  }
  return isFile ? undefined : 'a GGUF that is not called model.gguf must be named: end the URL with its name'
}
