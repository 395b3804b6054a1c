/**
 * Does memory grow when models are loaded and disposed again and again, and likewise chats, tokenizers, aborted loads,
 * refused files and servers? Each runs in a process (or page) of its own, beside bare WebGPU that makes and destroys as
 * many devices with the same buffers, pipelines and bind groups, and dispatches them once where answers are given.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/leak.ts [--runtime node,deno,page] [--what model,chat] [--runs 200] [--from 40]
 *                                             [--model FILE.gguf] [--allow 20]
 *
 * Fails unless no object of an ended life is left, and the process grows from run `from` to the last by no more than bare
 * WebGPU's does plus `allow` MB.
 */

import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { buildPage } from '../test/runtime/build-page.ts'
import { startChromium } from '../test/runtime/chromium.ts'
import type { LivesRequest, Sample } from '../test/runtime/lives/live-again.ts'
import { LIVES } from '../test/runtime/lives/lives.ts'
import type { ProcessSample } from '../test/runtime/lives/process.ts'
import { serveFolders } from '../test/runtime/static-server.ts'
import { root } from '../test/support/child.ts'

const { values } = parseArgs({
  options: {
    runtime: { type: 'string', default: 'node' },
    what: { type: 'string', default: LIVES.join() },
    runs: { type: 'string', default: '200' },
    from: { type: 'string', default: '40' },
    model: { type: 'string', default: join(root, 'test/fixtures/checkpoints/gguf-q8_0/model.gguf') },
    allow: { type: 'string', default: '20' },
  },
})
const [runs, from, allow] = [Number(values.runs), Number(values.from), Number(values.allow)]

type Life = LivesRequest['lives'][number]
const ANSWERING = ['chat', 'server']
/** Bytes in memory after each look, with what is left alive. */
interface Look extends Sample {
  readonly rss: number
}

/** glibc gives each thread a heap of its own; what those keep differs from run to run by more than what is looked for. */
const ONE_HEAP = { MALLOC_ARENA_MAX: '1' }
/** V8's young generation would grow with use. */
const V8_FLAGS = ['--expose-gc', '--max-semi-space-size=1']
const PROGRAM = join(root, 'test/runtime/lives/process.ts')
const RUNTIMES: Record<string, (request: LivesRequest) => Promise<Look[]>> = {
  node: (request) =>
    inProcess(process.execPath, [...V8_FLAGS, '--conditions=mistral-webgpu-source', '--import', 'tsx'], request),
  deno: (request) =>
    inProcess(
      join(root, 'node_modules/.bin/deno'),
      ['run', '--no-check', '-A', '--conditions=mistral-webgpu-source', `--v8-flags=${V8_FLAGS}`],
      request,
    ),
  page: inPage,
}

let failed = false
for (const runtime of values.runtime.split(',')) {
  const yardsticks = new Map<Life, number>()
  for (const life of values.what.split(',')) {
    const yardstick = ANSWERING.includes(life) ? 'bare answer' : 'bare'
    const bare = yardsticks.get(yardstick) ?? (await growth(runtime, yardstick))
    yardsticks.set(yardstick, Math.max(0, bare))
    const grown = await growth(runtime, life as Life)
    if (grown > bare + allow) {
      failed = true
      console.error(
        `FAILED: ${life} in ${runtime} grew by ${grown.toFixed(1)} MB, bare WebGPU by ${bare.toFixed(1)} MB`,
      )
    }
  }
}
console.log(failed ? 'failed' : 'passed')
process.exitCode = failed ? 1 : 0

/** Megabytes from run `from` to the last. */
async function growth(runtime: string, life: Life): Promise<number> {
  const looks = await RUNTIMES[runtime]!({ lives: [life], turns: runs, every: from })
  const left = looks.flatMap(({ turn, survivors }) => Object.entries(survivors).map((one) => `${one} after ${turn}`))
  if (left.length > 0) {
    failed = true
    console.error(`FAILED: ${life} in ${runtime} leaves objects: ${left.join('; ')}`)
  }
  const megabytes = looks.map(({ rss }) => rss / 1e6)
  const grown = megabytes.at(-1)! - megabytes[1]!
  const series = looks.map(({ turn }, i) => `${turn}: ${megabytes[i]!.toFixed(0)}`).join(', ')
  console.log(`${runtime.padEnd(5)} ${life.padEnd(10)} ${grown.toFixed(1).padStart(7)} MB   (${series})`)
  return grown
}

async function inProcess(file: string, flags: readonly string[], request: LivesRequest): Promise<Look[]> {
  const child = spawn(file, [...flags, PROGRAM, values.model, JSON.stringify(request)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...ONE_HEAP },
  })
  let stderr = ''
  child.stderr.on('data', (data) => {
    stderr += data
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const looks: ProcessSample[] = []
  for await (const line of createInterface(child.stdout)) if (line.startsWith('{')) looks.push(JSON.parse(line))
  if ((await ended) !== 0) throw new Error(stderr)
  return looks
}

async function inPage(request: LivesRequest): Promise<Look[]> {
  Object.assign(process.env, ONE_HEAP)
  const browser = await startChromium([`--js-flags=${V8_FLAGS.join(' ')}`])
  if (!browser) throw new Error('no Chromium with WebGPU starts here')
  const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
  await buildPage('test/runtime/lives', folder, 'openai-client/browser')
  const server = await serveFolders({ page: folder, model: dirname(values.model) })
  try {
    const page = await browser.newPage()
    const looks: Look[] = []
    await page.exposeFunction('look', (sample: Sample) => {
      looks.push({ ...sample, rss: descendantBytes(process.pid) })
    })
    await page.goto(`${server.origin}/page/index.html`)
    const asked = [`/model/${basename(values.model)}`, request] as const
    await page.evaluate(([gguf, request]) => window.runLives(gguf, request).then(() => undefined), asked)
    return looks
  } finally {
    await browser.close()
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Memory of all processes below one, each page of memory counted once: where Linux tells it. */
function descendantBytes(pid: number): number {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // It has ended.
    }
  }
  const below = (one: number): boolean => {
    const parent = parents.get(one)
    return parent !== undefined && (parent === pid || below(parent))
  }
  return [...parents.keys()].filter(below).reduce((sum, one) => sum + proportionalBytes(one), 0)
}

function proportionalBytes(pid: number): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    return Number(/^Pss: +(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
