/** HTTP on a socket in Deno. */
import { ListenError } from '../errors.ts'
import { listenFact, SERVE_DEFAULTS, serverUrl } from './serve-facts.ts'
import type { FetchHandler, HttpServer, ServeOptions } from './types.ts'

/** The part of Deno that is used here; its own types cannot stand beside those of Node in one compilation. */
interface DenoServe {
  serve(
    options: { hostname: string; port: number; onListen(): void },
    handler: FetchHandler,
  ): { readonly addr: { readonly port: number }; readonly finished: Promise<void>; shutdown(): Promise<void> }
}

declare const Deno: DenoServe

export function serveDeno(fetch: FetchHandler, options: ServeOptions): HttpServer {
  const { host, port } = options
  const requests = new Requests(fetch, options.maxConnections ?? SERVE_DEFAULTS.maxConnections)
  let server: ReturnType<DenoServe['serve']>
  try {
    server = Deno.serve({ hostname: host, port, onListen() {} }, (request) => requests.answer(request))
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    throw new ListenError(host, port, listenFact(code, message), { cause: error })
  }
  return {
    port: server.addr.port,
    url: serverUrl(host, server.addr.port),
    async close(drainMs) {
      const timer = setTimeout(() => requests.cut(), drainMs)
      await server.shutdown()
      clearTimeout(timer)
      return requests.wereCut
    },
  }
}

/**
 * What is being answered. Deno shows no connections, and aborting a server that shuts down fails (2.9): so the requests
 * themselves are counted, and cut.
 */
class Requests {
  wereCut = 0
  private running = 0
  private readonly cutter = new AbortController()

  constructor(
    private readonly fetch: FetchHandler,
    private readonly limit: number,
  ) {}

  async answer(request: Request): Promise<Response> {
    if (this.running >= this.limit) return unavailable('too many requests at once', 'overloaded')
    this.running++
    const { signal } = this.cutter
    let stopWaiting = () => {}
    const cut = new Promise<Response>((resolve) => {
      stopWaiting = () => resolve(unavailable('the server is shutting down', 'shutting_down'))
      signal.addEventListener('abort', stopWaiting)
    })
    try {
      const work = this.fetch(new Request(request, { signal: AbortSignal.any([request.signal, signal]) }))
      return this.counted(await Promise.race([work, cut]))
    } catch (error) {
      this.running--
      throw error
    } finally {
      signal.removeEventListener('abort', stopWaiting)
    }
  }

  cut(): void {
    this.wereCut = this.running
    this.cutter.abort(new Error('the server ends'))
  }

  /** The same response, which counts as running until its body was read to the end, given up, or cut. */
  private counted(response: Response): Response {
    if (response.body === null) {
      this.running--
      return response
    }
    const body = new CountedBody(response.body.getReader(), this.cutter.signal, () => this.running--)
    return new Response(new ReadableStream(body, { highWaterMark: 0 }), response)
  }
}

/** An answer of this layer's own, in the form in which clients of the API read errors. */
function unavailable(message: string, code: string): Response {
  const error = { message, type: 'server_error', param: null, code }
  const headers = { 'content-type': 'application/json', 'retry-after': '1' }
  return new Response(JSON.stringify({ error }), { status: 503, headers })
}

class CountedBody implements UnderlyingDefaultSource<Uint8Array> {
  private ended = false
  private fail: (() => void) | undefined

  constructor(
    private readonly reader: ReadableStreamDefaultReader<Uint8Array>,
    private readonly cut: AbortSignal,
    private readonly done: () => void,
  ) {}

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.fail = () => {
      if (this.end()) controller.error(this.cut.reason)
      this.reader.cancel(this.cut.reason).catch(() => {})
    }
    this.cut.addEventListener('abort', this.fail)
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      const next = await this.reader.read()
      if (this.ended) return
      if (!next.done) controller.enqueue(next.value)
      else if (this.end()) controller.close()
    } catch (error) {
      if (this.end()) controller.error(error)
    }
  }

  async cancel(reason: unknown): Promise<void> {
    this.end()
    await this.reader.cancel(reason)
  }

  /** False when it had ended already. */
  private end(): boolean {
    if (this.ended) return false
    this.ended = true
    if (this.fail) this.cut.removeEventListener('abort', this.fail)
    this.done()
    return true
  }
}
