/** LoRA adapters against PEFT: each kind of adapter, several in one batch, and what is left when one goes. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test, vi } from 'vitest'
import { AbortError, CheckpointError, type MistralModel, type ModelSource, ParameterError } from '../../src/index.ts'
import { greedy, promptOf, tokensOf } from '../generate/support.ts'
import { fixture, maxDifference, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'

// Software adapters may compile for long when other work shares the machine.
vi.setConfig({ testTimeout: patience(240_000) })

const TOLERANCE = 2e-3

interface Case {
  readonly path: string
  readonly prompt: readonly number[]
  readonly logits: Float32Array
  readonly greedy: readonly number[]
}

function adapter(name: string): Case {
  const path = fileURLToPath(new URL(`../fixtures/adapters/${name}`, import.meta.url))
  const json = JSON.parse(readFileSync(`${path}/reference.json`, 'utf8'))
  const logits = new Float32Array(Uint8Array.from(Buffer.from(json.logits, 'base64')).buffer)
  return { path, prompt: json.prompt, greedy: json.greedy, logits }
}

/** Logits of all tokens, [T, V]. */
async function logitsOf(model: MistralModel, prompt: readonly number[], name?: string): Promise<Float32Array> {
  const rows = await model.logits(prompt, { adapter: name })
  return Float32Array.from(rows.flatMap((row) => [...row]))
}

async function idsOf(model: MistralModel, prompt: readonly number[], name: string | null, count = 16) {
  return tokensOf(model.generate(prompt, { ...greedy, max_tokens: count, adapter: name }))
}

const F32 = { kvCache: 'f32' } as const

/** Each adapter with its base. */
const BASES = {
  'window-4': ['attention', 'rslora', 'patterns', 'expression', 'head'],
  'llama-bias': ['biases'],
  'gguf-q8_0': ['quantized'],
  'mistral3-ministral3': ['wrapped'],
} as const

