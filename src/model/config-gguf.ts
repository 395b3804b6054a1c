/** The hyper-parameters of a GGUF, from its metadata and the shapes of its tensors. */
import { ConfigError } from '../errors.ts'
import type { GgufMetadata, GgufValue } from '../formats/gguf-metadata.ts'
import type { TensorInfo, UnsupportedTensor } from '../formats/tensor-file.ts'
import {
  CONFIG_LIMITS,
  checkHeads,
  type ModelConfig,
  numberAbove,
  positiveInteger,
  ropeReader,
  tokenId,
  withSlidingWindow,
} from './config.ts'
import { EXPERTS_FACT, otherModelFact } from './other-models.ts'
import type { RopeScaling } from './rope.ts'
import { ROPE_SCALINGS } from './rope-scalings.ts'

type Shapes = ReadonlyMap<string, Pick<TensorInfo | UnsupportedTensor, 'shape'>>

const ARCHITECTURES: Readonly<Record<string, ModelConfig['architecture']>> = {
  llama: 'LlamaForCausalLM',
  mistral: 'MistralForCausalLM',
  // What the name says is not enough: files of one model are called llama or mistral3 by their age, so keys decide.
  mistral3: 'MistralForCausalLM',
}

/** Keys under the architecture's name that change the graph; a value other than the one here is refused. */
const NEUTRAL: Readonly<Record<string, GgufValue>> = {
  expert_count: 0,
  expert_used_count: 0,
  use_parallel_residual: false,
  'attention.causal': true,
  'attention.scale': 0,
  'attention.clamp_kqv': 0,
  'attention.max_alibi_bias': 0,
  logit_scale: 0,
  residual_scale: 0,
  embedding_scale: 0,
}

/** End of text, end of turn and end of message all end an answer. */
const EOS_KEYS = ['eos_token_id', 'eot_token_id', 'eom_token_id']

export interface GgufConfigOptions {
  /** GGUFs of Mistral 7B v0.1 do not carry its window: this sets it. Null is full attention whatever the file says. */
  readonly slidingWindow?: number | null | undefined
}

/**
 * @param tensors every tensor of the file, by name
 * @throws ConfigError naming the key, for what is impossible and for what is not implemented; ParameterError for a bad
 *   `slidingWindow`
 */
export function parseGgufConfig(metadata: GgufMetadata, tensors: Shapes, options: GgufConfigOptions = {}): ModelConfig {
  const arch = metadata.get('general.architecture')
  const architecture = architectureOf(arch)
  const key: Key = (name) => `${arch}.${name}`
  const get: Get = (name) => metadata.get(key(name))
  const count = (name: string, max: number, fallback?: number) =>
    positiveInteger(key(name), uniform(key(name), get(name)) ?? fallback, max)
  refuseUnsupported(key, get)
  const dim = count('embedding_length', CONFIG_LIMITS.dim)
  const nLayers = count('block_count', CONFIG_LIMITS.layers)
  const nHeads = count('attention.head_count', CONFIG_LIMITS.heads)
  const nKvHeads = count('attention.head_count_kv', CONFIG_LIMITS.heads, nHeads)
  const headDim = count('attention.key_length', CONFIG_LIMITS.headDim, dim / nHeads)
  checkHeads(
    {
      heads: key('attention.head_count'),
      kvHeads: key('attention.head_count_kv'),
      headDim: key('attention.key_length'),
    },
    { nHeads, nKvHeads, headDim },
  )
  for (const name of ['attention.value_length', 'rope.dimension_count']) {
    const value = count(name, CONFIG_LIMITS.headDim, headDim)
    if (value !== headDim) throw new ConfigError(key(name), value, `must be the head's ${headDim}; else not supported`)
  }
  const vocabSize = vocabularyOf(tensors)
  const window = windowOf(key, get)
  const maxPositions = count('context_length', CONFIG_LIMITS.positions)
  const config: ModelConfig = {
    architecture,
    dim,
    nLayers,
    nHeads,
    nKvHeads,
    headDim,
    hiddenDim: count('feed_forward_length', CONFIG_LIMITS.hiddenDim),
    vocabSize,
    normEps: numberAbove(key('attention.layer_norm_rms_epsilon'), get('attention.layer_norm_rms_epsilon'), 0, 1),
    ropeTheta: numberAbove(key('rope.freq_base'), get('rope.freq_base') ?? 10_000, 0, 1e15),
    ropeScaling: parseScaling(key, get, maxPositions),
    ropeDivisors: undefined,
    queryScale: parseQueryScale(key, get, maxPositions),
    maxPositions,
    slidingWindows: Array.from({ length: nLayers }, () => window),
    tiedEmbeddings: !tensors.has('output.weight'),
    attentionBias: hasBias(tensors, /^blk\.\d+\.attn_(?:q|k|v|output)\.bias$/),
    mlpBias: hasBias(tensors, /^blk\.\d+\.ffn_(?:gate|up|down)\.bias$/),
    ropePairing: 'adjacent',
    bosTokenId: specialToken(metadata, 'bos_token_id', vocabSize),
    eosTokenIds: [
      ...new Set(EOS_KEYS.map((name) => specialToken(metadata, name, vocabSize)).filter((id) => id !== undefined)),
    ],
  }
  return options.slidingWindow === undefined ? config : withSlidingWindow(config, options.slidingWindow)
}

