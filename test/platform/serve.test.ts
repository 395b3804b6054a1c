import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ListenError } from '../../src/errors.ts'
import { platform as browser } from '../../src/platform/browser.ts'
import { platform } from '../../src/platform/node.ts'
import { listenFact, serverUrl } from '../../src/platform/serve-facts.ts'
import type { FetchHandler, HttpServer, ServeOptions } from '../../src/platform/types.ts'
import { SOON } from '../support/patience.ts'

const HOST = '127.0.0.1'
const WAIT = { ...SOON, interval: 10 }
const servers: HttpServer[] = []
const sockets: Socket[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(servers.splice(0).map((server) => server.close(0)))
})

async function serve(fetch: FetchHandler, options: Partial<ServeOptions> = {}): Promise<HttpServer> {
  const server = await platform.serveHttp(fetch, { host: HOST, port: 0, ...options })
  servers.push(server)
  return server
}

/** A raw connection; resolves with all it received, once the server has closed it. */
function raw(port: number, text: string): { received: Promise<string>; socket: Socket } {
  const socket = connect(port, HOST, () => socket.write(text))
  sockets.push(socket)
  let all = ''
  socket.on('data', (data) => {
    all += data
  })
  socket.on('error', () => undefined)
  return { socket, received: new Promise((resolve) => socket.on('close', () => resolve(all))) }
}

/** A body that writes a piece every 20 ms; `cancelled` resolves when nobody reads it any more. */
function ticking(pieces: number) {
  let cancel = () => {}
  const cancelled = new Promise<void>((resolve) => {
    cancel = resolve
  })
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await delay(20)
      controller.enqueue(new TextEncoder().encode(`${sent} `))
      if (++sent === pieces) controller.close()
    },
    cancel,
  })
  return { body, cancelled, sent: () => sent }
}

/** What this process writes to its console meanwhile. */
function listenToConsole(): () => unknown[][] {
  const spies = (['error', 'info', 'log', 'warn'] as const).map((name) => vi.spyOn(console, name).mockReturnValue())
  return () => spies.flatMap((spy) => spy.mock.calls.splice(0))
}

