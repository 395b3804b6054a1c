import { fileURLToPath } from 'node:url'
import { type ChatLoadOptions, MistralChat } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'

/** The embedded model. */
export function loadPocket(options: ChatLoadOptions = {}): Promise<MistralChat> {
  const path = fileURLToPath(new URL('../../models/pocket', import.meta.url))
  return MistralChat.load(path, { disableFeatures: disabledFeatures(), ...options })
}

/** Waits until it is so; throws after 10 s. */
export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > end) throw new Error('it did not come to be so within 10 s')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
