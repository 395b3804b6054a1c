/**
 * How long a model takes to load, beside what cannot be had for less: reading its file and bringing as many bytes to the adapter.
 *
 *   npx tsx bench/loading.ts MODEL [--dist dist] [--base OTHER_DIST] [--rounds 3] [--weights q4]
 *
 * Each load is a process of its own, of built files, and builds take turns. Prints the clock, the processor's time, and the most
 * that the heap and the process (less the weights that are on a GPU of the processor's own memory) held at any moment.
 */
import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dist: { type: 'string', default: 'dist' },
    base: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    weights: { type: 'string', default: 'native' },
  },
})
const [model] = positionals
if (model === undefined) throw new Error('which model? bench/peers/slice.ts writes one')

interface Load {
  readonly wall: number
  readonly cpu: number
  readonly heap: number
  readonly rss: number
  readonly bytes: number
  readonly phases: Readonly<Record<string, number>>
}

/** Loads a model, and looks at the memory every few milliseconds. */
const LOAD = `
const [, index, path, weights] = process.argv
const { MistralModel } = await import(index)
let [heap, rss, loaded] = [0, 0, 0]
const phases = {}
const look = () => {
  const memory = process.memoryUsage()
  heap = Math.max(heap, memory.heapUsed)
  rss = Math.max(rss, memory.rss - loaded)
}
const timer = setInterval(look, 5)
const [start, before] = [performance.now(), process.cpuUsage()]
const model = await MistralModel.load(path, {
  weights,
  onProgress: ({ phase, loaded: bytes }) => {
    phases[phase] ??= performance.now() - start
    if (phase === 'weights') {
      look()
      loaded = weights === 'native' ? bytes : 0
    }
  },
})
const [wall, cpu] = [performance.now() - start, process.cpuUsage(before)]
clearInterval(timer)
const bytes = model.status().memory?.weights ?? 0
model.dispose()
console.log('\\n' + JSON.stringify({ wall, cpu: (cpu.user + cpu.system) / 1000, heap, rss, bytes, phases }))
`

/** Brings as many bytes to buffers that were never written, as the library does it. */
const UPLOAD = `
const [, bytes] = process.argv
const { create } = await import('webgpu')
const adapter = await create([]).requestAdapter()
const device = await adapter.requestDevice()
const [size, piece] = [32 << 20, new Uint8Array(4 << 20).fill(7)]
const [start, before] = [performance.now(), process.cpuUsage()]
for (let done = 0; done < bytes; done += size) {
  const buffer = device.createBuffer({ size, usage: 0x88 })
  for (let at = 0; at < size && done + at < bytes; at += piece.byteLength) device.queue.writeBuffer(buffer, at, piece)
  await device.queue.onSubmittedWorkDone()
}
const [wall, cpu] = [performance.now() - start, process.cpuUsage(before)]
device.destroy()
console.log('\\n' + JSON.stringify({ wall, cpu: (cpu.user + cpu.system) / 1000 }))
`

function child<T>(code: string, args: readonly string[]): T {
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', code, '--', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  return JSON.parse(out.trim().split('\n').at(-1)!)
}

function cat(path: string): number {
  const start = performance.now()
  execFileSync('sh', ['-c', 'cat "$1" > /dev/null', 'sh', path])
  return performance.now() - start
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!
const isFile = statSync(model).isFile()
const builds = Object.fromEntries(
  Object.entries({ base: values.base, ours: values.dist }).flatMap(([name, dist]) =>
    dist === undefined ? [] : [[name, pathToFileURL(resolve(dist, 'index.js')).href]],
  ),
)
const loads: Record<string, Load[]> = {}
const least: { cat: number; upload: number; uploadCpu: number }[] = []
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, index] of Object.entries(builds)) {
    const load = child<Load>(LOAD, [index, resolve(model), values.weights])
    loads[name] = [...(loads[name] ?? []), load]
    console.log(`${name}: ${JSON.stringify(load)}`)
  }
  const bytes = loads.ours!.at(-1)!.bytes
  const upload = child<{ wall: number; cpu: number }>(UPLOAD, [String(bytes)])
  least.push({ cat: isFile ? cat(model) : Number.NaN, upload: upload.wall, uploadCpu: upload.cpu })
}
const of = (name: string, pick: (load: Load) => number) => median(loads[name]!.map(pick))
for (const name of Object.keys(loads)) {
  const [wall, cpu] = [of(name, ({ wall }) => wall), of(name, ({ cpu }) => cpu)]
  const [heap, rss] = [of(name, ({ heap }) => heap) / 2 ** 20, of(name, ({ rss }) => rss) / 2 ** 20]
  const memory = `heap ${heap.toFixed(0)} MiB, process without weights ${rss.toFixed(0)} MiB`
  console.log(`${name.padEnd(7)} ${wall.toFixed(0)} ms, processor ${cpu.toFixed(0)} ms, ${memory}`)
}
const [read, upload] = [median(least.map(({ cat }) => cat)), median(least.map(({ upload }) => upload))]
const uploadCpu = median(least.map(({ uploadCpu }) => uploadCpu))
console.log(`cat     ${read.toFixed(0)} ms; upload ${upload.toFixed(0)} ms, processor ${uploadCpu.toFixed(0)} ms`)
console.log(`ours over cat and upload: ${(of('ours', ({ wall }) => wall) / (read + upload)).toFixed(2)}`)
if (loads.base !== undefined) {
  const ratio = (pick: (load: Load) => number) => (of('base', pick) / of('ours', pick)).toFixed(2)
  console.log(`base over ours: ${ratio(({ wall }) => wall)}, processor ${ratio(({ cpu }) => cpu)}`)
}
