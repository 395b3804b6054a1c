/** The hyper-parameters of Mistral's own layout: `params.json`. */
import { ConfigError } from '../errors.ts'
import { CONFIG_LIMITS, checkHeads, type ModelConfig, numberAbove, positiveInteger, ropeReader } from './config.ts'
import { asObject, type Fields, type Note } from './hf-classes.ts'
import { EXPERTS_FACT, otherModelFact } from './other-models.ts'
import type { RopeReader } from './rope.ts'
import { ROPE_SCALINGS } from './rope-scalings.ts'

/** What vLLM takes for files that do not say how many positions their model was trained for. */
const USUAL_POSITIONS = 128_000

/** Keys that are read here, or say what holds for every model of this kind. */
const KNOWN = new Set(
  (
    'dim n_layers head_dim hidden_dim n_heads n_kv_heads norm_eps vocab_size rope_theta sliding_window _sliding_window ' +
    'tied_embeddings max_position_embeddings max_seq_len max_batch_size yarn llama_4_scaling model_type quantization'
  ).split(' '),
)
const ABOUT_IMAGES = new Set(['vision_encoder', 'multimodal'])

/**
 * @param json the parsed `params.json`
 * @param note hears of keys that have no effect
 * @throws ConfigError naming the key, for what is impossible and for what is not implemented
 */
export function parseNativeConfig(json: unknown, note: Note = () => {}): ModelConfig {
  const params = asObject('params.json', json)
  refuseUnsupported(params)
  noteIgnored(params, note)
  const count = (name: string, max: number) => positiveInteger(name, params[name], max)
  const nLayers = count('n_layers', CONFIG_LIMITS.layers)
  const nHeads = count('n_heads', CONFIG_LIMITS.heads)
  const nKvHeads = positiveInteger('n_kv_heads', params.n_kv_heads ?? nHeads, CONFIG_LIMITS.heads)
  const headDim = count('head_dim', CONFIG_LIMITS.headDim)
  checkHeads({ heads: 'n_heads', kvHeads: 'n_kv_heads', headDim: 'head_dim' }, { nHeads, nKvHeads, headDim })
  const slidingWindows = parseWindows(params, nLayers)
  // mistral-inference takes another base for models with windows when the file states none.
  const usualTheta = slidingWindows.some((window) => window !== undefined) ? 10_000 : 1_000_000
  const maxPositions = positiveInteger(
    'max_position_embeddings',
    params.max_position_embeddings ?? params.max_seq_len ?? USUAL_POSITIONS,
    CONFIG_LIMITS.positions,
  )
  const vocabSize = count('vocab_size', CONFIG_LIMITS.vocab)
  return {
    architecture: 'MistralForCausalLM',
    dim: count('dim', CONFIG_LIMITS.dim),
    nLayers,
    nHeads,
    nKvHeads,
    headDim,
    hiddenDim: count('hidden_dim', CONFIG_LIMITS.hiddenDim),
    vocabSize,
    normEps: numberAbove('norm_eps', params.norm_eps, 0, 1),
    ropeTheta: numberAbove('rope_theta', params.rope_theta ?? usualTheta, 0, 1e15),
    ropeScaling: parseYarn(params, maxPositions),
    ropeDivisors: undefined,
    queryScale: parseQueryScale(params, maxPositions),
    maxPositions,
    slidingWindows,
    tiedEmbeddings: flag(params, 'tied_embeddings'),
    attentionBias: false,
    mlpBias: false,
    ropePairing: 'adjacent',
    // The file names no ids; all vocabularies of the vendor have these.
    bosTokenId: vocabSize > 1 ? 1 : undefined,
    eosTokenIds: vocabSize > 2 ? [2] : [],
  }
}

/** Keys that change the graph, with the values that change nothing. */
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  activation: ['silu'],
  causal: [true],
  use_biases: [false],
  lora: [],
  ada_rms_norm_t_cond: [false],
}
const LATENT = ['q_lora_rank', 'kv_lora_rank', 'qk_rope_head_dim', 'qk_nope_head_dim']