describe('an adapter gives the logits and the answer of PEFT', () => {
  for (const [base, names] of Object.entries(BASES)) {
    test(`on ${base}: ${names.join(', ')}`, async () => {
      await withModel(fixture(base).path, F32, async (model) => {
        for (const name of names) {
          const { path, prompt, logits, greedy } = adapter(name)
          const info = await model.loadAdapter(path)
          expect(info).toMatchObject({ name, scale: 1, notes: [] })
          expect(maxDifference(await logitsOf(model, prompt, name), logits), name).toBeLessThan(TOLERANCE)
          expect(await idsOf(model, prompt, name), name).toEqual(greedy)
        }
        expect(model.adapters.map(({ name }) => name)).toEqual(names)
      })
    })
  }

  test('where rows without one have their norms in the products', async () => {
    const foldedNorms = { 1: true, 4: true, 8: true, decode: true, many: true }
    const { path, reference } = fixture('window-4')
    await withModel(path, { ...F32, tuning: { foldedNorms, sharedBindGroups: true } }, async (model) => {
      const own = adapter('attention')
      await model.loadAdapter(own.path)
      expect(maxDifference(await logitsOf(model, own.prompt, 'attention'), own.logits)).toBeLessThan(TOLERANCE)
      expect(maxDifference(await logitsOf(model, reference.prompt), reference.logits)).toBeLessThan(1e-3)
      // Both in one batch.
      const answers = [idsOf(model, own.prompt, 'attention'), idsOf(model, reference.prompt, null)]
      expect(await Promise.all(answers)).toEqual([own.greedy, reference.greedy.slice(0, 16)])
    })
  })

  test('as a GGUF, whose rows of queries and keys lie in another order', async () => {
    const { path, prompt, logits } = adapter('quantized')
    await withModel(fixture('gguf-q8_0').path, F32, async (model) => {
      await model.loadAdapter(path, { name: 'folder' })
      const { name, baseModel, rank } = await model.loadAdapter(`${path}/adapter-f32.gguf`)
      expect({ name, baseModel, rank }).toEqual({ name: 'adapter-f32', baseModel: 'random', rank: 4 })
      const folder = await logitsOf(model, prompt, 'folder')
      expect(maxDifference(await logitsOf(model, prompt, name), folder)).toBeLessThan(1e-5)
      expect(maxDifference(folder, logits)).toBeLessThan(TOLERANCE)
      await model.loadAdapter(`${path}/adapter-q8_0.gguf`, { name: 'rounded' })
      const rounded = await logitsOf(model, prompt, 'rounded')
      const error = maxDifference(rounded, logits)
      expect(error).toBeGreaterThan(1e-4)
      expect(error).toBeLessThan(0.2)
    })
  })

  test('from every kind of source, with the name that the source has', async () => {
    const { path, prompt, logits } = adapter('attention')
    const blob = (name: string) => new File([readFileSync(`${path}/${name}`)], name)
    const dropped = ['adapter_config.json', 'adapter_model.safetensors'].map(blob)
    const byName = new Map(dropped.map((file) => [file.name, file]))
    await withModel(fixture('window-4').path, F32, async (model) => {
      const sources: Record<string, ModelSource> = {
        attention: `${path}/`,
        adapter: dropped,
        opened: Object.assign({ open: (name: string) => byName.get(name) }, { name: 'opened' }),
      }
      for (const [name, source] of Object.entries(sources)) {
        expect(await model.loadAdapter(source)).toMatchObject({ name })
        expect(maxDifference(await logitsOf(model, prompt, name), logits), name).toBeLessThan(TOLERANCE)
      }
      await model.unloadAdapter('attention')
      expect((await model.loadAdapter(`${path}/adapter_model.safetensors`)).name).toBe('attention')
    })
  })

  test('times its scale', async () => {
    const { path, prompt, logits } = adapter('attention')
    await withModel(fixture('window-4').path, F32, async (model) => {
      const plain = await logitsOf(model, prompt)
      await model.loadAdapter(path, { name: 'none of it', scale: 0 })
      await model.loadAdapter(path, { name: 'half of it', scale: 0.5 })
      expect(await logitsOf(model, prompt, 'none of it')).toEqual(plain)
      const half = await logitsOf(model, prompt, 'half of it')
      expect(maxDifference(half, plain)).toBeGreaterThan(0.1)
      expect(maxDifference(half, logits)).toBeGreaterThan(0.1)
    })
  })
})

describe('rows of one batch', () => {
  test('have different adapters, and none, and the same tokens as alone', async () => {
    const names = ['attention', null, 'rslora', 'head', 'attention', null] as const
    await withModel(fixture('window-4').path, { ...F32, maxSequences: names.length }, async (model) => {
      const prompts = names.map((_, i) => promptOf(i, 9 + i, 61))
      const base = await Promise.all(prompts.map((prompt) => idsOf(model, prompt, null, 24)))
      for (const name of ['attention', 'rslora', 'head']) await model.loadAdapter(adapter(name).path)
      const alone: number[][] = []
      for (const [i, name] of names.entries()) alone.push(await idsOf(model, prompts[i]!, name, 24))
      for (const [i, name] of names.entries()) expect(String(alone[i]) === String(base[i])).toBe(name === null)
      const together = await Promise.all(names.map((name, i) => idsOf(model, prompts[i]!, name, 24)))
      expect(together).toEqual(alone)
      // The guesses of prompt lookup are checked by the same adapter.
      const looked = { ...greedy, max_tokens: 24, adapter: 'rslora', prompt_lookup_num_tokens: 6 }
      expect(await tokensOf(model.generate(prompts[2]!, looked))).toEqual(alone[2])
    })
  })

  test('keep the keys of their own adapter', async () => {
    await withModel(fixture('llama-bias').path, { ...F32, maxSequences: 2 }, async (model) => {
      await model.loadAdapter(adapter('biases').path)
      const prompt = promptOf(1, 60, 60)
      const cached = async (name: string | null) => {
        const steps = model.generate(prompt, { ...greedy, max_tokens: 4, adapter: name })
        const ids = await tokensOf(steps)
        return { ids, cached: (await steps.summary).usage.cached_tokens }
      }
      const adapted = await cached('biases')
      const plain = await cached(null)
      expect(adapted.cached + plain.cached).toBe(0)
      expect(plain.ids).not.toEqual(adapted.ids)
      expect(await cached('biases')).toEqual({ ids: adapted.ids, cached: prompt.length - 1 })
      expect(await cached(null)).toEqual({ ids: plain.ids, cached: prompt.length - 1 })
      // The same prompts at once, of which none may wait for, or copy, the other's keys.
      const both = await Promise.all(['biases', null].map((name) => idsOf(model, [...prompt, 5, 6, 7], name, 4)))
      const again = []
      for (const name of ['biases', null]) again.push(await idsOf(model, [...prompt, 5, 6, 7], name, 4))
      expect(both).toEqual(again)
      // A new adapter of an old name has keys of its own.
      await model.unloadAdapter('biases')
      await model.loadAdapter(adapter('biases').path, { scale: 0.5 })
      expect((await cached('biases')).cached).toBe(0)
    })
  })
})

