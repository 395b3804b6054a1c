/** Whether an address holds a model, asked by the names of files that one would have. */
import { CheckpointError } from '../errors.ts'
import type { Backend } from './backend.ts'
import { examine } from './examine.ts'
import { Absence } from './examined.ts'

/**
 * @param signs names of files, of which one says enough
 * @throws AbortError
 */
export async function looksHeld(backend: Backend, signs: readonly string[], signal?: AbortSignal): Promise<boolean> {
  const names = backend.fileName === undefined ? signs : [backend.fileName]
  for (const name of names) {
    try {
      const found = await backend.open(name, signal)
      if (found === undefined || found instanceof Absence) continue
      // Servers of single-page applications answer every address with their page.
      const absence = await examine(found.reader, found.origin, signal)
      await found.reader.close()
      if (absence === undefined) return true
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error
      // What is there and damaged is for the loader to say; a refusal says nothing.
      if (!error.fact.startsWith('the server answered')) return true
    }
  }
  return false
}
