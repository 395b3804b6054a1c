import { describe, expect, it } from 'vitest'
import { ConfigError, ParameterError } from '../../src/errors.ts'
import type { GgufValue } from '../../src/formats/gguf-metadata.ts'
import { parseGgufConfig } from '../../src/model/config-gguf.ts'

const BASE: Readonly<Record<string, GgufValue>> = {
  'general.architecture': 'llama',
  'llama.context_length': 32768,
  'llama.embedding_length': 4096,
  'llama.block_count': 3,
  'llama.feed_forward_length': 14336,
  'llama.attention.head_count': 32,
  'llama.attention.head_count_kv': 8,
  'llama.attention.layer_norm_rms_epsilon': Math.fround(1e-5),
  'llama.rope.dimension_count': 128,
  'llama.rope.freq_base': 1e6,
  'tokenizer.ggml.bos_token_id': 1,
  'tokenizer.ggml.eos_token_id': 2,
  'tokenizer.ggml.padding_token_id': 0xffffffff,
}
const SHAPES = { 'token_embd.weight': { shape: [32000, 4096] }, 'output.weight': { shape: [32000, 4096] } }

function parse(change: Record<string, GgufValue | undefined> = {}, shapes: object = SHAPES, options = {}) {
  const pairs = Object.entries({ ...BASE, ...change }).filter(([, value]) => value !== undefined)
  return parseGgufConfig(new Map(pairs as [string, GgufValue][]), new Map(Object.entries(shapes)), options)
}

