/** What a token costs, by counters and by the calls that reach the device; and the command that prints it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ForwardBench } from '../../src/cli/bench/forward.ts'
import { measureNullBackend } from '../../src/cli/bench/js-cost.ts'
import { measureKernels } from '../../src/cli/bench/kernels.ts'
import { median, quantile } from '../../src/cli/bench/measure.ts'
import { randomBytes } from '../../src/cli/bench/random-bytes.ts'
import { randomCheckpoint } from '../../src/cli/bench/random-checkpoint.ts'
import { digits, renderReport } from '../../src/cli/bench/render.ts'
import type { BenchReport } from '../../src/cli/bench/report.ts'
import { weightBytesPerToken } from '../../src/cli/bench/subject.ts'
import { runCli } from '../../src/cli/run.ts'
import { decodeToF32, STORED_TYPES } from '../../src/formats/blocks.ts'
import { MistralModel } from '../../src/generate/mistral-model.ts'
import { WEIGHT_LAYOUTS } from '../../src/kernels/weight-layouts.ts'
import { GREEDY } from '../../src/model/batch.ts'
import { disabledFeatures } from '../support/features.ts'
import { runCommand, stage } from './stage.ts'

// The first compilation of a shader takes seconds on a software adapter.
const SLOW = 300_000

describe.each([
  { name: 'with norms that are parts of products', folded: true },
  { name: 'with norms that are dispatches', folded: false },
])('a token of the answer, $name', ({ folded }) => {
  const LAYERS = 3
  let model: MistralModel
  beforeAll(async () => {
    const foldedNorms = { 1: folded, 4: folded, 8: folded, decode: folded, many: folded }
    const options = { contextLength: 64, disableFeatures: disabledFeatures(), tuning: { foldedNorms } }
    model = await MistralModel.fromCheckpoint(randomCheckpoint('tiny', LAYERS, 'q8'), options)
  }, SLOW)
  afterAll(() => model?.dispose())

  it('takes few dispatches, one submit, and creates nothing, by the counters', { timeout: SLOW }, async () => {
    const yardstick = { gb_per_s: 10, buffer_bytes: 0, threads: 0 }
    const bench = new ForwardBench(model, yardstick, { tokens: 6, exactly: true })
    const result = await bench.context(20)
    const per = await bench.perToken()
    expect(per.tokens).toBe(6)
    expect(result.decoded_tokens).toBe(6 * result.runs)
    // In a context this short the keys of a row are not split, and there is nothing to merge.
    expect(per.dispatches_per_layer).toBe(folded ? 5 : 7)
    expect(per.dispatches_outside_layers).toBeLessThanOrEqual(4)
    expect(per.dispatches).toBe(LAYERS * per.dispatches_per_layer + per.dispatches_outside_layers)
    expect(per.passes).toBeGreaterThan(0)
    expect(per.passes).toBeLessThanOrEqual(2)
    expect(per).toMatchObject({ submits: 1, readbacks: 1, gpu_objects_created: 0 })
    expect(result.bandwidth_fraction).toBeCloseTo(result.gb_per_s / 10)
  })

  it('is the same by the calls that reach the device', { timeout: SLOW }, async () => {
    const { device } = model.loaded.gpu
    const calls = new Map<string, number>()
    const count = (name: string): void => void calls.set(name, (calls.get(name) ?? 0) + 1)
    const restore: (() => void)[] = []
    const spy = (target: object, name: string, after?: (result: unknown) => void): void => {
      const original = Reflect.get(target, name) as (...args: unknown[]) => unknown
      const counted = (...args: unknown[]): unknown => {
        count(name)
        const result = original.apply(target, args)
        after?.(result)
        return result
      }
      Object.defineProperty(target, name, { configurable: true, value: counted })
      restore.push(() => Reflect.deleteProperty(target, name))
    }
    // One by one, so that nothing is on its way when counting begins: the loop itself would be two steps ahead.
    const { runner } = model.loaded
    const step = async (position: number) =>
      (await runner.sample({ rows: [{ sequence: 0, position, output: true }], steps: 1, needs: [GREEDY] })).result
    try {
      await step(0)
      await step(1)
      for (const name of ['createBuffer', 'createBindGroup', 'createBindGroupLayout', 'createShaderModule']) {
        spy(device, name)
      }
      for (const name of ['createPipelineLayout', 'createComputePipeline', 'createComputePipelineAsync']) {
        spy(device, name)
      }
      spy(device.queue, 'submit')
      spy(device, 'createCommandEncoder', (encoder) =>
        spy(encoder as object, 'beginComputePass', (pass) => spy(pass as object, 'dispatchWorkgroups')),
      )
      for (let n = 2; n < 6; n++) await step(n)
    } finally {
      for (const undo of restore) undo()
    }
    const { submit, createCommandEncoder, beginComputePass, dispatchWorkgroups, ...created } = Object.fromEntries(calls)
    expect(created).toEqual({})
    expect({ submit, createCommandEncoder }).toEqual({ submit: 4, createCommandEncoder: 4 })
    expect(beginComputePass).toBeLessThanOrEqual(2 * 4)
    expect(dispatchWorkgroups).toBeGreaterThan(0)
    expect(dispatchWorkgroups).toBeLessThanOrEqual(4 * (8 * LAYERS + 4))
  })

  it('reads these bytes of weights', () => {
    // Q8: 34 bytes for 32 elements. wqkv, wo, w13 and w2 of a layer; output; gains in f32; a row of the embedding.
    const layer = ((384 * 256 + 256 * 256 + 1024 * 256 + 256 * 512) * 34) / 32
    const ends = (1280 * 256 * 34) / 32 + (256 * 34) / 32
    const gains = (2 * LAYERS + 1) * 256 * 4
    expect(weightBytesPerToken(model.loaded.weights)).toBe(LAYERS * layer + ends + gains)
  })

  it('kernels are timed on their own, and leave nothing behind', { timeout: SLOW }, async () => {
    const { gpu } = model.loaded
    const before = gpu.counters.buffersAlive
    const results = await measureKernels(gpu, [{ name: 'w', layout: WEIGHT_LAYOUTS.q4, rows: 96, cols: 64 }])
    expect(results.map(({ T }) => T)).toEqual([1, 4, 8, 64])
    for (const { T, ms, gflops, gb_per_s } of results) {
      expect(ms).toBeGreaterThan(0)
      expect(gflops).toBeCloseTo((2 * 96 * 64 * T) / ms / 1e6)
      expect(gb_per_s).toBeCloseTo((96 * 2 * 18 + T * (96 + 64) * 4) / ms / 1e6)
    }
    expect(gpu.counters.buffersAlive).toBe(before)
    gpu.check()
  })
})

it('a model of 32 layers decodes on the null backend with as few dispatches', { timeout: SLOW }, async () => {
  const cost = await measureNullBackend({ layers: 32, tokens: 20, disabled: disabledFeatures() })
  expect(cost.layers).toBe(32)
  // Beside the layers: embedding, last norm, logits and the choice of a token.
  expect(cost.dispatches).toBe(6 * 32 + 4)
  expect(cost.p10_ms_per_token).toBeLessThanOrEqual(cost.ms_per_token)
  expect(cost.step_ms).toBeGreaterThanOrEqual(cost.p10_ms_per_token)
  expect(cost.us_per_dispatch).toBeCloseTo((1000 * cost.ms_per_token) / cost.dispatches)
})

it('the command prints one JSON object, and a table of it, and the process ends', { timeout: SLOW }, async () => {
  const args = ['bench', '--shape', 'tiny', '--layers', '1', '--weights', 'q8', '--contexts', '12,3', '--tokens', '3']
  const result = await runCommand([...args, '--json'], { timeoutMs: SLOW })
  expect(result).toMatchObject({ code: 0, hung: false })
  const report = JSON.parse(result.stdout) as BenchReport
  expect(report).toMatchObject({
    runtime: expect.stringMatching(/^node /),
    adapter: { name: expect.any(String), software: expect.any(Boolean), features: expect.any(Array) },
    model: { random_weights: true, layers: 1, dim: 256, vocab: 1280, weights: ['q8'], context_length: 16 },
    bandwidth: { gb_per_s: expect.any(Number), buffer_bytes: expect.any(Number) },
    skipped_contexts: [],
    js: { adapter: { layers: 1 }, null_backend: { layers: 32 } },
  })
  expect(report.contexts.map(({ context }) => context)).toEqual([3, 12])
  for (const row of report.contexts) {
    for (const [name, value] of Object.entries(row)) expect(value, name).toBeGreaterThan(0)
    const bytes = row.weight_bytes_per_token + row.cache_bytes_per_token
    expect(row.gb_per_s).toBeCloseTo((bytes * row.decode_tokens_per_second) / 1e9)
    expect(row.bandwidth_fraction).toBeCloseTo(row.gb_per_s / report.bandwidth.gb_per_s)
    expect(row.prefill_tokens_per_second).toBeCloseTo((1000 * row.context) / row.prefill_ms)
  }
  expect(report).not.toHaveProperty('kernels')
  expect(report.per_token).toMatchObject({ submits: 1, gpu_objects_created: 0 })
  const table = renderReport(stage().cli, report)
  for (const title of ['prefill tok/s', 'decode tok/s', 'streaming read', 'null backend'])
    expect(table).toContain(title)
  expect(table.includes('say nothing about a GPU')).toBe(report.adapter.software)
})

describe('wrong usage ends with 2', () => {
  it.each([
    [['--shape', '13b'], /Allowed choices are 7b, nemo, tiny/],
    [['--shape', '7b', '-m', 'x'], /--shape takes the place of --model/],
    [['--layers', '3', '-m', 'x'], /--layers goes with --shape/],
    [['--layers', '0'], /--layers "0" must be a whole number from 1 to 128/],
    [['--contexts', '16,a'], /--contexts "a" must be a whole number/],
    [['--contexts', ','], /--contexts must name at least one number/],
    [['--tokens', '1.5'], /--tokens "1.5" must be a whole number/],
    [['--disable', 'f32'], /--disable "f32" must be f16 or subgroups/],
    [['--shape', 'tiny', '--contexts', '8,1000', '--tokens', '24'], /1024 positions do not hold a prompt of 1000/],
  ])('%j', async (argv, message) => {
    const on = stage({ argv: ['bench', ...argv] })
    await runCli(on.cli.terminal)
    expect(on.err()).toMatch(message)
    expect(on.out()).toBe('')
    expect(on.exitCode()).toBe(2)
  })
})

describe('random weights', () => {
  it('have the size of the real model', () => {
    // 7,241,732,096 parameters, of which the gains are f32 here and all others f16.
    const gains = 65 * 4096
    expect(randomCheckpoint('7b', 32, 'native').totalBytes).toBe(2 * (7_241_732_096 - gains) + 4 * gains)
  })

  it.each(['f32', 'f16', 'bf16', 'q8_0', 'q4_0'] as const)('of type %s are small and never NaN', (dtype) => {
    const values = decodeToF32(dtype, randomBytes(dtype, 0, 1000 * STORED_TYPES[dtype].bytes))
    expect(values.every((value) => Math.abs(value) < 0.07)).toBe(true)
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
    expect(deviation).toBeGreaterThan(0.01)
    expect(deviation).toBeLessThan(0.04)
  })

  it('are the same however they are read', async () => {
    const checkpoint = randomCheckpoint('tiny', 1, 'q4')
    const info = checkpoint.tensor('output')
    const whole = await checkpoint.readTensor(info, 0, info.byteLength)
    expect(whole.length).toBe((1280 * 256 * 34) / 32)
    const middle = 34 * 5000
    expect(await checkpoint.readTensor(info, middle, 3400)).toEqual(whole.slice(middle, middle + 3400))
    expect(() => checkpoint.tensor('layers.1.wq')).toThrow(RangeError)
  })
})

describe('measuring', () => {
  it('takes medians and quantiles', () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5])
    expect(quantile([5, 4, 3, 2, 1, 6, 7, 8, 9, 10], 0.1)).toBe(1)
    expect(() => median([])).toThrow(RangeError)
  })

  it('shows three digits', () => {
    expect([0, 3, 0.1234, 1.234, 12.34, 123.4, 12345.6].map(digits)).toEqual([
      '0',
      '3',
      '0.123',
      '1.23',
      '12.3',
      '123',
      '12346',
    ])
  })
})
