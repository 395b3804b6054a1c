/** Mistral's own layout: `params.json`, the names of its tensors, and where it is looked for. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import { openSource } from '../../src/formats/source.ts'
import { openCheckpoint } from '../../src/model/checkpoint.ts'
import { parseNativeConfig } from '../../src/model/config-native.ts'
import { refusal, safetensors } from '../formats/helpers.ts'

const folderOf = (name: string) => fileURLToPath(new URL(`../fixtures/checkpoints/${name}`, import.meta.url))
const bytesOf = (name: string) => new Uint8Array(readFileSync(folderOf(name)))

/** Mistral 7B Instruct v0.3, as published. */
const V3 = {
  dim: 4096,
  n_layers: 32,
  head_dim: 128,
  hidden_dim: 14336,
  n_heads: 32,
  n_kv_heads: 8,
  norm_eps: 1e-5,
  vocab_size: 32768,
  rope_theta: 1000000.0,
}
const YARN = { original_max_position_embeddings: 16384, factor: 16, beta: 32, alpha: 1 }

describe('params.json', () => {
  it('is read', () => {
    const notes: string[] = []
    const config = parseNativeConfig(V3, (note) => notes.push(note))
    expect(config).toMatchObject({
      dim: 4096,
      hiddenDim: 14336,
      nKvHeads: 8,
      vocabSize: 32768,
      ropeTheta: 1e6,
      ropePairing: 'adjacent',
      maxPositions: 128_000,
      tiedEmbeddings: false,
      bosTokenId: 1,
      eosTokenIds: [2],
    })
    expect(config.slidingWindows).toEqual(Array.from({ length: 32 }, () => undefined))
    expect([config.ropeScaling, config.queryScale, notes]).toEqual([undefined, undefined, []])
  })

  it('has a base of its own for models with windows, and windows by layer', () => {
    const { rope_theta: _, ...bare } = V3
    expect(parseNativeConfig(bare).ropeTheta).toBe(1e6)
    const first = parseNativeConfig({ ...bare, sliding_window: 4096 })
    expect([first.ropeTheta, first.slidingWindows[31]]).toEqual([1e4, 4096])
    const mixed = parseNativeConfig({ ...V3, n_layers: 4, _sliding_window: [null, 8] })
    expect(mixed.slidingWindows).toEqual([undefined, 8, undefined, 8])
  })

  it('scales with YaRN, and its magnitude only where it says so or says nothing', () => {
    const factor = (yarn: object) => {
      const { ropeScaling } = parseNativeConfig({ ...V3, yarn: { ...YARN, ...yarn } })
      return ropeScaling?.type === 'yarn' ? ropeScaling.attentionFactor : undefined
    }
    expect(factor({ apply_scale: false })).toBe(1)
    expect(factor({ apply_scale: true })).toBeCloseTo(0.1 * Math.log(16) + 1, 12)
    expect(factor({})).toBeCloseTo(0.1 * Math.log(16) + 1, 12)
    const { ropeScaling } = parseNativeConfig({ ...V3, yarn: { ...YARN, beta: 4, alpha: 2 } })
    expect(ropeScaling).toMatchObject({ betaFast: 4, betaSlow: 2, factor: 16, originalMaxPositions: 16384 })
  })

  it('lets queries grow', () => {
    const llama_4_scaling = { beta: 0.1, original_max_position_embeddings: 16384 }
    expect(parseNativeConfig({ ...V3, llama_4_scaling }).queryScale).toEqual({ beta: 0.1, length: 16384 })
  })

  it('says what has no effect', () => {
    const notes: string[] = []
    parseNativeConfig({ ...V3, vision_encoder: {}, made_up: 3, moe: null }, (note) => notes.push(note))
    expect(notes).toEqual([
      expect.stringMatching(/vision_encoder is about images/),
      expect.stringMatching(/made_up means nothing/),
    ])
  })

  const refused: [field: string, change: object, fact: RegExp][] = [
    ['moe', { moe: { num_experts: 8, num_experts_per_tok: 2 } }, /mixture of experts.*Dense models run/],
    ['q_lora_rank', { q_lora_rank: 1024 }, /latent attention.*Ministral 3/],
    ['kv_lora_rank', { kv_lora_rank: 256 }, /latent attention/],
    ['v_head_dim', { v_head_dim: 64 }, /must be the head_dim/],
    ['multimodal.whisper_model_args', { multimodal: { whisper_model_args: {} } }, /speech/],
    ['use_biases', { use_biases: true }, /not supported/],
    ['activation', { activation: 'gelu' }, /not supported/],
    ['lora', { lora: { rank: 64 } }, /not supported/],
    ['yarn.mscale', { yarn: { ...YARN, mscale: 2 } }, /not supported; factor, original/],
    ['yarn.factor', { yarn: { ...YARN, factor: 0 } }, /above 0/],
    ['yarn.beta', { yarn: { ...YARN, beta: 'x' } }, /a number/],
    ['yarn.apply_scale', { yarn: { ...YARN, apply_scale: 1 } }, /true or false/],
    ['llama_4_scaling.beta', { llama_4_scaling: { beta: 'x' } }, /a number/],
    ['sliding_window', { sliding_window: [1, 2, 3] }, /divides the 32/],
    ['dim', { dim: '4096' }, /1 to 65536/],
    ['n_kv_heads', { n_kv_heads: 5 }, /must divide the 32/],
    ['tied_embeddings', { tied_embeddings: 1 }, /true or false/],
  ]
  it.each(refused)('is refused for %s', (field, change, fact) => {
    const parse = () => parseNativeConfig({ ...V3, ...change })
    expect(parse).toThrow(ConfigError)
    expect(parse).toThrow(expect.objectContaining({ field }))
    expect(parse).toThrow(fact)
  })
})

