/** The time of every dispatch, and the trace file that is made of it. */
import { describe, expect, test } from 'vitest'
import { DeviceError } from '../../src/errors.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { type BatchProfile, Profiler } from '../../src/gpu/profiler.ts'
import { chromeTrace, MistralModel } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture } from '../support/fixtures.ts'

const gpu = await openGpu({ disableFeatures: disabledFeatures() })
const hasClock = gpu.has('timestamp-query')
gpu.dispose()

const { path, reference } = fixture('llama-linear')
const params = { do_sample: false, max_tokens: 5, ignore_eos: true }

async function greedy(model: MistralModel): Promise<number[]> {
  const ids: number[] = []
  for await (const { tokenId } of model.generate(reference.prompt, params)) ids.push(tokenId)
  return ids
}

describe.runIf(hasClock)('a profile', () => {
  test('has every dispatch of every batch, and changes no answer', async () => {
    const profiles: BatchProfile[] = []
    const options = { disableFeatures: disabledFeatures(), stepsPerReadback: 1 }
    const model = await MistralModel.load(path, { ...options, onProfile: (profile) => profiles.push(profile) })
    // As long as JavaScript chooses, no kernel does.
    await model.loaded.runner.recordings.endings({ ruled: false, kind: 'greedy', logged: false })
    const { dispatches } = model.loaded.gpu.counters
    expect(await greedy(model)).toEqual(reference.greedy.slice(0, 5))
    await model.loaded.runner.profiler!.finish()
    const kernels = profiles.flatMap((profile) => profile.kernels)
    expect(kernels.length).toBe(model.loaded.gpu.counters.dispatches - dispatches)
    const labels = profiles.at(-1)!.kernels.map(({ label }) => label)
    const layers = model.config.nLayers
    for (const matrix of ['wqkv', 'wo', 'w13', 'w2']) expect(labels).toContain(`layers.${layers - 1}.${matrix}`)
    expect(labels.filter((label) => label === 'attention')).toHaveLength(layers)
    expect(labels.at(-1)).toBe('draw greedy')
    for (const { ms, start, kernel, workgroups } of kernels) {
      expect(ms).toBeGreaterThanOrEqual(0)
      expect(Number.isFinite(start)).toBe(true)
      expect(kernel).toMatch(/^\w+/)
      expect(workgroups.every((size) => size > 0)).toBe(true)
    }
    expect(profiles.every(({ untimed }) => untimed === 0)).toBe(true)
    model.dispose()
  })

  test('leaves out what there is no room for, and computes it all the same', async () => {
    const model = await MistralModel.load(path, { disableFeatures: disabledFeatures(), stepsPerReadback: 1 })
    const profiles: BatchProfile[] = []
    const { runner, gpu: device } = model.loaded
    const { bytesAlive } = device.counters
    const profiler = new Profiler(device, (profile) => profiles.push(profile), 3)
    runner.profiler = profiler
    expect(await greedy(model)).toEqual(reference.greedy.slice(0, 5))
    await profiler.finish()
    for (const { kernels, untimed } of profiles) {
      expect(kernels).toHaveLength(3)
      expect(untimed).toBeGreaterThan(3)
    }
    profiler.destroy()
    runner.profiler = undefined
    expect(device.counters.bytesAlive).toBe(bytesAlive)
    model.dispose()
  })
})

test('a device without a clock has no profile, and says so', async () => {
  const load = MistralModel.load(path, {
    disableFeatures: [...disabledFeatures(), 'timestamp-query'],
    onProfile: () => {},
  })
  await expect(load).rejects.toThrow(DeviceError)
  await expect(load).rejects.toThrow('timestamp-query')
})

test('a trace is what viewers open', () => {
  const kernel = { label: 'layers.0.wqkv', kernel: 'matmul_vec + weights_q4', workgroups: [8, 1, 1] }
  const profiles = [
    {
      kernels: [
        { ...kernel, start: 0, ms: 0.25 },
        { ...kernel, label: 'attention', start: 0.5, ms: 1 },
      ],
      untimed: 2,
    },
    { kernels: [], untimed: 0 },
    { kernels: [{ ...kernel, start: 2, ms: 0.125 }], untimed: 0 },
  ]
  const { traceEvents } = JSON.parse(chromeTrace(profiles, 'a GPU'))
  const complete = traceEvents.filter((event: { ph: string }) => event.ph === 'X')
  expect(complete).toEqual([
    { ph: 'X', pid: 1, tid: 1, name: 'batch 0', ts: 0, dur: 1500, args: { dispatches: 4, untimed: 2 } },
    {
      ph: 'X',
      pid: 1,
      tid: 2,
      name: 'layers.0.wqkv',
      ts: 0,
      dur: 250,
      args: { kernel: kernel.kernel, workgroups: '8 x 1 x 1' },
    },
    {
      ph: 'X',
      pid: 1,
      tid: 2,
      name: 'attention',
      ts: 500,
      dur: 1000,
      args: { kernel: kernel.kernel, workgroups: '8 x 1 x 1' },
    },
    { ph: 'X', pid: 1, tid: 1, name: 'batch 2', ts: 2000, dur: 125, args: { dispatches: 1, untimed: 0 } },
    {
      ph: 'X',
      pid: 1,
      tid: 2,
      name: 'layers.0.wqkv',
      ts: 2000,
      dur: 125,
      args: { kernel: kernel.kernel, workgroups: '8 x 1 x 1' },
    },
  ])
  const names = traceEvents
    .filter((event: { ph: string }) => event.ph === 'M')
    .map((event: { args: object }) => event.args)
  expect(names).toEqual([{ name: 'a GPU' }, { name: 'batches' }, { name: 'kernels' }])
})
