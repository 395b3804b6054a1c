/** An opened device: its facts, its counters, its failures and its end. */
import { afterAll, describe, expect, test } from 'vitest'
import { DeviceError, DeviceLostError, MemoryError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/device.ts'
import { BufferUsage } from '../../src/gpu/flags.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { Readback } from '../../src/gpu/readback.ts'
import { Recorder } from '../../src/gpu/recorder.ts'
import { part, type ShaderPart } from '../../src/gpu/shader.ts'
import { streamRead } from '../../src/gpu/shaders.gen.ts'
import { attentionMerge } from '../../src/gpu/shaders-attention.gen.ts'
import { disabledFeatures } from '../support/features.ts'

const opened: Gpu[] = []
afterAll(() => {
  for (const gpu of opened) gpu.dispose()
})

async function open(): Promise<Gpu> {
  const gpu = await openGpu({ disableFeatures: disabledFeatures() })
  opened.push(gpu)
  return gpu
}

const READABLE = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST

/** XOR of some words on the GPU. */
function streamPart(gpu: Gpu): {
  part: ShaderPart
  words: ReturnType<Gpu['createBuffer']>
  sums: ReturnType<Gpu['createBuffer']>
} {
  const words = gpu.createBuffer('words', 128 * 16, READABLE)
  const sums = gpu.createBuffer('sums', 64 * 16, READABLE)
  return { part: part(streamRead, { bindings: { words, sums }, constants: { WORDS: 128, THREADS: 64 } }), words, sums }
}

function readbackUnderWay(gpu: Gpu): Promise<ArrayBuffer> {
  const { words } = streamPart(gpu)
  const readback = new Readback(gpu, 'back', 64)
  const encoder = gpu.device.createCommandEncoder()
  readback.copy(encoder, words, 64)
  gpu.submit(encoder.finish())
  return readback.read(64)
}

describe('an opened device', () => {
  test('has the features it asked for, without the disabled ones', async () => {
    const gpu = await open()
    const plain = await openGpu({ disableFeatures: ['shader-f16', 'subgroups', 'timestamp-query'] })
    opened.push(plain)
    for (const name of gpu.features) expect(gpu.device.features.has(name)).toBe(true)
    expect([...plain.features]).toEqual([])
    expect(plain.tuning.subgroupLanes).toBe(0)
    expect(plain.has('shader-f16')).toBe(false)
    expect([0, 4, 8, 16, 32]).toContain(gpu.tuning.subgroupLanes)
    if (!gpu.has('subgroups')) expect(gpu.tuning.subgroupLanes).toBe(0)
    expect(gpu.limits.maxBufferSize).toBe(gpu.device.limits.maxBufferSize)
    expect(gpu.name).not.toBe('')
  })

  test('counts what is asked of it', async () => {
    const gpu = await open()
    const start = { ...gpu.counters }
    const { part: stream, words, sums } = streamPart(gpu)
    const readback = new Readback(gpu, 'back', 64)
    expect(gpu.counters.buffersAlive).toBe(start.buffersAlive + 3)
    expect(gpu.counters.bytesAlive).toBe(start.bytesAlive + 128 * 16 + 64 * 16 + 64)

    const data = new Uint32Array(128 * 4)
    data.set([1, 2, 3, 4], 0)
    data.set([16, 32, 64, 128], 64 * 4)
    gpu.write(words, 0, data)
    const recorder = new Recorder<number>(gpu)
    recorder.dispatch('read once', [stream], [(count) => count])
    recorder.dispatch('read twice', [stream], [1])
    const recording = await recorder.build()
    expect(recording.dispatches).toBe(2)
    expect(gpu.counters.pipelinesCreated).toBe(start.pipelinesCreated + 1)
    expect(gpu.counters.bindGroupsCreated).toBe(start.bindGroupsCreated + 2)

    const made = gpu.counters.buffersCreated
    for (let i = 0; i < 3; i++) {
      const encoder = gpu.device.createCommandEncoder()
      const pass = encoder.beginComputePass()
      recording.encode(pass, 1)
      pass.end()
      readback.copy(encoder, sums, 16)
      gpu.submit(encoder.finish())
      expect([...new Uint32Array(await readback.read(16))]).toEqual([17, 34, 67, 132])
    }
    expect(gpu.counters).toMatchObject({
      buffersCreated: made,
      dispatches: start.dispatches + 6,
      submits: start.submits + 3,
      readbacks: start.readbacks + 3,
    })

    words.destroy()
    words.destroy()
    sums.destroy()
    readback.destroy()
    expect(gpu.counters.buffersAlive).toBe(start.buffersAlive)
    expect(gpu.counters.bytesAlive).toBe(start.bytesAlive)
  })

  test('refuses a buffer that is larger than a binding may be', async () => {
    const gpu = await open()
    const limit = Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize)
    const failed = (() => {
      try {
        return gpu.createBuffer('w2', limit + 1)
      } catch (error) {
        return error
      }
    })()
    expect(failed).toBeInstanceOf(MemoryError)
    expect(failed).toMatchObject({ what: 'w2', limitBytes: limit, neededBytes: Math.ceil((limit + 1) / 16) * 16 })
    expect(gpu.counters.buffersAlive).toBe(0)
    gpu.check()
  })

  test('rounds buffers up to whole quads', async () => {
    const gpu = await open()
    expect([0, 1, 16, 17].map((bytes) => gpu.createBuffer('b', bytes).size)).toEqual([16, 16, 16, 32])
  })
})

