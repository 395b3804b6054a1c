/** Bind groups that neighbouring dispatches share. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Buffer } from '../../src/gpu/buffer.ts'
import type { Gpu } from '../../src/gpu/device.ts'
import { BufferUsage } from '../../src/gpu/flags.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { Readback } from '../../src/gpu/readback.ts'
import { Recorder } from '../../src/gpu/recorder.ts'
import type { ShaderPart } from '../../src/gpu/shader.ts'
import { disabledFeatures } from '../support/features.ts'

const WORDS = 16

let gpu: Gpu
beforeAll(async () => {
  gpu = await openGpu({ disableFeatures: disabledFeatures() })
})
afterAll(() => gpu.dispose())

/** to = sum of what is read + 1, element by element. */
function sum(to: Buffer, ...from: readonly Buffer[]): ShaderPart {
  return sumOf('f32', to, from)
}

function sumOf(type: 'f32' | 'u32', to: Buffer, from: readonly Buffer[]): ShaderPart {
  const names = from.map((_, i) => `from${i}`)
  const declarations = names.map((name, i) => `@group(0) @binding(${i}) var<storage,read>${name}:array<${type}>;\n`)
  const code = `${declarations.join('')}@group(0) @binding(9) var<storage,read_write>to:array<${type}>;
@compute @workgroup_size(${WORDS}) fn main(@builtin(local_invocation_index) i:u32){to[i]=1+${names.map((name) => `${name}[i]`).join('+')};}`
  const bindings = Object.fromEntries([...names.map((name, i) => [name, from[i]!]), ['to', to]])
  return { module: { name: `sum of ${from.length} ${type}`, code }, bindings, constants: {} }
}

function buffers(count: number, list: typeof Float32Array | typeof Uint32Array = Float32Array): Buffer[] {
  const usage = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST
  return Array.from({ length: count }, (_, i) => {
    const buffer = gpu.createBuffer(`b${i}`, WORDS * 4, usage)
    const data = new list(WORDS)
    for (let word = 0; word < WORDS; word++) data[word] = (i + 1) * 1000 * (word + 1)
    gpu.write(buffer, 0, data)
    return buffer
  })
}

