/** The choice of kernels: what is measured, remembered, and never chosen. No clock of this machine counts. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { ParameterError } from '../../src/errors.ts'
import { HARDWARE, type MatmulVariant, SHARING } from '../../src/gpu/tuning.ts'
import { MistralModel } from '../../src/index.ts'
import type { Checkpoint } from '../../src/model/checkpoint.ts'
import { beginChoice, type ChoiceOptions } from '../../src/model/kernel-choice.ts'
import { notes as disk } from '../../src/platform/notes.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { FakeStopwatch, gpu, memory } from './choice-stage.ts'

vi.setConfig({ testTimeout: patience(240_000) })

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
    // Also those that are loaded for other devices only.
    for (const { matmul } of [HARDWARE, SHARING]) {
      expect((await choose({ tuning: { matmul }, hooks })).report.origin).toBe('given')
    }
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
