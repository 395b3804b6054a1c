/** Saved caches: what is restored goes on as what was never away, and what is no such file is refused. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test, vi } from 'vitest'
import {
  AbortError,
  ContextLengthError,
  type LoadOptions,
  type MistralModel,
  SavedCacheError,
} from '../../src/index.ts'
import { randomNumbers } from '../../src/model/trial.ts'
import { fixture, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { greedy, promptOf, tokensOf } from './support.ts'

vi.setConfig({ testTimeout: patience(240_000) })

const seeded = { do_sample: true, seed: 7, temperature: 1.5, top_k: 0, max_tokens: 12, ignore_eos: true }

/** Two answers after the prompt, and how many of its tokens were in the cache for the first. */
async function answers(model: MistralModel, prompt: readonly number[], adapter?: string) {
  const first = model.generate(prompt, { ...greedy, max_tokens: 12, adapter, logprobs: true, top_logprobs: 5 })
  const steps = []
  for await (const step of first) steps.push(step)
  const drawn = await tokensOf(model.generate(prompt, { ...seeded, adapter }))
  return { steps, drawn, cached: (await first.summary).usage.cached_tokens }
}

const KINDS: readonly (readonly [string, string, LoadOptions])[] = [
  ['full attention', 'llama-linear', { kvCache: 'f32' }],
  ['f16', 'llama-linear', { kvCache: 'f16' }],
  ['8 bits', 'llama-linear', { kvCache: 'q8' }],
  ['a window whose ring has gone round', 'window-7', { kvCache: 'f32', prefillChunk: 8 }],
  ['a window of 8 bits', 'window-7', { kvCache: 'q8', prefillChunk: 8 }],
  ['layers with and without windows', 'layer-types', { kvCache: 'f32', prefillChunk: 8 }],
]

describe.each(KINDS)('%s', (_, name, options) => {
  test('gives the same tokens and log-probabilities in another model, and computes one token of the prompt', async () => {
    const { path } = fixture(name)
    const prompt = promptOf(3, 60, 55)
    const { expected, blob } = await withModel(path, options, async (model) => {
      const blob = await model.saveCache(prompt.slice(0, 59))
      return { blob, expected: await answers(model, prompt) }
    })
    await withModel(path, { ...options, maxSequences: 2 }, async (model) => {
      const restored = await model.restoreCache(blob)
      expect(restored).toEqual({ tokenIds: prompt.slice(0, 59), adapter: null })
      // What it saves is what it was given.
      const again = await model.saveCache(prompt.slice(0, 59))
      if (name === 'llama-linear') expect(await bytesOf(again)).toEqual(await bytesOf(blob))
      const got = await answers(model, prompt)
      expect(got.cached).toBe(59)
      expect(got.steps).toEqual(expected.steps)
      expect(got.drawn).toEqual(expected.drawn)
    })
  })
})

const bytesOf = async (blob: Blob) => new Uint8Array(await blob.arrayBuffer())

test('a ring of another size takes what it has room for, or nothing', async () => {
  const { path } = fixture('window-7')
  const prompt = promptOf(5, 80, 55)
  const options = { kvCache: 'f32' } as const
  const [blob, expected] = await withModel(path, { ...options, prefillChunk: 64 }, async (model) => [
    await model.saveCache(prompt),
    await tokensOf(model.generate([...prompt, 3], { ...greedy, max_tokens: 8 })),
  ])
  for (const prefillChunk of [8, 256]) {
    await withModel(path, { ...options, prefillChunk }, async (model) => {
      await model.restoreCache(blob)
      const stream = model.generate([...prompt, 3], { ...greedy, max_tokens: 8 })
      expect(await tokensOf(stream)).toEqual(expected)
      expect((await stream.summary).usage.cached_tokens).toBe(80)
      // A beginning whose window is not there is computed.
      const shorter = model.generate([...prompt.slice(0, 12), 3], { ...greedy, max_tokens: 1 })
      await tokensOf(shorter)
      expect((await shorter.summary).usage.cached_tokens).toBe(0)
    })
  }
})

test('sources of every kind, beside a conversation that goes on, and an abort', async () => {
  const { path } = fixture('llama-linear')
  const prompt = promptOf(9, 40, 55)
  await withModel(path, { kvCache: 'f32', maxSequences: 2 }, async (model) => {
    const running = model.generate(promptOf(8, 10, 55), { ...greedy, max_tokens: 60 })
    await running.next()
    const blob = await model.saveCache(prompt)
    const bytes = await bytesOf(blob)
    const slow = new ReadableStream<Uint8Array>({
      async start(controller) {
        for (let at = 0; at < bytes.length; at += 999) controller.enqueue(bytes.slice(at, at + 999))
        controller.close()
      },
    })
    for (const source of [blob, bytes, bytes.buffer, new Response(blob), slow]) {
      expect((await model.restoreCache(source)).tokenIds).toEqual(prompt)
    }
    const signal = AbortSignal.abort()
    await expect(model.restoreCache(blob, { signal })).rejects.toThrow(AbortError)
    await expect(model.saveCache(prompt, { signal })).rejects.toThrow(AbortError)
    await expect(model.restoreCache('x' as never)).rejects.toThrow(/"source".*must be a Blob/)
    await expect(model.saveCache([])).rejects.toThrow(/tokenIds/)
    expect(await tokensOf(running)).toHaveLength(59)
  })
})