/** What the first word of `result` is in the end, and how often a bind group was set on the way. */
async function outcome(
  device: Gpu,
  parts: readonly ShaderPart[],
  result: Buffer,
  list: typeof Float32Array | typeof Uint32Array = Float32Array,
) {
  const created = gpu.counters.bindGroupsCreated
  const recorder = new Recorder<undefined>(device)
  for (const part of parts) recorder.dispatch(part.module.name, [part], [1])
  const recording = await recorder.build()
  const encoder = gpu.device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  let sets = 0
  const counted = new Proxy(pass, {
    get(target, name) {
      if (name === 'setBindGroup') sets++
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  recording.encode(counted, undefined)
  pass.end()
  const readback = new Readback(gpu, 'result', WORDS * 4)
  readback.copy(encoder, result, WORDS * 4)
  gpu.submit(encoder.finish())
  const [word] = new list(await readback.read(WORDS * 4))
  readback.destroy()
  gpu.check()
  return { word, sets, created: gpu.counters.bindGroupsCreated - created }
}

test.each([
  // Each reads what the one before has written, which is bound for writing then.
  { name: 'a chain of eight buffers', chain: 8, sets: 1 },
  { name: 'a chain of nine', chain: 9, sets: 2 },
  { name: 'a chain of twenty', chain: 20, sets: 3 },
])('$name', async ({ chain, sets }) => {
  for (const shared of [true, false]) {
    const list = buffers(chain)
    const parts = list.slice(1).map((to, i) => sum(to, list[i]!))
    const got = await outcome(gpu.withTuning({ sharedBindGroups: shared }), parts, list.at(-1)!)
    const expected = shared ? sets : chain - 1
    expect(got).toEqual({ word: 1000 + chain - 1, sets: expected, created: expected })
  }
})

test('a dispatch that reads a buffer under two names has a bind group of its own', async () => {
  const [a, b, c] = buffers(3) as [Buffer, Buffer, Buffer]
  const parts = [sum(b, a), sum(c, b, b), sum(b, c), sum(a, b)]
  const got = await outcome(gpu.withTuning({ sharedBindGroups: true }), parts, a)
  // 1000, 1001, 2003, 2004, 2005
  expect(got).toEqual({ word: 2005, sets: 3, created: 3 })
})

test('what only one of the neighbours uses is bound for all of them', async () => {
  const [a, b, c, d, e] = buffers(5) as [Buffer, Buffer, Buffer, Buffer, Buffer]
  const got = await outcome(gpu.withTuning({ sharedBindGroups: true }), [sum(b, a, c), sum(e, d, b)], e)
  expect(got).toEqual({ word: 1000 + 3000 + 1 + 4000 + 1, sets: 1, created: 1 })
})

test('integers that one of the neighbours writes are not shared: barriers may depend on them', async () => {
  const integers = (to: Buffer, from: Buffer) => sumOf('u32', to, [from])
  const [a, b, c] = buffers(3, Uint32Array) as [Buffer, Buffer, Buffer]
  const got = await outcome(
    gpu.withTuning({ sharedBindGroups: true }),
    [integers(b, a), integers(c, b)],
    c,
    Uint32Array,
  )
  expect(got).toEqual({ word: 1002, sets: 2, created: 2 })
  // Where both write, or both read.
  const both = await outcome(
    gpu.withTuning({ sharedBindGroups: true }),
    [integers(c, a), integers(c, a)],
    c,
    Uint32Array,
  )
  expect(both).toEqual({ word: 1001, sets: 1, created: 1 })
})

test('a dispatch that goes on has the pipeline of the one before, and is bound when a batch first has work for it', async () => {
  const own = gpu.withTuning({ sharedBindGroups: false })
  const [rows, WINDOW] = [3, 256]
  const usage = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST
  const x = gpu.createBuffer('x', rows * WINDOW, usage)
  const total = gpu.createBuffer('total', WORDS * 4, usage)
  for (let row = 0; row < rows; row++) gpu.write(x, row * WINDOW, new Uint32Array(WORDS).fill(10 ** row))
  const code = `@group(0) @binding(0) var<storage,read>x:array<u32>;
@group(0) @binding(1) var<storage,read_write>total:array<u32>;
@compute @workgroup_size(${WORDS}) fn main(@builtin(local_invocation_index) i:u32){total[i]+=x[i];}`
  const module = { name: 'add a window', code }
  const recorder = new Recorder<number>(own)
  for (let row = 0; row < rows; row++) {
    const slices = { x: { offset: row * WINDOW, size: WINDOW } }
    const parts = [{ module, bindings: { x, total }, constants: {}, slices }]
    recorder.dispatch('window', parts, [(count) => (count > row ? 1 : 0)], row > 0)
  }
  const before = { ...gpu.counters }
  const made = () => [
    gpu.counters.pipelinesCreated - before.pipelinesCreated,
    gpu.counters.bindGroupsCreated - before.bindGroupsCreated,
  ]
  expect(recorder.pieces()).toHaveLength(1)
  const recording = await recorder.build()
  expect(recording.dispatches).toBe(rows)
  expect(made()).toEqual([1, 1])
  const readback = new Readback(gpu, 'total', WORDS * 4)
  const run = async (count: number) => {
    const encoder = gpu.device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    recording.encode(pass, count)
    pass.end()
    readback.copy(encoder, total, WORDS * 4)
    gpu.submit(encoder.finish())
    return [new Uint32Array(await readback.read(WORDS * 4))[WORDS - 1], ...made()]
  }
  expect(await run(1)).toEqual([1, 1, 1])
  expect(await run(3)).toEqual([112, 1, 3])
  expect(await run(3)).toEqual([223, 1, 3])
  for (const buffer of [x, total, readback]) buffer.destroy()
})
