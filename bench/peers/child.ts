/** The process of one contestant: loads it, and answers jobs with their times and what the processors worked for them. */
import { readdirSync, readFileSync } from 'node:fs'
import { processorMs } from '../processor-ms.ts'
import type { Contestant, Job, OpenOptions, Times } from './jobs.ts'

/** How each is opened; `npm run bench:peers -- --help` lists the names. */
export const CONTESTANTS: Readonly<Record<string, (options: OpenOptions) => Promise<Contestant>>> = {
  ours: async (options) => (await import('./ours.ts')).open(options),
  'ort-webgpu': async (options) => (await import('./ort.ts')).openWebgpu(options),
  'ort-cpu': async (options) => (await import('./ort.ts')).openCpu(options),
  llama: async (options) => (await import('./llama.ts')).open(options),
  'ours-page': async (options) => (await import('./browser.ts')).open('ours', options),
  wllama: async (options) => (await import('./browser.ts')).open('wllama', options),
  transformers: async (options) => (await import('./browser.ts')).open('transformers', options),
  'web-llm': async (options) => (await import('./browser.ts')).open('web-llm', options),
}

export type Opened = { readonly name: string } | { readonly failed: string }
export type Answer = { readonly times: Times; readonly cpuMs: number } | { readonly failed: string }

/** Milliseconds that this process, and those that it started, have had of the processors; browsers are several. */
function cpuMs(): number {
  return processorMs() + (process.platform === 'linux' ? cpuOfChildren() : 0)
}

/** Ticks of Linux's clock are 10 ms. */
const TICK_MS = 10

function cpuOfChildren(): number {
  const rows = new Map<number, { parent: number; ms: number }>()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      // Behind the name, which may hold anything: state, parent, …, user and system time as the 12th and 13th.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
      rows.set(Number(pid), { parent: Number(fields[1]), ms: TICK_MS * (Number(fields[11]) + Number(fields[12])) })
    } catch {
      // It has ended meanwhile.
    }
  }
  const below = (pid: number): boolean => {
    const parent = rows.get(pid)?.parent
    return parent === process.pid || (parent !== undefined && parent > 1 && below(parent))
  }
  return [...rows].reduce((sum, [pid, { ms }]) => sum + (below(pid) ? ms : 0), 0)
}

async function answer(contestant: Contestant, job: Job): Promise<Answer> {
  const before = cpuMs()
  try {
    const times = await contestant.run(job)
    return { times, cpuMs: (cpuMs() - before) / (job.kind === 'product' ? job.times : 1) }
  } catch (error) {
    return { failed: messageOf(error) }
  }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!
}

if (process.send !== undefined) {
  const [name, options] = JSON.parse(process.argv[2]!) as [string, OpenOptions]
  try {
    const contestant = await CONTESTANTS[name]!(options)
    process.on('message', async (job: Job) => process.send!(await answer(contestant, job)))
    process.send({ name: contestant.name } satisfies Opened)
  } catch (error) {
    process.send({ failed: messageOf(error) } satisfies Opened)
  }
}
