/** This engine, from its sources. */
import { fillWeight } from '../../src/cli/bench/kernels.ts'
import type { Gpu } from '../../src/gpu/device.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { Readback } from '../../src/gpu/readback.ts'
import { Recorder } from '../../src/gpu/recorder.ts'
import { MistralModel } from '../../src/index.ts'
import { linear, store } from '../../src/kernels/linear.ts'
import { loadMatmuls } from '../../src/kernels/load-matmuls.ts'
import { type BatchShape, batchClassOf, createActivation } from '../../src/kernels/shape.ts'
import { createWeight, type Weight } from '../../src/kernels/weight.ts'
import { WEIGHT_LAYOUTS } from '../../src/kernels/weight-layouts.ts'
import {
  type Contestant,
  type ModelJob,
  type OpenOptions,
  type ProductJob,
  promptIds,
  type Times,
  timesOf,
} from './jobs.ts'

export async function open({ model }: OpenOptions): Promise<Contestant> {
  if (model === undefined) return products()
  const gpu = await openGpu({})
  const { name } = gpu
  gpu.dispose()
  const loaded = await MistralModel.load(model, { contextLength: 1024 })
  let salt = 0
  return {
    name: `this build on ${name}`,
    run: (job) => answer(loaded, job as ModelJob, ++salt),
  }
}

async function answer(model: MistralModel, { prompt, tokens }: ModelJob, salt: number): Promise<Times> {
  const ids = promptIds(prompt, salt)
  const arrivals: number[] = []
  const start = performance.now()
  for await (const _ of model.generate(ids, { do_sample: false, max_tokens: tokens, ignore_eos: true })) {
    arrivals.push(performance.now())
  }
  return timesOf(start, arrivals)
}

async function products(): Promise<Contestant> {
  const gpu = await openGpu({})
  await loadMatmuls(gpu.tuning)
  const made = new Map<string, () => Promise<void>>()
  return {
    name: `this build on ${gpu.name}`,
    async run(job) {
      const { rows, cols, T, times } = job as ProductJob
      const key = `${rows}x${cols}x${T}`
      const once = made.get(key) ?? (await product(gpu, job as ProductJob))
      made.set(key, once)
      const start = performance.now()
      for (let i = 0; i < times; i++) await once()
      return { product: (performance.now() - start) / times }
    },
  }
}

const weights = new Map<string, Weight>()

async function weightOf(gpu: Gpu, rows: number, cols: number): Promise<Weight> {
  const key = `${rows}x${cols}`
  let weight = weights.get(key)
  if (weight === undefined) {
    weight = createWeight(gpu, key, WEIGHT_LAYOUTS.q4, rows, cols)
    weights.set(key, weight)
    await fillWeight(gpu, weight)
  }
  return weight
}

/** What does one product, with the way of x to the GPU and of y back. */
async function product(gpu: Gpu, { rows, cols, T }: ProductJob): Promise<() => Promise<void>> {
  const weight = await weightOf(gpu, rows, cols)
  const x = createActivation(gpu, 'x', T, cols)
  const y = createActivation(gpu, 'y', T, rows)
  const readback = new Readback(gpu, 'y', T * rows * 4)
  const recorder = new Recorder<BatchShape>(gpu)
  linear(recorder, x, weight, store(y), { batchClass: batchClassOf(T) })
  const recording = await recorder.build()
  const batch: BatchShape = { rows: T, outputs: T, splits: 1, tiles: T, ruled: 0, logged: 0 }
  const values = Float32Array.from({ length: T * cols }, (_, i) => Math.sin(i))
  return async () => {
    gpu.write(x.buffer, 0, values)
    const encoder = gpu.device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    recording.encode(pass, batch)
    pass.end()
    readback.copy(encoder, y.buffer, T * rows * 4)
    gpu.submit(encoder.finish())
    await readback.read(T * rows * 4, 'product')
  }
}
