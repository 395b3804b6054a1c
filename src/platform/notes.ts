/** Small texts that are kept on the user's machine from run to run, as a file each. It is loaded by what keeps some. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Notes } from './types.ts'

/** Notes are a convenience: where they cannot be read or written, there are none. */
export const notes: Notes = {
  runtime: `${process.version} ${process.versions.bun ?? process.versions.deno ?? ''} ${process.platform} ${process.arch}`,

  async read(name) {
    try {
      return await readFile(join(cacheFolder(), `${name}.json`), 'utf8')
    } catch {
      return undefined
    }
  },

  async write(name, text) {
    try {
      const folder = cacheFolder()
      await mkdir(folder, { recursive: true })
      // A process that ends on the way, or another one that writes, must not leave half a text.
      const path = join(folder, `${name}.json`)
      await writeFile(`${path}.${process.pid}`, text)
      await rename(`${path}.${process.pid}`, path)
    } catch {}
  },
}

/** Where the system wants programs to keep what they can make again. */
function cacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env
  const system: Readonly<Record<string, string | undefined>> = {
    win32: LOCALAPPDATA,
    darwin: join(homedir(), 'Library', 'Caches'),
  }
  return join(XDG_CACHE_HOME || system[process.platform] || join(homedir(), '.cache'), 'mistral-webgpu')
}