test('what does not fit the model is refused by what is wrong', async () => {
  const { path } = fixture('llama-linear')
  const blob = await withModel(path, { kvCache: 'f32' }, (model) => model.saveCache(promptOf(1, 50, 55)))
  const refusal = (name: string, options: LoadOptions) =>
    withModel(fixture(name).path, options, (model) => model.restoreCache(blob).catch((error: unknown) => error))
  expect(await refusal('llama-bias', { kvCache: 'f32' })).toMatchObject({ name: 'SavedCacheError', fault: 'model' })
  expect(await refusal('llama-linear', { kvCache: 'q8' })).toMatchObject({ name: 'SavedCacheError', fault: 'layout' })
  expect(await refusal('llama-linear', { kvCache: 'f32', weights: 'q8' })).toMatchObject({ fault: 'model' })
  expect(await refusal('llama-linear', { kvCache: 'f32', contextLength: 40 })).toBeInstanceOf(ContextLengthError)
})

test('500 mutations of a file are refused, and leave the model as it was', async () => {
  const { path } = fixture('window-4')
  const random = randomNumbers(500)
  const whole = (most: number) => Math.floor(((random() + 1) / 2) * most)
  const prompt = promptOf(2, 20, 55)
  await withModel(path, { kvCache: 'q8' }, async (model) => {
    const bytes = await bytesOf(await model.saveCache(prompt))
    const expected = await tokensOf(model.generate(prompt, { ...greedy, max_tokens: 4 }))
    const faults = new Set<string>()
    for (let i = 0; i < 500; i++) {
      const changed = mutate(bytes, i % 5, whole)
      const error = await model.restoreCache(changed).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(error, `mutation ${i}`).toBeInstanceOf(SavedCacheError)
      faults.add((error as SavedCacheError).fault)
    }
    expect(faults).toContain('damaged')
    expect(await tokensOf(model.generate(prompt, { ...greedy, max_tokens: 4 }))).toEqual(expected)
    // Another version, whole.
    const newer = bytes.slice()
    newer[4] = 9
    await expect(model.restoreCache(newer)).rejects.toMatchObject({ fault: 'version' })
  })
})

/** Another byte, a cut, a longer file, bytes that are exchanged, or that stand twice. */
function mutate(
  bytes: Uint8Array<ArrayBuffer>,
  kind: number,
  whole: (most: number) => number,
): Uint8Array<ArrayBuffer> {
  const changed = bytes.slice()
  const at = whole(bytes.length)
  if (kind === 0) changed[at]! ^= 1 << whole(8)
  if (kind === 1) return changed.slice(0, at)
  if (kind === 2) return Uint8Array.of(...changed, whole(256))
  if (kind === 3) {
    const other = bytes.findIndex((byte, i) => i > at && byte !== bytes[at])
    if (other < 0) return changed.slice(1)
    changed[at] = bytes[other]!
    changed[other] = bytes[at]!
  }
  if (kind === 4) return Uint8Array.of(...changed.slice(0, at), ...changed.slice(Math.max(0, at - 4)))
  return changed
}

test('an adapter goes with it, by its name and its weights', async () => {
  const folder = (name: string) => fileURLToPath(new URL(`../fixtures/adapters/${name}`, import.meta.url))
  const prompt = (JSON.parse(readFileSync(`${folder('attention')}/reference.json`, 'utf8')).prompt as number[]).slice(
    0,
    20,
  )
  const { path } = fixture('window-4')
  const [blob, expected] = await withModel(path, { kvCache: 'f32' }, async (model) => {
    await model.loadAdapter(folder('attention'), { name: 'one' })
    const blob = await model.saveCache(prompt.slice(0, 19), { adapter: 'one' })
    return [blob, await answers(model, prompt, 'one')] as const
  })
  await withModel(path, { kvCache: 'f32' }, async (model) => {
    await expect(model.restoreCache(blob)).rejects.toMatchObject({ fault: 'adapter' })
    await model.loadAdapter(folder('rslora'), { name: 'one' })
    await expect(model.restoreCache(blob)).rejects.toMatchObject({ fault: 'adapter' })
    await model.unloadAdapter('one')
    await model.loadAdapter(folder('attention'), { name: 'one' })
    expect((await model.restoreCache(blob)).adapter).toBe('one')
    const got = await answers(model, prompt, 'one')
    expect(got).toEqual({ ...expected, cached: 19 })
  })
})
