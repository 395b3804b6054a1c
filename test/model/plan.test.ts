/** How long a context is planned, and that what does not fit is said with its limit, before and while loading. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  CheckpointError,
  canRun,
  type LoadOptions,
  MemoryError,
  MistralError,
  MistralModel,
  type ModelPlan,
  ParameterError,
  plan,
} from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { stubSmallGpu } from '../support/small-gpu.ts'

const folder = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))

/** A model of the fixtures as one that was trained for more positions. It counts the bytes that are read of its weights. */
function trainedFor(positions: number, name = 'head-dim') {
  const source = {
    read: 0,
    async open(file: string) {
      const bytes = await readFile(join(folder(`checkpoints/${name}`), file)).catch(() => undefined)
      if (bytes === undefined) return undefined
      if (file === 'config.json') {
        const config = JSON.parse(bytes.toString())
        return JSON.stringify({ ...config, max_position_embeddings: positions })
      }
      if (!file.endsWith('.safetensors')) return new Uint8Array(bytes)
      return {
        size: bytes.length,
        read: async (offset: number, length: number) => {
          source.read += length
          return new Uint8Array(bytes.subarray(offset, offset + length))
        },
      }
    },
  }
  return source
}

const given: LoadOptions = { disableFeatures: disabledFeatures(), kvCache: 'f32' }
/** Of `head-dim`, whose layers have one key/value head of 20: keys and values in f32. */
const LAYER_TOKEN = 2 * 20 * 4

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('the context by itself', { timeout: patience(60_000) }, () => {
  afterEach(() => vi.unstubAllGlobals())

  test('is what the model was trained for, up to 4096, whatever its weights are', async () => {
    for (const positions of [100, 4096]) {
      const planned = await plan(trainedFor(positions), given)
      expect(planned).toMatchObject({ contextLength: positions, contextLimit: 'model', trainedPositions: positions })
    }
    const planned = await plan(trainedFor(100_000), given)
    expect(planned).toMatchObject({ contextLength: 4096, contextLimit: 'default', fits: true })
    expect(planned.largestContext).toBeGreaterThan(4096)
    await withModel(trainedFor(100_000), given, async (model) => {
      expect(model.contextLength).toBe(4096)
      expect(model.status().memory).toEqual(planned.memory)
    })
  })

  test('is all that a sliding window makes possible, since its cache does not grow', async () => {
    const planned = await plan(trainedFor(50_000, 'window-7'), given)
    expect(planned).toMatchObject({ contextLength: 50_000, contextLimit: 'model' })
    const short = await plan(trainedFor(50_000, 'window-7'), { ...given, contextLength: 4096 })
    expect(planned.memory.cache).toBe(short.memory.cache)
  })

  test('is what maxMemory leaves, in whole steps of 256', async () => {
    const usual = await plan(trainedFor(100_000), given)
    const maxMemory = usual.memory.total + 6000 * usual.memory.cachePerToken
    const planned = await plan(trainedFor(100_000), { ...given, contextLength: 'auto', maxMemory })
    expect(planned).toMatchObject({ contextLimit: 'memory', fits: true })
    expect(planned.contextLength).toBeGreaterThan(9000)
    expect(planned.contextLength % 256).toBe(0)
    expect(planned.memory.total).toBeLessThanOrEqual(maxMemory)
    expect(planned.largestContext - planned.contextLength).toBeLessThan(256)
    const more = await plan(trainedFor(100_000), { ...given, contextLength: planned.largestContext + 1 })
    expect(more.memory.total).toBeGreaterThan(maxMemory)
    await withModel(trainedFor(100_000), { ...given, maxMemory }, async (model) => {
      expect(model.status().contextLength).toBe(planned.contextLength)
      expect(model.status().gpuBytes).toBe(planned.memory.total)
    })
    const less = await plan(trainedFor(100_000), { ...given, maxMemory: usual.memory.total - 1 })
    expect(less.contextLength).toBe(3840)
  })

  test.each(['maxBufferSize', 'maxStorageBufferBindingSize'] as const)('is what %s holds', async (name) => {
    await stubSmallGpu({ limits: { [name]: 1000 * LAYER_TOKEN + 16 } })
    const planned = await plan(trainedFor(100_000), given)
    expect(planned).toMatchObject({ contextLength: 768, contextLimit: 'device', largestContext: 1000, fits: true })
    expect(planned.reasons.join('\n')).toContain(`${name} is ${1000 * LAYER_TOKEN + 16}`)
    // A model that was trained for few positions is no other case.
    expect(await plan(trainedFor(1001), given)).toMatchObject({ contextLength: 768, contextLimit: 'device' })
    await withModel(trainedFor(1001), given, async (model) => {
      expect(model.status()).toMatchObject({ contextLength: 768, contextLimit: 'device' })
    })
  })
})

