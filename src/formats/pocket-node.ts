/**
 * What `#pocket` means in the package in Node: the texts of `pocket-embedded.ts`, read from the file of that module. V8 takes 100 ms to
 * parse a module of 9 MB and to decode its texts.
 */
import { bytesOfBase64, readOwnText } from '../platform/own-text.ts'
import { base64Files } from './base64-reader.ts'
import type { FileOpener } from './file-opener.ts'

const MODULE = 'pocket-embedded.js'
/** What must be there. */
const WEIGHTS = 'model.safetensors'

let found: Promise<FileOpener> | undefined

function files(): Promise<FileOpener> {
  found ??= find()
  return found
}

async function find(): Promise<FileOpener> {
  // In a bundle the file is elsewhere, and the bundler follows this import as it does in a page.
  return (await filesBeside(import.meta.url)) ?? (await import('./pocket-embedded.ts')).default
}

/**
 * The files of the embedded model, of a folder that has the module with their texts.
 * @param url of a file of that folder
 * @returns undefined where there is none, or where it does not look as the build makes it
 */
export async function filesBeside(url: string): Promise<FileOpener | undefined> {
  try {
    // Bundlers look for addresses that begin at their module, and would take the file twice.
    const script = await readOwnText(url.replace(/[^/]*$/, MODULE))
    const texts = textsOf(script)
    return texts && Object.hasOwn(texts, WEIGHTS) ? base64Files(texts, bytesOfBase64) : undefined
  } catch {
    return undefined
  }
}

/** The first object of a script, which has texts only, none of them with a quote. */
function textsOf(script: string): Record<string, string> | undefined {
  const texts: Record<string, string> = {}
  const next = /[{,]\s*"([\w.]+)":\s*"/y
  let at = script.indexOf('{')
  for (;;) {
    next.lastIndex = at
    const name = next.exec(script)?.[1]
    if (name === undefined) return /\s*\}/y.test(script.slice(at, at + 9)) ? texts : undefined
    const end = script.indexOf('"', next.lastIndex)
    texts[name] = script.slice(next.lastIndex, end)
    at = end + 1
  }
}

const pocket: FileOpener = {
  open: async (name, signal) => (await files()).open(name, signal),
  list: async () => (await files()).list?.() ?? [],
}

export default pocket
