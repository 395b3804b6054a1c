/** `config.json` of Hugging Face checkpoints, as transformers 4 and 5 write it. Absent fields mean what they mean there. */
import { ConfigError } from '../errors.ts'
import {
  CONFIG_LIMITS,
  checkHeads,
  type ModelConfig,
  numberAbove,
  positiveInteger,
  type RopeScaling,
  tokenId,
} from './config.ts'

type Fields = Readonly<Record<string, unknown>>

/** Ministral is Mistral's graph with a window per layer. */
const ARCHITECTURES: Readonly<Record<string, ModelConfig['architecture']>> = {
  MistralForCausalLM: 'MistralForCausalLM',
  MinistralForCausalLM: 'MistralForCausalLM',
  LlamaForCausalLM: 'LlamaForCausalLM',
}
const MODEL_TYPES: Readonly<Record<string, string>> = {
  mistral: 'MistralForCausalLM',
  ministral: 'MinistralForCausalLM',
  llama: 'LlamaForCausalLM',
}
/** What the classes of transformers assume for a field that is absent (not null). */
const DEFAULT_WINDOW = 4096
const DEFAULT_BOS = 1
const DEFAULT_EOS = 2
const DEFAULT_POSITIONS = { MistralForCausalLM: 131_072, LlamaForCausalLM: 2048 } as const

/**
 * @param json the parsed `config.json`
 * @throws ConfigError naming the field, for what is impossible and for what is not implemented
 */
export function parseHfConfig(json: unknown): ModelConfig {
  const fields = asObject('config.json', json)
  const architecture = architectureOf(fields)
  refuseUnsupported(fields)
  const dim = positiveInteger('hidden_size', fields.hidden_size, CONFIG_LIMITS.dim)
  const nLayers = positiveInteger('num_hidden_layers', fields.num_hidden_layers, CONFIG_LIMITS.layers)
  const nHeads = positiveInteger('num_attention_heads', fields.num_attention_heads, CONFIG_LIMITS.heads)
  const nKvHeads = positiveInteger('num_key_value_heads', fields.num_key_value_heads ?? nHeads, CONFIG_LIMITS.heads)
  const headDim = positiveInteger('head_dim', fields.head_dim ?? dim / nHeads, CONFIG_LIMITS.headDim)
  checkHeads(
    { heads: 'num_attention_heads', kvHeads: 'num_key_value_heads', headDim: 'head_dim' },
    { nHeads, nKvHeads, headDim },
  )
  const vocabSize = positiveInteger('vocab_size', fields.vocab_size, CONFIG_LIMITS.vocab)
  const maxPositions = positiveInteger(
    'max_position_embeddings',
    fields.max_position_embeddings ?? DEFAULT_POSITIONS[architecture],
    CONFIG_LIMITS.positions,
  )
  return {
    architecture,
    dim,
    nLayers,
    nHeads,
    nKvHeads,
    headDim,
    hiddenDim: positiveInteger('intermediate_size', fields.intermediate_size, CONFIG_LIMITS.hiddenDim),
    vocabSize,
    normEps: numberAbove('rms_norm_eps', fields.rms_norm_eps ?? 1e-6, 0, 1),
    ...parseRope(fields, maxPositions),
    maxPositions,
    slidingWindows: parseWindows(fields, architecture, nLayers),
    tiedEmbeddings: boolean('tie_word_embeddings', fields.tie_word_embeddings),
    ropePairing: 'half',
    bosTokenId: parseBos(fields.bos_token_id, vocabSize),
    eosTokenIds: parseEos(fields.eos_token_id, vocabSize),
  }
}

function architectureOf(fields: Fields): ModelConfig['architecture'] {
  const { architectures, model_type: modelType } = fields
  let name: unknown
  if (architectures == null) {
    name = typeof modelType === 'string' && Object.hasOwn(MODEL_TYPES, modelType) ? MODEL_TYPES[modelType] : undefined
    if (name === undefined)
      throw new ConfigError('model_type', modelType, `must be one of ${Object.keys(MODEL_TYPES).join(', ')}`)
  } else {
    if (!Array.isArray(architectures) || architectures.length !== 1) {
      throw new ConfigError('architectures', architectures, 'must be a list of one name')
    }
    name = architectures[0]
  }
  const known = typeof name === 'string' && Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : undefined
  if (known === undefined) {
    throw new ConfigError(
      'architectures',
      architectures,
      `is not supported; ${Object.keys(ARCHITECTURES).join(', ')} are`,
    )
  }
  return known
}