describe('what does not fit', { timeout: patience(60_000) }, () => {
  afterEach(() => vi.unstubAllGlobals())

  test('is said with the limit and its value, with the context that fits, before weights are read', async () => {
    const limit = 1000 * LAYER_TOKEN
    const asked = await stubSmallGpu({ limits: { maxStorageBufferBindingSize: limit } })
    const source = trainedFor(4000)
    const options = { ...given, contextLength: 2500, maxSequences: 2 }
    const planned = await plan(source, options)
    expect(planned).toMatchObject({ fits: false, contextLength: 2500, largestContext: 500 })
    const what = 'layer 0 key/value cache'
    const [problem] = planned.problems
    const neededBytes = 2 * 2500 * LAYER_TOKEN
    expect(problem).toEqual({ what, neededBytes, limit: 'maxStorageBufferBindingSize', limitBytes: limit })
    expect(await canRun(source, options)).toBe(false)
    expect(source.read).toBeLessThan(planned.memory.tensors / 2)
    const error = (await failure(MistralModel.load(source, options))) as MemoryError
    expect(error).toBeInstanceOf(MemoryError)
    expect(error).toMatchObject({
      what,
      neededBytes,
      limitBytes: limit,
      limitName: problem!.limit,
      fittingContext: 500,
    })
    const { total, weights, cache, workspace } = planned.memory
    expect(error.plan).toEqual({ total, weights, cache, workspace, contextLength: 2500, largestContext: 500 })
    expect(MistralError.fromJSON(JSON.parse(JSON.stringify(error)))).toMatchObject({ plan: error.plan })
    expect(error.message).toContain(`the device allows ${limit} (maxStorageBufferBindingSize)`)
    expect(error.message).toMatch(/a contextLength of 500 fits; .*kvCache: 'f16' halves it$/)
    expect(asked.open).toBe(0)
    // What it names does fit.
    await withModel(source, { ...options, contextLength: 500 }, async (model) => {
      expect(model.contextLength).toBe(500)
    })
  })

  test('of the weights comes with the options under which they fit', async () => {
    const source = trainedFor(1000)
    const { memory } = await plan(source, given)
    const quarter = await plan(source, { ...given, weights: 'q4' })
    expect(quarter.memory.total).toBeLessThan(memory.total)
    const planned = await plan(source, { ...given, maxMemory: quarter.memory.total + 16, contextLength: 1000 })
    expect(planned.problems).toEqual([
      { what: 'the model', neededBytes: memory.total, limit: 'maxMemory', limitBytes: quarter.memory.total + 16 },
    ])
    expect(planned.alternatives.map(({ weights, fits }) => [weights, fits])).toEqual([
      ['q8', false],
      ['q4', true],
    ])
    const error = await failure(MistralModel.load(source, { ...given, maxMemory: 100_000 }))
    expect(error).toMatchObject({ name: 'MemoryError', limitName: 'maxMemory', limitBytes: 100_000 })
    expect(String(error)).toContain('the option maxMemory allows 100000')
    expect(error).toHaveProperty('plan.largestContext', 0)
  })

  test('is refused by each limit that a matrix or a buffer runs into', async () => {
    for (const name of ['maxBufferSize', 'maxStorageBufferBindingSize'] as const) {
      await stubSmallGpu({ limits: { [name]: 8192 } })
      const planned: ModelPlan = await plan(trainedFor(300), given)
      expect(planned).toMatchObject({ fits: false, largestContext: 0 })
      expect(planned.problems.length).toBeGreaterThan(2)
      for (const { limit, limitBytes, neededBytes } of planned.problems) {
        expect({ limit, limitBytes }).toEqual({ limit: name, limitBytes: 8192 })
        expect(neededBytes).toBeGreaterThan(8192)
      }
      const error = await failure(MistralModel.load(trainedFor(300), given))
      expect(error).toMatchObject({ name: 'MemoryError', limitName: name, plan: { largestContext: 0 } })
      vi.unstubAllGlobals()
    }
  })

  test('options that set sizes are checked', async () => {
    const bad: [string, unknown][] = [
      ['maxMemory', 0],
      ['maxMemory', 1.5],
      ['maxMemory', '4GB'],
      ['maxMemory', null],
      ['contextLength', 'all'],
      ['contextLength', 0],
      ['contextLength', 257],
      ['onPlan', 1],
    ]
    for (const [name, value] of bad) {
      for (const ask of [plan, canRun, MistralModel.load.bind(MistralModel)]) {
        const error = await failure(ask(folder('checkpoints/head-dim'), { ...given, [name]: value } as LoadOptions))
        expect(error).toBeInstanceOf(ParameterError)
        expect(error).toMatchObject({ parameter: name })
      }
    }
    expect(await failure(canRun(folder('nothing')))).toBeInstanceOf(CheckpointError)
  })
})

