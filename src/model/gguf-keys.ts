/** The hyper-parameters of any model as the metadata of a GGUF, and the proof that they say the same when they are read. */
import { ConfigError } from '../errors.ts'
import type { GgufPair } from '../formats/gguf-writer.ts'
import type { ModelConfig } from './config.ts'
import { parseGgufConfig } from './config-gguf.ts'
import { type RopeScaling, ropeFrequencies } from './rope.ts'
import { yarnMagnitude } from './rope-scalings.ts'

/** llama.cpp knows queries that grow with their position in this architecture alone. */
function architectureOf({ queryScale }: ModelConfig): 'llama' | 'mistral3' {
  return queryScale === undefined ? 'llama' : 'mistral3'
}

/** Keys of ids that end an answer. */
const END_KEYS = ['eos_token_id', 'eot_token_id', 'eom_token_id'] as const

/** The pairs that say what the config says. Frequencies of Llama 3's kind are a tensor: {@link ropeDivisorsOf}. */
export function ggufKeys(config: ModelConfig): GgufPair[] {
  const arch = architectureOf(config)
  const u32 = (key: string, value: number): GgufPair => ({ key: `${arch}.${key}`, type: 'u32', value })
  const f32 = (key: string, value: number): GgufPair => ({ key: `${arch}.${key}`, type: 'f32', value })
  const window = config.slidingWindows[0]
  const { queryScale } = config
  return [
    { key: 'general.architecture', type: 'string', value: arch },
    u32('vocab_size', config.vocabSize),
    u32('context_length', config.maxPositions),
    u32('embedding_length', config.dim),
    u32('block_count', config.nLayers),
    u32('feed_forward_length', config.hiddenDim),
    u32('attention.head_count', config.nHeads),
    u32('attention.head_count_kv', config.nKvHeads),
    u32('attention.key_length', config.headDim),
    u32('attention.value_length', config.headDim),
    f32('attention.layer_norm_rms_epsilon', config.normEps),
    ...(window === undefined ? [] : [u32('attention.sliding_window', window)]),
    ...(queryScale === undefined
      ? []
      : [f32('attention.temperature_scale', queryScale.beta), u32('attention.temperature_length', queryScale.length)]),
    u32('rope.dimension_count', config.headDim),
    f32('rope.freq_base', config.ropeTheta),
    ...scalingKeys(config.ropeScaling, u32, f32, arch),
    ...endKeys(config),
  ]
}

type Pair = (key: string, value: number) => GgufPair

function scalingKeys(scaling: RopeScaling | undefined, u32: Pair, f32: Pair, arch: string): GgufPair[] {
  const key = (name: string) => `rope.scaling.${name}`
  const type = (value: string): GgufPair => ({ key: `${arch}.${key('type')}`, type: 'string', value })
  if (scaling?.type === 'linear') return [type('linear'), f32(key('factor'), scaling.factor)]
  if (scaling?.type !== 'yarn') return []
  const { factor, originalMaxPositions, betaFast, betaSlow, attentionFactor } = scaling
  return [
    type('yarn'),
    f32(key('factor'), factor),
    u32(key('original_context_length'), originalMaxPositions),
    f32(key('yarn_beta_fast'), betaFast),
    f32(key('yarn_beta_slow'), betaSlow),
    f32(key('attn_factor'), attentionFactor / yarnMagnitude(factor)),
  ]
}

function endKeys({ bosTokenId, eosTokenIds }: ModelConfig): GgufPair[] {
  if (eosTokenIds.length > END_KEYS.length) {
    throw new ConfigError('eos_token_id', eosTokenIds, `a GGUF names ${END_KEYS.length} ids that end an answer at most`)
  }
  const named = [...END_KEYS.map((name, i) => [name, eosTokenIds[i]] as const), ['bos_token_id', bosTokenId] as const]
  return named.flatMap(([name, value]): GgufPair[] =>
    value === undefined ? [] : [{ key: `tokenizer.ggml.${name}`, type: 'u32', value }],
  )
}

/** What the frequency of each pair is divided by, where keys cannot say it; the tensor `rope_freqs.weight`. */
export function ropeDivisorsOf(config: ModelConfig): readonly number[] | undefined {
  if (config.ropeScaling?.type !== 'llama3') return config.ropeDivisors
  const plain = ropeFrequencies({ ...config, ropeScaling: undefined, ropeDivisors: undefined })
  return ropeFrequencies(config).map((frequency, i) => plain[i]! / frequency)
}

/** Relative difference of numbers that went through f32. */
const F32 = 1e-6

/**
 * Reads the metadata back and compares.
 * @param shapes of the tensors by their names, outermost first
 * @throws ConfigError naming what a GGUF cannot say
 */
export function checkGgufKeys(
  config: ModelConfig,
  pairs: readonly GgufPair[],
  shapes: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): void {
  const metadata = new Map(pairs.map(({ key, type, value }) => [key, type === 'f32' ? Math.fround(value) : value]))
  const read: ModelConfig = { ...parseGgufConfig(metadata, shapes), ropeDivisors: ropeDivisorsOf(config) }
  for (const field of FIELDS) {
    if (same(config[field], read[field])) continue
    throw new ConfigError(
      field,
      config[field],
      `cannot be said in a GGUF, which would mean ${JSON.stringify(read[field])}`,
    )
  }
  const before = [...ropeFrequencies(config), attentionFactor(config)]
  if (same(before, [...ropeFrequencies(read), attentionFactor(read)])) return
  throw new ConfigError('rope_scaling', config.ropeScaling, 'cannot be said in a GGUF')
}

const FIELDS = [
  'dim',
  'nLayers',
  'nHeads',
  'nKvHeads',
  'headDim',
  'hiddenDim',
  'vocabSize',
  'normEps',
  'ropeTheta',
  'queryScale',
  'maxPositions',
  'slidingWindows',
  'tiedEmbeddings',
  'attentionBias',
  'mlpBias',
  'bosTokenId',
  'eosTokenIds',
] as const satisfies readonly (keyof ModelConfig)[]

function attentionFactor({ ropeScaling }: ModelConfig): number {
  return ropeScaling?.type === 'yarn' ? ropeScaling.attentionFactor : 1
}

/** Equal, numbers as far as f32 tells. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) <= F32 * Math.abs(a)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))]
  return left.length === right.size && left.every(([key, value]) => same(value, right.get(key)))
}