describe('the model itself', () => {
  test('computes bit for bit the same beside adapters, and when they have gone', async () => {
    await withModel(fixture('window-4').path, F32, async (model) => {
      const { gpu } = model.loaded
      const prompt = promptOf(3, 20, 61)
      // A model's first prompt may go through other kernels than those that follow, and its first tokens be chosen in JavaScript.
      await logitsOf(model, prompt)
      await model.loaded.runner.recordings.endings({ ruled: false, kind: 'greedy', logged: false })
      const plain = await logitsOf(model, prompt)
      const dispatches = async () => {
        const before = gpu.counters.dispatches
        await idsOf(model, prompt, null, 6)
        return gpu.counters.dispatches - before
      }
      const before = await dispatches()
      const bytes = model.status().gpuBytes
      const pipelines = gpu.counters.pipelinesCreated
      const infos = []
      for (const name of ['attention', 'patterns']) infos.push(await model.loadAdapter(adapter(name).path))
      expect(gpu.counters.pipelinesCreated).toBeGreaterThan(pipelines)
      const own = infos.reduce((sum, { gpuBytes }) => sum + gpuBytes, 0)
      expect(own).toBeGreaterThan(0)
      expect(model.status().gpuBytes - bytes).toBeGreaterThanOrEqual(own)
      expect(await logitsOf(model, prompt)).toEqual(plain)
      const beside = await dispatches()
      expect(beside).toBe(before)
      await model.unloadAdapter('attention')
      const { path: _, ...patterns } = adapter('patterns')
      expect(maxDifference(await logitsOf(model, patterns.prompt, 'patterns'), patterns.logits)).toBeLessThan(TOLERANCE)
      await model.unloadAdapter('patterns')
      expect(model.adapters).toEqual([])
      expect(await logitsOf(model, prompt)).toEqual(plain)
      expect(model.status().gpuBytes).toBe(bytes)
    })
  })

  test('frees an adapter when the answers with it have ended', async () => {
    await withModel(fixture('window-4').path, { ...F32, stepsPerReadback: 1 }, async (model) => {
      const { path, prompt, greedy: expected } = adapter('attention')
      const bytes = model.status().gpuBytes
      await model.loadAdapter(path)
      const steps = model.generate(prompt, { ...greedy, max_tokens: 16, adapter: 'attention' })
      const ids: number[] = []
      let freed: Promise<void> | undefined
      let isFreed = false
      for await (const { tokenId } of steps) {
        ids.push(tokenId)
        freed ??= model.unloadAdapter('attention').then(() => {
          isFreed = true
        })
        expect(isFreed).toBe(false)
        expect(model.status().gpuBytes).toBeGreaterThan(bytes)
      }
      expect(ids).toEqual(expected)
      await freed
      expect(model.status().gpuBytes).toBe(bytes)
      await expect(idsOf(model, prompt, 'attention')).rejects.toThrow('which has none')
    })
  })
})

