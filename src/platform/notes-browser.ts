/** Small texts that are kept in the browser from visit to visit, in its cache of responses, which workers have too. */
import type { Notes } from './types.ts'

const CACHE = 'mistral-webgpu-notes'

/** Nothing is fetched from there: it is the name of an entry. */
function entry(name: string): string {
  return `https://mistral-webgpu.invalid/${name}.json`
}

/** Browsers refuse where the user allows nothing to be kept: then there are no notes. */
export const notes: Notes = {
  runtime: globalThis.navigator?.userAgent ?? '',

  async read(name) {
    try {
      return await (await (await caches.open(CACHE)).match(entry(name)))?.text()
    } catch {
      return undefined
    }
  },

  async write(name, text) {
    try {
      await (await caches.open(CACHE)).put(entry(name), new Response(text))
    } catch {}
  },
}
