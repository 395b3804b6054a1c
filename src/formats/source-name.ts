/** The name that a checkpoint or an adapter has by the place it lies in. */

/**
 * `Mistral-7B-Instruct-v0.3` of a folder, a file, an address, or a cache of the Hugging Face Hub.
 * @returns undefined where the place says nothing
 */
export function sourceName(source: string): string | undefined {
  const path = source
    .replace(/[?#].*$/, '')
    .replace(/^([\w.-]+\/[\w.-]+)@[^:\s]+/, '$1')
    .replace(/[\\/]+$/, '')
  const cached = /(?:^|[\\/])models--(?:[^\\/]*--)?([^\\/]+?)(?:[\\/]snapshots[\\/][^\\/]+)?$/.exec(path)
  const onHub = /\/([^/]+)\/resolve\/[^/]+$/.exec(path)
  const last = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
  // Ollama calls its files by their hashes.
  const name =
    cached?.[1] ?? onHub?.[1] ?? last.replace(/\.gguf$/i, '').replace(/^(sha256-[0-9a-f]{12})[0-9a-f]+$/, '$1')
  return name === '' || /^\.+$/.test(name) ? undefined : name
}
