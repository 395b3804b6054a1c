/** Weights from plain addresses are kept: fetched once, again when they change, and never mixed of two versions. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSource } from '../../src/formats/source.ts'
import type { CachedModel } from '../../src/generate/cache-types.ts'
import { listCached, pull, removeCached, verifyCached } from '../../src/generate/cached.ts'
import { openCheckpoint } from '../../src/model/checkpoint.ts'
import { root } from '../support/child.ts'

const GGUF = readFileSync(join(root, 'test/fixtures/checkpoints/gguf-q8_0/model.gguf'))
let server: Server
let url: string
let folder: string
let served = 0
let version: (request: number) => string | undefined
const before = process.env.MISTRAL_WEBGPU_CACHE

beforeEach(async () => {
  let requests = 0
  served = 0
  version = () => '"one"'
  server = createServer((request, response) => {
    const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? []
    const body = GGUF.subarray(Number(from), to === '' ? GGUF.byteLength : Math.min(GGUF.byteLength, Number(to) + 1))
    const etag = version(++requests)
    served += body.byteLength
    response.writeHead(206, {
      'content-length': body.byteLength,
      'content-range': `bytes ${from}-${Number(from) + body.byteLength - 1}/${GGUF.byteLength}`,
      ...(etag !== undefined && { etag }),
    })
    response.end(body)
  })
  await new Promise<void>((ok) => server.listen(0, '127.0.0.1', ok))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/tiny.gguf`
  folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-urls-'))
  process.env.MISTRAL_WEBGPU_CACHE = folder
})

afterEach(async () => {
  if (before === undefined) delete process.env.MISTRAL_WEBGPU_CACHE
  else process.env.MISTRAL_WEBGPU_CACHE = before
  server.closeAllConnections()
  await new Promise((ok) => server.close(ok))
  rmSync(folder, { recursive: true, force: true })
})

/** The bytes that loading takes from the server. */
async function loaded(cache: boolean | undefined, address = url): Promise<number> {
  const start = served
  const files = await openSource(address, { cache, defer: true, segmentBytes: 50_000 })
  try {
    await openCheckpoint(files)
    await files.prepare?.()
    const reader = await files.open(files.ggufName!)
    expect(Buffer.compare(await reader!.read(0, reader!.size), GGUF)).toBe(0)
    return served - start
  } finally {
    await files.close()
  }
}

describe('weights of a plain address', () => {
  it('are fetched once, whatever signature the address carries', async () => {
    expect(await loaded(true)).toBeGreaterThanOrEqual(GGUF.byteLength)
    // The head tells that nothing has changed.
    expect(await loaded(true, `${url}?signature=2`)).toBeLessThanOrEqual(65_536)
    const [model] = await listCached()
    expect(model).toMatchObject({ files: [{ name: 'tiny.gguf', bytes: GGUF.byteLength }] })
    expect(model!.repository).toMatch(/^127\.0\.0\.1_\d+\/models$/)
    for await (const { verdict } of verifyCached()) expect(verdict).toBe('unknown')
    expect(await removeCached(model!.repository)).toBeGreaterThanOrEqual(GGUF.byteLength)
    expect(await listCached()).toEqual([])
  })

  it('are fetched again when they have changed', async () => {
    await pull(url)
    expect(await loaded(true)).toBeLessThanOrEqual(65_536)
    version = () => '"two"'
    expect(await loaded(true)).toBeGreaterThanOrEqual(GGUF.byteLength)
    // Each goes by its name in the list, and both by their address.
    const [{ repository, commit }] = (await listCached()) as [CachedModel]
    expect(await removeCached(`${repository}@${commit.slice(0, 12)}`)).toBeGreaterThan(0)
    expect(await listCached()).toHaveLength(1)
    expect(await removeCached(url)).toBeGreaterThanOrEqual(GGUF.byteLength)
    expect(await listCached()).toEqual([])
  })

  it('are refused when they change in the middle', async () => {
    version = (request) => (request > 1 ? '"two"' : '"one"')
    await expect(loaded(true)).rejects.toThrow(/has changed on the server/)
    expect(await listCached()).toEqual([])
    version = () => '"two"'
    await loaded(true)
  })

  it('are not kept when they are small, or when that is not wanted', async () => {
    await loaded(undefined)
    await loaded(false)
    expect(await listCached()).toEqual([])
  })

  it('cannot be kept where the server says no version', async () => {
    version = () => undefined
    await expect(loaded(true)).rejects.toThrow(/cannot be kept/)
    await loaded(undefined)
  })
})
