/**
 * How long a model that a page keeps takes to its first token, beside reading the kept bytes from the page's files.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/second-load.ts [--model FILE.gguf] [--dist dist] [--base OTHER_DIST] [--rounds 3]
 *
 * A local server gives the model to a page of Chromium, which keeps it; later pages load it again, each build in turn. Without a model
 * it is a layer of 7B with random weights (270 MB).
 */
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { BrowserContext, Page } from 'playwright-core'
import { build } from 'vite'
import { INSTALL_ADVICE, startChromium } from '../test/runtime/chromium.ts'
import { serveFolders } from '../test/runtime/static-server.ts'
import { writeSlice } from './peers/slice.ts'

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    dist: { type: 'string', default: 'dist' },
    base: { type: 'string' },
    rounds: { type: 'string', default: '3' },
  },
})

interface Load {
  readonly stages: Readonly<Record<'open' | 'weights' | 'compile' | 'ready' | 'token', number>>
  /** What the same prompt takes when all is there. */
  readonly again: number
  readonly bytes: number
}

/** Milliseconds. */
interface Least {
  readonly ms: number
  readonly bytes: number
  readonly slices: number
  readonly upload: number
}

declare global {
  interface Window {
    bench: { load(url: string): Promise<Load>; read(): Promise<Least> }
  }
}

const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-second-load-'))
const builds: Record<string, string> = { ...(values.base && { base: values.base }), ours: values.dist }

async function buildPage(name: string, dist: string): Promise<void> {
  const source = join(folder, `${name}-source`)
  mkdirSync(source)
  const page = readFileSync(new URL('second-load/page.js', import.meta.url), 'utf8')
  writeFileSync(join(source, 'page.js'), page.replace("'DIST'", JSON.stringify(join(resolve(dist), 'index.js'))))
  writeFileSync(
    join(source, 'index.html'),
    '<!doctype html><meta charset="utf-8"><title>second load</title><script type="module" src="./page.js"></script>',
  )
  const output = { outDir: join(folder, 'pages', name), target: 'es2023' }
  await build({
    root: source,
    base: './',
    configFile: false,
    logLevel: 'error',
    build: output,
    worker: { format: 'es' },
  })
}

/** Link or, on another disk, symbolic link. */
function place(model: string, at: string): void {
  try {
    linkSync(model, at)
  } catch {
    symlinkSync(model, at)
  }
}

async function inPage<T>(context: BrowserContext, address: string, work: (page: Page) => Promise<T>): Promise<T> {
  const page = await context.newPage()
  page.setDefaultTimeout(600_000)
  try {
    await page.goto(address)
    await page.waitForFunction(() => window.bench !== undefined)
    return await work(page)
  } finally {
    await page.close()
  }
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!

async function run(): Promise<void> {
  const models = join(folder, 'models')
  mkdirSync(models)
  const model = join(models, 'model.gguf')
  if (values.model === undefined) await writeSlice(model, 1)
  else place(resolve(values.model), model)
  for (const [name, dist] of Object.entries(builds)) await buildPage(name, dist)
  const browser = await startChromium()
  if (!browser) throw new Error(INSTALL_ADVICE)
  const server = await serveFolders({ pages: join(folder, 'pages'), models })
  try {
    const context = await browser.newContext()
    const address = (name: string) => `${server.origin}/pages/${name}/index.html`
    const url = `${server.origin}/models/model.gguf`
    const load = (name: string) =>
      inPage(context, address(name), (page) => page.evaluate((url) => window.bench.load(url), url))
    const first = await load('ours')
    console.log(`first load ${JSON.stringify(first.stages)}`)
    const loads: Record<string, Load[]> = {}
    const least: Least[] = []
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const name of Object.keys(builds)) {
        const before = server.requests.length
        const again = await load(name)
        const asked = server.requests.slice(before).filter(({ path }) => path.startsWith('/models/'))
        console.log(`${name}: ${JSON.stringify(again.stages)}, requests ${asked.length}`)
        loads[name] = [...(loads[name] ?? []), again]
      }
      least.push(await inPage(context, address('ours'), (page) => page.evaluate(() => window.bench.read())))
    }
    report(loads, least)
  } finally {
    await server.close()
    await browser.close()
  }
}

function report(loads: Record<string, Load[]>, least: readonly Least[]): void {
  const of = (pick: (least: Least) => number) => median(least.map(pick))
  const [read, slices, upload] = [of(({ ms }) => ms), of(({ slices }) => slices), of(({ upload }) => upload)]
  const megabytes = Math.round(least[0]!.bytes / 1e6)
  console.log(
    `${megabytes} MB: read ${read.toFixed(0)} ms, by slices ${slices.toFixed(0)}; upload ${upload.toFixed(0)}`,
  )
  for (const [name, all] of Object.entries(loads)) {
    const at = (stage: keyof Load['stages']) => median(all.map(({ stages }) => stages[stage]))
    const shown = (['weights', 'compile', 'ready', 'token'] as const).map(
      (stage) => `${stage} ${at(stage).toFixed(0)} ms`,
    )
    const again = median(all.map(({ again }) => again))
    const over = (ms: number) => `${(ms / read).toFixed(2)} (${(ms / (read + upload)).toFixed(2)} of read and upload)`
    console.log(`${name}: ${shown.join(', ')}; the same prompt again ${again.toFixed(0)} ms`)
    console.log(`${name}: token over read ${over(at('token'))}, without computing it ${over(at('token') - again)}`)
  }
}

try {
  await run()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