function refuseUnsupported(fields: Fields): void {
  const { hidden_act: activation, quantization_config: quantization, partial_rotary_factor: partial } = fields
  if (activation != null && activation !== 'silu' && activation !== 'swish') {
    throw new ConfigError('hidden_act', activation, 'is not supported; silu is')
  }
  for (const name of ['attention_bias', 'mlp_bias']) {
    if (boolean(name, fields[name])) throw new ConfigError(name, fields[name], 'biases are not supported')
  }
  if (quantization != null) {
    const method = asObject('quantization_config', quantization).quant_method
    throw new ConfigError('quantization_config', method, 'weights quantized by this method are not supported')
  }
  if (partial != null && partial !== 1) {
    throw new ConfigError('partial_rotary_factor', partial, 'is not supported; 1 is')
  }
}

function parseRope(fields: Fields, maxPositions: number): Pick<ModelConfig, 'ropeTheta' | 'ropeScaling'> {
  // transformers 5 writes `rope_parameters`; 4 wrote `rope_theta` and, when not plain, `rope_scaling`, which wins there.
  const field = fields.rope_scaling == null ? 'rope_parameters' : 'rope_scaling'
  const rope = flatRope(field, fields[field] == null ? {} : asObject(field, fields[field]))
  const thetaField = rope.rope_theta === undefined ? 'rope_theta' : `${field}.rope_theta`
  const theta = rope.rope_theta ?? fields.rope_theta ?? 10_000
  if (rope.partial_rotary_factor != null && rope.partial_rotary_factor !== 1) {
    throw new ConfigError(`${field}.partial_rotary_factor`, rope.partial_rotary_factor, 'is not supported; 1 is')
  }
  return {
    ropeTheta: numberAbove(thetaField, theta, 0, 1e15),
    ropeScaling: parseScaling(field, rope, fields, maxPositions),
  }
}

/** One set of parameters for the model; a set per layer type is accepted where all say the same. */
function flatRope(field: string, rope: Fields): Fields {
  const nested = Object.entries(rope).filter(([, value]) => typeof value === 'object' && value !== null)
  const perLayer = nested.filter(([key]) => key.endsWith('_attention'))
  if (perLayer.length === 0) return rope
  const [first, ...others] = perLayer.map(([key, value]) => asObject(`${field}.${key}`, value))
  const flat = first as Fields
  const keys = new Set([flat, ...others].flatMap((set) => Object.keys(set)))
  for (const other of others) {
    for (const key of keys) {
      if (flat[key] !== other[key]) {
        throw new ConfigError(field, rope, `differs between layer types in ${key}, which is not supported`)
      }
    }
  }
  return flat
}

function parseScaling(field: string, rope: Fields, fields: Fields, maxPositions: number): RopeScaling | undefined {
  const typeField = `${field}.${rope.rope_type === undefined && rope.type !== undefined ? 'type' : 'rope_type'}`
  const type = rope.rope_type ?? rope.type ?? 'default'
  const factor = (name: string) => numberAbove(`${field}.${name}`, rope[name], 0, 1e6)
  if (type === 'default') return undefined
  if (type === 'linear') return { type, factor: factor('factor') }
  if (type !== 'llama3') throw new ConfigError(typeField, type, 'is not supported; default, linear and llama3 are')
  const lowFreqFactor = factor('low_freq_factor')
  const highFreqFactor = factor('high_freq_factor')
  if (highFreqFactor <= lowFreqFactor) {
    throw new ConfigError(`${field}.high_freq_factor`, highFreqFactor, `must be above low_freq_factor ${lowFreqFactor}`)
  }
  const [name, value] =
    fields.original_max_position_embeddings == null
      ? [`${field}.original_max_position_embeddings`, rope.original_max_position_embeddings ?? maxPositions]
      : ['original_max_position_embeddings', fields.original_max_position_embeddings]
  return {
    type,
    factor: factor('factor'),
    lowFreqFactor,
    highFreqFactor,
    originalMaxPositions: positiveInteger(name, value, CONFIG_LIMITS.positions),
  }
}

