/**
 * This engine beside others: each in a process of its own, asked in turn with the order reversed each round, and the medians of
 * the rounds' ratios. Prints a table in Markdown; `npm run bench:peers -- --help` says how.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median } from '../../src/cli/bench/measure.ts'
import { type Answer, CONTESTANTS, type Opened } from './child.ts'
import type { Job, OpenOptions } from './jobs.ts'

const HELP = `npm run bench:peers -- PART [options]     (first: npm install --prefix bench/peers --ignore-scripts)

  product                 4-bit products, x and y from JavaScript and back
  model                   first token and decoding of --model; onnxruntime runs a graph of the slice's shape in its place

  --against NAMES         ${Object.keys(CONTESTANTS).slice(1).join(', ')} (default: ort-webgpu,ort-cpu, and llama for a model)
  --matrices SIZES        outputs x inputs (default: 4096x4096)
  --rows NUMBERS          rows of the product (default: 1,4,8,64,128)
  --model FILE            a GGUF; bench/peers/slice.ts writes the slice of 7B's shape
  --prompts NUMBERS       lengths of the prompts (default: 16,128)
  --tokens N              tokens of an answer (default: 16)
  --rounds N              (default: 5)
  --library NAME=PATH     a user's own copy, repeatable: transformers=FOLDER of a model in ONNX; web-llm=LIBRARY.js,MODEL URL
  --write FILE            the table goes there, too`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    against: { type: 'string' },
    matrices: { type: 'string', default: '4096x4096' },
    rows: { type: 'string', default: '1,4,8,64,128' },
    model: { type: 'string' },
    prompts: { type: 'string', default: '16,128' },
    tokens: { type: 'string', default: '16' },
    rounds: { type: 'string', default: '5' },
    library: { type: 'string', multiple: true, default: [] },
    write: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

interface Player {
  readonly id: string
  readonly name: string
  readonly child: ChildProcess
}

interface Task {
  readonly what: string
  readonly job: Job
}

const [part] = positionals
if (values.help || (part !== 'product' && part !== 'model') || (part === 'model' && values.model === undefined)) {
  console.log(HELP)
  process.exitCode = values.help ? 0 : 2
} else await compare(part)

async function compare(part: 'product' | 'model'): Promise<void> {
  const usual = part === 'product' ? 'ort-webgpu,ort-cpu' : 'ort-webgpu,ort-cpu,llama'
  const players: Player[] = []
  const lines: string[] = []
  try {
    for (const id of ['ours', ...(values.against ?? usual).split(',')]) {
      const opened = await start(id)
      if ('failed' in opened) lines.push(`| ${id} | – | – | – | not measured: ${opened.failed} |`)
      else players.push(opened)
    }
    for (const task of part === 'product' ? productTasks() : modelTasks()) lines.push(...(await measure(players, task)))
  } finally {
    for (const { child } of players) child.kill()
  }
  const table = [
    `${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model.trim()} × ${cpus().length}, Node ${process.versions.node}, ${values.rounds} rounds:`,
    '',
    `    npm run bench:peers -- ${process.argv.slice(2).join(' ')}`,
    '',
    '| | what | ms | CPU ms | times ours (CPU) |',
    '|---|---|---|---|---|',
    ...lines,
  ].join('\n')
  console.log(table)
  if (values.write !== undefined) writeFileSync(values.write, `${table}\n`)
}

function productTasks(): Task[] {
  return values.matrices.split(',').flatMap((size) => {
    const [rows, cols] = size.split('x').map(Number) as [number, number]
    return values.rows
      .split(',')
      .map(Number)
      .map((T) => {
        // An answer takes about as long, whatever the rows.
        const job = { kind: 'product', rows, cols, T, times: Math.max(1, Math.round(16 / T)) } as const
        return { what: `${size}, T = ${T}`, job }
      })
  })
}

function modelTasks(): Task[] {
  const tokens = Number(values.tokens)
  return values.prompts.split(',').map((prompt, i) => ({
    what: `prompt of ${prompt}`,
    // Decoding is measured once; longer prompts are asked for their first token.
    job: { kind: 'model', prompt: Number(prompt), tokens: i === 0 ? tokens : 1 },
  }))
}

/** One line for each player and thing that was measured. */
async function measure(players: readonly Player[], { what, job }: Task): Promise<string[]> {
  const answers = new Map<Player, Exclude<Answer, { failed: string }>[]>()
  const failures = new Map<Player, string>()
  // The first answers compile, and do not count.
  for (let round = -1; round < Number(values.rounds); round++) {
    for (const player of round % 2 === 0 ? players : players.toReversed()) {
      if (failures.has(player)) continue
      const answer = await ask(player.child, job)
      if ('failed' in answer) failures.set(player, answer.failed)
      else if (round >= 0) answers.set(player, [...(answers.get(player) ?? []), answer])
    }
  }
  const ours = answers.get(players[0]!) ?? []
  const lines = [...failures].map(([{ name }, failed]) => `| ${name} | ${what} | – | – | ${failed} |`)
  for (const measured of Object.keys(ours[0]?.times ?? {})) {
    for (const [player, own] of answers) {
      const ratio = (of: (answer: (typeof own)[number]) => number) =>
        median(own.map((answer, i) => of(answer) / of(ours[i]!))).toFixed(2)
      const ms = median(own.map(({ times }) => times[measured]!))
      const cpu = median(own.map(({ cpuMs }) => cpuMs))
      lines.push(
        `| ${player.name} | ${what}: ${measured} | ${ms.toFixed(2)} | ${cpu.toFixed(0)} | ` +
          `${ratio(({ times }) => times[measured]!)} (${ratio(({ cpuMs }) => cpuMs)}) |`,
      )
    }
  }
  return lines
}

async function start(id: string): Promise<Player | { readonly failed: string }> {
  if (!Object.hasOwn(CONTESTANTS, id)) throw new Error(`${id} is none of ${Object.keys(CONTESTANTS).join(', ')}`)
  const library = values.library.find((one) => one.startsWith(`${id}=`))?.slice(id.length + 1)
  const options: OpenOptions = { model: part === 'model' ? values.model : undefined, library }
  const file = fileURLToPath(new URL('child.ts', import.meta.url))
  const child = fork(file, [JSON.stringify([id, options])], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const opened = await reply<Opened>(child)
  if ('failed' in opened) child.kill()
  return 'failed' in opened ? opened : { id, name: opened.name, child }
}

function ask(child: ChildProcess, job: Job): Promise<Answer> {
  const answer = reply<Answer>(child)
  child.send(job)
  return answer
}

/** What the process says next; that it ended, when it does. */
function reply<T>(child: ChildProcess): Promise<T | { readonly failed: string }> {
  return new Promise((resolve) => {
    const ended = (code: number | null) => resolve({ failed: `its process ended with ${code}` })
    child.once('exit', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      resolve(message as T)
    })
  })
}
