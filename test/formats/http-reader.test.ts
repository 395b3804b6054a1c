/** Files over HTTP: ranges, retries, and servers that lack something. */
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { AbortError } from '../../src/errors.ts'
import { readText } from '../../src/formats/byte-reader.ts'
import { MAX_WHOLE_DOWNLOAD_BYTES } from '../../src/formats/http-reader.ts'
import { openSource } from '../../src/formats/source.ts'
import { collect } from '../support/garbage.ts'
import { DATA, log, ranged, rangeOf, serve, stopServing } from './file-server.ts'
import { refusal } from './helpers.ts'

afterEach(stopServing)

describe('over HTTP', () => {
  it('reads ranges of a folder, with one request for a small file', async () => {
    const base = await serve(ranged('/models/m/config.json', new TextEncoder().encode('{"a":1}')))
    for (const url of [`${base}/models/m`, `${base}/models/m/`, new URL(`${base}/models/m`)]) {
      log.length = 0
      const files = await openSource(url)
      expect(await readText((await files.open('config.json'))!, 100)).toBe('{"a":1}')
      expect(await files.open('model.safetensors')).toBeUndefined()
      expect(log).toEqual(['GET /models/m/config.json bytes=0-65535', 'GET /models/m/model.safetensors bytes=0-65535'])
    }
  })

  it('keeps the query of a signed URL, escapes names, and knows a file by its ending', async () => {
    const base = await serve((_, response) => response.writeHead(404).end())
    const folder = await openSource(`${base}/m/?sig=a%20b#part`)
    await folder.open('a b#.json')
    const file = await openSource(`${base}/m/x%20y.gguf?sig=1`)
    expect(file).toMatchObject({ fileName: 'x y.gguf', ggufName: 'x y.gguf', label: `${base}/m/x%20y.gguf` })
    await file.open('x y.gguf')
    expect(log).toEqual([
      'GET /m/config.json?sig=a%20b bytes=0-65535',
      'GET /m/model.gguf?sig=a%20b bytes=0-65535',
      // Then the folder is asked for its names.
      'GET /m/?sig=a%20b',
      'GET /m/a%20b%23.json?sig=a%20b bytes=0-65535',
      'GET /m/x%20y.gguf?sig=1 bytes=0-65535',
    ])
  })

  it('reads any part exactly', async () => {
    const files = await openSource(`${await serve(ranged('/x.gguf', DATA))}/x.gguf`)
    const reader = (await files.open('x.gguf'))!
    expect(reader.size).toBe(DATA.length)
    for (const [offset, length] of [
      [0, 100],
      [65_000, 2000],
      [100_000, 200_000],
      [299_999, 1],
      [5, 0],
    ] as const) {
      expect(await reader.read(offset, length)).toEqual(DATA.slice(offset, offset + length))
    }
    expect(log.slice(1)).toEqual([
      'GET /x.gguf bytes=65536-66999',
      'GET /x.gguf bytes=100000-299999',
      'GET /x.gguf bytes=299999-299999',
    ])
    expect((await refusal(() => reader.read(299_999, 2))).fact).toMatch(/ends at byte 300000/)
  })

  it('downloads once from a server without ranges', async () => {
    const base = await serve((_, response) => response.writeHead(200, { 'content-length': DATA.length }).end(DATA))
    const reader = (await (await openSource(`${base}/x.gguf`)).open('x.gguf'))!
    expect(await reader.read(200_000, 50)).toEqual(DATA.slice(200_000, 200_050))
    expect(await reader.read(0, 50)).toEqual(DATA.slice(0, 50))
    expect(log).toHaveLength(1)
  })

  it('refuses to download a file that is too large without ranges', async () => {
    const base = await serve((_, response) => {
      response.writeHead(200, { 'content-length': MAX_WHOLE_DOWNLOAD_BYTES + 1 })
      response.write('x')
    })
    const files = await openSource(`${base}/x.gguf`)
    expect((await refusal(() => files.open('x.gguf'))).fact).toMatch(/does not honour Range.*268435457 bytes/)
  })

  it('names file and status of a refusal, at once', async () => {
    const base = await serve((_, response) => response.writeHead(403).end('secret page'))
    const error = await refusal(() => openSource(`${base}/m`))
    expect(error.message).toBe('config.json: the server answered 403 Forbidden')
    expect(log).toHaveLength(1)
  })

  it('takes the size from HEAD when Content-Range is hidden', async () => {
    const base = await serve((request, response) => {
      const [begin, end] = rangeOf(request, DATA.length)
      if (request.method === 'HEAD') response.writeHead(200, { 'content-length': DATA.length }).end()
      else response.writeHead(206).end(DATA.subarray(begin, end))
    })
    const reader = (await (await openSource(`${base}/x.gguf`)).open('x.gguf'))!
    expect(reader.size).toBe(DATA.length)
    expect(await reader.read(150_000, 10)).toEqual(DATA.slice(150_000, 150_010))
  })

  it('reads an empty file', async () => {
    const base = await serve((_, response) => response.writeHead(416, { 'content-range': 'bytes */0' }).end())
    const files = await openSource(`${base}/x.gguf`)
    expect((await files.open('note.txt'))?.size).toBe(0)
    expect((await refusal(() => files.open('x.gguf'))).fact).toMatch(/^is empty \(0 bytes\)/)
  })

  it.each([
    ['refuses HEAD', { 'content-length': DATA.length }],
    ['refuses HEAD and has no Content-Length', {}],
    ['compresses', { 'content-encoding': 'gzip' }],
  ])('reads from a server that hides Content-Range and %s', async (_, headers: Record<string, string | number>) => {
    const body = 'content-encoding' in headers ? gzipSync(DATA) : DATA
    const base = await serve((request, response) => {
      const [begin, end] = rangeOf(request, DATA.length)
      if (request.method === 'HEAD') response.writeHead(405).end()
      else if (request.headers.range === undefined) response.writeHead(200, headers).end(body)
      else response.writeHead(206).end(DATA.subarray(begin, end))
    })
    const reader = (await (await openSource(`${base}/x.gguf`)).open('x.gguf'))!
    expect(reader.size).toBe(DATA.length)
    expect(await reader.read(150_000, 10)).toEqual(DATA.slice(150_000, 150_010))
    expect(await reader.read(10, 10)).toEqual(DATA.slice(10, 20))
  })

  it('asks for the whole of what a server gives compressed, in parts or not', async () => {
    const body = gzipSync(DATA)
    const base = await serve((request, response) => {
      const isPart = request.headers.range !== undefined && request.url === '/x.gguf'
      const range = isPart ? { 'content-range': `bytes 0-65535/${body.length}` } : {}
      response.writeHead(isPart ? 206 : 200, { 'content-encoding': 'gzip', 'content-length': body.length, ...range })
      response.end(body)
    })
    for (const name of ['x.gguf', 'y.gguf']) {
      const reader = (await (await openSource(`${base}/${name}`)).open(name))!
      expect(reader.size).toBe(DATA.length)
      expect(await reader.read(200_000, 50)).toEqual(DATA.slice(200_000, 200_050))
    }
  })

  it('takes 204 for a missing file, and 403 where a store answers so for what is not there', async () => {
    const denied =
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>no</Message></Error>'
    const base = await serve((request, response) => {
      if (request.url === '/m/config.json') response.writeHead(204).end()
      else response.writeHead(403, { 'content-type': 'application/xml' }).end(denied)
    })
    const files = await openSource(`${base}/m/`)
    expect(files.ggufName).toBeUndefined()
    expect(await files.open('tokenizer.json')).toBeUndefined()
    expect(files.whyAbsent?.('tokenizer.json')).toBe('the server answered 403 Forbidden (AccessDenied)')
    expect(files.whyAbsent?.('config.json')).toBe('the server answered 204 No Content')
  })

  it('says why the Hugging Face Hub refuses', async () => {
    const base = await serve((_, response) =>
      response.writeHead(401, { 'x-error-message': 'Access is restricted' }).end(),
    )
    const error = await refusal(() => openSource(`${base}/m`))
    expect(error.fact).toBe('the server answered 401 Unauthorized: Access is restricted')
  })

  it('retries what may pass, and goes on at the byte it reached', async () => {
    let calls = 0
    const base = await serve((request, response) => {
      calls++
      const [begin, end] = rangeOf(request, DATA.length)
      if (calls === 1) response.writeHead(503, { 'retry-after': '0' }).end()
      else if (calls === 3) {
        response.writeHead(206, {
          'content-range': `bytes ${begin}-${end - 1}/${DATA.length}`,
          'content-length': end - begin,
        })
        response.write(DATA.subarray(begin, begin + 20_000), () => setTimeout(() => response.destroy(), 100))
      } else ranged('/x.gguf', DATA)(request, response)
    })
    const reader = (await (await openSource(`${base}/x.gguf`)).open('x.gguf'))!
    expect(await reader.read(100_000, 150_000)).toEqual(DATA.slice(100_000, 250_000))
    expect(log).toEqual([
      'GET /x.gguf bytes=0-65535',
      'GET /x.gguf bytes=0-65535',
      'GET /x.gguf bytes=100000-249999',
      'GET /x.gguf bytes=120000-249999',
    ])
  })

  it('gives up after some attempts, and says why', async () => {
    const base = await serve((_, response) => response.writeHead(503, { 'retry-after': '0.01' }).end())
    const error = await refusal(() => openSource(`${base}/m`))
    expect(error.fact).toBe('the server answered 503 Service Unavailable, after 5 attempts')
    expect(log).toHaveLength(5)
  })

  const liars: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    ['another range', { 'content-range': `bytes 0-9/${DATA.length}` }, /asked for byte 100000 of 300000, .* byte 0 of/],
    ['another size', { 'content-range': 'bytes 100000-100009/300001' }, /byte 100000 of 300001; has the file changed/],
    ['more than was asked', { 'content-range': `bytes 100000-100009/${DATA.length}` }, /more bytes than were asked/],
  ]
  it.each(liars)('refuses a server that answers with %s', async (_, headers, fact) => {
    const base = await serve((request, response) => {
      if (rangeOf(request, DATA.length)[0] === 0) ranged('/x.gguf', DATA)(request, response)
      else response.writeHead(206, headers).end(DATA.subarray(0, 500))
    })
    const reader = (await (await openSource(`${base}/x.gguf`)).open('x.gguf'))!
    expect((await refusal(() => reader.read(100_000, 10))).fact).toMatch(fact)
  })

  it('stops in the middle of a download, and while it waits to try again', async () => {
    const controller = new AbortController()
    let closed: () => void = () => {}
    const gone = new Promise<void>((resolve) => {
      closed = resolve
    })
    const base = await serve((request, response) => {
      const [begin, end] = rangeOf(request, DATA.length)
      if (begin === 0) return ranged('/x.gguf', DATA)(request, response)
      response.on('close', closed)
      response.writeHead(206, { 'content-range': `bytes ${begin}-${end - 1}/${DATA.length}` })
      // Node forgets the signal of a request that it collects.
      response.write(DATA.subarray(begin, begin + 100), () =>
        collect().then(() => controller.abort(new Error('enough'))),
      )
    })
    const reader = (await (await openSource(`${base}/x.gguf`)).open('x.gguf'))!
    await expect(reader.read(100_000, 150_000, controller.signal)).rejects.toBeInstanceOf(AbortError)
    await gone

    await stopServing()
    let asked = 0
    const leaving = new AbortController()
    const busy = await serve((_, response) => {
      asked++
      response.writeHead(503, { 'retry-after': '9' }).end(() => setTimeout(() => leaving.abort(), 50))
    })
    await expect(openSource(`${busy}/m`, { signal: leaving.signal })).rejects.toBeInstanceOf(AbortError)
    // It does not wait to ask again.
    expect(asked).toBe(1)
  })
})
