/** onnxruntime-node, on its WebGPU provider or on the CPU: graphs with the weights inside, made here. */
import { type Accuracy, productGraph, sliceGraph } from './graphs.ts'
import {
  type Contestant,
  type ModelJob,
  type OpenOptions,
  type ProductJob,
  peer,
  SLICE,
  type Times,
  timesOf,
} from './jobs.ts'
import { onnxModel } from './onnx.ts'

// biome-ignore lint/suspicious/noExplicitAny: the project does not have the package's types
type Ort = any

export const openWebgpu = (options: OpenOptions) => open(options, 'webgpu')
export const openCpu = (options: OpenOptions) => open(options, 'cpu')

async function open({ model }: OpenOptions, provider: 'webgpu' | 'cpu'): Promise<Contestant> {
  const ort = await peer('onnxruntime-node')
  const accuracy = provider === 'cpu' ? 4 : 0
  const session = (bytes: Uint8Array) =>
    ort.InferenceSession.create(bytes, { executionProviders: [provider], logSeverityLevel: 3 })
  const name = `onnxruntime-node ${ort.env.versions.node}, ${provider === 'webgpu' ? 'WebGPU' : 'CPU'}`
  if (model === undefined) return { name, run: products(ort, session, accuracy) }
  const slice = await session(onnxModel(sliceGraph(accuracy)))
  return { name, run: (job) => answer(ort, slice, job as ModelJob) }
}

function products(ort: Ort, session: (bytes: Uint8Array) => Promise<Ort>, accuracy: Accuracy): Contestant['run'] {
  const sessions = new Map<string, Ort>()
  return async (job) => {
    const { rows, cols, T, times } = job as ProductJob
    const key = `${rows}x${cols}`
    const own = sessions.get(key) ?? (await session(onnxModel(productGraph(rows, cols, accuracy))))
    sessions.set(key, own)
    const values = Float32Array.from({ length: T * cols }, (_, i) => Math.sin(i))
    const x = new ort.Tensor('float32', values, [T, cols])
    const start = performance.now()
    for (let i = 0; i < times; i++) await own.run({ x })
    return { product: (performance.now() - start) / times }
  }
}

/** Which tokens they are changes no time: embeddings are given. */
async function answer(ort: Ort, session: Ort, { prompt, tokens }: ModelJob): Promise<Times> {
  const { layers, dim, kvHeads, headDim } = SLICE
  const int = (value: number) => new ort.Tensor('int32', Int32Array.of(value), [1])
  let past: Record<string, Ort> = {}
  for (let i = 0; i < layers; i++) {
    for (const part of ['k', 'v']) {
      past[`past.${part}${i}`] = new ort.Tensor('float32', new Float32Array(0), [1, kvHeads, 0, headDim])
    }
  }
  const arrivals: number[] = []
  const start = performance.now()
  for (let step = 0, length = 0; step < tokens; step++) {
    const rows = step === 0 ? prompt : 1
    length += rows
    const values = Float32Array.from({ length: rows * dim }, (_, i) => Math.sin(i + step))
    const x = new ort.Tensor('float32', values, [1, rows, dim])
    const results = await session.run({ x, before: int(length - 1), total: int(length), ...past })
    // What a caller does with the logits: the best token.
    best(results.logits.data as Float32Array)
    past = Object.fromEntries(Object.keys(past).map((name) => [name, results[name.replace('past', 'present')]]))
    arrivals.push(performance.now())
  }
  return timesOf(start, arrivals)
}

function best(logits: Float32Array): number {
  let at = 0
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[at]!) at = i
  return at
}
