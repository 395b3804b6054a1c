/** A plan of a model on a server comes of its header: nothing else of the weights is fetched, and nothing of them is kept. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listCached, MistralModel, plan } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { type HubServer, startHub } from '../support/hub-server.ts'
import { patience } from '../support/patience.ts'
import { randomGguf, SUPER_BLOCK_CONFIG } from '../support/random-gguf.ts'

/** Above 32 MiB, below which files come whole. */
const { file } = randomGguf({ ...SUPER_BLOCK_CONFIG, vocabSize: 18_000 }, () => 'f32')

let hub: HubServer
let cacheFolder: string
beforeAll(async () => {
  hub = await startHub()
  hub.publish('owner/model', new Map([['model.gguf', file]]))
  cacheFolder = await mkdtemp(join(tmpdir(), 'plan-'))
})
afterAll(async () => {
  await hub.close()
  await rm(cacheFolder, { recursive: true })
})

test('of a name, and of an address', { timeout: patience(60_000) }, async () => {
  const options = { disableFeatures: disabledFeatures(), hub: { endpoint: hub.endpoint, cacheFolder, offline: false } }
  const named = await plan('owner/model', options)
  expect(hub.served).toBeLessThan(2 ** 20)
  expect(await listCached({ hub: options.hub })).toEqual([])
  const before = hub.served
  const addressed = await plan(`${hub.endpoint}/owner/model/resolve/main/model.gguf`, { ...options, cache: false })
  expect(hub.served - before).toBeLessThan(2 ** 20)
  expect(addressed.memory).toEqual(named.memory)
  expect(named.memory.weights).toBeGreaterThan(32 * 2 ** 20)
  // A load that does not fit fetches no more either.
  const failed = MistralModel.load('owner/model', { ...options, maxMemory: 2 ** 25 })
  await expect(failed).rejects.toMatchObject({ name: 'MemoryError', limitName: 'maxMemory' })
  expect(hub.served - before).toBeLessThan(3 * 2 ** 20)
})