/** The head of a request that announces a body. */
const head = (length: number) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`

describe('a server in Node', () => {
  it('closes a connection whose request it did not read to its end, and not before the client was done', async () => {
    const asked: string[] = []
    const server = await serve(({ method }) => {
      asked.push(method)
      return new Response('too large', { status: 413 })
    })
    for (const pipelined of [false, true]) {
      let failure: Error | undefined
      const socket = connect({ port: server.port, host: HOST, allowHalfOpen: true }, () => socket.write(head(50_000)))
      sockets.push(socket)
      let all = ''
      socket.on('data', (data) => {
        all += data
      })
      socket.on('error', (error) => {
        failure = error
      })
      const closed = new Promise((resolve) => socket.on('close', resolve))
      await vi.waitFor(() => expect(all).toMatch(/^HTTP\/1\.1 413 .*\r\nconnection: close\r\n/is), WAIT)
      // Sent late, as a client does that has not looked yet.
      socket.write('x'.repeat(25_000))
      await delay(100)
      socket.write('x'.repeat(25_000))
      if (pipelined) {
        socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        // Whoever still writes learns that nobody listens.
        const writing = setInterval(() => socket.write('x'), 50)
        await closed
        clearInterval(writing)
      } else {
        socket.end()
        await closed
        expect(failure).toBeUndefined()
      }
      expect(all.split('HTTP/1.1')).toHaveLength(2)
    }
    expect(asked).toEqual(['POST', 'POST'])
  })

  it('keeps connections whose requests it read', async () => {
    const server = await serve(async (request) => new Response(await request.text()))
    const { received } = raw(
      server.port,
      `${head(2)}ab${head(1)}cGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    )
    const all = await received
    expect(all.match(/HTTP\/1\.1 200/g)).toHaveLength(3)
    expect(all.match(/^connection: keep-alive/gim)).toHaveLength(2)
  })

  it('prints nothing when clients leave, and cuts a body that fails without a word', async () => {
    const printed = listenToConsole()
    const fail = { now: () => {} }
    const server = await serve((request) => {
      const failing = request.url.endsWith('/fail')
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('begun'))
          request.signal.addEventListener('abort', () => controller.error(request.signal.reason))
          fail.now = () => controller.error(new Error('a secret'))
          if (failing) setTimeout(fail.now, 50)
        },
      })
      return new Response(body)
    })
    for (let i = 0; i < 5; i++) {
      const stop = new AbortController()
      const response = await fetch(server.url, { signal: stop.signal })
      await response.body!.getReader().read()
      stop.abort()
    }
    const { received } = raw(server.port, 'GET /fail HTTP/1.1\r\nHost: x\r\n\r\n')
    const all = await received
    expect(all).toMatch(/begun\r\n$/)
    await delay(50)
    expect(printed()).toEqual([])
  })

  it('answers, streams, and says where it is', async () => {
    const server = await serve(async (request) =>
      request.method === 'POST' ? new Response(await request.text()) : new Response(ticking(3).body),
    )
    expect(server.url).toBe(`http://${HOST}:${server.port}`)
    expect(await (await fetch(server.url, { method: 'POST', body: 'hello' })).text()).toBe('hello')
    expect(await (await fetch(server.url)).text()).toBe('0 1 2 ')
  })

  it('tells the handler when the client goes away', async () => {
    const stream = ticking(1000)
    let aborted = () => {}
    const gone = new Promise<void>((resolve) => {
      aborted = resolve
    })
    const server = await serve((request) => {
      request.signal.addEventListener('abort', aborted)
      return new Response(stream.body)
    })
    const stop = new AbortController()
    const response = await fetch(server.url, { signal: stop.signal })
    await response.body!.getReader().read()
    stop.abort()
    await Promise.all([gone, stream.cancelled])
    expect(stream.sent()).toBeLessThan(100)
  })

  it('drops clients that send their request too slowly', async () => {
    const server = await serve(async (request) => new Response(await request.text()), {
      headersTimeoutMs: 300,
      requestTimeoutMs: 600,
    })
    const patient = await serve(() => new Response('x'), { headersTimeoutMs: 60_000 })
    const [head, body, waiting] = [
      raw(server.port, 'GET / HTTP/1.1\r\nHost: x\r\n'),
      raw(server.port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab'),
      raw(patient.port, 'GET / HTTP/1.1\r\nHost: x\r\n'),
    ]
    const dropped = Promise.all([head.received, body.received])
    // The one that has more patience is no measure of time, but of who comes first.
    const [first] = await Promise.race([dropped, waiting.received.then(() => ['the patient one'])])
    expect(first).toMatch(/^HTTP\/1\.1 408 /)
    expect((await dropped)[1]).toMatch(/^HTTP\/1\.1 408 |^$/)
  })

  it('closes connections that have nothing to say', async () => {
    const server = await serve(() => new Response('x'), { idleTimeoutMs: 1000 })
    const { received } = raw(server.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await received).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('takes no more connections than it was told to', async () => {
    const server = await serve(() => new Response(ticking(10_000).body), { maxConnections: 1 })
    const first = await fetch(server.url)
    await expect(fetch(server.url)).rejects.toThrow()
    await first.body!.cancel()
  })

  it('says in words that a port is taken, or a host is not here', async () => {
    const { port } = await serve(() => new Response('x'))
    const taken = platform.serveHttp(() => new Response('y'), { host: HOST, port })
    await expect(taken).rejects.toThrow(ListenError)
    await expect(taken).rejects.toThrow(`cannot listen on ${HOST}, port ${port}: another program listens there`)
    await expect(platform.serveHttp(() => new Response('y'), { host: '192.0.2.1', port: 0 })).rejects.toThrow(
      'not one of this machine',
    )
  })

  it('drains: new connections are refused, streams come to their end, idle connections do not hold it up', async () => {
    const stream = ticking(20)
    const server = await serve((request) => new Response(request.url.endsWith('/stream') ? stream.body : 'short'))
    // Kept alive by this process, and one that never sent a byte.
    await (await fetch(server.url)).text()
    const silent = raw(server.port, '')
    const response = await fetch(`${server.url}/stream`)
    // Were it held up, it would take longer than a test may.
    const closed = server.close(600_000)
    await delay(20)
    await expect(fetch(server.url)).rejects.toThrow()
    expect((await response.text()).split(' ')).toHaveLength(21)
    expect(await closed).toBe(0)
    await silent.received
  })

  it('cuts what does not end in time, and counts it', async () => {
    const stream = ticking(10_000)
    const server = await serve(() => new Response(stream.body))
    const response = await fetch(server.url)
    expect(await server.close(100)).toBe(1)
    await expect(response.text()).rejects.toThrow()
    await stream.cancelled
  })
})

it('a browser has nothing to listen on', async () => {
  await expect(browser.serveHttp(() => new Response('x'), { host: HOST, port: 80 })).rejects.toThrow(ListenError)
})

describe('addresses', () => {
  it('are written as URLs that a program on this machine can open', () => {
    expect(serverUrl('0.0.0.0', 80)).toBe('http://127.0.0.1:80')
    expect(serverUrl('::1', 80)).toBe('http://[::1]:80')
    expect(serverUrl('localhost', 80)).toBe('http://localhost:80')
    expect(listenFact('EACCES', '')).toContain('1024')
    expect(listenFact('EWEIRD', 'as it was')).toBe('as it was')
  })
})