describe('parseGgufConfig', () => {
  it('reads the keys of a llama GGUF', () => {
    expect(parse()).toEqual({
      architecture: 'LlamaForCausalLM',
      dim: 4096,
      nLayers: 3,
      nHeads: 32,
      nKvHeads: 8,
      headDim: 128,
      hiddenDim: 14336,
      vocabSize: 32000,
      normEps: Math.fround(1e-5),
      ropeTheta: 1e6,
      ropeScaling: undefined,
      maxPositions: 32768,
      slidingWindows: [undefined, undefined, undefined],
      tiedEmbeddings: false,
      attentionBias: false,
      mlpBias: false,
      ropePairing: 'adjacent',
      bosTokenId: 1,
      eosTokenIds: [2],
    })
  })

  it('takes what is absent as llama.cpp does', () => {
    const config = parse({
      'llama.rope.freq_base': undefined,
      'llama.rope.dimension_count': undefined,
      'llama.attention.head_count_kv': undefined,
      'tokenizer.ggml.eos_token_id': 0xffffffff,
      'tokenizer.ggml.bos_token_id': undefined,
    })
    expect(config).toMatchObject({ ropeTheta: 10000, nKvHeads: 32, eosTokenIds: [], bosTokenId: undefined })
    expect(parse({ 'tokenizer.ggml.eot_token_id': 7, 'tokenizer.ggml.eom_token_id': 2 }).eosTokenIds).toEqual([2, 7])
  })

  it('ties the output when the file has none', () => {
    expect(parse({}, { 'token_embd.weight': { shape: [40, 4096] } })).toMatchObject({
      tiedEmbeddings: true,
      vocabSize: 40,
    })
  })

  it('says which matrices have biases', () => {
    const bias = (name: string) => parse({}, { ...SHAPES, [`blk.1.${name}.bias`]: { shape: [4096] } })
    for (const name of ['attn_q', 'attn_k', 'attn_v', 'attn_output']) {
      expect(bias(name)).toMatchObject({ attentionBias: true, mlpBias: false })
    }
    for (const name of ['ffn_gate', 'ffn_up', 'ffn_down']) {
      expect(bias(name)).toMatchObject({ attentionBias: false, mlpBias: true })
    }
    expect(bias('attn_norm')).toMatchObject({ attentionBias: false, mlpBias: false })
  })

  it('takes a head width, lists of equal values, and neutral keys', () => {
    const wide = {
      'llama.attention.key_length': 160,
      'llama.attention.value_length': 160,
      'llama.rope.dimension_count': 160,
    }
    expect(parse(wide).headDim).toBe(160)
    expect(parse({ 'llama.attention.head_count_kv': new Int32Array([4, 4, 4]) }).nKvHeads).toBe(4)
    expect(parse({ 'llama.expert_count': 0, 'llama.attention.causal': true }).dim).toBe(4096)
  })

  it('reads linear scaling under its names', () => {
    const scaling = (change: Record<string, GgufValue>) => parse(change).ropeScaling
    expect(scaling({ 'llama.rope.scaling.type': 'linear', 'llama.rope.scaling.factor': 4 })).toEqual({
      type: 'linear',
      factor: 4,
    })
    expect(scaling({ 'llama.rope.scale_linear': 2 })).toEqual({ type: 'linear', factor: 2 })
    expect(scaling({ 'llama.rope.scaling.factor': 1 })).toBeUndefined()
    expect(scaling({ 'llama.rope.scaling.type': 'none', 'llama.rope.scaling.factor': 4 })).toBeUndefined()
  })

  it('reads YaRN as llama.cpp does', () => {
    const yarn = (change: Record<string, GgufValue>) => {
      const keys = Object.entries(change).map(([name, value]) => [`llama.rope.scaling.${name}`, value])
      return parse({ 'llama.rope.scaling.type': 'yarn', ...Object.fromEntries(keys) }).ropeScaling
    }
    const whole = { type: 'yarn', betaFast: 32, betaSlow: 1, truncate: true }
    expect(yarn({})).toEqual({ ...whole, factor: 1, originalMaxPositions: 32768, attentionFactor: 1 })
    const magnitude = (factor: number, by = 1) => 0.1 * by * Math.log(factor) + 1
    const long = { factor: 16, original_context_length: 16384 }
    expect(yarn(long)).toEqual({
      ...whole,
      factor: 16,
      originalMaxPositions: 16384,
      attentionFactor: magnitude(16),
    })
    // Ministral 3, whose mscale and mscale_all_dim are 1 and cancel out.
    expect(yarn({ ...long, yarn_log_multiplier: 1, yarn_beta_fast: 8, yarn_beta_slow: 2 })).toEqual({
      ...whole,
      factor: 16,
      originalMaxPositions: 16384,
      betaFast: 8,
      betaSlow: 2,
      attentionFactor: 1,
    })
    expect(yarn({ ...long, attn_factor: 0.5 })).toMatchObject({ attentionFactor: magnitude(16) / 2 })
  })

  it('reads how queries grow, whatever the architecture is called', () => {
    const beta = Math.fround(0.1)
    for (const arch of ['llama', 'mistral3']) {
      const named = (change: Record<string, GgufValue>) => {
        const all = Object.entries({ ...BASE, ...change, 'general.architecture': arch })
        const metadata = new Map(all.map(([key, value]) => [key.replace(/^llama\./, `${arch}.`), value]))
        return parseGgufConfig(metadata, new Map(Object.entries(SHAPES)))
      }
      expect(named({}).queryScale).toBeUndefined()
      expect(named({ 'llama.attention.temperature_scale': 0 }).queryScale).toBeUndefined()
      const grown = { 'llama.attention.temperature_scale': beta }
      expect(named(grown).queryScale).toEqual({ beta, length: 32768 })
      const stretched = { ...grown, 'llama.rope.scaling.original_context_length': 16384 }
      expect(named(stretched).queryScale).toEqual({ beta, length: 16384 })
      const own = { ...stretched, 'llama.attention.temperature_length': 8192 }
      expect(named(own).queryScale).toEqual({ beta, length: 8192 })
    }
  })

  it('takes the window of the file, of the caller, or none', () => {
    expect(parse({ 'llama.attention.sliding_window': 4096 }).slidingWindows).toEqual([4096, 4096, 4096])
    expect(parse({}, SHAPES, { slidingWindow: 5 }).slidingWindows).toEqual([5, 5, 5])
    expect(
      parse({ 'llama.attention.sliding_window': 4096 }, SHAPES, { slidingWindow: null }).slidingWindows[0],
    ).toBeUndefined()
    expect(() => parse({}, SHAPES, { slidingWindow: 0 })).toThrow(ParameterError)
  })

  it('reads the keys under the name of the architecture', () => {
    const renamed = Object.entries(BASE).map(([key, value]) => [key.replace(/^llama\./, 'mistral.'), value] as const)
    const metadata = new Map<string, GgufValue>([...renamed, ['general.architecture', 'mistral']])
    expect(parseGgufConfig(metadata, new Map(Object.entries(SHAPES)))).toMatchObject({
      architecture: 'MistralForCausalLM',
      dim: 4096,
    })
  })

  const refused: [field: string, change: Record<string, GgufValue | undefined>, fact: RegExp][] = [
    ['general.architecture', { 'general.architecture': 'qwen3' }, /not supported; llama, mistral, mistral3 are/],
    ['general.architecture', { 'general.architecture': 'mistral4' }, /Small 4.*neither is supported.*Ministral 3 run/],
    ['general.architecture', { 'general.architecture': 'deepseek2' }, /Large 3.*neither is supported.*Ministral 3/],
    ['general.architecture', { 'general.architecture': undefined }, /not supported/],
    ['general.architecture', { 'general.architecture': 'toString' }, /not supported/],
    ['llama.expert_count', { 'llama.expert_count': 8 }, /mixture of experts.*Dense models run/],
    ['llama.attention.temperature_scale', { 'llama.attention.temperature_scale': 'high' }, /a number above/],
    ['llama.attention.causal', { 'llama.attention.causal': false }, /not supported/],
    ['llama.embedding_length', { 'llama.embedding_length': undefined }, /1 to 65536/],
    ['llama.embedding_length', { 'llama.embedding_length': 2n ** 60n }, /1 to 65536/],
    ['llama.embedding_length', { 'llama.embedding_length': '4096' }, /1 to 65536/],
    ['llama.block_count', { 'llama.block_count': 2 ** 31 }, /1 to 1024/],
    ['llama.attention.head_count_kv', { 'llama.attention.head_count_kv': 7 }, /must divide the 32/],
    [
      'llama.attention.head_count_kv',
      { 'llama.attention.head_count_kv': new Int32Array([8, 4]) },
      /differs between layers/,
    ],
    ['llama.attention.head_count_kv', { 'llama.attention.head_count_kv': 0 }, /1 to 1024/],
    ['llama.rope.dimension_count', { 'llama.rope.dimension_count': 64 }, /must be the head's 128/],
    ['llama.attention.value_length', { 'llama.attention.value_length': 64 }, /must be the head's 128/],
    ['llama.attention.layer_norm_rms_epsilon', { 'llama.attention.layer_norm_rms_epsilon': undefined }, /above 0/],
    ['llama.rope.freq_base', { 'llama.rope.freq_base': Number.NaN }, /above 0/],
    ['llama.rope.scaling.type', { 'llama.rope.scaling.type': 'longrope' }, /none, linear, yarn are/],
    ['llama.rope.scaling.type', { 'llama.rope.scaling.type': 'llama3' }, /none, linear, yarn are/],
    ['llama.rope.scaling.type', { 'llama.rope.scaling.type': 3 }, /none, linear, yarn are/],
    [
      'llama.rope.scaling.yarn_ext_factor',
      { 'llama.rope.scaling.type': 'yarn', 'llama.rope.scaling.yarn_ext_factor': 0.5 },
      /not supported; 1 is/,
    ],
    [
      'llama.rope.scaling.original_context_length',
      { 'llama.rope.scaling.type': 'yarn', 'llama.rope.scaling.original_context_length': 0 },
      /1 to/,
    ],
    ['llama.rope.scaling.factor', { 'llama.rope.scaling.type': 'linear', 'llama.rope.scaling.factor': 0 }, /above 0/],
    ['llama.attention.sliding_window', { 'llama.attention.sliding_window': -4 }, /1 to/],
    ['llama.attention.sliding_window_pattern', { 'llama.attention.sliding_window_pattern': 4 }, /not supported/],
    ['tokenizer.ggml.eos_token_id', { 'tokenizer.ggml.eos_token_id': 32000 }, /0 to 31999/],
  ]
  it.each(refused)('refuses %s', (field, change, fact) => {
    expect(() => parse(change)).toThrow(ConfigError)
    expect(() => parse(change)).toThrow(expect.objectContaining({ field }))
    expect(() => parse(change)).toThrow(fact)
  })

  it('needs the embedding matrix for the vocabulary', () => {
    expect(() => parse({}, {})).toThrow(/token_embd.weight/)
    expect(() => parse({}, { 'token_embd.weight': { shape: [4] } })).toThrow(/token_embd.weight/)
  })
})
