import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError, ParameterError } from '../../src/errors.ts'
import { withSlidingWindow } from '../../src/model/config.ts'
import { parseHfConfig } from '../../src/model/config-hf.ts'
import { fixtureJson } from '../formats/helpers.ts'

/** Mistral 7B v0.1 as transformers 4 wrote it. */
const V4 = {
  architectures: ['MistralForCausalLM'],
  bos_token_id: 1,
  eos_token_id: 2,
  hidden_act: 'silu',
  hidden_size: 4096,
  initializer_range: 0.02,
  intermediate_size: 14336,
  max_position_embeddings: 32768,
  model_type: 'mistral',
  num_attention_heads: 32,
  num_hidden_layers: 32,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-5,
  rope_theta: 10000.0,
  sliding_window: 4096,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  transformers_version: '4.34.0.dev0',
  use_cache: true,
  vocab_size: 32000,
}
const LLAMA = { ...V4, architectures: ['LlamaForCausalLM'], model_type: 'llama', sliding_window: undefined }

function without(...names: (keyof typeof V4)[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(V4).filter(([name]) => !names.includes(name as keyof typeof V4)))
}

describe('parseHfConfig', () => {
  it('reads what transformers 4 wrote', () => {
    expect(parseHfConfig(V4)).toEqual({
      architecture: 'MistralForCausalLM',
      dim: 4096,
      nLayers: 32,
      nHeads: 32,
      nKvHeads: 8,
      headDim: 128,
      hiddenDim: 14336,
      vocabSize: 32000,
      normEps: 1e-5,
      ropeTheta: 10000,
      ropeScaling: undefined,
      maxPositions: 32768,
      slidingWindows: Array(32).fill(4096),
      tiedEmbeddings: false,
      attentionBias: false,
      mlpBias: false,
      ropePairing: 'half',
      bosTokenId: 1,
      eosTokenIds: [2],
    })
  })

  it('reads what transformers 5 writes', () => {
    const config = parseHfConfig(fixtureJson('hf-f16/config.json'))
    expect(config).toMatchObject({ headDim: 6, dim: 32, nHeads: 4, ropeTheta: 10000, slidingWindows: [7, 7] })
    expect(parseHfConfig(fixtureJson('llama3-config.json'))).toMatchObject({
      architecture: 'LlamaForCausalLM',
      ropeTheta: 500000,
      ropeScaling: { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 64 },
      eosTokenIds: [2, 5],
      slidingWindows: [undefined, undefined],
    })
  })

  it('takes absent and null fields as transformers does', () => {
    expect(parseHfConfig({ ...V4, head_dim: null, num_key_value_heads: null })).toMatchObject({
      headDim: 128,
      nKvHeads: 32,
    })
    expect(parseHfConfig({ ...V4, head_dim: 96 }).headDim).toBe(96)
    const bare = parseHfConfig(
      without(
        'rope_theta',
        'rms_norm_eps',
        'max_position_embeddings',
        'hidden_act',
        'tie_word_embeddings',
        'eos_token_id',
        'bos_token_id',
      ),
    )
    expect(bare).toMatchObject({
      ropeTheta: 10000,
      normEps: 1e-6,
      maxPositions: 131072,
      eosTokenIds: [2],
      bosTokenId: 1,
    })
    expect(parseHfConfig({ ...V4, eos_token_id: null, bos_token_id: null })).toMatchObject({
      eosTokenIds: [],
      bosTokenId: undefined,
    })
    expect(parseHfConfig(without('architectures')).architecture).toBe('MistralForCausalLM')
    expect(parseHfConfig({ ...LLAMA, max_position_embeddings: undefined, pretraining_tp: 2 }).maxPositions).toBe(2048)
    expect(parseHfConfig({ ...V4, tie_word_embeddings: true, eos_token_id: [2, 7, 2] })).toMatchObject({
      tiedEmbeddings: true,
      eosTokenIds: [2, 7],
    })
  })

  it('knows every way to say which layers have a window', () => {
    const windows = (extra: object) => parseHfConfig({ ...V4, num_hidden_layers: 3, ...extra }).slidingWindows
    const types = ['sliding_attention', 'full_attention', 'sliding_attention']
    expect(windows({ sliding_window: null })).toEqual([undefined, undefined, undefined])
    expect(parseHfConfig(without('sliding_window')).slidingWindows[0]).toBe(4096)
    expect(windows({ sliding_window: 5, layer_types: types })).toEqual([5, undefined, 5])
    expect(windows({ sliding_window: 5, layer_types: types, model_type: 'ministral' })).toEqual([5, undefined, 5])
    // Fields of Qwen's, which Mistral's class does not read.
    expect(windows({ use_sliding_window: false, max_window_layers: 1 })).toEqual([4096, 4096, 4096])
    expect(windows({ use_sliding_window: true, max_window_layers: 2 })).toEqual([4096, 4096, 4096])
  })

  it('knows every way to write RoPE', () => {
    const rope = (extra: object) => {
      const { ropeTheta, ropeScaling } = parseHfConfig({ ...V4, ...extra })
      return [ropeTheta, ropeScaling]
    }
    const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 }
    const parsed = { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 8192 }
    expect(rope({ rope_theta: 1e6, rope_scaling: null })).toEqual([1e6, undefined])
    expect(rope({ rope_theta: 5, rope_parameters: { rope_theta: 7, rope_type: 'default' } })).toEqual([7, undefined])
    expect(rope({ rope_scaling: { type: 'linear', factor: 2 } })).toEqual([10000, { type: 'linear', factor: 2 }])
    expect(rope({ rope_scaling: { rope_type: 'llama3', ...llama3 } })).toEqual([10000, parsed])
    const inner = { rope_theta: 9, rope_type: 'linear', factor: 4 }
    expect(rope({ rope_parameters: { full_attention: inner, sliding_attention: { ...inner } } })).toEqual([
      9,
      { type: 'linear', factor: 4 },
    ])
    expect(
      rope({ rope_scaling: { rope_type: 'llama3', ...llama3, original_max_position_embeddings: undefined } }),
    ).toEqual([10000, { ...parsed, originalMaxPositions: 32768 }])
  })

  // transformers 5.18.0 (`convert_rope_params_to_dict`): a `rope_scaling` that is not empty replaces `rope_parameters` whole, base included.
  it('lets an old rope_scaling win over rope_parameters, and says what is lost', () => {
    const yarn = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 1024, rope_theta: 1e6 }
    const read = (extra: object) => {
      const notes: string[] = []
      const { ropeTheta, ropeScaling } = parseHfConfig({ ...V4, rope_theta: undefined, ...extra }, (text) =>
        notes.push(text),
      )
      return { ropeTheta, type: ropeScaling?.type, notes: notes.filter((text) => text.includes('rope_')) }
    }
    for (const rope_scaling of [undefined, null, {}]) {
      expect(read({ rope_parameters: yarn, rope_scaling })).toEqual({ ropeTheta: 1e6, type: 'yarn', notes: [] })
    }
    const lost = 'rope_type, factor, original_max_position_embeddings, rope_theta'
    expect(read({ rope_parameters: yarn, rope_scaling: { rope_type: 'default' } })).toEqual({
      ropeTheta: 10_000,
      type: undefined,
      notes: [`config.json: rope_scaling takes the place of rope_parameters, so that ${lost} there means nothing`],
    })
    const { rope_theta, ...scaling } = yarn
    expect(read({ rope_parameters: yarn, rope_scaling: scaling }).notes).toEqual([
      'config.json: rope_scaling takes the place of rope_parameters, so that rope_theta there means nothing',
    ])
    const old = { ...scaling, rope_type: undefined, type: 'yarn' }
    expect(read({ rope_theta, rope_parameters: yarn, rope_scaling: old })).toEqual({
      ropeTheta: 1e6,
      type: 'yarn',
      notes: [],
    })
  })

  const refused: [field: string, change: object, fact: RegExp][] = [
    ['architectures', { model_type: null, architectures: ['GPT2LMHeadModel'] }, /not supported; MistralForCausalLM/],
    ['architectures', { model_type: undefined, architectures: ['constructor'] }, /not supported/],
    ['model_type', { model_type: undefined, architectures: 'MistralForCausalLM' }, /one of mistral/],
    ['model_type', { model_type: undefined, architectures: [] }, /one of mistral/],
    ['model_type', { model_type: 'gpt2' }, /one of mistral/],
    ['model_type', { model_type: 'constructor' }, /one of mistral/],
    ['model_type', { model_type: ['mistral'] }, /one of mistral/],
    ['hidden_size', { hidden_size: '4096' }, /whole number from 1 to 65536/],
    ['hidden_size', { hidden_size: null }, /whole number/],
    ['hidden_size', { hidden_size: Number.NaN }, /whole number/],
    ['hidden_size', { hidden_size: -4096 }, /whole number/],
    ['hidden_size', { hidden_size: 1e12 }, /1 to 65536/],
    ['hidden_size', { hidden_size: [4096] }, /whole number/],
    ['num_hidden_layers', { num_hidden_layers: 0 }, /1 to 1024/],
    ['num_hidden_layers', { num_hidden_layers: 1e9 }, /1 to 1024/],
    ['num_attention_heads', { num_attention_heads: 2.5 }, /1 to 1024/],
    ['num_key_value_heads', { num_key_value_heads: 5 }, /must divide the 32/],
    ['num_key_value_heads', { num_key_value_heads: 64 }, /must divide the 32/],
    ['head_dim', { head_dim: 127 }, /even/],
    ['head_dim', { head_dim: true }, /1 to 1024/],
    ['head_dim', { hidden_size: 100, num_attention_heads: 32 }, /even/],
    ['head_dim', { hidden_size: 16, num_attention_heads: 32 }, /1 to 1024/],
    ['intermediate_size', { intermediate_size: 2 ** 40 }, /1 to 1048576/],
    ['vocab_size', { vocab_size: 1e10 }, /1 to 2097152/],
    ['max_position_embeddings', { max_position_embeddings: 1e300 }, /1 to 2147483647/],
    ['rms_norm_eps', { rms_norm_eps: 0 }, /above 0/],
    ['rms_norm_eps', { rms_norm_eps: '1e-5' }, /above 0/],
    ['rope_theta', { rope_theta: Number.POSITIVE_INFINITY }, /at most/],
    ['rope_theta', { rope_theta: -1, rope_parameters: { rope_type: 'default' } }, /above 0/],
    [
      'rope_scaling.rope_type',
      { rope_scaling: { rope_type: 'su', factor: 4 } },
      /\("su"\): is not supported; default, linear, dynamic, llama3, yarn are/,
    ],
    ['rope_scaling.type', { rope_scaling: { type: 'toString', factor: 4 } }, /not supported/],
    ['rope_scaling.factor', { rope_scaling: { type: 'dynamic' } }, /above 0/],
    ['rope_scaling.factor', { rope_scaling: { type: 'yarn' } }, /above 0/],
    ['rope_scaling.truncate', { rope_scaling: { type: 'yarn', factor: 2, truncate: 1 } }, /true or false/],
    ['rope_scaling.beta_fast', { rope_scaling: { type: 'yarn', factor: 2, beta_fast: '32' } }, /a number/],
    ['rope_parameters.rope_type', { rope_parameters: { rope_type: 'longrope' } }, /not supported/],
    ['rope_scaling.factor', { rope_scaling: { type: 'linear' } }, /above 0/],
    ['rope_scaling', { rope_scaling: 'linear' }, /an object/],
    [
      'rope_scaling.high_freq_factor',
      { rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 4 } },
      /above low_freq/,
    ],
    [
      'rope_parameters',
      { rope_parameters: { full_attention: { rope_theta: 1 }, sliding_attention: { rope_theta: 2 } } },
      /differs between layer types in rope_theta/,
    ],
    [
      'rope_scaling.partial_rotary_factor',
      { rope_scaling: { type: 'linear', factor: 2, partial_rotary_factor: 0.5 } },
      /not supported/,
    ],
    [
      'partial_rotary_factor',
      { rope_scaling: { type: 'linear', factor: 2 }, partial_rotary_factor: 0.5 },
      /not supported/,
    ],
    ['sliding_window', { sliding_window: 0 }, /1 to/],
    ['sliding_window', { sliding_window: '4096' }, /1 to/],
    ['layer_types', { layer_types: ['full_attention'] }, /list of 32 names/],
    ['layer_types[0]', { num_hidden_layers: 1, layer_types: ['chunked_attention'] }, /not supported/],
    [
      'layer_types[0]',
      { num_hidden_layers: 1, layer_types: ['sliding_attention'], sliding_window: null },
      /needs a sliding_window/,
    ],
    ['tie_word_embeddings', { tie_word_embeddings: 1 }, /true or false/],
    ['hidden_act', { hidden_act: 'gelu' }, /silu is/],
    ['attention_bias', { model_type: 'llama', attention_bias: 'no' }, /true or false/],
    ['eos_token_id', { eos_token_id: 32000 }, /0 to 31999/],
    ['eos_token_id', { eos_token_id: [2, '3'] }, /0 to 31999/],
    ['bos_token_id', { bos_token_id: -1 }, /0 to 31999/],
  ]
  it.each(refused)('refuses %s in %j', (field, change, fact) => {
    const run = () => parseHfConfig({ ...V4, ...change })
    expect(run).toThrow(ConfigError)
    expect(run).toThrow(expect.objectContaining({ field }))
    expect(run).toThrow(fact)
  })

  it.each([null, [], 'text', 7, undefined])('refuses %j for a config', (json) => {
    expect(() => parseHfConfig(json)).toThrow(/config field "config.json".*must be an object/)
  })
})

