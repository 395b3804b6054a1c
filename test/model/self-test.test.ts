/** The self-test: right where the kernels are, and what it does where they are not. */
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { MistralError, SelfTestError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/device.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { HARDWARE } from '../../src/gpu/tuning.ts'
import { WEIGHT_LAYOUTS } from '../../src/kernels/weight-layouts.ts'
import { selfTest } from '../../src/model/self-test.ts'
import { TINY_LOGITS } from '../../src/model/self-test-model.ts'
import { disabledFeatures } from '../support/features.ts'
import { patience } from '../support/patience.ts'
import { plainTinyLogits } from './plain-tiny.ts'

vi.setConfig({ testTimeout: patience(240_000) })

const gpu = await openGpu({ disableFeatures: disabledFeatures() })
afterAll(() => gpu.dispose())
const layouts = [WEIGHT_LAYOUTS.q4]

test('the known answer of the tiny model is that of the plain forward pass', async () => {
  const logits = (await plainTinyLogits()).slice(-TINY_LOGITS.length)
  for (const [i, known] of TINY_LOGITS.entries()) {
    expect(known.length).toBeGreaterThan(30)
    for (const [k, value] of known.entries()) expect(logits[i]![k]).toBeCloseTo(value, 3)
  }
})

test('finds nothing wrong with the kernels of this adapter, nor with those of GPUs, and leaves nothing behind', async () => {
  const { buffersAlive, bytesAlive } = gpu.counters
  for (const device of [gpu, gpu.withTuning(HARDWARE)]) {
    const { tuning, off, checks } = await selfTest(device, { layouts: [WEIGHT_LAYOUTS.q4, WEIGHT_LAYOUTS.f16] })
    expect(checks.filter(({ fault }) => fault !== undefined)).toEqual([])
    expect(checks.map(({ name }) => name)).toContainEqual(expect.stringMatching(/^tiny model/))
    expect({ tuning, off }).toEqual({ tuning: {}, off: [] })
  }
  expect({ buffersAlive: gpu.counters.buffersAlive, bytesAlive: gpu.counters.bytesAlive }).toEqual({
    buffersAlive,
    bytesAlive,
  })
})

describe('what is made to fail is switched off', () => {
  test('one matrix product', async () => {
    const device = gpu.withTuning(HARDWARE)
    const { tuning, off } = await selfTest(device, { layouts, fails: (name) => /^batch8/.test(name) })
    expect(off).toEqual(['matrix product batch8'])
    expect(tuning.matmul).toEqual({ ...HARDWARE.matmul, 8: 'vector', decode: 'vector' })
  })

  test('attention in tiles, when the tiny model errs with it', async () => {
    const device = gpu.withTuning(HARDWARE)
    const { tuning, off } = await selfTest(device, { layouts, fails: (name) => /attention in tiles/.test(name) })
    expect(off).toEqual(['norms inside of products', 'shared bind groups', 'every attention but the plainest'])
    expect(tuning).toMatchObject({ attention: 'rows', sharedBindGroups: false })
    expect(tuning.matmul).toBeUndefined()
  })

  test('norms inside of products, and nothing else', async () => {
    const device = gpu.withTuning(HARDWARE)
    const { tuning, off } = await selfTest(device, { layouts, fails: (name) => /norms inside/.test(name) })
    expect(off).toEqual(['norms inside of products'])
    expect(Object.keys(tuning)).toEqual(['foldedNorms'])
  })

  test('everything that can be, before the device is refused', async () => {
    const device = gpu.withTuning(HARDWARE)
    const error = await selfTest(device, { layouts, fails: () => true }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(SelfTestError)
    const { report, message } = error as SelfTestError
    expect(message).toContain('computes wrong')
    expect(report).toContain(`adapter: ${gpu.name}`)
    expect(report).toMatch(/\nWRONG: vector, q4[^\n]*: made to fail/)
    expect(MistralError.fromJSON(JSON.parse(JSON.stringify(error)))).toMatchObject({ name: 'SelfTestError', report })
  })
})

/** A driver that computes wrong: its compiler gets another program than was written. */
describe('a driver that computes wrong', () => {
  const { device } = gpu
  const original = device.createShaderModule.bind(device)
  afterEach(() => {
    device.createShaderModule = original
  })

  function miscompiled(from: RegExp, to: string): { view: Gpu; seen: () => number } {
    let count = 0
    device.createShaderModule = (descriptor) => {
      const code = descriptor.code.replace(from, to)
      if (code !== descriptor.code) count++
      return original({ ...descriptor, code })
    }
    // Its own pipelines: those that were compiled before are right.
    const view = gpu.withTuning(HARDWARE)
    view.pipelines.clear()
    return { view, seen: () => count }
  }

  test('in sums over subgroups does without them', async () => {
    if (gpu.tuning.subgroupLanes === 0) return
    const { view, seen } = miscompiled(/subgroupShuffleXor\((\w+), ?(\w+)\)/g, '0.5*$1')
    const { tuning, off } = await selfTest(view, { layouts })
    expect(seen()).toBeGreaterThan(0)
    expect(off).toContain('subgroups')
    expect(tuning.subgroupLanes).toBe(0)
  })

  test('in what all kernels need is refused', async () => {
    const { view, seen } = miscompiled(/inverseSqrt|1\.0 ?\/ ?sqrt/g, '0.5*inverseSqrt')
    const error = await selfTest(view, { layouts }).catch((caught: unknown) => caught)
    expect(seen()).toBeGreaterThan(0)
    expect((error as SelfTestError).report).toMatch(/WRONG: tiny model[^\n]*: logit \d+ of the prompt is /)
  })

  test('that refuses a program is as one that computes wrong', async () => {
    const { view } = miscompiled(/var<workgroup> ?x_tile/g, 'var<workgroup> x_tile_;')
    const { tuning, off } = await selfTest(view, { layouts })
    expect(off).toEqual(['matrix product tile'])
    expect(tuning.matmul).toEqual({ ...HARDWARE.matmul, many: 'vector' })
    gpu.check()
  })
})