describe('the folder', () => {
  const params = bytesOf('native-ministral3/params.json')
  const weights = bytesOf('native-ministral3/consolidated.safetensors')
  const open = async (files: Record<string, Uint8Array | string | undefined>) =>
    openCheckpoint(await openSource({ open: (name) => files[name] }))

  it('is opened from each of its files', async () => {
    for (const name of ['', '/params.json', '/consolidated.safetensors']) {
      const files = await openSource(`${folderOf('native-ministral3')}${name}`)
      const checkpoint = await openCheckpoint(files)
      expect(checkpoint.tensor('layers.1.w2').name).toBe('layers.1.feed_forward.w2.weight')
      expect(checkpoint.tensor('output')).toBe(checkpoint.tensor('tokEmbeddings'))
      await checkpoint.close()
    }
  })

  it('is opened beside a config.json whose own weights are not there, and not otherwise', async () => {
    const config = bytesOf('mistral3-ministral3/config.json')
    const both = { 'config.json': config, 'params.json': params, 'consolidated.safetensors': weights }
    expect((await open(both)).config.ropePairing).toBe('adjacent')
    const whole = { ...both, 'model.safetensors': bytesOf('mistral3-ministral3/model.safetensors') }
    expect((await open(whole)).config.ropePairing).toBe('half')
  })

  const quantizations: [field: string, quantization: object][] = [
    ['quantization.qformat_weight', { qformat_weight: 'nvfp4' }],
    ['quantization.qscheme_act', { qformat_weight: 'fp8_e4m3', qscheme_act: 'BLOCK' }],
    ['quantization_config.quant_method', { quant_method: 'modelopt' }],
  ]
  it.each(quantizations)('is refused for %s of %j', async (field, quantization) => {
    const json = JSON.stringify({ ...JSON.parse(new TextDecoder().decode(params)), quantization })
    const opening = open({ 'params.json': json, 'consolidated.safetensors': weights })
    await expect(opening).rejects.toThrow(ConfigError)
    await expect(opening).rejects.toThrow(expect.objectContaining({ field }))
  })

  it('with FP8 weights of which params.json says nothing is refused', async () => {
    const header = { 'layers.0.attention.wq.qscale_weight': { dtype: 'F32', shape: [], data_offsets: [0, 4] } }
    const files = { 'params.json': params, 'consolidated.safetensors': safetensors(header, 4) }
    const { fact, tensor } = await refusal(() => open(files))
    expect(tensor).toBe('layers.0.attention.wq.qscale_weight')
    expect(fact).toMatch(/FP8, but params.json has no quantization/)
  })
})