describe('a device that runs out of memory', { timeout: patience(120_000) }, () => {
  afterEach(() => vi.unstubAllGlobals())

  test.each([true, false])('fails the load with a typed error that has the plan (throws: %s)', async (throws) => {
    const source = folder('checkpoints/sharded-bf16')
    const { memory, contextLength, largestContext } = await plan(source, given)
    const { total, weights, cache, workspace } = memory
    // It runs out in the cache, in the workspace, in the weights and in what brings results back.
    const shares = [0, cache / 2, cache + workspace / 2, total - weights, total - weights / 2, total - 16]
    for (const available of shares) {
      const asked = await stubSmallGpu({ memory: Math.floor(available), throws })
      const error = (await failure(MistralModel.load(source, given))) as MemoryError
      expect(error).toBeInstanceOf(MemoryError)
      expect(error.limitBytes).toBeUndefined()
      expect(error.message).toContain('which the GPU does not have')
      expect(error.plan).toEqual({ total, weights, cache, workspace, contextLength, largestContext })
      expect(asked.open).toBe(0)
      vi.unstubAllGlobals()
    }
    await stubSmallGpu({ memory: total + 64, throws })
    await withModel(source, given, async (model) => {
      expect(model.status().gpuBytes).toBe(total)
    })
  })

  test('reads no more weights after the first that found no room', async () => {
    const source = trainedFor(300)
    const asked = await stubSmallGpu({})
    await withModel(source, given, async () => {})
    const made = [...asked.buffers].filter(([label]) => !label.startsWith('subgroup probe'))
    const before = made.slice(
      0,
      made.findIndex(([label]) => label === 'tokEmbeddings'),
    )
    await stubSmallGpu({ memory: before.reduce((sum, [, size]) => sum + size, 64) })
    const all = source.read
    source.read = 0
    expect(await failure(MistralModel.load(source, given))).toMatchObject({
      what: 'tokEmbeddings',
      name: 'MemoryError',
    })
    expect(source.read).toBeLessThan(all / 2)
  })
})

describe('onPlan', { timeout: patience(60_000) }, () => {
  test('is called once, before weights are read, with what the load then takes', async () => {
    const source = trainedFor(300)
    const plans: ModelPlan[] = []
    let read = 0
    const onPlan = (plan: ModelPlan) => {
      plans.push(plan)
      read = source.read
    }
    await withModel(source, { ...given, onPlan }, async (model) => {
      expect(plans).toHaveLength(1)
      expect(plans[0]!.memory).toEqual(model.status().memory)
      expect(source.read - read).toBeGreaterThanOrEqual(plans[0]!.memory.tensors)
      expect(read).toBeLessThan(plans[0]!.memory.tensors / 2)
    })
  })
})
