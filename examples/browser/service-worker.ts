/** Writes the service worker of a built page: its script, with the digests of all files that it keeps before it. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

/**
 * Another build is another service worker, and the same one is the same.
 * @param folder the built page
 */
export function writeServiceWorker(folder: string): void {
  const script = readFileSync(new URL('./sw.js', import.meta.url), 'utf8')
  const all = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = all.map(({ parentPath, name }) => join(parentPath, name)).sort()
  const kept = paths.filter((path) => !/([/\\]sw\.js|\.map)$/.test(path))
  const files = kept.map((path) => [`./${relative(folder, path).split(sep).join('/')}`, fileDigest(path)])
  const build = { hash: digest([script, files]), files: Object.fromEntries(files) }
  writeFileSync(join(folder, 'sw.js'), `self.BUILD = ${JSON.stringify(build)}\n${script}`)
}

/** SHA-256 in base64, as browsers take it. */
export function fileDigest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('base64')
}

/** Short enough for a name. */
export function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12)
}
