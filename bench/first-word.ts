/**
 * Where the time goes from the start of a process, or of a page, to the first word of the embedded model, with nothing compiled
 * before: stages and pipelines of built packages, in turn, beside the least that any program takes on the same adapter.
 *
 *   node tools/with-adapter.mjs --adapter=swiftshader node --conditions=mistral-webgpu-source --import tsx \
 *     bench/first-word.ts [--dist dist] [--base OTHER_DIST] [--rounds 5] [--only process|page] [--sampling=--no-sample]
 */
import { spawn } from 'node:child_process'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildPage } from './first-word/page.ts'
import { median, printPipelines, printStages, type Run } from './first-word/report.ts'

const { values } = parseArgs({
  options: {
    dist: { type: 'string', default: 'dist' },
    base: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    prompt: { type: 'string', default: 'What is the mistral?' },
    sampling: { type: 'string', multiple: true, default: [] },
  },
})
const here = dirname(fileURLToPath(import.meta.url))
const rounds = Number(values.rounds)
const builds: Record<string, string | null> = {
  bare: null,
  ...(values.base !== undefined && { base: resolve(values.base) }),
  ours: resolve(values.dist),
}

/** One process from its start to its end. */
function child(dist: string | null, serial: boolean): Promise<Run> {
  const program =
    dist === null
      ? [join(here, 'first-word/bare.mjs')]
      : [join(dist, 'cli/main.js'), 'generate', '--max-new-tokens', '1', '-p', values.prompt, ...values.sampling]
  const env = { ...process.env, NODE_OPTIONS: '', FIRST_WORD_SERIAL: serial ? '1' : '0' }
  const args = ['--import', join(here, 'first-word/stages.mjs'), ...program]
  const started = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  let text = ''
  started.stdio[3]!.on('data', (data) => {
    text += data
  })
  return new Promise((resolve, reject) => {
    started.on('error', reject)
    started.on('close', (code) => (code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`it ended with ${code}`))))
  })
}

async function inTurn(run: (name: string) => Promise<Run>): Promise<Record<string, Run[]>> {
  const runs: Record<string, Run[]> = Object.fromEntries(Object.keys(builds).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) for (const name in runs) runs[name]!.push(await run(name))
  return runs
}

function compare(runs: Record<string, Run[]>): void {
  if (runs.base === undefined) return
  const word = (name: string) =>
    median(runs[name]!.map(({ noted }) => noted.find(({ stage }) => stage === 'word')?.at ?? Number.NaN))
  console.log(`\nfirst word, ours to base: ${(word('ours') / word('base')).toFixed(2)}`)
}

if (values.only !== 'page') {
  const runs = await inTurn((name) => child(builds[name]!, false))
  printStages('a process', runs)
  compare(runs)
  const serial = await inTurn((name) => child(builds[name]!, true))
  const cpu = Object.entries(serial).map(([name, all]) => `${name} ${Math.round(median(all.map(({ cpu }) => cpu)))}`)
  console.log(`\nprocessor of a process that compiles one after another, ms: ${cpu.join(', ')}`)
  for (const name of Object.keys(builds)) if (name !== 'bare') printPipelines(name, serial[name]!)
}
if (values.only !== 'process') {
  const pages = Object.fromEntries(
    await Promise.all(
      Object.entries(builds).map(async ([name, dist]) => [name, await buildPage(dist, values.prompt)] as const),
    ),
  )
  const runs = await inTurn((name) => pages[name]!.run())
  printStages('a page', runs)
  compare(runs)
  for (const page of Object.values(pages)) await page.close()
}