describe('parseHfConfig on anything', () => {
  it('gives a config whose numbers hold, or a ConfigError', () => {
    const odd = fc.oneof(fc.jsonValue(), fc.double(), fc.integer(), fc.constant(undefined), fc.constant(2 ** 53))
    let parsed = 0
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...Object.keys(V4), 'head_dim', 'rope_scaling', 'layer_types'), odd, {
          maxKeys: 2,
        }),
        (change) => {
          try {
            const config = parseHfConfig({ ...V4, ...change })
            parsed++
            expect(config.nHeads % config.nKvHeads).toBe(0)
            expect(config.slidingWindows).toHaveLength(config.nLayers)
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError)
          }
        },
      ),
      { numRuns: 1000, seed: 1 },
    )
    expect(parsed).toBeGreaterThan(100)
  })
})

describe('withSlidingWindow', () => {
  it('replaces the windows of every layer', () => {
    const config = parseHfConfig({ ...V4, num_hidden_layers: 2 })
    expect(withSlidingWindow(config, null).slidingWindows).toEqual([undefined, undefined])
    expect(withSlidingWindow(config, 9).slidingWindows).toEqual([9, 9])
    for (const bad of [0, -1, 1.5, Number.NaN, '7' as never]) {
      expect(() => withSlidingWindow(config, bad)).toThrow(ParameterError)
    }
  })
})