function architectureOf(arch: GgufValue | undefined): ModelConfig['architecture'] {
  const architecture = typeof arch === 'string' && Object.hasOwn(ARCHITECTURES, arch) ? ARCHITECTURES[arch] : undefined
  if (architecture !== undefined) return architecture
  const fact = otherModelFact(arch) ?? `is not supported; ${Object.keys(ARCHITECTURES).join(', ')} are`
  throw new ConfigError('general.architecture', arch, fact)
}

type Key = (name: string) => string
type Get = (name: string) => GgufValue | undefined

function refuseUnsupported(key: Key, get: Get): void {
  for (const [name, neutral] of Object.entries(NEUTRAL)) {
    if ((get(name) ?? neutral) === neutral) continue
    throw new ConfigError(key(name), get(name), name === 'expert_count' ? EXPERTS_FACT : 'is not supported')
  }
  const pattern = 'attention.sliding_window_pattern'
  if (get(pattern) !== undefined) throw new ConfigError(key(pattern), get(pattern), 'is not supported')
}

/** Queries that grow with their position: by steps of the length that the model was trained for before it was stretched. */
function parseQueryScale(key: Key, get: Get, maxPositions: number): ModelConfig['queryScale'] {
  const read = ropeReader(key, get, maxPositions)
  const beta = read.number('attention.temperature_scale', 0)
  if (beta === 0) return undefined
  const length = read.positions('rope.scaling.original_context_length', maxPositions)
  return { beta, length: read.positions('attention.temperature_length', length) }
}

function hasBias(tensors: Shapes, name: RegExp): boolean {
  for (const tensor of tensors.keys()) if (name.test(tensor)) return true
  return false
}

/** Zero is how some converters write "none". */
function windowOf(key: Key, get: Get): number | undefined {
  const window = get('attention.sliding_window')
  if (window === undefined || window === 0) return undefined
  return positiveInteger(key('attention.sliding_window'), window, CONFIG_LIMITS.positions)
}

function vocabularyOf(tensors: Shapes): number {
  const shape = tensors.get('token_embd.weight')?.shape
  if (shape?.length !== 2) {
    throw new ConfigError(
      'token_embd.weight',
      shape,
      'the vocabulary is read from this matrix, which is missing or no matrix',
    )
  }
  return positiveInteger('token_embd.weight rows', shape[0], CONFIG_LIMITS.vocab)
}

/** llama.cpp takes linear scaling when a factor stands without a type. */
function parseScaling(key: Key, get: Get, maxPositions: number): RopeScaling | undefined {
  const read = ropeReader(key, get, maxPositions)
  const hasFactor = get('rope.scaling.factor') !== undefined || get('rope.scale_linear') !== undefined
  const type = get('rope.scaling.type') ?? (hasFactor ? 'linear' : 'none')
  if (type === 'none') return undefined
  const entry =
    typeof type === 'string' && Object.hasOwn(ROPE_SCALINGS, type)
      ? ROPE_SCALINGS[type as RopeScaling['type']]
      : undefined
  if (entry?.fromGguf !== undefined) return entry.fromGguf(read)
  const known = Object.entries(ROPE_SCALINGS).flatMap(([name, { fromGguf }]) => (fromGguf === undefined ? [] : [name]))
  throw new ConfigError(key('rope.scaling.type'), type, `is not supported; none, ${known.join(', ')} are`)
}

/** Keys that may be given per layer: one value for all layers is supported. */
function uniform(field: string, value: GgufValue | undefined): GgufValue | undefined {
  if (typeof value !== 'object') return value
  const items: readonly (GgufValue | undefined)[] = Array.from(value as ArrayLike<GgufValue>)
  if (items.some((item) => item !== items[0])) {
    throw new ConfigError(field, items.slice(0, 8), 'differs between layers, which is not supported')
  }
  return items[0]
}

/** Absent, or 2³² − 1 as some converters write for "none", is undefined. */
function specialToken(metadata: GgufMetadata, name: string, vocabSize: number): number | undefined {
  const field = `tokenizer.ggml.${name}`
  const value = metadata.get(field)
  if (value === undefined || value === 0xffffffff || value === -1) return undefined
  return tokenId(field, value, vocabSize)
}