describe('what cannot be', () => {
  test('is refused by name, and leaves nothing behind', async () => {
    await withModel(fixture('window-4').path, F32, async (model) => {
      const bytes = model.status().gpuBytes
      const { path, prompt } = adapter('attention')
      const other = model.loadAdapter(adapter('biases').path)
      await expect(other).rejects.toThrow(CheckpointError)
      await expect(other).rejects.toThrow(/has the shape \[4, \d+\], the model needs \[4, 52\]: .* another model/)
      await expect(model.loadAdapter(fixture('window-4').path)).rejects.toThrow(/adapter_config.json: is missing/)
      await expect(model.loadAdapter(path, { name: '' })).rejects.toThrow(/"name"/)
      await expect(model.loadAdapter(path, { scale: Number.NaN })).rejects.toThrow(/"scale"/)
      await expect(model.loadAdapter(path, { weight: 1 } as object)).rejects.toThrow(/"weight".*is unknown/)
      await expect(model.loadAdapter(path, { signal: AbortSignal.abort() })).rejects.toThrow(AbortError)
      await expect(model.unloadAdapter('attention')).rejects.toThrow(/"name" \("attention"\): .* which has none/)
      await expect(idsOf(model, prompt, 'attention')).rejects.toThrow(/"adapter" \("attention"\): .* which has none/)
      expect(model.adapters).toEqual([])
      expect(model.status()).toMatchObject({ gpuBytes: bytes, memory: { adapters: 0 } })
    })
  })

  test('is an adapter of a name that another has, or a name that none has', async () => {
    await withModel(fixture('window-4').path, F32, async (model) => {
      const { path, prompt } = adapter('attention')
      const [first, second] = await Promise.allSettled([model.loadAdapter(path), model.loadAdapter(path)])
      expect([first.status, second.status].sort()).toEqual(['fulfilled', 'rejected'])
      await expect(model.loadAdapter(path)).rejects.toThrow(ParameterError)
      await model.loadAdapter(path, { name: 'again' })
      for (const request of [idsOf(model, prompt, 'never'), logitsOf(model, prompt, 'never')]) {
        await expect(request).rejects.toThrow('is no adapter of this model, which has "attention", "again"')
      }
      const { gpuBytes, memory } = model.status()
      expect(memory.adapters).toBeGreaterThan(0)
      expect(memory.weights + memory.cache + memory.workspace + memory.adapters).toBe(gpuBytes)
    })
  })

  test('disturbs no answer that is on its way', async () => {
    await withModel(fixture('window-4').path, { ...F32, maxSequences: 2, stepsPerReadback: 1 }, async (model) => {
      const { path, prompt, greedy: expected } = adapter('attention')
      const plain = await idsOf(model, prompt, null, 40)
      await model.loadAdapter(path)
      const answers = [idsOf(model, prompt, null, 40), idsOf(model, prompt, 'attention')]
      const changes = ['rslora', 'patterns'].map((name) => model.loadAdapter(adapter(name).path))
      const broken = model.loadAdapter(adapter('biases').path).catch((error: Error) => error.name)
      expect(await Promise.all(answers)).toEqual([plain, expected])
      await Promise.all(changes)
      expect(await broken).toBe('CheckpointError')
      const more = [idsOf(model, prompt, null, 40), idsOf(model, prompt, 'attention')]
      await Promise.all(['rslora', 'patterns'].map((name) => model.unloadAdapter(name)))
      expect(await Promise.all(more)).toEqual([plain, expected])
    })
  })
})
