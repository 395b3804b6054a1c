/** The choice of kernels: what is measured, remembered, and never chosen. No clock of this machine counts. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { ParameterError } from '../../src/errors.ts'
import type { DeviceFacts, Gpu } from '../../src/gpu/device.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { createStopwatch, type Stopwatch, type Work } from '../../src/gpu/stopwatch.ts'
import { HARDWARE, type MatmulVariant } from '../../src/gpu/tuning.ts'
import { MistralModel } from '../../src/index.ts'
import { matmuls } from '../../src/kernels/linear.ts'
import { loadMatmuls } from '../../src/kernels/load-matmuls.ts'
import { WEIGHT_LAYOUTS } from '../../src/kernels/weight-layouts.ts'
import { Autotuner, candidates, type TuneOptions } from '../../src/model/autotune.ts'
import type { Checkpoint } from '../../src/model/checkpoint.ts'
import { beginChoice, type ChoiceOptions } from '../../src/model/kernel-choice.ts'
import { notes as disk } from '../../src/platform/notes.ts'
import type { Notes } from '../../src/platform/types.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'

vi.setConfig({ testTimeout: patience(240_000) })

const opened = await openGpu({ disableFeatures: disabledFeatures(), tuning: HARDWARE })
afterAll(() => opened.dispose())

/** The same device, which says that it is a GPU. */
const gpu: Gpu = Object.defineProperty(Object.create(opened) as Gpu, 'software', { value: false })
gpu.withTuning = (tuning) => Object.assign(Object.create(gpu) as Gpu, { tuning: { ...gpu.tuning, ...tuning } })

const { q4, q8, f16 } = WEIGHT_LAYOUTS
const MATRICES = [
  { layout: q4, rows: 4096, cols: 256 },
  { layout: q4, rows: 64, cols: 256 },
]

/** Says that each kernel takes so many milliseconds, and runs nothing. Kernels come in the order of `candidates`. */
class FakeStopwatch implements Stopwatch {
  readonly asked: number[] = []
  destroyed = 0

  constructor(private readonly ms: (index: number, of: number) => number) {}

  async time(works: readonly Work[]): Promise<number[]> {
    this.asked.push(works.length)
    let repeats = 0
    const pass = {
      setPipeline() {},
      setBindGroup() {},
      dispatchWorkgroups: () => repeats++,
    } as unknown as GPUComputePassEncoder
    return works.map((work, i) => {
      repeats = 0
      work(pass)
      return this.ms(i, works.length) * repeats
    })
  }

  destroy(): void {
    this.destroyed++
  }
}

function memory(): Notes & { readonly texts: Map<string, string> } {
  const texts = new Map<string, string>()
  return {
    texts,
    runtime: 'test',
    read: async (name) => texts.get(name),
    write: async (name, text) => void texts.set(name, text),
  }
}

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
      const { body, size } = make(device, product, tools)
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

/** Of one layer, whose matrices are as in MATRICES. */
const checkpoint = {
  config: { nLayers: 1 },
  tensor: (name: string) => ({ dtype: 'q4_0', shape: [/w[13]$/.test(name) ? 2048 : 64, 256] }),
} as unknown as Checkpoint

async function choose(options: ChoiceOptions) {
  // Time stands still, so that none runs out.
  const hooks = { now: () => 0, ...options.hooks }
  const pending = await beginChoice(gpu, checkpoint, { selfTest: 'never', ...options, hooks })
  return pending.end()
}

const fastLast = () => new FakeStopwatch((i, of) => (i === of - 1 ? 0.005 : 0.01))

