/** Checkpoints that open. */
import { describe, expect, it } from 'vitest'
import { AbortError } from '../../src/errors.ts'
import { decodeToF32 } from '../../src/formats/blocks.ts'
import type { Checkpoint } from '../../src/model/checkpoint.ts'
import { concat, fixture, fixtureJson, floats } from '../formats/helpers.ts'
import { INDEX, openFiles, openFolder, reheaded, shard } from './checkpoint-files.ts'

const expected = fixtureJson('expected.json')
const PROBE = expected.probe as string

async function values(checkpoint: Checkpoint, name: Parameters<Checkpoint['tensor']>[0]): Promise<Float32Array> {
  const info = checkpoint.tensor(name)
  return decodeToF32(info.dtype, await checkpoint.readTensor(info, 0, info.byteLength))
}

describe('openCheckpoint', () => {
  it('opens one safetensors file', async () => {
    const checkpoint = await openFolder('hf-f16')
    expect(checkpoint).toMatchObject({ format: 'safetensors', gguf: undefined })
    expect(checkpoint.config).toMatchObject({ headDim: 6, slidingWindows: [7, 7], ropePairing: 'half' })
    expect(await values(checkpoint, 'layers.1.wk')).toEqual(floats(expected.f16))
    expect(checkpoint.names).toHaveLength(3 + 2 * 9)
    expect(checkpoint.tensor('layers.0.wo').shape).toEqual([32, 24])
    expect(checkpoint.tensor('layers.0.w2').shape).toEqual([32, 64])
    expect(() => checkpoint.tensor('layers.2.wq')).toThrow(RangeError)
    const parameters = 2 * (40 * 32) + 32 + 2 * (2 * 32 + 2 * 24 * 32 + 2 * 12 * 32 + 3 * 64 * 32)
    expect(checkpoint.totalBytes).toBe(parameters * 2)
    await checkpoint.close()
  })

  it('opens shards', async () => {
    const checkpoint = await openFolder('hf-bf16-shards')
    expect(await values(checkpoint, 'layers.1.wk')).toEqual(floats(expected.bf16))
    expect(new Set(checkpoint.names.map((name) => checkpoint.tensor(name).file))).toEqual(new Set([1, 2, 3].map(shard)))
    await checkpoint.close()
  })

  it('goes by what the shards hold, not by what the index says of each', async () => {
    const index = fixtureJson(`hf-bf16-shards/${INDEX}`) as { weight_map: Record<string, string> }
    const files = Object.fromEntries([1, 2, 3].map((n) => [shard(n), fixture(`hf-bf16-shards/${shard(n)}`)]))
    const { [PROBE]: holder, ...others } = index.weight_map
    const elsewhere = { ...others, [PROBE]: holder === shard(1) ? shard(2) : shard(1) }
    for (const weight_map of [
      // Listed in the wrong place, not listed, and beside tensors that the model does not need.
      elsewhere,
      others,
      { ...index.weight_map, 'vision.weight': shard(1), 'mtp.0.weight': 'model-mtp.safetensors' },
    ]) {
      const config = fixtureJson('hf-bf16-shards/config.json')
      const checkpoint = await openFiles({ 'config.json': config, ...files, [INDEX]: { weight_map } })
      expect(await values(checkpoint, 'layers.1.wk')).toEqual(floats(expected.bf16))
      const isMissing = 'mtp.0.weight' in weight_map
      expect(checkpoint.notes).toEqual(
        isMissing ? [`model-mtp.safetensors, which ${INDEX} names, is missing; the model needs nothing of it`] : [],
      )
    }
  })

  it('finds tied embeddings under either name, and says when both are there', async () => {
    const config = fixtureJson('hf-mixed-tied/config.json')
    const bytes = fixture('hf-mixed-tied/model.safetensors')
    const embed = 'model.embed_tokens.weight'
    const open = (change: (header: Record<string, unknown>) => Record<string, unknown>) =>
      openFiles({ 'config.json': config, 'model.safetensors': reheaded(bytes, change) })
    const only = await open(({ [embed]: entry, ...header }) => ({ ...header, 'lm_head.weight': entry }))
    expect(only.tensor('tokEmbeddings').name).toBe('lm_head.weight')
    expect(only.tensor('output')).toBe(only.tensor('tokEmbeddings'))
    expect(only).toMatchObject({ outputMayBeTied: false, config: { tiedEmbeddings: true } })
    const size = 40 * 32 * 4
    const end = bytes.length - 8 - Number(new DataView(bytes.buffer).getBigUint64(0, true))
    const lm_head = { dtype: 'F32', shape: [40, 32], data_offsets: [end, end + size] }
    const two = concat(
      reheaded(bytes, (header) => ({ ...header, 'lm_head.weight': lm_head })),
      new Uint8Array(size),
    )
    const both = await openFiles({ 'config.json': config, 'model.safetensors': two })
    expect(both).toMatchObject({ outputMayBeTied: true, config: { tiedEmbeddings: false } })
    expect(both.names).toContain('output')
  })

  it('opens tied embeddings and mixed types', async () => {
    const checkpoint = await openFolder('hf-mixed-tied')
    expect(checkpoint.tensor('output')).toBe(checkpoint.tensor('tokEmbeddings'))
    expect(checkpoint.names).not.toContain('output')
    expect(new Set(checkpoint.names.map((name) => checkpoint.tensor(name).dtype))).toEqual(
      new Set(['f32', 'f16', 'bf16']),
    )
    await checkpoint.close()
  })

  it('opens a .safetensors by its own path, and names without "model."', async () => {
    const byPath = await openFolder('hf-f16/model.safetensors')
    expect(byPath.tensor('norm').shape).toEqual([32])
    await byPath.close()
    const renamed = reheaded(fixture('hf-f16/model.safetensors'), (header) =>
      Object.fromEntries(Object.entries(header).map(([name, entry]) => [name.replace(/^model\./, ''), entry])),
    )
    const checkpoint = await openFiles({ 'config.json': fixture('hf-f16/config.json'), 'model.safetensors': renamed })
    expect(checkpoint.tensor('layers.1.wk').name).toBe(PROBE.slice('model.'.length))
    expect(await values(checkpoint, 'layers.1.wk')).toEqual(floats(expected.f16))
  })

  it('opens a GGUF with every supported type', async () => {
    const checkpoint = await openFolder('mixed.gguf', { slidingWindow: 5 })
    const vectors = expected.gguf as Record<string, string>
    expect(checkpoint.format).toBe('gguf')
    expect(checkpoint.config).toMatchObject({ vocabSize: 40, ropePairing: 'adjacent', slidingWindows: [5, 5] })
    expect(checkpoint.gguf?.get('tokenizer.ggml.model')).toBe('llama')
    expect(await values(checkpoint, 'layers.1.wq')).toEqual(floats(vectors['blk.1.attn_q.weight']))
    expect(await values(checkpoint, 'layers.1.w1')).toEqual(floats(vectors['blk.1.ffn_gate.weight']))
    expect(checkpoint.tensor('layers.0.w3').name).toBe('blk.0.ffn_up.weight')
    await checkpoint.close()
  })

  it('opens a GGUF with tied embeddings', async () => {
    const checkpoint = await openFolder('tied-q8_0.gguf')
    expect(checkpoint.tensor('output')).toMatchObject({ name: 'token_embd.weight', dtype: 'q8_0' })
    await checkpoint.close()
  })

  it('stops when the signal has fired', async () => {
    await expect(openFolder('hf-f16', { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(AbortError)
  })
})