describe('a failure', () => {
  test('of validation surfaces at the next check, and stays', async () => {
    const gpu = await open()
    gpu.device.createBuffer({ label: 'nonsense', size: 16, usage: BufferUsage.MAP_READ | BufferUsage.STORAGE })
    await expect(gpu.finish()).rejects.toThrow(DeviceError)
    expect(() => gpu.check()).toThrow(/the GPU refused an operation: .+/)
    expect(() => gpu.createBuffer('next', 16)).toThrow(DeviceError)
  })

  test('inside a guard names what was guarded', async () => {
    const gpu = await open()
    await expect(gpu.guard('fine', async () => 7)).resolves.toBe(7)
    gpu.check()
    const invalid = gpu.guard('the cache', async () => {
      gpu.device.createBuffer({ size: 16, usage: BufferUsage.MAP_READ | BufferUsage.STORAGE })
    })
    await expect(invalid).rejects.toThrow(/^the cache: /)
    await expect(invalid).rejects.toBeInstanceOf(DeviceError)
    // Only what was guarded failed.
    gpu.check()
    await expect(gpu.guard('a bug', () => Promise.reject(new RangeError('mine')))).rejects.toThrow('mine')
  })

  test('to compile names the dispatch, the shader and the adapter', async () => {
    const gpu = await open()
    const { words, sums } = streamPart(gpu)
    const bindings = { words, sums }
    const recorder = new Recorder<undefined>(gpu)
    const code = streamRead.code.replace('sum ^= words[i]', 'sum ^= nothing[i]')
    recorder.dispatch('yardstick', [{ module: { ...streamRead, name: 'broken', code }, bindings, constants: {} }], [1])
    const failed = await recorder.build().catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(DeviceError)
    expect((failed as Error).message).toContain(`yardstick: the shader broken does not compile on ${gpu.name}`)
  })

  test('to allow so many workgroups is told with the limit', async () => {
    const gpu = await open()
    const { part: stream } = streamPart(gpu)
    const recorder = new Recorder<undefined>(gpu)
    const most = gpu.limits.maxComputeWorkgroupsPerDimension
    expect(() => recorder.dispatch('wide', [stream], [1, most])).not.toThrow()
    const wide = () => recorder.dispatch('wide', [stream], [most + 1])
    expect(wide).toThrow(DeviceError)
    expect(wide).toThrow(`wide: ${most + 1} workgroups along one axis; the device allows ${most}`)
  })

  test('to give a constant is one to compile', async () => {
    const gpu = await open()
    const [rows, splits, stats, y] = ['rows', 'splits', 'stats', 'y'].map((label) => gpu.createBuffer(label, 64))
    const bindings = { rows: rows!, splits: splits!, stats: stats!, y: y! }
    const recorder = new Recorder<undefined>(gpu)
    recorder.dispatch('merge', [{ module: attentionMerge, bindings, constants: { HEAD_DIM: 4 } }], [1])
    await expect(recorder.build()).rejects.toThrow(DeviceError)
  })
})

describe('the end of a device', () => {
  test('by dispose is told to whoever comes after', async () => {
    const gpu = await open()
    const buffer = gpu.createBuffer('b', 64)
    gpu.dispose()
    gpu.dispose()
    expect(gpu.counters.buffersAlive).toBe(0)
    expect(gpu.counters.bytesAlive).toBe(0)
    expect(() => gpu.check()).toThrow('the model was disposed')
    expect(() => gpu.createBuffer('late', 16)).toThrow(DeviceError)
    await expect(gpu.finish()).rejects.toThrow(DeviceError)
    await expect(gpu.guard('late', async () => 1)).rejects.toThrow('the model was disposed')
    buffer.destroy()
    expect(gpu.counters.buffersAlive).toBe(0)
  })

  test('from below rejects a readback under way as DeviceLostError', async () => {
    const gpu = await open()
    const pending = readbackUnderWay(gpu)
    gpu.device.destroy()
    const failed = await pending.catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(DeviceLostError)
    expect((failed as DeviceLostError).reason).toBe('destroyed')
    expect(() => gpu.check()).toThrow(DeviceLostError)
    expect(() => gpu.createBuffer('late', 16)).toThrow(DeviceLostError)
  })

  test('by dispose rejects a readback under way as DeviceError', async () => {
    const gpu = await open()
    const pending = readbackUnderWay(gpu)
    gpu.dispose()
    await expect(pending).rejects.toThrow('the model was disposed')
  })
})
