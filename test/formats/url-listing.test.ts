/** A folder on a web server with a GGUF of any name. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openSource } from '../../src/formats/source.ts'
import { openCheckpoint } from '../../src/model/checkpoint.ts'
import { root } from '../support/child.ts'

const GGUF = readFileSync(join(root, 'test/fixtures/checkpoints/gguf-q8_0/model.gguf'))

/** Answers the folder with `page`, and every name that ends in `.gguf` with the model. */
async function served<T>(type: string, page: string, use: (folder: string) => Promise<T>): Promise<T> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '')
    if (path === '/models/') return void response.writeHead(200, { 'content-type': type }).end(page)
    const isThere = path !== '/models/model.gguf' && path.endsWith('.gguf')
    if (!isThere) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-length': GGUF.byteLength }).end(GGUF)
  })
  await new Promise<void>((ok) => server.listen(0, '127.0.0.1', ok))
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/models`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('a folder on a web server', () => {
  it.each([
    [
      'nginx and Apache',
      'text/html',
      '<a href="../">../</a> <a href="tiny%20q8.gguf">tiny q8.gguf</a> <a href="sub/">sub/</a>',
    ],
    ['absolute links', 'text/html; charset=utf-8', `<li><a class=x href='/models/tiny%20q8.gguf?x&amp;y'>tiny</a>`],
    ['nginx in JSON', 'application/json', '[{"name":"tiny q8.gguf","type":"file","size":1}]'],
    [
      'S3',
      'application/xml',
      '<ListBucketResult><Contents><Key>models/tiny q8.gguf</Key></Contents></ListBucketResult>',
    ],
  ])('is listed as %s show it', async (_, type, page) => {
    for (const end of ['', '/']) {
      await served(type, page, async (folder) => {
        const files = await openSource(folder + end)
        expect(files.ggufName).toBe('tiny q8.gguf')
        expect((await openCheckpoint(files)).names.length).toBeGreaterThan(10)
        await files.close()
      })
    }
  })

  it('with several is refused with their names', async () => {
    const page = '<a href="a.gguf">a</a> <a href="b.gguf">b</a> <a href="mmproj-b.gguf">b</a>'
    await served('text/html', page, async (folder) => {
      const files = await openSource(folder)
      await expect(openCheckpoint(files)).rejects.toThrow(/holds 2 GGUF files \(a\.gguf, b\.gguf\); name one/)
    })
  })

  it('whose links lead elsewhere holds nothing', async () => {
    const page =
      '<a href="https://example.com/models/a.gguf">a</a> <a href="/other/b.gguf">b</a> <a href="..%2Fc.gguf">c</a>'
    await served('text/html', page, async (folder) => {
      await expect(openCheckpoint(await openSource(folder))).rejects.toThrow(/holds no checkpoint/)
    })
  })
})