function parseWindows(
  fields: Fields,
  architecture: ModelConfig['architecture'],
  nLayers: number,
): (number | undefined)[] {
  const { sliding_window: given, layer_types: types, max_window_layers: first } = fields
  const every = (of: (layer: number) => number | undefined) => Array.from({ length: nLayers }, (_, i) => of(i))
  if (architecture === 'LlamaForCausalLM') {
    if (given != null) {
      throw new ConfigError('sliding_window', given, 'LlamaForCausalLM has none; MistralForCausalLM does')
    }
    refuseSlidingLayers(types)
    return every(() => undefined)
  }
  const used = fields.use_sliding_window == null || boolean('use_sliding_window', fields.use_sliding_window)
  const value = given === undefined ? DEFAULT_WINDOW : given
  const window = value === null || !used ? undefined : positiveInteger('sliding_window', value, CONFIG_LIMITS.positions)
  if (types != null) return parseLayerTypes(types, window, nLayers)
  if (first == null || fields.use_sliding_window == null) return every(() => window)
  if (typeof first !== 'number' || !Number.isInteger(first) || first < 0) {
    throw new ConfigError('max_window_layers', first, 'must be a whole number from 0')
  }
  return every((layer) => (layer >= first ? window : undefined))
}

function parseLayerTypes(types: unknown, window: number | undefined, nLayers: number): (number | undefined)[] {
  if (!Array.isArray(types) || types.length !== nLayers) {
    throw new ConfigError('layer_types', types, `must be a list of ${nLayers} names, one per layer`)
  }
  return types.map((type: unknown, layer) => {
    if (type === 'full_attention') return undefined
    if (type !== 'sliding_attention') {
      throw new ConfigError(`layer_types[${layer}]`, type, 'is not supported; full_attention and sliding_attention are')
    }
    if (window === undefined) {
      throw new ConfigError(`layer_types[${layer}]`, type, 'needs a sliding_window, which is not set')
    }
    return window
  })
}

function refuseSlidingLayers(types: unknown): void {
  const other = Array.isArray(types) ? types.find((type) => type !== 'full_attention') : undefined
  if (other !== undefined) throw new ConfigError('layer_types', other, 'is not supported in LlamaForCausalLM')
}

function parseBos(value: unknown, vocabSize: number): number | undefined {
  if (value === undefined) return DEFAULT_BOS < vocabSize ? DEFAULT_BOS : undefined
  return value === null ? undefined : tokenId('bos_token_id', value, vocabSize)
}

/**
 * The config with the end-of-sequence ids of `generation_config.json` added to its own; transformers generates with those.
 * @throws ConfigError when an id is no id of the vocabulary
 */
export function withGenerationConfig(config: ModelConfig, json: unknown): ModelConfig {
  const value = typeof json === 'object' && json !== null ? (json as Record<string, unknown>).eos_token_id : undefined
  if (value === undefined || value === null) return config
  return { ...config, eosTokenIds: [...new Set([...config.eosTokenIds, ...parseEos(value, config.vocabSize)])] }
}

function parseEos(value: unknown, vocabSize: number): number[] {
  if (value === undefined) return DEFAULT_EOS < vocabSize ? [DEFAULT_EOS] : []
  if (value === null) return []
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length > 64) throw new ConfigError('eos_token_id', value, 'may hold 64 ids at most')
  return [...new Set(list.map((id) => tokenId('eos_token_id', id, vocabSize)))]
}

function boolean(field: string, value: unknown): boolean {
  if (value == null) return false
  if (typeof value !== 'boolean') throw new ConfigError(field, value, 'must be true or false')
  return value
}

function asObject(field: string, value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(field, value, 'must be an object')
  }
  return value as Fields
}
