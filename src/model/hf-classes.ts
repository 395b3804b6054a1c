/** The model classes of transformers that are implemented: how a config.json names them, and what absent fields mean. */
import { show } from '../errors/show.ts'
import { ConfigError } from '../errors.ts'
import type { ModelConfig } from './config.ts'
import { otherModelFact } from './other-models.ts'

export type Fields = Readonly<Record<string, unknown>>

/** Takes one sentence about something in a checkpoint that has no effect, or not the one that it seems to have. */
export type Note = (text: string) => void

/** One class of transformers: what it takes absent fields for, and which fields it knows. */
export interface ModelClass {
  readonly architecture: ModelConfig['architecture']
  readonly defaults: Fields
  /** One window for every layer, one for the layers that `layer_types` names, or none whatever the config says. */
  readonly windows: 'every layer' | 'layer_types' | 'none'
  /** Whether the matrices may have biases. */
  readonly biases: boolean
  /** Whether queries are scaled by their position (`llama_4_scaling_beta`). */
  readonly scalesQueries: boolean
}

const LLAMA: Fields = {
  vocab_size: 32_000,
  hidden_size: 4096,
  intermediate_size: 11_008,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-6,
  hidden_act: 'silu',
}
const MISTRAL: Fields = {
  ...LLAMA,
  intermediate_size: 14_336,
  num_key_value_heads: 8,
  max_position_embeddings: 131_072,
  sliding_window: 4096,
}
const MINISTRAL_3: Fields = {
  ...MISTRAL,
  vocab_size: 131_072,
  num_hidden_layers: 34,
  head_dim: 128,
  max_position_embeddings: 262_144,
  rms_norm_eps: 1e-5,
  sliding_window: null,
  rope_parameters: {
    rope_type: 'yarn',
    rope_theta: 1_000_000,
    factor: 16,
    original_max_position_embeddings: 16_384,
    mscale: 1,
    mscale_all_dim: 1,
    llama_4_scaling_beta: 0.1,
  },
}

const mistral: ModelClass = {
  architecture: 'MistralForCausalLM',
  defaults: MISTRAL,
  windows: 'every layer',
  biases: false,
  scalesQueries: false,
}

/** By `model_type`, which is what transformers goes by. */
export const MODEL_TYPES: Readonly<Record<string, ModelClass>> = {
  mistral,
  ministral: { ...mistral, windows: 'layer_types' },
  ministral3: { ...mistral, defaults: MINISTRAL_3, scalesQueries: true },
  llama: { ...mistral, architecture: 'LlamaForCausalLM', defaults: LLAMA, windows: 'none', biases: true },
}

/** For configs without a `model_type`, which transformers refuses. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  MistralForCausalLM: 'mistral',
  MinistralForCausalLM: 'ministral',
  Ministral3ForCausalLM: 'ministral3',
  LlamaForCausalLM: 'llama',
}

/**
 * The name of the class that a config is for, a key of {@link MODEL_TYPES}.
 * @param wrapped the config stands inside of another, where its `model_type` alone decides
 * @throws ConfigError
 */
export function modelTypeOf(fields: Fields, note: Note, wrapped: boolean): string {
  const { architectures, model_type: modelType } = fields
  const names: readonly unknown[] = Array.isArray(architectures) ? architectures : []
  const name = names.find((name) => typeof name === 'string' && Object.hasOwn(ARCHITECTURES, name))
  const named = name === undefined ? undefined : ARCHITECTURES[name as string]
  if (modelType == null) {
    if (named !== undefined) return named
    const other = names.map(otherModelFact).find((fact) => fact !== undefined)
    if (other !== undefined) throw new ConfigError('architectures', architectures, other)
    if (names.length > 0) {
      const known = Object.keys(ARCHITECTURES).join(', ')
      throw new ConfigError('architectures', architectures, `is not supported; ${known} are`)
    }
  }
  if (typeof modelType !== 'string' || !Object.hasOwn(MODEL_TYPES, modelType)) {
    const known = `must be one of ${Object.keys(MODEL_TYPES).join(', ')}`
    throw new ConfigError(
      'model_type',
      modelType,
      otherModelFact(modelType) ?? (wrapped ? known : `${known}, mistral3`),
    )
  }
  if (wrapped) return modelType
  // The vendor calls models with a window per layer by Mistral's name; transformers takes them for what they are.
  const meant = modelType === 'mistral' && 'layer_types' in fields ? 'ministral' : modelType
  if (names.length > 0 && named !== modelType && named !== meant) {
    note(`config.json: architectures says ${show(names)}, but model_type ${modelType} decides`)
  }
  return meant
}

/** @throws ConfigError unless `value` is an object */
export function asObject(field: string, value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(field, value, 'must be an object')
  }
  return value as Fields
}
