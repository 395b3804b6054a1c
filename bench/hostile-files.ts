/**
 * Opens files of every format with something wrong in them: each must load, or be refused by a typed error, within a second of the
 * processor's time and 64 MB.
 *
 *   node --expose-gc --conditions=mistral-webgpu-source --import tsx bench/hostile-files.ts [--runs 5000] [--format gguf] [--first 0]
 *
 * The number of a run says which files it opens: `--first N --runs 1 --format NAME` opens them again.
 */
import { parseArgs } from 'node:util'
import { FORMATS, formatOf } from '../test/support/hostile-files/formats.ts'
import { closeDevice } from '../test/support/hostile-files/open.ts'
import { type Outcome, runOne } from '../test/support/hostile-files/run.ts'

const MOST_CPU = 1000
const MOST_BYTES = 64e6
/** Faults of one kind that are shown. */
const SHOWN = 3

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5000' },
    first: { type: 'string', default: '0' },
    format: { type: 'string' },
  },
})
if (globalThis.gc === undefined) throw new Error('run it with node --expose-gc: memory cannot be told otherwise')

interface Worst {
  readonly value: number
  readonly run: number
}

/** What is over a limit, in words. Memory is measured again, behind a collection, where it seems too much. */
async function faultOf(
  format: ReturnType<typeof formatOf>,
  run: number,
  outcome: Outcome,
): Promise<string | undefined> {
  if (outcome.fault !== undefined) return outcome.fault
  if (outcome.cpu > MOST_CPU) return `${outcome.cpu.toFixed(0)} ms: ${outcome.message.slice(0, 100)}`
  if (outcome.memory <= MOST_BYTES) return undefined
  globalThis.gc?.()
  const again = await runOne(format, run)
  return again.memory > MOST_BYTES ? `${(again.memory / 1e6).toFixed(0)} MB: ${again.message.slice(0, 100)}` : undefined
}

async function runFormat(name: string): Promise<number> {
  const format = formatOf(name)
  const ends = new Map<string, number>()
  let [cpu, memory]: [Worst, Worst] = [
    { value: 0, run: 0 },
    { value: 0, run: 0 },
  ]
  let [total, faults] = [0, 0]
  // What is imported and compiled the first time is not what a file costs.
  for (let run = 1; run <= 40; run++) await runOne(format, 10_000_000 + run)
  const first = Number(values.first)
  for (let run = first; run < first + Number(values.runs); run++) {
    if (run % 25 === 0) globalThis.gc?.()
    const outcome = await runOne(format, run)
    total += outcome.cpu
    if (outcome.cpu > cpu.value) cpu = { value: outcome.cpu, run }
    if (outcome.memory > memory.value) memory = { value: outcome.memory, run }
    const end = outcome.error ?? 'opened'
    ends.set(end, (ends.get(end) ?? 0) + 1)
    const fault = await faultOf(format, run, outcome)
    if (fault !== undefined && faults++ < SHOWN) console.log(`${name}, run ${run}: ${fault}`)
    if (Number(values.runs) === 1) console.log(outcome)
  }
  const counts = [...ends].sort((a, b) => b[1] - a[1]).map(([end, count]) => `${end} ${count}`)
  const most = `at most ${cpu.value.toFixed(0)} ms (run ${cpu.run}) and ${(memory.value / 1e6).toFixed(1)} MB (run ${memory.run})`
  console.log(
    `${name}: ${counts.join(', ')}; ${most}, ${(total / Number(values.runs)).toFixed(1)} ms on average; ${faults} faults`,
  )
  return faults
}

let faults = 0
for (const name of FORMATS) if (values.format === undefined || values.format === name) faults += await runFormat(name)
await closeDevice()
process.exitCode = faults === 0 ? 0 : 1
