/** A web server for tests: files of some folders, with Range requests. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { extname, join } from 'node:path'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
}

export interface StaticServer {
  readonly origin: string
  /** Every request so far: `GET /path`, with the status of its answer and the range it asked for. */
  readonly requests: { readonly path: string; readonly status: number; readonly range: string | undefined }[]
  close(): Promise<void>
}

/**
 * @param folders by the first part of the path: `{ page: '/tmp/x' }` serves `/page/index.html` from `/tmp/x/index.html`; what is
 * asked for under one that is null is never answered
 */
export async function serveFolders(folders: Record<string, string | null>): Promise<StaticServer> {
  const requests: { path: string; status: number; range: string | undefined }[] = []
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if ((await answer(folders, pathname, request, response)) === 'never') return
    requests.push({ path: pathname, status: response.statusCode, range: request.headers.range })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  folders: Record<string, string | null>,
  pathname: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<'never' | undefined> {
  const [, mount = '', ...rest] = pathname.split('/').map(decodeURIComponent)
  const folder = folders[mount]
  if (folder === null) return 'never'
  const path = folder === undefined || rest.includes('..') ? undefined : join(folder, ...rest)
  const size = path === undefined ? undefined : await fileSize(path)
  if (path === undefined || size === undefined) {
    response.writeHead(404).end()
    return undefined
  }
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
  const start = Number(range?.[1] ?? 0)
  const end = Math.min(size - 1, Number(range?.[2] ?? size - 1))
  response.writeHead(range ? 206 : 200, {
    'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
    'content-length': end - start + 1,
    'accept-ranges': 'bytes',
    etag: `"${size}"`,
    ...(range && { 'content-range': `bytes ${start}-${end}/${size}` }),
  })
  if (request.method === 'HEAD') response.end()
  else {
    const file = createReadStream(path, { start, end })
    // A service worker still reads when its page is gone, and the folder goes with the tests.
    file.on('error', () => response.destroy())
    file.pipe(response)
  }
  return undefined
}

async function fileSize(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() ? found.size : undefined
}