describe('the choice while a model is loaded', () => {
  test('is measured once, and remembered', async () => {
    const notes = memory()
    const first = fastLast()
    const measured = await choose({ tuning: 'measure', hooks: { notes, stopwatch: first } })
    expect(measured.report.origin).toBe('measured')
    expect(measured.report.choices['q4 few outputs, 1']).toBe('split_256')
    expect(measured.gpu.tuning.choices).toEqual(measured.report.choices)
    expect(first.destroyed).toBe(1)
    const second = fastLast()
    const again = await choose({ hooks: { notes, stopwatch: second } })
    expect(second.asked).toEqual([])
    expect(again.report).toEqual({ ...measured.report, origin: 'remembered' })
  })

  test('of exact kernels is remembered apart from that of all', async () => {
    const notes = memory()
    await choose({ tuning: 'measure', hooks: { notes, stopwatch: fastLast() } })
    const { report } = await choose({ tuning: 'exact', hooks: { notes, stopwatch: fastLast() } })
    expect(Object.values(report.choices).some((name) => /^(int8|f16)/.test(name))).toBe(false)
  })

  test('forgets what is no note, or names kernels that are no more', async () => {
    for (const text of ['{', '[]', 'null', '{"x":1}']) {
      const notes = memory()
      notes.texts.set('kernels', text)
      expect((await choose({ tuning: 'measure', hooks: { notes, stopwatch: fastLast() } })).report.origin).toBe(
        'measured',
      )
      expect(JSON.parse(notes.texts.get('kernels')!)).toBeTypeOf('object')
    }
    const notes = memory()
    await choose({ tuning: 'measure', hooks: { notes, stopwatch: fastLast() } })
    notes.texts.set('kernels', notes.texts.get('kernels')!.replaceAll('split_256', 'split_9'))
    const { report } = await choose({ hooks: { notes, stopwatch: fastLast() } })
    expect(Object.values(report.choices)).not.toContain('split_9')
  })

  test('is not made where it is off or given, and kernels that do not exist are refused', async () => {
    const stopwatch = fastLast()
    const hooks = { notes: memory(), stopwatch }
    expect((await choose({ tuning: 'off', hooks })).report).toMatchObject({ origin: 'default', choices: {} })
    expect((await choose({ tuning: { matmul: HARDWARE.matmul }, hooks })).report.origin).toBe('given')
    expect(stopwatch.asked).toEqual([])
    const wrong = { ...HARDWARE.matmul, 1: 'vectr' as MatmulVariant }
    await expect(choose({ tuning: { matmul: wrong }, hooks })).rejects.toThrow(ParameterError)
    await expect(choose({ tuning: { choices: { any: 'x' as MatmulVariant } }, hooks })).rejects.toThrow('"x"')
    await expect(choose({ tuning: { tiles: 1 } as object, hooks })).rejects.toThrow('must be made of nativeF16')
    await expect(choose({ tuning: 'fast' as 'auto', hooks })).rejects.toThrow('must be auto, exact, measure, off')
    await expect(choose({ selfTest: 'no' as 'never', hooks })).rejects.toThrow('selfTest')
  })

  test('does without what the self-test found wrong, now and later', async () => {
    const notes = memory()
    const fails = (name: string) => /^batch8/.test(name)
    const first = await choose({ tuning: 'off', selfTest: 'once', hooks: { notes, fails } })
    expect(first.report).toMatchObject({ selfTest: 'passed', off: ['matrix product batch8'] })
    expect(first.gpu.tuning.matmul).toMatchObject({ 8: 'vector', decode: 'vector', many: 'tile' })
    const later = await choose({ tuning: 'off', selfTest: 'once', hooks: { notes } })
    expect(later.report).toMatchObject({ selfTest: 'remembered', off: ['matrix product batch8'] })
    expect(later.gpu.tuning.matmul).toEqual(first.gpu.tuning.matmul)
    const refused = choose({ selfTest: 'always', hooks: { notes, fails: () => true } })
    await expect(refused).rejects.toMatchObject({ name: 'SelfTestError', report: expect.stringContaining('WRONG') })
  })
})

describe('a model', () => {
  test('says which kernels it computes with; software adapters have a fixed choice and are not tested', async () => {
    const model = await MistralModel.load(fixture('llama-linear').path, { disableFeatures: disabledFeatures() })
    const { kernels } = model.status()
    expect(kernels).toMatchObject({ origin: 'default', choices: {}, measured: {}, off: [] })
    if (model.loaded.gpu.software) expect(kernels.selfTest).toBe('skipped')
    model.dispose()
  })

  test('is not loaded on a device that computes wrong', async () => {
    const { path } = fixture('llama-linear')
    const hooks = { notes: memory(), fails: () => true }
    const load = MistralModel.load(path, {
      selfTest: 'always',
      kernelHooks: hooks,
      disableFeatures: disabledFeatures(),
    })
    await expect(load).rejects.toMatchObject({ name: 'SelfTestError' })
  })

  test('answers as ever with kernels that were measured', async () => {
    const { path, reference } = fixture('llama-linear')
    const model = await MistralModel.load(path, {
      kvCache: 'f32',
      tuning: 'measure',
      selfTest: 'always',
      kernelHooks: { notes: memory() },
      disableFeatures: disabledFeatures(),
    })
    expect(model.status().kernels.selfTest).toBe('passed')
    const ids: number[] = []
    const params = { do_sample: false, max_tokens: reference.greedy.length, ignore_eos: true }
    for await (const { tokenId } of model.generate(reference.prompt, params)) ids.push(tokenId)
    expect(ids).toEqual(reference.greedy)
    model.dispose()
  })
})

test('notes on the disk come back, and never throw', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'notes-'))
  const before = process.env.XDG_CACHE_HOME
  process.env.XDG_CACHE_HOME = join(folder, 'not there yet')
  try {
    expect(await disk.read('kernels')).toBeUndefined()
    await disk.write('kernels', '{"a":1}')
    expect(await disk.read('kernels')).toBe('{"a":1}')
    expect(await readdir(join(folder, 'not there yet', 'mistral-webgpu'))).toEqual(['kernels.json'])
    expect(await readFile(join(folder, 'not there yet', 'mistral-webgpu', 'kernels.json'), 'utf8')).toBe('{"a":1}')
    await writeFile(join(folder, 'file'), '')
    process.env.XDG_CACHE_HOME = join(folder, 'file')
    await disk.write('kernels', '{}')
    expect(await disk.read('kernels')).toBeUndefined()
  } finally {
    if (before === undefined) delete process.env.XDG_CACHE_HOME
    else process.env.XDG_CACHE_HOME = before
    await rm(folder, { recursive: true })
  }
})
