/** HTTP on a socket in Node and Bun. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { ListenError } from '../errors.ts'
import { listenFact, SERVE_DEFAULTS, serverUrl } from './serve-facts.ts'
import type { FetchHandler, HttpServer, ServeOptions } from './types.ts'

/** How often Node looks for requests that take too long to come. */
const CHECK_MS = 1000
/** What a client may still send after the server began to close, before it is cut off without an answer. */
const LAST_WORDS_MS = 1000
/** How long a client may go on to send what nobody reads, after it was answered. */
const LINGER_MS = 3000

export async function serveNode(fetch: FetchHandler, options: ServeOptions): Promise<HttpServer> {
  const { host, port } = options
  const server = createAdaptorServer({
    fetch: (request, bindings) => answer(fetch, request, bindings as HttpBindings),
    hostname: host,
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: options.headersTimeoutMs ?? SERVE_DEFAULTS.headersTimeoutMs,
      requestTimeout: options.requestTimeoutMs ?? SERVE_DEFAULTS.requestTimeoutMs,
      keepAliveTimeout: options.idleTimeoutMs ?? SERVE_DEFAULTS.idleTimeoutMs,
      connectionsCheckingInterval: CHECK_MS,
    },
  }) as Server
  server.maxConnections = options.maxConnections ?? SERVE_DEFAULTS.maxConnections
  const connections = new Connections(server)
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => {
      const fact = listenFact((error as { code?: string }).code, error.message)
      reject(new ListenError(host, port, fact, { cause: error }))
    }
    server.once('error', fail)
    server.listen(port, host, () => {
      server.off('error', fail)
      resolve()
    })
  })
  const actual = (server.address() as AddressInfo).port
  return { port: actual, url: serverUrl(host, actual), close: (drainMs) => connections.close(drainMs) }
}

/** Connections whose last answer has been given, because what followed its head was not read. */
const lingering = new WeakSet<Socket>()

async function answer(fetch: FetchHandler, request: Request, { incoming, outgoing }: HttpBindings): Promise<Response> {
  if (lingering.has(incoming.socket)) {
    incoming.socket.destroy()
    return new Response(null)
  }
  const response = await fetch(request)
  if (!incoming.complete) {
    outgoing.setHeader('connection', 'close')
    linger(incoming)
  }
  return response.body === null ? response : new Response(cutWhenItFails(response.body, outgoing), response)
}

/**
 * Lets the client send the rest of its body, which is thrown away, before the connection is closed: closing it with bytes
 * unread resets it, and the client may lose the answer with it.
 */
function linger({ socket }: IncomingMessage): void {
  lingering.add(socket)
  // What Node calls after the last answer of a connection.
  socket.destroySoon = () => {
    socket.end()
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(timer))
  }
}

/**
 * The same body, which never fails: the adapter would print the error, and write its text behind what was sent, as if it
 * were the end of the answer. Instead the connection is cut; then the adapter gives the body up.
 */
function cutWhenItFails(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) controller.close()
          else controller.enqueue(value)
        } catch {
          outgoing.destroy()
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/** Knows which connections have a request that is being answered: the others need not be waited for. */
class Connections {
  private readonly sockets = new Map<Socket, Set<ServerResponse>>()
  private closing = false

  constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.sockets.set(socket, new Set())
      socket.once('close', () => this.sockets.delete(socket))
    })
    // Before the adapter's own listener, which may answer at once.
    server.prependListener('request', ({ socket }, response) => {
      this.sockets.get(socket)?.add(response)
      response.once('close', () => this.sockets.get(socket)?.delete(response))
      if (this.closing) response.setHeader('connection', 'close')
    })
  }

  async close(drainMs: number): Promise<number> {
    this.closing = true
    const begun = performance.now()
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    // Connections become idle one by one, and Node keeps an idle one open for its client's next request.
    const sweep = setInterval(() => {
      this.server.closeIdleConnections()
      if (performance.now() - begun < LAST_WORDS_MS) return
      for (const [socket, responses] of this.sockets) if (responses.size === 0) socket.destroy()
    }, 50)
    let cut = 0
    const timer = setTimeout(() => {
      for (const responses of this.sockets.values()) cut += responses.size
      this.server.closeAllConnections()
    }, drainMs)
    await closed
    clearInterval(sweep)
    clearTimeout(timer)
    return cut
  }
}
