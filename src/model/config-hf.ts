/** `config.json` of Hugging Face checkpoints, as transformers 4 and 5 write it. Absent fields mean what they mean there. */
import { ConfigError } from '../errors.ts'
import { CONFIG_LIMITS, checkHeads, type ModelConfig, numberAbove, positiveInteger, tokenId } from './config.ts'
import { asObject, type Fields, MODEL_TYPES, type ModelClass, modelTypeOf, type Note } from './hf-classes.ts'
import { type TextConfig, textConfigOf } from './hf-wrapper.ts'
import { parseHfRope } from './rope-hf.ts'

/** What the classes assume for ids that are absent (not null). */
const DEFAULT_BOS = 1
const DEFAULT_EOS = 2

/**
 * @param json the parsed `config.json`
 * @param note hears of fields that say something and have no effect
 * @throws ConfigError naming the field, for what is impossible and for what is not implemented
 */
export function parseHfConfig(json: unknown, note: Note = () => {}): ModelConfig {
  return parseTextConfig(textConfigOf(asObject('config.json', json), note), note)
}

/** As {@link parseHfConfig}, from what {@link textConfigOf} found. */
export function parseTextConfig({ fields, wrapped }: TextConfig, note: Note): ModelConfig {
  try {
    return parseFields(fields, wrapped, note)
  } catch (error) {
    // How weights are quantized usually stands outside.
    if (!wrapped || !(error instanceof ConfigError) || error.field === 'quantization_config') throw error
    throw new ConfigError(`text_config.${error.field}`, error.value, error.fact, { cause: error })
  }
}

function parseFields(given: Fields, wrapped: boolean, note: Note): ModelConfig {
  const modelType = modelTypeOf(given, note, wrapped)
  const known = MODEL_TYPES[modelType]!
  const fields = withDefaults(given, known.defaults)
  refuseUnsupported(fields)
  noteIgnored(modelType, fields, note)
  const count = (name: string, max: number) => positiveInteger(name, fields[name], max)
  const dim = count('hidden_size', CONFIG_LIMITS.dim)
  const nLayers = count('num_hidden_layers', CONFIG_LIMITS.layers)
  const nHeads = count('num_attention_heads', CONFIG_LIMITS.heads)
  const nKvHeads = positiveInteger('num_key_value_heads', fields.num_key_value_heads ?? nHeads, CONFIG_LIMITS.heads)
  const headDim = positiveInteger('head_dim', fields.head_dim ?? Math.floor(dim / nHeads), CONFIG_LIMITS.headDim)
  checkHeads(
    { heads: 'num_attention_heads', kvHeads: 'num_key_value_heads', headDim: 'head_dim' },
    { nHeads, nKvHeads, headDim },
  )
  const vocabSize = count('vocab_size', CONFIG_LIMITS.vocab)
  const maxPositions = count('max_position_embeddings', CONFIG_LIMITS.positions)
  return {
    architecture: known.architecture,
    dim,
    nLayers,
    nHeads,
    nKvHeads,
    headDim,
    hiddenDim: count('intermediate_size', CONFIG_LIMITS.hiddenDim),
    vocabSize,
    normEps: numberAbove('rms_norm_eps', fields.rms_norm_eps, 0, 1),
    ...parseHfRope(fields, maxPositions, known.scalesQueries, note),
    ropeDivisors: undefined,
    maxPositions,
    slidingWindows: parseWindows(known.windows, fields, nLayers),
    tiedEmbeddings: boolean('tie_word_embeddings', fields.tie_word_embeddings),
    attentionBias: known.biases && boolean('attention_bias', fields.attention_bias),
    mlpBias: known.biases && boolean('mlp_bias', fields.mlp_bias),
    ropePairing: 'half',
    bosTokenId: parseBos(fields.bos_token_id, vocabSize),
    eosTokenIds: parseEos(fields.eos_token_id, vocabSize),
  }
}

/** Absent fields get the defaults of the class. Null is a value of its own. */
function withDefaults(given: Fields, defaults: Fields): Fields {
  const fields: Record<string, unknown> = { ...defaults }
  for (const [name, value] of Object.entries(given)) if (value !== undefined) fields[name] = value
  fields.rope_parameters ??= defaults.rope_parameters
  return fields
}

function refuseUnsupported(fields: Fields): void {
  const { hidden_act: activation } = fields
  if (activation !== 'silu' && activation !== 'swish') {
    throw new ConfigError('hidden_act', activation, 'is not supported; silu is')
  }
}

/** Fields of other classes, which transformers reads and never uses. */
function noteIgnored(modelType: string, fields: Fields, note: Note): void {
  const { windows, biases } = MODEL_TYPES[modelType]!
  const ignored = (name: string) => {
    const value = JSON.stringify(fields[name])?.slice(0, 80)
    note(`config.json: ${name} (${value}) means nothing in a model of the type ${modelType} and is ignored`)
  }
  if (windows === 'none') {
    if (fields.sliding_window != null) ignored('sliding_window')
    if (fields.layer_types != null) ignored('layer_types')
  } else if (fields.sliding_window !== null) {
    if (fields.use_sliding_window === false) ignored('use_sliding_window')
    if (fields.use_sliding_window === true && fields.max_window_layers != null) ignored('max_window_layers')
    if (windows === 'every layer' && fields.layer_types != null) ignored('layer_types')
  }
  for (const name of ['attention_bias', 'mlp_bias']) {
    if (!biases && fields[name] != null && fields[name] !== false) ignored(name)
  }
}

function parseWindows(
  windows: ModelClass['windows'],
  { sliding_window: given, layer_types: types }: Fields,
  nLayers: number,
): (number | undefined)[] {
  const every = (window: number | undefined) => Array.from({ length: nLayers }, () => window)
  if (windows === 'none') return every(undefined)
  const window = given === null ? undefined : positiveInteger('sliding_window', given, CONFIG_LIMITS.positions)
  return windows === 'layer_types' && types != null ? parseLayerTypes(types, window, nLayers) : every(window)
}

function parseLayerTypes(types: unknown, window: number | undefined, nLayers: number): (number | undefined)[] {
  if (!Array.isArray(types) || types.length !== nLayers) {
    throw new ConfigError('layer_types', types, `must be a list of ${nLayers} names, one per layer`)
  }
  return types.map((type: unknown, layer) => {
    // The second is what old files call the first.
    if (type === 'full_attention' || type === 'attention') return undefined
    if (type !== 'sliding_attention') {
      throw new ConfigError(`layer_types[${layer}]`, type, 'is not supported; full_attention and sliding_attention are')
    }
    if (window === undefined) {
      throw new ConfigError(`layer_types[${layer}]`, type, 'needs a sliding_window, which is not set')
    }
    return window
  })
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
