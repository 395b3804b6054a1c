/** A cache from which nothing can be removed: errors have a type, and what is wrong is said. */

import { readFileSync, writeFileSync } from 'node:fs'
import type * as Files from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { CheckpointError } from '../../src/errors.ts'
import { pull, removeCached, verifyCached } from '../../src/generate/cached.ts'
import { pocketFiles, REPOSITORY } from '../support/hostile-runs.ts'
import { sha256 } from '../support/hub-server.ts'
import { FOLDER, useHub } from './use-hub.ts'

/** Who may do everything may also write to folders that nobody may write to, so that the call is what fails. */
const disk = vi.hoisted(() => ({ isReadOnly: false }))
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof Files>()
  const rm: typeof real.rm = async (path, options) => {
    if (disk.isReadOnly) throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' })
    return real.rm(path, options)
  }
  return { ...real, rm }
})

const { cacheFolder, options } = await useHub()

it('a cache that is read only keeps what it has, and says so', async () => {
  await pull(REPOSITORY, options())
  const weights = join(cacheFolder, FOLDER, 'blobs', sha256(pocketFiles().get('model.safetensors')!))
  const bytes = readFileSync(weights)
  bytes[9]! ^= 1
  writeFileSync(weights, bytes)
  const verify = async () => {
    for await (const { file, verdict } of verifyCached(REPOSITORY, options())) if (verdict === 'wrong') return file
    return undefined
  }
  const refusals: unknown[] = []
  disk.isReadOnly = true
  try {
    for (const name of [REPOSITORY, `${REPOSITORY}@main`, `${REPOSITORY}:config.json`]) {
      refusals.push(await removeCached(name, options()).catch((error: unknown) => error))
    }
    await expect(verify()).rejects.toThrow(
      /^model\.safetensors: is not what its hash says, and cannot be removed from the cache \(.*EROFS/,
    )
  } finally {
    disk.isReadOnly = false
  }
  for (const error of refusals) {
    expect(error).toBeInstanceOf(CheckpointError)
    expect((error as Error).message).toMatch(/^mistralai\/pocket: cannot be removed from the cache \(.*EROFS/)
  }
  expect(await verify()).toBe('model.safetensors')
  expect(await verify()).toBe(undefined)
})
