/** Files over HTTP from servers that are silent, ask for patience, lead nowhere, want a password, or change a file meanwhile. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { refusal as refusalOf, type TransientError, waitOf } from '../../src/formats/http-request.ts'
import { openSource } from '../../src/formats/source.ts'
import { DATA, log, ranged, serve, stopServing } from './file-server.ts'
import { refusal } from './helpers.ts'

afterEach(stopServing)

describe('a file over HTTP', () => {
  it('waits as long as the server asks, in seconds or by a date, and no shorter than it would by itself', () => {
    const asked = async (after: string) => {
      const headers = { 'retry-after': after }
      return (await refusalOf(new Response('', { status: 503, headers }), 'x')) as TransientError
    }
    const wait = async (after: string) => waitOf(await asked(after), 1)
    return Promise.all([
      expect(wait('7')).resolves.toBe(7000),
      expect(wait(new Date(Date.now() + 60_000).toUTCString())).resolves.toBeGreaterThan(50_000),
      expect(wait(new Date(Date.now() - 60_000).toUTCString())).resolves.toBeLessThan(300),
      expect(wait('0')).resolves.toBeGreaterThan(100),
      expect(wait('soon')).resolves.toBeGreaterThan(100),
    ])
  })

  it('waits for the end of the window that the Hub counts requests in', async () => {
    const wait = async (status: number, ratelimit: string) => {
      const headers = { ratelimit, 'ratelimit-policy': '"fixed window";"api";q=500;w=300', 'retry-after': '3' }
      return waitOf(await refusalOf(new Response('', { status, headers }), 'x'), 1)
    }
    expect(await wait(429, '"api";r=0;t=55')).toBe(56_000)
    expect(await wait(429, '"resolvers"; r=0; t=7')).toBe(8000)
    // Others are the reason, or the window has room left.
    expect(await wait(503, '"api";r=0;t=55')).toBe(3000)
    expect(await wait(429, '"api";r=12;t=55')).toBe(3000)
    expect(await wait(429, 'soon')).toBe(3000)
  })

  it('gives up a server on which nothing comes any more', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const base = await serve((request, response) => {
        if (request.url !== '/half.gguf') return
        response.writeHead(206, { 'content-range': `bytes 0-65535/${DATA.length}` })
        response.write(DATA.subarray(0, 1000))
      })
      for (const name of ['silent.gguf', 'half.gguf']) {
        const over = refusal(async () => (await openSource(`${base}/${name}`)).open(name))
        let isOver = false
        void over.finally(() => {
          isOver = true
        })
        while (!isOver) {
          await new Promise((resolve) => setImmediate(resolve))
          await vi.advanceTimersByTimeAsync(5000)
        }
        expect((await over).fact).toBe('nothing came for 30 s, after 5 attempts')
      }
    } finally {
      vi.useRealTimers()
    }
  })

  it('does not ask again for what will never come', async () => {
    const base = await serve((request, response) => response.writeHead(302, { location: `${request.url}x` }).end())
    const error = await refusal(async () => (await openSource(`${base}/x.gguf`)).open('x.gguf'))
    expect(error.fact).toMatch(/^cannot be fetched: .*redirect/)
    expect(log.length).toBeLessThan(30)
  })

  it('sends what stands before the host as such, to this host alone, and shows it to nobody', async () => {
    const seen: (string | undefined)[] = []
    const base = await serve((request, response) => {
      seen.push(request.headers.authorization)
      if (request.url === '/x.gguf') response.writeHead(302, { location: `${other}/y.gguf` }).end()
      else if (request.headers.authorization !== undefined) response.writeHead(418).end()
      else ranged('/y.gguf', DATA)(request, response)
    })
    const other = base.replace('127.0.0.1', 'localhost')
    const source = await openSource(`${base.replace('//', '//me:p%40ss@')}/x.gguf`)
    expect((await source.open('x.gguf'))!.size).toBe(DATA.length)
    expect(seen).toEqual([`Basic ${btoa('me:p@ss')}`, undefined])
    expect(source.label).not.toContain('ss@')
    // What is no percent-encoding stands for itself.
    await (await openSource(`${base.replace('//', '//me:5%25%ss@')}/x.gguf`)).open('x.gguf')
    expect(seen[2]).toBe(`Basic ${btoa('me:5%25%ss')}`)
  })

  it('refuses to put parts of two versions together', async () => {
    let version = 1
    const base = await serve((request, response) => {
      response.setHeader('etag', `"${version}"`)
      ranged('/x.gguf', DATA)(request, response)
    })
    const reader = (await (await openSource(`${base}/x.gguf`)).open('x.gguf'))!
    expect(await reader.read(100_000, 10)).toEqual(DATA.slice(100_000, 100_010))
    version++
    expect((await refusal(() => reader.read(100_000, 10))).fact).toMatch(/has changed on the server/)
  })
})
