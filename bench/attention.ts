/**
 * Times the attention of one decoded row for each of its variants, in turn, by the clock and by the processor's time, without a
 * model.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/attention.ts [--heads 32/8x128] [--contexts 16,4096] [--cache f16]
 *     [--rounds 15] [--disable shader-f16,subgroups]
 */
import { parseArgs } from 'node:util'
import { digits, table } from '../src/cli/bench/render.ts'
import type { Gpu } from '../src/gpu/device.ts'
import { openGpu } from '../src/gpu/open.ts'
import { Recorder, type Recording } from '../src/gpu/recorder.ts'
import type { Tuning } from '../src/gpu/tuning.ts'
import {
  type AttentionBuffers,
  attention,
  attentionVariant,
  FULL_ATTENTION,
  type LayerCache,
  SUMS,
  splitsFor,
} from '../src/kernels/attention.ts'
import { CACHE_LAYOUTS, type CacheDtype } from '../src/kernels/cache-layouts.ts'
import { loadAttention } from '../src/kernels/load-attention.ts'
import { type Activation, type BatchShape, createActivation, headStride } from '../src/kernels/shape.ts'

const VARIANTS: readonly Partial<Tuning>[] = [
  { attention: 'rows', keysPerSplit: 64 },
  { attention: 'rows', keysPerSplit: 64, nativeF16: false },
  { attention: 'rows', keysPerSplit: 64, subgroupLanes: 0 },
  { attention: 'lanes', keysPerSplit: 256 },
  { attention: 'lanes', keysPerSplit: 512 },
]
/** About how long a measurement takes. */
const MS = 15

const { values } = parseArgs({
  options: {
    heads: { type: 'string', default: '32/8x128' },
    contexts: { type: 'string', default: '16,4096' },
    cache: { type: 'string', default: 'f16' },
    rounds: { type: 'string', default: '15' },
    disable: { type: 'string', default: '' },
  },
})
const [, nHeads, nKvHeads, headDim] = (/^(\d+)\/(\d+)x(\d+)$/.exec(values.heads) ?? []).map(Number)
if (nHeads === undefined || nKvHeads === undefined || headDim === undefined) {
  throw new Error(`--heads ${values.heads}: heads are named as in 32/8x128`)
}
const contexts = values.contexts.split(',').map(Number)
const gpu = await openGpu({ disableFeatures: values.disable.split(',') })

interface Contestant {
  readonly tuning: Tuning
  readonly recording: Recording<BatchShape>
  readonly compileMs: number
  clock: number
  processor: number
}

const { buffers, cache, y } = createBuffers(gpu, Math.max(...contexts) + 1)
const contestants: Contestant[] = []
for (const variant of VARIANTS) {
  const device = gpu.withTuning(variant)
  if (attentionVariant(device, headDim) !== variant.attention) continue
  if (variant.subgroupLanes === 0 && gpu.tuning.subgroupLanes === 0) continue
  await loadAttention(device.tuning, cache.layout)
  const recorder = new Recorder<BatchShape>(device)
  attention(recorder, buffers, cache, y, 1)
  const start = performance.now()
  const recording = await recorder.build()
  const compileMs = performance.now() - start
  contestants.push({ tuning: device.tuning, recording, compileMs, clock: 0, processor: 0 })
}

console.log(`${gpu.name}: ${values.heads}, ${values.cache} cache`)
const titles = ['context', 'variant', 'ms', 'ms of processors', 'GB/s', 'compiled in ms']
console.log(table(titles, await inTurn()).join('\n'))
gpu.dispose()

async function inTurn(): Promise<string[][]> {
  const lines: string[][] = []
  for (const context of contexts) {
    for (const one of contestants) one.clock = one.processor = Infinity
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const one of contestants) await measure(one, context)
    }
    const bytes = 2 * nKvHeads! * (context + 1) * cache.layout.bytesPerKey(headDim!)
    for (const { tuning, compileMs, clock, processor } of contestants) {
      const { attention, keysPerSplit, nativeF16, subgroupLanes } = tuning
      const name = `${attention}, splits of ${keysPerSplit}${nativeF16 ? ', native f16' : ''}, ${subgroupLanes} lanes`
      lines.push([
        String(context),
        name,
        digits(clock),
        digits(processor),
        digits(bytes / clock / 1e6),
        digits(compileMs),
      ])
    }
  }
  return lines
}

/** Keeps the best: other programs only add to a time. */
async function measure(one: Contestant, context: number): Promise<void> {
  const splits = splitsFor(one.tuning, context + 1)
  gpu.write(buffers.rows, 0, new Uint32Array([0, context, 0, splits]))
  gpu.write(buffers.tiles, 0, new Uint32Array([0, 1]))
  const batch = { rows: 1, outputs: 1, splits, tiles: 1, ruled: 0, logged: 0 }
  const run = async (times: number): Promise<void> => {
    const used = process.cpuUsage()
    const start = performance.now()
    const encoder = gpu.device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    for (let i = 0; i < times; i++) one.recording.encode(pass, batch)
    pass.end()
    gpu.submit(encoder.finish())
    await gpu.finish()
    const { user, system } = process.cpuUsage(used)
    one.clock = Math.min(one.clock, (performance.now() - start) / times)
    one.processor = Math.min(one.processor, (user + system) / 1000 / times)
  }
  await run(1)
  await run(Math.max(1, Math.min(100, Math.round(MS / one.clock))))
}

function createBuffers(gpu: Gpu, ring: number): { buffers: AttentionBuffers; cache: LayerCache; y: Activation } {
  const layout = CACHE_LAYOUTS[values.cache as CacheDtype]
  const stride = headStride(headDim!)
  const valuesAt = nKvHeads! * ring * layout.bytesPerKey(headDim!)
  const buffer = gpu.createBuffer('cache', 2 * valuesAt)
  // Numbers of about 1 in f16, and in f32.
  const words = Uint32Array.from(
    { length: valuesAt / 2 },
    (_, i) => 0x3c003c00 ^ (Math.imul(i, 0x9e3779b1) & 0x83ff83ff),
  )
  gpu.write(buffer, 0, words)
  const q = gpu.createBuffer('q', nHeads! * stride * 4)
  gpu.write(
    q,
    0,
    Float32Array.from({ length: nHeads! * stride }, (_, i) => Math.sin(i)),
  )
  return {
    buffers: {
      rows: gpu.createBuffer('rows', 16),
      tiles: gpu.createBuffer('tiles', 16),
      rope: gpu.createBuffer('rope', 16),
      q,
      unpacked: layout.packs
        ? gpu.createBuffer('keys and values', 2 * 32 * nKvHeads! * headStride(headDim!) * 4)
        : undefined,
      splits: gpu.createBuffer('splits', SUMS * nHeads! * stride * 4),
      stats: gpu.createBuffer('stats', SUMS * nHeads! * 8),
    },
    cache: {
      buffer,
      valuesAt,
      layout,
      shape: { nHeads: nHeads!, nKvHeads: nKvHeads!, headDim: headDim! },
      ring,
      window: FULL_ATTENTION,
    },
    y: createActivation(gpu, 'y', 1, nHeads! * headDim!),
  }
}
