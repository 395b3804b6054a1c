/** A copy of the embedded model that can be taken away. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../support/child.ts'

export function pocketCopy(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'mistral-webgpu-copy-'))
  cpSync(join(root, 'models/pocket'), path, { recursive: true })
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
