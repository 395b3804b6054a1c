/** A Hub that has the embedded model, and an empty cache, for each test of a file. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach } from 'vitest'
import { pocketFiles, REPOSITORY } from '../support/hostile-runs.ts'
import { startHub } from '../support/hub-server.ts'

/** What the cache calls the repository. */
export const FOLDER = `models--${REPOSITORY.replace('/', '--')}`

export async function useHub() {
  const hub = await startHub()
  const cacheFolder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-hub-'))
  beforeEach(() => {
    rmSync(cacheFolder, { recursive: true, force: true })
    mkdirSync(cacheFolder)
    hub.misbehave('none', 1)
    hub.publish(REPOSITORY, pocketFiles())
    hub.gate(REPOSITORY, undefined)
    hub.served = 0
    hub.requests.splice(0)
  })
  afterAll(async () => {
    await hub.close()
    rmSync(cacheFolder, { recursive: true, force: true })
  })
  return { hub, cacheFolder, options: () => ({ hub: { endpoint: hub.endpoint, cacheFolder, offline: false } }) }
}
