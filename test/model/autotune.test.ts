import { describe, expect, test, vi } from 'vitest'
import type { DeviceFacts, Gpu } from '../../src/gpu/device.ts'
import { createStopwatch } from '../../src/gpu/stopwatch.ts'
import { HARDWARE } from '../../src/gpu/tuning.ts'
import { type Kernel, matmuls } from '../../src/kernels/linear.ts'
import { loadMatmuls } from '../../src/kernels/load-matmuls.ts'
import { WEIGHT_LAYOUTS } from '../../src/kernels/weight-layouts.ts'
import { Autotuner, candidates, type TuneOptions } from '../../src/model/autotune.ts'
import { patience } from '../support/patience.ts'
import { FakeStopwatch, gpu, MATRICES, opened } from './choice-stage.ts'

vi.setConfig({ testTimeout: patience(240_000) })

const { q4, q8, f16 } = WEIGHT_LAYOUTS

async function tune(options: Partial<TuneOptions> = {}) {
  const stopwatch = options.stopwatch ?? new FakeStopwatch((i) => 1 + i)
  const tuner = await Autotuner.create(gpu, MATRICES, {
    exact: false,
    budgetMs: 1e9,
    now: () => 0,
    ...options,
    stopwatch,
  })
  return { tuner, result: await tuner.run() }
}

describe('the tuner', () => {
  test('keeps what all begin with where nothing is faster, and has tried everything', async () => {
    const { bytesAlive } = gpu.counters
    const { result } = await tune()
    expect(result.complete).toBe(true)
    expect(result.choices).toEqual({})
    expect(result.failed).toEqual([])
    // The small matrix is not worth it.
    expect(Object.keys(result.measured)).toEqual([
      'q4 few outputs, 1',
      'q4 few outputs, many',
      'q4 few outputs, 8',
      'q4 few outputs, 4',
      'q4 few outputs, decode',
    ])
    const [first] = Object.values(result.measured)
    expect(Object.keys(first!)).toEqual(candidates(gpu, q4, 1, false))
    expect(gpu.counters.bytesAlive).toBe(bytesAlive)
  })

  test('chooses the fastest of each, by more than noise', async () => {
    // The last one is the fastest, by a tenth or by a hundredth.
    const chosen = async (last: number) =>
      (await tune({ stopwatch: new FakeStopwatch((i, of) => (i === of - 1 ? last : 1)) })).result.choices
    expect(await chosen(0.99)).toEqual({})
    const choices = await chosen(0.9)
    expect(choices['q4 few outputs, 1']).toBe(candidates(gpu, q4, 1, false).at(-1))
    expect(choices['q4 few outputs, many']).toBe(candidates(gpu, q4, 'many', false).at(-1))
  })

  test('goes on where an earlier run stopped, and stops at the end of its time', async () => {
    let clock = 0
    const ticking = { now: () => clock++, budgetMs: 3 }
    const first = (await tune(ticking)).result
    expect(first.complete).toBe(false)
    const done = Object.keys(first.measured)
    expect(done.length).toBeGreaterThan(0)
    expect(done.length).toBeLessThan(5)
    const stopwatch = new FakeStopwatch((i) => 1 + i)
    const { result } = await tune({ stopwatch, known: first })
    expect(result.complete).toBe(true)
    expect(Object.keys(result.measured)).toHaveLength(5)
    const whole = new FakeStopwatch((i) => 1 + i)
    await tune({ stopwatch: whole })
    expect(stopwatch.asked.length).toBeLessThan(whole.asked.length)
  })

  test('leaves a device alone that is too slow for its time', async () => {
    const stopwatch = new FakeStopwatch(() => 100)
    const { result } = await tune({ stopwatch, budgetMs: 1500 })
    expect(result).toMatchObject({ complete: true, choices: {} })
    expect(stopwatch.asked).toEqual([2, 2, 2, 2, 2])
    for (const times of Object.values(result.measured)) expect(Object.keys(times)).toHaveLength(1)
  })

  test('never chooses a kernel that errs, however fast it is', async () => {
    await loadMatmuls({ ...HARDWARE, nativeF16: false, subgroupLanes: 0, choices: { any: 'tile' } })
    const make = matmuls.get('split_64')!
    matmuls.set('split_64', (device, product, tools) => {
      const { body, size } = make(device, product, tools) as Kernel
      // Half of the outputs are left out.
      return { body, size: [Math.ceil((size[0] as number) / 2), ...size.slice(1)] }
    })
    try {
      const at = candidates(gpu, q4, 1, false).indexOf('split_64')
      const { result } = await tune({ stopwatch: new FakeStopwatch((i) => (i === at ? 0.01 : 1)) })
      expect(result.failed).toEqual(['q4 split_64'])
      expect(Object.values(result.choices)).not.toContain('split_64')
      expect(Object.keys(result.measured['q4 few outputs, 1']!)).not.toContain('split_64')
    } finally {
      matmuls.set('split_64', make)
    }
  })

  test('takes kernels that round only where the weights were rounded more, and nowhere when it must be exact', () => {
    const names = (layout: typeof q4 | typeof q8 | typeof f16, exact: boolean) =>
      candidates(gpu, layout, 'many', exact).filter((name) => /^(int8|f16)/.test(name))
    expect(names(q4, true)).toEqual([])
    expect(names(f16, false)).toEqual([])
    expect(names(q8, false).every((name) => name.startsWith('f16'))).toBe(true)
    if (gpu.language.has('packed_4x8_integer_dot_product')) expect(names(q4, false)).toContain('int8_32x64')
    expect(candidates(gpu, q4, 1, false).some((name) => /^(int8|f16)/.test(name))).toBe(false)
  })
})

test('the stopwatches of this adapter measure something', async () => {
  const [plain, timestamps] = [new Set<string>(), opened.features]
  for (const features of opened.has('timestamp-query') ? [plain, timestamps] : [plain]) {
    const view = Object.assign(Object.create(opened) as Gpu, { features } satisfies Partial<DeviceFacts>)
    const stopwatch = createStopwatch(view)
    const tuner = await Autotuner.create(gpu, MATRICES, { exact: true, budgetMs: 1e9, now: () => 0, stopwatch })
    tuner.stop()
    expect((await tuner.run()).complete).toBe(false)
    const times = await stopwatch.time(Array.from({ length: 70 }, () => () => {}))
    expect(times).toHaveLength(70)
    expect(times.every((ms) => ms >= 0 && ms < 60_000)).toBe(true)
    stopwatch.destroy()
  }
})
