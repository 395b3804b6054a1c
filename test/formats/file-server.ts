/** A server of one file on this machine, for tests of what is read over HTTP. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

let server: Server | undefined
/** What was asked for. */
export const log: string[] = []

/** Serves until the next is served, or the test ends. */
export async function serve(handler: Handler): Promise<string> {
  log.length = 0
  server = createServer((request, response) => {
    log.push(`${request.method} ${request.url} ${request.headers.range ?? ''}`.trim())
    handler(request, response)
  })
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Ends what is served, and its connections. */
export async function stopServing(): Promise<void> {
  const served = server
  server = undefined
  if (served === undefined) return
  served.closeAllConnections()
  await new Promise((resolve) => served.close(resolve))
}

export const DATA = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) & 255)

export function rangeOf(request: IncomingMessage, size: number): [begin: number, end: number] {
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
  return match === null ? [0, size] : [Number(match[1]), Math.min(Number(match[2]) + 1, size)]
}

/** A well-behaved server of one file, 404 for everything else. */
export function ranged(path: string, data: Uint8Array): Handler {
  return (request, response) => {
    if (request.url !== path) {
      response.writeHead(404).end()
      return
    }
    const [begin, end] = rangeOf(request, data.length)
    response.writeHead(206, { 'content-range': `bytes ${begin}-${end - 1}/${data.length}` })
    response.end(data.subarray(begin, end))
  }
}
