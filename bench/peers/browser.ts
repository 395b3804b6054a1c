/** Engines in a page of Chromium, on its own WebGPU adapter or in WebAssembly. The page is served from here, and so are its files. */
import { readFile, stat } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { startChromium } from '../../test/runtime/chromium.ts'
import type { Contestant, Job, OpenOptions, Times } from './jobs.ts'

export type PageEngine = 'ours' | 'wllama' | 'transformers' | 'web-llm'

const here = fileURLToPath(new URL('.', import.meta.url))
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
}
/** Several threads need a page that no other can look into. */
const ISOLATION = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }

export async function open(engine: PageEngine, { model, library }: OpenOptions): Promise<Contestant> {
  if (model === undefined) throw new Error('pages are asked for models only')
  const [libraryPath, ...more] = (library ?? '').split(',')
  const files = await bundled()
  const server = await serve((path) => {
    const [, root, ...rest] = path.split('/')
    const inner = rest.join('/')
    if (files.has(path)) return files.get(path)!
    if (root === 'peers') return join(here, 'node_modules', inner)
    if (root === 'model') return join(dirname(model), inner)
    // A folder holds files; a library of one file is that file.
    if (root === 'library' && libraryPath)
      return inner === basename(libraryPath) ? libraryPath : join(libraryPath, inner)
    return undefined
  })
  const browser = await startChromium()
  if (browser === undefined) throw new Error('no Chromium with WebGPU starts here')
  process.once('exit', () => server.close())
  const page = await browser.newPage()
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
  await page.waitForFunction(() => 'openEngine' in globalThis)
  const asked = { engine, model: `/model/${basename(model)}`, library: libraryPath ? basename(libraryPath) : '', more }
  const name = await page.evaluate((asked) => (globalThis as unknown as PageGlobals).openEngine(asked), asked)
  return {
    name: `${name}, Chromium ${browser.version()}`,
    run: (job) => page.evaluate((job) => (globalThis as unknown as PageGlobals).runJob(job), job),
  }
}

/** What an engine in a page is opened with. */
export interface PageOptions {
  readonly engine: PageEngine
  readonly model: string
  readonly library: string
  readonly more: readonly string[]
}

/** What `page.ts` puts there. */
export interface PageGlobals {
  openEngine(options: PageOptions): Promise<string>
  runJob(job: Job): Promise<Times>
}

/** The page's program with this engine inside, by its address. */
async function bundled(): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: [join(here, 'page.ts')],
    bundle: true,
    splitting: true,
    format: 'esm',
    write: false,
    outdir: '/out',
    conditions: ['mistral-webgpu-source', 'browser'],
    logLevel: 'silent',
  })
  return new Map(outputFiles.map(({ path, contents }) => [`/${basename(path)}`, contents]))
}

/** @param find the bytes or the file behind an address; undefined where there is none */
async function serve(find: (path: string) => Uint8Array | string | undefined): Promise<Server> {
  const html = '<!doctype html><script type="module" src="/page.js"></script>'
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://localhost').pathname)
    const found = path === '/' ? new TextEncoder().encode(html) : find(path)
    const isFile = typeof found === 'string' && (await stat(found).catch(() => undefined))?.isFile()
    if (found === undefined || (typeof found === 'string' && !isFile)) return response.writeHead(404, ISOLATION).end()
    const type = path === '/' ? 'text/html' : (TYPES[extname(path)] ?? 'application/octet-stream')
    const whole = typeof found === 'string' ? await readFile(found) : found
    sendPart(response, whole, request.headers.range, { ...ISOLATION, 'content-type': type, 'accept-ranges': 'bytes' })
  })
  return new Promise((resolve) => server.listen(0, 'localhost', () => resolve(server)))
}

/** All of it, or the range that is asked for: weights are read in parts. */
function sendPart(
  response: import('node:http').ServerResponse,
  whole: Uint8Array,
  range: string | undefined,
  headers: Record<string, string>,
): void {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? []
  if (from === undefined) {
    response.writeHead(200, { ...headers, 'content-length': whole.byteLength }).end(whole)
    return
  }
  const end = Math.min(to ? Number(to) + 1 : whole.byteLength, whole.byteLength)
  const part = whole.subarray(Number(from), end)
  const place = `bytes ${from}-${end - 1}/${whole.byteLength}`
  response.writeHead(206, { ...headers, 'content-range': place, 'content-length': part.byteLength }).end(part)
}