function refuseUnsupported(params: Fields): void {
  for (const name of LATENT) {
    if (params[name] != null) throw new ConfigError(name, params[name], otherModelFact('deepseek2') as string)
  }
  if (params.moe != null) throw new ConfigError('moe', params.moe, EXPERTS_FACT)
  if (params.v_head_dim != null && params.v_head_dim !== params.head_dim) {
    throw new ConfigError('v_head_dim', params.v_head_dim, 'must be the head_dim; else not supported')
  }
  const { whisper_model_args: speech } = (params.multimodal ?? {}) as { whisper_model_args?: unknown }
  if (speech != null)
    throw new ConfigError('multimodal.whisper_model_args', speech, otherModelFact('voxtral') as string)
  for (const [name, neutral] of Object.entries(NEUTRAL)) {
    const value = params[name]
    if (value == null || neutral.includes(value)) continue
    throw new ConfigError(name, value, 'is not supported')
  }
}

function noteIgnored(params: Fields, note: Note): void {
  const given = Object.keys(params).filter((name) => params[name] != null)
  const images = given.filter((name) => ABOUT_IMAGES.has(name))
  if (images.length > 0) {
    note(`params.json: ${images.join(', ')} is about images and has no effect, for the text model runs alone`)
  }
  const read = (name: string) => KNOWN.has(name) || ABOUT_IMAGES.has(name) || name in NEUTRAL || name === 'v_head_dim'
  const others = given.filter((name) => !read(name))
  if (others.length > 0) note(`params.json: ${others.join(', ').slice(0, 200)} means nothing here and is ignored`)
}

function flag(params: Fields, name: string, field = name): boolean {
  const value = params[name] ?? false
  if (typeof value !== 'boolean') throw new ConfigError(field, value, 'must be true or false')
  return value
}

/** One window for all layers, or a list that repeats over them, whose nulls are full attention. */
function parseWindows(params: Fields, nLayers: number): (number | undefined)[] {
  const name = params.sliding_window == null ? '_sliding_window' : 'sliding_window'
  const given = params[name] ?? null
  const list: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (list.length === 0 || nLayers % list.length !== 0) {
    throw new ConfigError(name, given, `must have a length that divides the ${nLayers} of n_layers`)
  }
  const windows = list.map((window) =>
    window === null ? undefined : positiveInteger(name, window, CONFIG_LIMITS.positions),
  )
  return Array.from({ length: nLayers }, (_, layer) => windows[layer % windows.length])
}

/** The names of Hugging Face for the keys of `yarn`. */
const YARN: Readonly<Record<string, string>> = { beta_fast: 'beta', beta_slow: 'alpha' }

function parseYarn(params: Fields, maxPositions: number): ModelConfig['ropeScaling'] {
  if (params.yarn == null) return undefined
  const yarn = asObject('yarn', params.yarn)
  const own = (name: string) => YARN[name] ?? name
  const known = ['factor', 'original_max_position_embeddings', 'beta', 'alpha', 'apply_scale']
  const other = Object.keys(yarn).find((name) => !known.includes(name) && yarn[name] !== null)
  if (other !== undefined)
    throw new ConfigError(`yarn.${other}`, yarn[other], `is not supported; ${known.join(', ')} are`)
  // vLLM, the vendor's own choice for these files, scales where nothing is said.
  const scales = yarn.apply_scale == null || flag(yarn, 'apply_scale', 'yarn.apply_scale')
  const read: RopeReader = ropeReader(
    (name) => `yarn.${own(name)}`,
    // Equal multipliers cancel out, and the factor is 1.
    (name) => (name.startsWith('mscale') ? (scales ? undefined : 1) : yarn[own(name)]),
    maxPositions,
  )
  return ROPE_SCALINGS.yarn.fromHf(read)
}

function parseQueryScale(params: Fields, maxPositions: number): ModelConfig['queryScale'] {
  if (params.llama_4_scaling == null) return undefined
  const scaling = asObject('llama_4_scaling', params.llama_4_scaling)
  const read = ropeReader(
    (name) => `llama_4_scaling.${name}`,
    (name) => scaling[name],
    maxPositions,
  )
  const beta = read.number('beta', 0)
  const length = read.positions('original_max_position_embeddings', maxPositions)
  return beta === 0 ? undefined : { beta, length }
}
